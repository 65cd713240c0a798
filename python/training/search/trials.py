"""What is known of the trials of a search: a line each in trials.jsonl as they end, trials.csv, and a table for the log."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from python.config.search_space import Dimension
from python.general_purpose_libs import DataError, log, write_text, writing_to
from python.runs.files import TRIALS_FILE, TRIALS_TABLE

FACTS = ("number", "status", "loss", "metric", "epochs", "best_epoch", "seconds", "memory_mb", "reason")
WIDEST_NUMBER = "-0.00012346"  # of five digits


@dataclass(frozen=True)
class Trial:
    """A finished trial of a search.

    `number` counts from 1 in the order of proposal; `values` are those of the searched names. `metric` is the objective in the
    best epoch (from 1) and `loss` what the search makes small, see `loss_of`; both None where the trial failed. `reason` says why
    it failed or was pruned. `curve` is the objective after each epoch, NaN where it was not finite.
    """

    number: int
    values: dict[str, Any]
    status: Literal["done", "pruned", "failed"]
    metric: float | None
    loss: float | None
    reason: str
    epochs: int
    best_epoch: int
    seconds: float
    memory_mb: int
    curve: list[float]

    @property
    def has_loss(self) -> bool:
        """Whether the trial can be compared with others: it has not failed, and its loss is finite."""
        return self.status != "failed" and self.loss is not None and math.isfinite(self.loss)

    def to_json(self) -> dict[str, Any]:
        """The fields as plain JSON values, null for a number that is not finite."""
        return _without_non_finite(asdict(self))

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Trial:
        """The inverse of `to_json`; TypeError where fields are missing or unknown."""
        trial = cls(**fields)
        return cls(**{**fields, "curve": [math.nan if value is None else value for value in trial.curve]})


def _without_non_finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_non_finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_non_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def best_trial(trials: Iterable[Trial]) -> Trial | None:
    """The trial of smallest loss among those that were not pruned, of equals the first; None where there is none."""
    done = [trial for trial in trials if trial.status == "done" and trial.has_loss]
    return min(done, key=lambda trial: (trial.loss, trial.number), default=None)


class TrialLog:
    """The finished trials of the run in `folder`: trials.jsonl, from which a search goes on, and trials.csv for people."""

    def __init__(self, folder: str | os.PathLike) -> None:
        self.path = Path(folder) / TRIALS_FILE
        self.table = Path(folder) / TRIALS_TABLE

    def read(self) -> list[Trial]:
        """The trials in the order in which they ended; of one number the first.

        A last line without its end, left by a process that was killed while writing, does not count. DataError on any
        other line that is no trial.
        """
        content = self.path.read_bytes() if self.path.exists() else b""
        *lines, rest = content.split(b"\n")
        if rest:
            log.warning("%s: the last line was not written to its end; its trial is done again", self.path)
        trials: dict[int, Trial] = {}
        for line_number, line in enumerate(lines, start=1):
            try:
                trial = Trial.from_json(json.loads(line))
            except (ValueError, TypeError) as error:
                raise DataError(
                    f"{self.path}, line {line_number}: is no trial ({error}); take the line out to do its trial again"
                ) from error
            trials.setdefault(trial.number, trial)
        return list(trials.values())

    def append(self, trial: Trial) -> None:
        """Add `trial`; once this returns it outlives the process and the machine."""
        line = json.dumps(trial.to_json(), ensure_ascii=False, allow_nan=False).encode() + b"\n"
        with writing_to(self.path):
            is_new = not self.path.exists()
            with open(self.path, "ab") as file:
                file.truncate(self._size_of_whole_lines())
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
            if is_new:
                _sync_folder(self.path.parent)
        write_text(self.table, csv_text(self.read()))

    def _size_of_whole_lines(self) -> int:
        return self.path.read_bytes().rfind(b"\n") + 1


def _sync_folder(folder: Path) -> None:
    """Make the name of a new file last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ---------------------------------------------------------------------------- tables
def csv_text(trials: Sequence[Trial]) -> str:
    """The trials as comma-separated values: FACTS, then each searched name."""
    names = list(dict.fromkeys(name for trial in trials for name in trial.values))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*FACTS, *map(column_name, names)])
    for trial in trials:
        fields = trial.to_json()
        values = [value_text(trial.values[name]) if name in trial.values else "" for name in names]
        writer.writerow([*(fields[name] for name in FACTS), *values])
    return text.getvalue()


def column_name(name: str) -> str:
    """The heading of a searched name: the loss can be searched, and is not the loss that a trial reached."""
    return f"searched_{name}" if name in FACTS else name


def value_text(value: Any) -> str:
    """A searched value in words: a text as it is, anything else as in JSON."""
    return value if isinstance(value, str) else json.dumps(value)


class TrialTable:
    """Lines of a table that is said trial by trial: the columns are as wide as the space of the search may need."""

    def __init__(self, dimensions: Mapping[str, Dimension], objective: str) -> None:
        self.names = list(dimensions)
        headings = {"trial": "0", **{column_name(name): _widest(each) for name, each in dimensions.items()}}
        headings |= {"loss": WIDEST_NUMBER, objective: WIDEST_NUMBER, "seconds": "99999.9", "memory": "999999 MB"}
        self.widths = {name: max(len(name), len(text)) for name, text in headings.items()}

    @property
    def header(self) -> str:
        return self._line(list(self.widths))

    def line(self, trial: Trial) -> str:
        """The trial's number, values, loss, metric, time and memory; why it failed or was pruned stands at the end."""
        values = [_short(trial.values[name]) for name in self.names]
        reached = ["-" if number is None else _short(number) for number in (trial.loss, trial.metric)]
        cells = [str(trial.number), *values, *reached, f"{trial.seconds:.1f}", f"{trial.memory_mb} MB"]
        status = "" if trial.status == "done" else f"  {trial.status}: {' '.join(trial.reason.split())}"
        return self._line(cells) + status

    def _line(self, cells: Sequence[str]) -> str:
        return "  ".join(cell.rjust(width) for cell, width in zip(cells, self.widths.values(), strict=True))


def _widest(dimension: Dimension) -> str:
    """The longest text that a cell of the dimension may hold."""
    return max(map(_short, dimension.values), key=len) if dimension.form == "choice" else WIDEST_NUMBER


def _short(value: Any) -> str:
    """A value as a cell of the log: five digits of a number."""
    return f"{value:.5g}" if isinstance(value, float) else value_text(value)
