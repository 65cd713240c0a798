"""Finished runs of the electron-direction regressor, read back for comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from python.general_purpose_libs import ConfigError
from python.runs.files import predictions_file
from python.runs.finished import (
    configuration_of_run,
    require_different,
    require_done,
    run_names,
    task_of_run,
)
from python.tasks import TASKS, about

if TYPE_CHECKING:
    from python.metrics.directions import DirectionResults
    from python.runs.predictions import DirectionPredictions


def has_directions(task: str | None) -> bool:
    """Whether the networks of a task answer with directions."""
    return task in TASKS and about(task).answers == "directions"


@dataclass(frozen=True)
class DirectionRun:
    """A finished run: its folder, the name it goes by, what it trained, and what it answered for N events of one part.

    `events` tells each event of the part from all others; `n_other` are those not known to be elastic scattering.
    """

    folder: Path
    name: str
    facts: dict[str, str | None]
    results: DirectionResults
    events: list[tuple]
    n_other: int


def read_runs(
    given: Sequence[str], names: Sequence[str] | None = None, part: str = "test", flux: str | None = None
) -> list[DirectionRun]:
    """Read the predictions of `part`, test or val, in each run folder; weighted to `flux` where one is named.

    Without `names` a run goes by its version. ConfigError for a folder that is no finished run of the task; DataError when its
    predictions are missing or damaged.
    """
    from python.runs.predictions import DirectionPredictions, read_predictions  # here, since help must not need NumPy

    folders = _checked(given)
    predictions = [read_predictions(folder / predictions_file(part), DirectionPredictions) for folder in folders]
    by_content = all(each.clusters.told_by_content for each in predictions)
    return [
        _read(folder, name, each, by_content, flux)
        for folder, name, each in zip(folders, run_names(folders, names), predictions, strict=True)
    ]


def unlike(runs: Sequence[DirectionRun]) -> Iterator[str]:
    """Which runs were tested on other events than the first one, in words."""
    first = set(runs[0].events)
    for run in runs[1:]:
        common = len(first & set(run.events))
        if not common == len(first) == len(run.events):
            yield (
                f"{run.name} was asked for {len(run.events)} events and {runs[0].name} for {len(first)}, of which {common} are "
                "the same: part of the difference may be the events"
            )


# ---------------------------------------------------------------------------- steps
def _checked(given: Sequence[str]) -> list[Path]:
    folders: list[Path] = []
    for path in map(Path, given):
        task = task_of_run(path)
        if task is None or not has_directions(task):
            known = ", ".join(filter(has_directions, TASKS))
            raise ConfigError(f"{path}: is a run of {task}, and only runs of {known} are compared; leave it out")
        require_done(path, task, ", or leave it out")
        folders.append(path)
    require_different(folders)
    return folders


def _read(
    folder: Path, name: str, predictions: DirectionPredictions, by_content: bool, flux: str | None
) -> DirectionRun:
    import numpy as np

    from python.metrics.spectrum_weights import elastic_scattering_spectrum, spectrum_weights

    results = predictions.results()
    events, n_other = direction_events(predictions, by_content), int(np.sum(predictions.is_es != 1))
    if flux is not None:
        results = results.weighted_by(spectrum_weights(results.true_energy, elastic_scattering_spectrum(flux)))
    config = configuration_of_run(folder)
    facts = {key: config.get(key) for key in ("model_name", "version", "description")}
    return DirectionRun(folder, name, facts, results, events, n_other)


def direction_events(predictions: DirectionPredictions, by_content: bool) -> list[tuple]:
    """Event and cluster of each; and its direction, since files of other data may have the same name."""
    clusters, truth = predictions.clusters, map(tuple, predictions.true_direction.round(4).tolist())
    return list(zip(*clusters.event_columns(by_content), clusters.match_id.tolist(), truth, strict=True))
