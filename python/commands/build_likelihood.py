"""build_likelihood.sh: likelihood tables from the answers of finished runs of the electron-direction regressor."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from python.commands.parser import CommandParser
from python.commands.path_option import named_path
from python.comparison.direction_runs import has_directions
from python.general_purpose_libs import ConfigError, DataError, log, run_command, start_logging, writing_to
from python.runs.files import predictions_file
from python.runs.finished import require_done, task_of_run
from python.tasks import TASKS

if TYPE_CHECKING:
    from python.pointing.angles import Angles
    from python.pointing.building import Built
    from python.pointing.likelihood import LikelihoodTables

SHOWN = ("es", "all", "cc")  # of the topologies that there are, the first is drawn
REPORT = "report.pdf"


def make_parser() -> CommandParser:
    parser = CommandParser(
        prog="build_likelihood.sh",
        allow_abbrev=False,
        description="Make likelihood tables from finished runs of electron_direction: how likely an answer is at each angle from "
        "the electron and from the neutrino, given the energy. They are fitted to the validation part, and judged by the test "
        "part. Writes likelihood_tables.npz, plots and a report. The last line of standard output is the file of tables.",
        epilog="Exit codes: 0 done, 2 no finished run of electron_direction, or wrong usage, 3 predictions missing, damaged or "
        "too few, 5 output not writable. "
        "example: ./scripts/build_likelihood.sh output/electron_direction/point_network/20250101_120000 -o output/likelihood",
    )
    add = parser.add_argument
    add("runs", nargs="+", metavar="RUN", help="folders of finished runs, as the training printed them")
    add(
        "-o",
        "--output",
        type=named_path,
        required=True,
        metavar="DIR",
        help="folder for the tables, plots and the report",
    )
    add(
        "--predictions",
        nargs="+",
        default=[],
        metavar="FILE.npz",
        help="more answers to fit to, of predict.sh, whose truth is known; for events of other channels and spectra",
    )
    add(
        "--bins",
        nargs="+",
        type=_energy,
        metavar="MEV",
        help="edges of the bins of energy in MeV, rising; the last bin has no upper edge; default: 5 10 15 20 30 50",
    )
    add("--force", action="store_true", help="replace tables that are there")
    add("-v", "--verbose", action="store_true", help="say more")
    return parser


def _energy(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e6:
        raise ValueError
    return value


def main(argv: Sequence[str] | None = None) -> int:
    options = make_parser().parse_args(argv)
    start_logging(options.verbose)
    runs = [Path(run) for run in options.runs]
    for run in runs:
        _check_run(run)
    if options.bins and any(low >= high for low, high in zip(options.bins, options.bins[1:], strict=False)):
        raise ConfigError(f"--bins {' '.join(map(str, options.bins))}: must rise from edge to edge")
    from python.pointing.building import EDGES_MEV, build_tables  # after -h, which needs the standard library only
    from python.pointing.likelihood import TABLES_FILE, LikelihoodTables, write_tables

    output = Path(options.output)
    path = output / TABLES_FILE
    if path.exists() and not options.force:
        raise ConfigError(f"{path}: is there already; choose another folder with -o, or replace it with --force")
    edges = (*options.bins, float("inf")) if options.bins else EDGES_MEV
    fitted, held_out = _angles(runs, options.predictions)
    built = build_tables(fitted, held_out, edges)
    for note in built.notes:
        log.warning("%s", note)
    tables = LikelihoodTables(built.tables, _provenance(runs, options.predictions, fitted, held_out, edges))
    with writing_to(output):
        output.mkdir(parents=True, exist_ok=True)
    _report(output, built, tables, fitted, held_out)
    write_tables(path, tables)
    print("\n".join(_lines(tables)))
    print(path)
    return 0


def _check_run(run: Path) -> None:
    task = task_of_run(run)
    if not has_directions(task):
        known = ", ".join(name for name in TASKS if has_directions(name))
        raise ConfigError(f"{run}: is a run of {task}, which answers with no direction; give runs of {known}")
    require_done(run, str(task), ", or leave it out")


def _angles(runs: Sequence[Path], more: Sequence[str]) -> tuple[Angles, Angles]:
    """Of the events that are fitted to, and of those that are held out."""
    from python.pointing.angles import Angles
    from python.runs.predictions import DirectionPredictions, read_predictions

    def of(path: Path) -> Angles:
        try:
            return Angles.of(read_predictions(path, DirectionPredictions))
        except ValueError as error:
            raise DataError(f"{path}: {error}; likelihood tables need answers whose truth is known") from error

    fitted = [of(run / predictions_file("val")) for run in runs] + [of(Path(path)) for path in more]
    return Angles.concatenate(fitted), Angles.concatenate([of(run / predictions_file("test")) for run in runs])


def _provenance(
    runs: Sequence[Path], more: Sequence[str], fitted: Angles, held_out: Angles, edges: Sequence[float]
) -> dict[str, Any]:
    from python.training.provenance import git_commit
    from python.version import VERSION

    return {
        "runs": [run.resolve().name for run in runs],
        "predictions": [Path(path).name for path in more],
        "events_fitted": len(fitted),
        "events_held_out": len(held_out),
        "edges_mev": [edge for edge in edges if edge < float("inf")],
        "commit": git_commit(),
        "release": VERSION,
    }


def _lines(tables: LikelihoodTables) -> list[str]:
    """The held-out log-likelihood of every estimator, a line for each, the best marked."""
    from python.plots.text_lines import table_lines

    rows = [["topology", "angle from", "by energy", "estimator", "log-likelihood an event", "error", ""]]
    for key, table in tables.tables.items():
        if key.quality == "all":
            best = tables.table(key.topology, key.target, energy=key.energy) is table
            told = (f"{table.log_likelihood:.4f}", f"{table.log_likelihood_error:.4f}", "best" if best else "")
            rows.append([key.topology, key.target, key.energy, key.estimator, *told])
    return table_lines(rows)


def _report(output: Path, built: Built, tables: LikelihoodTables, fitted: Angles, held_out: Angles) -> None:
    """Plots of each angle, for the first of SHOWN that there is, by reconstructed energy."""
    from python.plots.report import Report, save_figures, write_report
    from python.pointing.figures import figures_of
    from python.pointing.likelihood import TARGETS

    topologies = {key.topology for key in built.tables}
    shown = next(name for name in SHOWN if name in topologies)
    figures = {}
    for target in TARGETS:
        figures |= {
            f"{target}_{name}": figure for name, figure in figures_of(built, shown, target, fitted, held_out).items()
        }
    save_figures(figures, output / "plots")
    facts = {name.replace("_", " "): str(value) for name, value in tables.provenance.items()}
    notes = {"Notes": "\n".join(built.notes)} if built.notes else {}
    texts = {"Held-out log-likelihood of an event, all simulated": "\n".join(_lines(tables)), **notes}
    write_report(output / REPORT, Report(f"Likelihood tables: {shown}", facts, texts=texts, figures=figures))


if __name__ == "__main__":
    sys.exit(run_command(main))
