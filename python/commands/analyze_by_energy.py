"""analyze_by_energy.sh: how well several trained networks know directions, against the energy of the electron."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from python.general_purpose_libs import (
    ConfigError,
    DataError,
    atomic_path,
    log,
    new_run_folder,
    read_json,
    read_status,
    run_command,
    start_logging,
    write_json,
    write_text,
)

if TYPE_CHECKING:
    import numpy as np

    from python.classification_libs import Metrics
    from python.regression_libs import DirectionResults

TASK = "electron_direction"
FLUXES = ("none", "gkvm", "livermore")
SHOWN = {"68 % [°]": "containment_68_deg", "median [°]": "median_deg", "mean [°]": "mean_deg"}
SHOWN_IN_PERCENT = {"head-tail [%]": "head_tail_accuracy"}
FILE_NAME = "by_energy"


@dataclass(frozen=True)
class Run:
    """A finished training: its folder, the name it goes by, what it was, and its predictions."""

    folder: Path
    name: str
    facts: dict[str, Any]
    results: DirectionResults
    events: list[tuple]  # identity of each event


@dataclass(frozen=True)
class Group:
    """Events whose electron's true kinetic energy in MeV is at least `low` and below `high`."""

    low: float
    high: float

    @property
    def label(self) -> str:
        if self.low <= 0:
            return f"< {self.high:g}" if self.high < float("inf") else "all"
        return f"{self.low:g} to {self.high:g}" if self.high < float("inf") else f"> {self.low:g}"

    def of(self, results: DirectionResults) -> DirectionResults:
        """The members; where the group is all events, those of unknown energy too."""
        if self.label == "all":
            return results
        return results.select((results.true_energy >= self.low) & (results.true_energy < self.high))


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="analyze_by_energy.sh",
        description="Compare finished electron-direction runs against the true energy of the electron: below 20, 20 to 40 and "
        "above 40 MeV, and in finer bins. Prints a table (68 % intervals in brackets) and writes it with all metrics as JSON and "
        "CSV, and a plot. The last line of standard output is the folder that holds them.",
        epilog="Exit codes: 0 done, 2 not a finished electron-direction run or wrong usage, 3 predictions missing or damaged, "
        "5 output not writable. "
        "example: ./scripts/analyze_by_energy.sh output/electron_direction/*/* -o output/comparison --flux gkvm",
    )
    add = parser.add_argument
    add("runs", nargs="+", metavar="RUN", help="folders of finished runs, as the training printed them")
    add("-o", "--output", metavar="DIR", help="folder to write to; default: a new one in output/analyze_by_energy")
    add("--part", choices=("test", "val"), default="test", help="part of the data to compare on; default: test")
    add(
        "--flux",
        choices=FLUXES,
        default="none",
        help="weight the events to the electrons of elastic scattering in this supernova flux; default: none",
    )
    add("--name", nargs="+", metavar="NAME", help="names of the runs, one each, in their order; default: their versions")
    add("-v", "--verbose", action="store_true", help="say more")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    arguments = make_parser().parse_args(argv)
    start_logging(arguments.verbose)
    folders = _checked_folders(arguments.runs)
    names = _names(folders, arguments.name)
    runs = [
        _read_run(folder, name, arguments.part, arguments.flux) for folder, name in zip(folders, names, strict=True)
    ]
    for warning in _what_is_not_alike(runs, arguments.flux):
        log.warning("note: %s", warning)
    groups = energy_groups()
    found = [[_metrics_of(group.of(run.results)) for group in groups] for run in runs]
    output = Path(arguments.output) if arguments.output else new_run_folder("output", "analyze_by_energy")
    _write(output, arguments, runs, groups, found)
    print("\n".join(table(runs, groups, found)))
    print(output)
    return 0


