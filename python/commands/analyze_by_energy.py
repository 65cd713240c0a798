"""analyze_by_energy.sh: how well trained networks know directions, against the energy of the electron."""

from __future__ import annotations

import csv
import io
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from python.commands.parser import CommandParser
from python.commands.path_option import named_path
from python.comparison.direction_runs import DirectionRun, read_runs, unlike
from python.general_purpose_libs import atomic_path, log, run_command, start_logging, write_json, write_text
from python.runs.status import new_run_folder

if TYPE_CHECKING:
    from python.metrics.classification import Metrics
    from python.metrics.directions import DirectionResults

FLUXES = ("gkvm", "livermore")
COLUMNS = {  # of the printed table: metric and factor
    "68 % [°]": ("containment_68_deg", 1),
    "median [°]": ("median_deg", 1),
    "mean [°]": ("mean_deg", 1),
    "head-tail [%]": ("head_tail_accuracy", 100),
}
ENDS = ("", "_low", "_high")  # of a metric's name: its value and its interval
TABLE_WIDTH = 160


@dataclass(frozen=True)
class Group:
    """Events whose electron has a true kinetic energy in MeV of at least `low` and below `high`; None is no bound."""

    name: str
    low: float | None = None
    high: float | None = None

    def of(self, results: DirectionResults) -> DirectionResults:
        """The members; those of unknown energy only where there are no bounds."""
        if self.low is None and self.high is None:
            return results
        low, high = (-math.inf if self.low is None else self.low), (math.inf if self.high is None else self.high)
        return results.select((results.true_energy >= low) & (results.true_energy < high))


def make_parser() -> CommandParser:
    parser = CommandParser(
        prog="analyze_by_energy.sh",
        description="Compare finished electron-direction runs against the true kinetic energy of the electron: below 20, 20 to "
        "40 and above 40 MeV, and in finer bins. Prints a table, 68 % intervals in brackets, and writes all metrics as JSON and "
        "CSV and a plot. The last line of standard output is the folder that holds them.",
        epilog="Exit codes: 0 done, 2 no finished run of electron_direction, or wrong usage, 3 predictions missing or damaged, "
        "5 output not writable. "
        "example: ./scripts/analyze_by_energy.sh RUN1 RUN2 --name cosine angular --flux gkvm -o output/losses",
    )
    add = parser.add_argument
    add("runs", nargs="+", metavar="RUN", help="folders of finished runs, as the training printed them")
    add(
        "-o",
        "--output",
        type=named_path,
        metavar="DIR",
        help="folder for the results; default: a new one in output/analyze_by_energy",
    )
    add("--part", choices=("test", "val"), default="test", help="part of the data to compare on; default: test")
    add(
        "--flux",
        choices=("none", *FLUXES),
        default="none",
        help="weight the events to the electrons of elastic scattering in this supernova flux; default: none",
    )
    add("--name", nargs="+", metavar="NAME", help="names of the runs, in their order; default: their versions")
    add("-v", "--verbose", action="store_true", help="say more")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    arguments = make_parser().parse_args(argv)
    start_logging(arguments.verbose)
    flux = None if arguments.flux == "none" else arguments.flux
    runs = read_runs(arguments.runs, arguments.name, arguments.part, flux)
    for difference in unlike(runs):
        log.warning("note: %s", difference)
    for run in runs:
        if flux and run.n_other:
            log.warning(
                "note: %d events of %s are not known to be elastic scattering; the flux %s weights them as if they were",
                run.n_other, run.name, flux,
            )  # fmt: skip
    groups = energy_groups()
    found = [[metrics_of(group.of(run.results)) for group in groups] for run in runs]
    output = Path(arguments.output) if arguments.output else new_run_folder("output", "analyze_by_energy")
    _write_numbers(output, runs, groups, found, {"part": arguments.part, "flux": flux})
    _write_plot(output / "by_energy.png", runs, f"{arguments.part} part" + (f", flux {flux}" if flux else ""))
    print("\n".join(table(runs, groups, found)))
    print(output)
    return 0


