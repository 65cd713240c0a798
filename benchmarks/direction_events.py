"""What more training events are worth to the direction network that ships, and what 39Ar and 85Kr cost it.

    python -m benchmarks.direction_events MADE

MADE is the folder in which `train_shipped.sh electron_direction -o MADE` made the network: its events, its runs, and the events
that it is judged by. Networks of fewer events of its first training are trained as that was, with as many epochs; the shipped one
goes on from the first training with events of its own, which count with those of the first. All are judged by the same events,
and by these without 39Ar and 85Kr. Everything is kept in MADE/electron_direction/fewer: a call that was interrupted goes on;
`--rows` measures only some. Figures go to benchmarks/results/direction_events.json, the curve is drawn beside it.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.record import ROOT, save_result
from benchmarks.trained import run_of, training_seconds
from electron_direction.main import TASK
from python.general_purpose_libs import read_json
from python.plots.report import save_figures
from python.plots.style import colour, describe, marker, new_figure, panels, show_legend
from python.runs.files import SPLITS_FILE
from python.runs.find import find_runs
from python.samples.splits import PARTS
from python.training.shipping import Recipe, merits
from python.training.trained import Trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FEWER = {"30,000 events": 30_000, "120,000 events": 120_000}
FIRST, SHIPPED = "first training", "shipped"
ROWS = (*FEWER, FIRST, SHIPPED)
QUIET = "--background ar39=0 kr85=0"
ENERGIES = (5, 10)
FIGURES = tuple(
    f"{name}_above_{energy}_mev" for energy in ENERGIES for name in ("containment_68_deg", "head_tail_accuracy")
)


class Made:
    """What train_shipped.sh left in a folder, and what is made beside it."""

    def __init__(self, folder: Path) -> None:
        self.recipe = Recipe.of("electron_direction")
        self.home = folder / self.recipe.task
        self.fewer = self.home / "fewer"

    def run(self, row: str) -> Path:
        """The run of a row."""
        if row in FEWER:
            return self._trained(FEWER[row])
        number = 1 if row == FIRST else len(self.recipe.trainings)
        return find_runs(self.home / "runs" / str(number), self.recipe.task)[-1]

    def later_events(self) -> int:
        """Training events of the last training in sets that the first did not have."""
        first, last = self.recipe.trainings[0], self.recipe.trainings[-1]
        new = [next((self.home / "data" / name).glob("*_planeX.npz")) for name in last.data if name not in first.data]
        sets = {_set_of(np.load(file)["sources"])[0] for file in new}
        splits = np.load(self.run(SHIPPED) / SPLITS_FILE)
        trained = splits["source"][splits["part"] == PARTS.index("train")]
        return int(np.isin(_set_of(splits["sources"]), list(sets))[trained].sum())

    @property
    def test(self) -> Path:
        return self.home / "data" / "test"

    def quiet_test(self) -> Path:
        """The events that networks are judged by, again without 39Ar and 85Kr."""
        return _simulated(self.fewer / "quiet_test", f"{self.recipe.test} {QUIET}")

    def _trained(self, events: int) -> Path:
        """The run of so many of the events of the first training."""
        first = self.recipe.trainings[0]
        data = [self.home / "data" / name for name in first.data]
        words = ["-j", str(ROOT / first.configuration), "-d", *map(str, data), "--max-samples", str(events)]
        return run_of(self.recipe.task, self.fewer / "runs" / str(events), lambda: words)


def _set_of(sources: np.ndarray) -> np.ndarray:
    """What the names of simulated sources have in common with those of their set."""
    return np.array([name.partition("/")[0] for name in sources])


def _simulated(folder: Path, words: str) -> Path:
    command = [sys.executable, "-m", "python.commands.simulate", "-o", str(folder), *shlex.split(words)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return folder


def measured(run: Path, test: Path, quiet_test: Path) -> dict[str, Any]:
    trained = Trained.load(TASK, run)
    return {
        "training_events": int(np.sum(np.load(run / SPLITS_FILE)["part"] == PARTS.index("train"))),
        "training_seconds": round(training_seconds(run)),
        "all_backgrounds": _figures(merits(trained, str(test))),
        "without_ar39_kr85": _figures(merits(trained, str(quiet_test))),
    }


def _figures(merit: Mapping[str, Any]) -> dict[str, list[float]]:
    return {name: [round(float(merit[name + end]), 4) for end in ("", "_low", "_high")] for name in FIGURES}


def drawn(rows: Mapping[str, Mapping[str, Any]]) -> Figure:
    """68 % angle against the number of training events."""
    figure = new_figure("Simulated electrons of elastic scattering, all backgrounds")
    (axes,) = panels(figure)
    for number, energy in enumerate(ENERGIES):
        name = f"containment_68_deg_above_{energy}_mev"
        found = sorted((row["training_events"], *row["all_backgrounds"][name]) for row in rows.values())
        events, angle, low, high = np.transpose(found)
        label = f"above {energy} MeV"
        axes.errorbar(
            events,
            angle,
            [angle - low, high - angle],
            color=colour(number),
            marker=marker(number),
            label=label,
            capsize=3,
        )
    describe(axes, "training events", "angle that holds 68 % (degrees)")
    axes.set_xscale("log")
    show_legend(axes)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("made", type=Path, help="folder that train_shipped.sh was given with -o")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=ROWS, help="only these; others stay as they are")
    options = parser.parse_args()
    made, result = Made(options.made.resolve()), ROOT / "benchmarks" / "results" / "direction_events.json"
    rows: dict[str, dict[str, Any]] = read_json(result)["rows"] if result.is_file() else {}
    judges = made.test, made.quiet_test()
    for row in (name for name in ROWS if name in options.rows):
        rows[row] = measured(made.run(row), *judges)
    if SHIPPED in options.rows:
        rows[SHIPPED]["training_events"] = rows[FIRST]["training_events"] + made.later_events()
    save_figures({"direction_events": drawn(rows)}, ROOT / "benchmarks" / "results")
    save_result("direction_events", {"rows": rows})


if __name__ == "__main__":
    main()