# ---------------------------------------------------------------------------- runs
def _checked_folders(given: Sequence[str]) -> list[Path]:
    """The folders of the runs; ConfigError for each that is no finished run of the task, or that is named twice."""
    folders: list[Path] = []
    for path in map(Path, given):
        if not (path / "status.json").is_file() or not (path / "config.json").is_file():
            raise ConfigError(
                f"{path}: is no run folder, it has no {'status' if path.is_dir() else 'config'}.json; give the folder that a "
                "training printed"
                if path.is_dir()
                else f"{path}: no such run folder; give the folder that a training printed"
            )
        state, task = read_status(path)["state"], read_json(path / "config.json").get("task")
        if task != TASK:
            raise ConfigError(f"{path}: is a run of {task}, and directions are compared here; leave it out")
        if state != "done":
            remedy = "wait for it" if state == "running" else f"finish it with train_{TASK}.sh --resume {path}"
            raise ConfigError(f"{path}: the run is {state}, not done; {remedy}, or leave it out")
        if any(path.samefile(other) for other in folders):
            raise ConfigError(f"{path}: is named twice; name each run once")
        folders.append(path)
    return folders


def _names(folders: Sequence[Path], given: Sequence[str] | None) -> list[str]:
    """A name for each run: as given, else its version, with the folder's name where that does not tell runs apart."""
    if given is None:
        configs = [read_json(folder / "config.json") for folder in folders]
        plain = [str(config.get("version") or config["model_name"]) for config in configs]
        return [
            name if plain.count(name) == 1 else f"{name} {folder.name}"
            for name, folder in zip(plain, folders, strict=True)
        ]
    if len(given) != len(folders):
        raise ConfigError(f"--name: {len(given)} names for {len(folders)} runs; give one for each, after the runs")
    if len(set(given)) != len(given):
        raise ConfigError("--name: two runs have the same name; give each its own")
    return list(given)


def _read_run(folder: Path, name: str, part: str, flux: str) -> Run:
    from electron_direction.regression import results_of  # with NumPy and Matplotlib: after -h
    from python.data.npz import read_npz
    from python.reporting.spectrum_weights import elastic_scattering_spectrum, spectrum_weights

    path = folder / f"{part}_predictions.npz"
    arrays = read_npz(path)
    try:
        results = results_of(arrays, arrays)  # the file holds energies beside the predictions
        events = _identities(arrays)
    except KeyError as error:
        raise DataError(f"{path}: holds no {error}; it is no file of predictions of {TASK}") from error
    except (ValueError, IndexError) as error:
        raise DataError(f"{path}: {error}; train the run again, or leave it out") from error
    if flux != "none":
        results = results.weighted_by(spectrum_weights(results.true_energy, elastic_scattering_spectrum(flux)))
    config = read_json(folder / "config.json")
    facts = {key: config.get(key) for key in ("model_name", "version", "description")}
    return Run(folder, name, {**facts, "other_channels": int((arrays["is_es"] != 1).sum())}, results, events)


def _identities(arrays: dict[str, np.ndarray]) -> list[tuple]:
    """Source, event and cluster; and the direction, since files of other data may have the same name."""
    sources = arrays["sources"][arrays["source"]].tolist()
    truth = arrays["true_direction"].round(4).tolist()
    numbers = (arrays[name].tolist() for name in ("event", "match_id"))
    return list(zip(sources, *numbers, map(tuple, truth), strict=True))


def _what_is_not_alike(runs: Sequence[Run], flux: str) -> Iterator[str]:
    """What stands in the way of comparing the runs number by number."""
    first = set(runs[0].events)
    for run in runs[1:]:
        common = len(first & set(run.events))
        if not common == len(first) == len(run.events):
            yield (
                f"{run.name} has {len(run.events)} events and {runs[0].name} {len(first)}, of which {common} are the same: "
                "they differ by their events too"
            )
    for run in runs:
        if flux != "none" and run.facts["other_channels"]:
            yield (
                f"{run.facts['other_channels']} events of {run.name} are not known to be elastic scattering; the flux {flux} "
                "weights them as if they were"
            )