def energy_groups() -> list[Group]:
    """All events, the three coarse groups and the fine bins."""
    from python.metrics.directions import COARSE_ENERGY_EDGES, FINE_ENERGY_EDGES

    groups = [Group("all")]
    for low, high in (*pairwise(COARSE_ENERGY_EDGES), *pairwise(FINE_ENERGY_EDGES)):
        if high == math.inf:
            groups.append(Group(f"> {low:g}", low))
        elif low == 0:
            groups.append(Group(f"< {high:g}", None, high))
        else:
            groups.append(Group(f"{low:g} to {high:g}", low, high))
    return groups


def metrics_of(results: DirectionResults) -> Metrics:
    """Flat metrics under the names of a run's metrics.json; None where undefined."""
    from python.metrics.directions import direction_statistics, pull_coverage
    from python.metrics.weighted import effective_number

    found = direction_statistics(results)
    if results.predicted_68_deg is not None:
        found["pull_coverage"] = pull_coverage(results)
    flat = {f"{name}{end}": value for name, each in found.items() for end, value in zip(ENDS, each, strict=True)}
    flat["n_effective"] = effective_number(results.weight)
    return {"n": len(results), **{key: float(value) if math.isfinite(value) else None for key, value in flat.items()}}


def table(runs: Sequence[DirectionRun], groups: Sequence[Group], found: Sequence[Sequence[Metrics]]) -> list[str]:
    """Lines of the table: in each group of energies the runs, one below the other."""
    from python.plots.text_lines import table_lines

    width = max(len(group.name) for group in groups)
    rows = [["MeV".ljust(width) + "  run", "events", *COLUMNS]]
    for number, group in enumerate(groups):
        for run, metrics in zip(runs, found, strict=True):
            cells = [_cell(metrics[number], *column) for column in COLUMNS.values()]
            rows.append([f"{group.name:{width}}  {run.name}", f"{metrics[number]['n']:,}", *cells])
    return table_lines(rows, TABLE_WIDTH)


def _cell(metrics: Metrics, name: str, factor: float) -> str:
    value, low, high = (metrics[name + end] for end in ENDS)
    if value is None:
        return "-"
    return f"{factor * value:.1f}" + (
        "" if low is None or high is None else f" [{factor * low:.1f}, {factor * high:.1f}]"
    )


def _write_numbers(
    folder: Path,
    runs: Sequence[DirectionRun],
    groups: Sequence[Group],
    found: Sequence[Sequence[Metrics]],
    settings: dict[str, Any],
) -> None:
    """by_energy.json, and by_energy.csv with a row for each run and group."""
    of_runs = [
        [
            {"group": group.name, "low_mev": group.low, "high_mev": group.high, **each}
            for group, each in zip(groups, all_of, strict=True)
        ]
        for all_of in found
    ]
    entries = [
        {"name": run.name, "folder": str(run.folder), **run.facts, "groups": of_run}
        for run, of_run in zip(runs, of_runs, strict=True)
    ]
    write_json(folder / "by_energy.json", {**settings, "runs": entries})
    rows = [{"run": run.name, **row} for run, of_run in zip(runs, of_runs, strict=True) for row in of_run]
    text = io.StringIO()
    columns = dict.fromkeys(key for row in rows for key in row)  # only some runs tell how sure they are
    writer = csv.DictWriter(text, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(folder / "by_energy.csv", text.getvalue())


def _write_plot(path: Path, runs: Sequence[DirectionRun], what: str) -> None:
    from python.plots import style
    from python.plots.directions_by_energy import plot_energy_comparison

    figure = plot_energy_comparison([(run.name, run.results) for run in runs])
    figure.suptitle(f"{figure.get_suptitle()}: {what}", fontsize=14)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=style.PNG_DPI)


if __name__ == "__main__":
    sys.exit(run_command(main))
