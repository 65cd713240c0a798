"""build_likelihood.sh: likelihood tables from the answers of finished runs of the electron-direction regressor."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from python.commands.parser import CommandParser
from python.commands.path_option import named_path
from python.commands.predict import FORMAT_VERSION as ANSWERS_VERSION
from python.comparison.direction_runs import has_directions
from python.general_purpose_libs import ConfigError, DataError, log, run_command, start_logging, writing_to
from python.runs.files import PLOTS, REPORT_FILE
from python.runs.finished import require_different, require_done, task_of_run
from python.tasks import TASKS

if TYPE_CHECKING:
    from python.pointing.answers import Parts
    from python.pointing.building import Built
    from python.pointing.likelihood import LikelihoodTables

HIGHEST_MEV = 1e6


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
        help="more answers of predict.sh whose truth is known, for events of other channels and spectra; every other event is "
        "held out",
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
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 < value < HIGHEST_MEV:
        raise argparse.ArgumentTypeError(f"{text}: is no energy in MeV above 0; name edges such as 5 10 20")
    return value


def main(argv: Sequence[str] | None = None) -> int:
    options = make_parser().parse_args(argv)
    start_logging(options.verbose)
    runs = [Path(run) for run in options.runs]
    for run in runs:
        _check_run(run)
    require_different(runs)
    if options.bins and any(low >= high for low, high in zip(options.bins, options.bins[1:], strict=False)):
        raise ConfigError(f"--bins {' '.join(f'{edge:g}' for edge in options.bins)}: must rise from edge to edge")
    from python.plots.text_lines import table_lines
    from python.pointing.answers import read_parts
    from python.pointing.building import EDGES_MEV, build_tables  # after -h, which needs the standard library only
    from python.pointing.likelihood import TABLES_FILE, LikelihoodTables, write_tables

    output = Path(options.output)
    path = output / TABLES_FILE
    if path.exists() and not options.force:
        raise ConfigError(f"{path}: is there already; choose another folder with -o, or replace it with --force")
    edges = (*options.bins, float("inf")) if options.bins else EDGES_MEV
    more = [Path(name) for name in options.predictions]
    for file in more:
        _check_format(file)
    parts = read_parts(runs, more)
    built = build_tables(parts.fitted, parts.held_out, edges)
    built.notes[:0] = parts.notes
    for note in built.notes:
        log.warning("%s", note)
    tables = LikelihoodTables(built.tables, built.thirds, _provenance(runs, more, parts, edges))
    with writing_to(output):
        output.mkdir(parents=True, exist_ok=True)
    _report(output, built, tables, parts)
    write_tables(path, tables)
    print("\n".join(table_lines(_judgement(tables))))
    print(path)
    return 0


def _check_run(run: Path) -> None:
    task = task_of_run(run)
    if not has_directions(task):
        known = ", ".join(name for name in TASKS if has_directions(name))
        raise ConfigError(f"{run}: is a run of {task}, which answers with no direction; give runs of {known}")
    require_done(run, str(task), ", or leave it out")


def _check_format(path: Path) -> None:
    """Raise DataError for answers of a later release."""
    from python.data.npz import read_npz

    version = read_npz(path).get("format_version")
    if version is not None and (version.dtype.kind not in "iu" or version.ndim or version > ANSWERS_VERSION):
        raise DataError(
            f"{path}: its answers are of format {version}, this release reads {ANSWERS_VERSION}; ask again with its predict.sh"
        )


def _provenance(runs: Sequence[Path], more: Sequence[Path], parts: Parts, edges: Sequence[float]) -> dict[str, Any]:
    from python.training.provenance import git_commit
    from python.version import VERSION

    return {
        "runs": ["/".join(run.resolve().parts[-2:]) for run in runs],
        "predictions": [path.name for path in more],
        "reconstructed_energy": parts.energy,
        "events_fitted": len(parts.fitted),
        "events_held_out": len(parts.held_out),
        "edges_mev": [edge for edge in edges if edge < float("inf")],
        "commit": git_commit(),
        "release": VERSION,
    }


def _judgement(tables: LikelihoodTables) -> list[list[str]]:
    """The held-out log-likelihood of an event by the best estimator, and how far behind it the others are: rows of cells."""
    estimators = list(dict.fromkeys(key.estimator for key in tables.tables))
    rows = [["topology", "angle from", "by energy", "log-likelihood", *estimators]]
    for topology, target, by in dict.fromkeys(key[:3] for key in tables.tables):
        best = tables.table(topology, target, by=by)
        others = {name: tables.table(topology, target, by=by, estimator=name) for name in estimators}
        behind = [
            "best" if table is best else f"{-table.judged.behind:.4f} ± {table.judged.behind_error:.4f}"
            for table in others.values()
        ]
        told = f"{best.judged.log_likelihood:.4f} ± {best.judged.log_likelihood_error:.4f}"
        rows.append([topology, target, by, told, *behind])
    return rows


def _report(output: Path, built: Built, tables: LikelihoodTables, parts: Parts) -> None:
    """Plots of each angle and topology, by reconstructed energy, and a report of all."""
    from python.plots.report import Report, save_figures, write_report
    from python.pointing.figures import drawn_topologies, figures_of
    from python.pointing.likelihood import TARGETS

    figures = {
        f"{topology}_{target}_{name}": figure
        for topology in drawn_topologies(built)
        for target in TARGETS
        for name, figure in figures_of(built, topology, target, parts.fitted, parts.held_out).items()
    }
    save_figures(figures, output / PLOTS)
    facts = {name.replace("_", " "): _in_words(value) for name, value in tables.provenance.items()}
    notes = {"Notes": "\n".join(built.notes)} if built.notes else {}
    write_report(
        output / REPORT_FILE, Report("Likelihood tables", facts, _judgement(tables), texts=notes, figures=figures)
    )


def _in_words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


if __name__ == "__main__":
    sys.exit(run_command(main))