# ---------------------------------------------------------------------------- numbers
def energy_groups() -> list[Group]:
    """All events, the three coarse groups and the fine bins."""
    from python.regression_libs import COARSE_ENERGY_EDGES, FINE_ENERGY_EDGES

    ends = [(0.0, float("inf"))]
    for edges in (COARSE_ENERGY_EDGES, FINE_ENERGY_EDGES):
        ends += zip(edges[:-1], edges[1:], strict=True)
    return [Group(low, high) for low, high in ends]


def _metrics_of(results: DirectionResults) -> Metrics:
    """Flat metrics as in a run's metrics.json, without its energy groups; None where undefined."""
    import numpy as np

    from python.regression_libs import direction_statistics, pull_coverage
    from python.reporting.weighted import effective_number

    found = direction_statistics(results)
    if results.predicted_68_deg is not None:
        found["pull_coverage"] = pull_coverage(results)
    flat = {f"{name}{end}": value for name, each in found.items() for end, value in zip(ENDS, each, strict=True)}
    flat["n_effective"] = effective_number(results.weight)
    return {"n": len(results), **{key: float(value) if np.isfinite(value) else None for key, value in flat.items()}}


ENDS = ("", "_low", "_high")


def table(runs: Sequence[Run], groups: Sequence[Group], found: Sequence[Sequence[Metrics]]) -> list[str]:
    """Lines of the table: the runs one below the other in each group of energy."""
    from python.reporting.text_pages import table_lines

    rows = [["energy [MeV], run", "events", *SHOWN, *SHOWN_IN_PERCENT]]
    for number, group in enumerate(groups):
        for run, metrics in zip(runs, found, strict=True):
            cells = [_cell(metrics[number], name, 1) for name in SHOWN.values()]
            cells += [_cell(metrics[number], name, 100) for name in SHOWN_IN_PERCENT.values()]
            rows.append([f"{group.label:9} {run.name}", f"{metrics[number]['n']:,}", *cells])
    return table_lines(rows, width=200)


def _cell(metrics: Metrics, name: str, factor: float) -> str:
    value, low, high = (metrics[name + end] for end in ENDS)
    if value is None:
        return "-"
    interval = "" if low is None or high is None else f" [{factor * low:.1f}, {factor * high:.1f}]"
    return f"{factor * value:.1f}{interval}"


# ---------------------------------------------------------------------------- files
def _write(
    output: Path,
    arguments: argparse.Namespace,
    runs: Sequence[Run],
    groups: Sequence[Group],
    found: Sequence[Sequence[Metrics]],
) -> None:
    """by_energy.json, by_energy.csv and by_energy.png."""
    from python.reporting import style
    from python.reporting.direction_energy_plots import plot_energy_comparison

    def ends(group: Group) -> dict[str, float | None]:
        high = group.high if group.high < float("inf") else None
        return {"low_mev": group.low, "high_mev": high}

    entries = [
        {
            "name": run.name,
            "folder": str(run.folder),
            **run.facts,
            "groups": [
                {"group": group.label, **ends(group), **each} for group, each in zip(groups, metrics, strict=True)
            ],
        }
        for run, metrics in zip(runs, found, strict=True)
    ]
    write_json(output / f"{FILE_NAME}.json", {"part": arguments.part, "flux": arguments.flux, "runs": entries})
    rows = [{"run": entry["name"], **group} for entry in entries for group in entry["groups"]]
    text = io.StringIO()
    writer = csv.DictWriter(text, list({key: None for row in rows for key in row}), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(output / f"{FILE_NAME}.csv", text.getvalue())
    figure = plot_energy_comparison([(run.name, run.results) for run in runs])
    weighted = "" if arguments.flux == "none" else f", weighted to the flux {arguments.flux}"
    figure.suptitle(f"{figure.get_suptitle()} ({arguments.part} part{weighted})", fontsize=14)
    with atomic_path(output / f"{FILE_NAME}.png") as temporary:
        figure.savefig(temporary, dpi=style.PNG_DPI)


if __name__ == "__main__":
    sys.exit(run_command(main))
