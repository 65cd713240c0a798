"""compare_runs.sh: finished runs of one task side by side, in a table, in plots and on a page."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from python.commands.parser import CommandParser
from python.commands.path_option import named_path
from python.commands.product_options import whole_number
from python.commands.tasks import of_today
from python.comparison.direction_runs import direction_events, has_directions
from python.general_purpose_libs import ConfigError, log, run_command, start_logging, write_json, write_text
from python.runs.files import BEST_CONFIG_FILE, CONFIG_FILE, HISTORY_FILE, METRICS_FILE, PLOTS, predictions_file
from python.runs.finished import (
    configuration_of_run,
    read_object,
    require_different,
    require_done,
    run_names,
    task_of_run,
)
from python.runs.status import new_run_folder, read_status
from python.tasks import TASKS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from python.comparison.answers import Answers
    from python.comparison.comparison import ComparedRun, Comparison
    from python.metrics.classification import Metrics
    from python.runs.predictions import ClassPredictions, DirectionPredictions

BEST = 10
CLUSTER_IDENTITY = ("plane", "match_id", "apa", "face", "first_channel", "first_tick")
ENERGY_IN_MEV = ("true_electron_energy", "true_nu_energy")  # of other data under the same names of files these differ
SIMULATED = "All results are of simulated events: the labels are the simulation's truth."


def make_parser() -> CommandParser:
    parser = CommandParser(
        prog="compare_runs.sh",
        description="Compare finished runs of one task: their metrics with 68 % intervals and their differences event by event, "
        "the settings in which they differ, their learning curves, and how they do against energy. Prints a table and writes "
        "comparison.md, comparison.html (one file, plots inside), comparison.json and plots. Runs that were tested on different "
        "events are not ranked; --common compares them on the events that all share. The last line of standard output is the "
        "folder of the results.",
        epilog="Exit codes: 0 done, 2 no finished runs of one task, or wrong usage, 3 predictions damaged, 5 output not "
        "writable. examples: ./scripts/compare_runs.sh RUN1 RUN2 --name before after; "
        "./scripts/compare_runs.sh --task electron_direction --best 5 --output-folder output",
    )
    add = parser.add_argument
    add("runs", nargs="*", metavar="RUN", help="folders of finished runs, as the training printed them")
    add("--task", choices=TASKS, help="compare the best runs of this task too, found in the output folder")
    add("--best", type=whole_number(1), metavar="N", help=f"how many of them; default: {BEST}")
    add("--output-folder", default="output", metavar="OUTPUT", help="where the runs are looked for; default: output")
    add(
        "-o",
        "--output",
        type=named_path,
        metavar="DIR",
        help="folder for the results; default: a new one in OUTPUT/compare_runs",
    )
    add("--name", nargs="+", metavar="NAME", help="names of the runs, in their order; default: their versions")
    add("--sort", metavar="METRIC", help="metric to rank by; default: containment_68_deg for directions, else auc")
    add("--common", action="store_true", help="measure all runs again on the test events that they share")
    add("-v", "--verbose", action="store_true", help="say more")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    parser = make_parser()
    arguments = parser.parse_args(argv)
    if not arguments.runs and not arguments.task:
        parser.error("give run folders, or --task to compare the best runs of a task")
    if arguments.best and not arguments.task:
        parser.error("--best needs --task, the task whose best runs are meant")
    start_logging(arguments.verbose)
    task, folders = _chosen(arguments)
    kind, runs = _read(task, folders, run_names(folders, arguments.name))

    from python.comparison.comparison import compare

    comparison = compare(task, runs, kind.headline, metric=arguments.sort, shared_events=arguments.common)
    for note in comparison.notes:
        log.warning("note: %s", note)
    output = Path(arguments.output) if arguments.output else new_run_folder(arguments.output_folder, "compare_runs")
    _write(output, comparison, kind)
    print("\n".join(_terminal(comparison, kind)))
    print(output)
    return 0


# ---------------------------------------------------------------------------- which runs
def _chosen(arguments: argparse.Namespace) -> tuple[str, list[Path]]:
    """The task, and the runs that are named and then the best ones, each once. Raises ConfigError."""
    folders = [Path(name) for name in arguments.runs]
    task = arguments.task or _task_of(folders[0])
    for folder in folders:
        own = _task_of(folder)
        if own != task:
            raise ConfigError(
                f"{folder}: is a run of {own}, and only runs of one task, {task}, are compared; leave it out"
            )
        require_done(folder, task, ", or leave it out")
    require_different(folders)
    if arguments.task:
        best = _best(task, arguments.output_folder, arguments.best or BEST, arguments.sort)
        folders += [path for path in best if not any(path.samefile(folder) for folder in folders)]
    return task, folders


def _task_of(folder: Path) -> str:
    task = task_of_run(folder)
    if task not in TASKS:
        raise ConfigError(f"{folder / CONFIG_FILE}: does not say which task it is of; leave the run out")
    return task


def _best(task: str, output: str, number: int, metric: str | None) -> list[Path]:
    """The best finished runs of the task below `output`, each by what it reached on its own test events, oldest first."""
    from python.comparison.comparison import best_of
    from python.runs.find import find_runs

    finished: list[tuple[Path, Metrics]] = []
    left_out: Counter[str] = Counter()
    for folder in find_runs(output, task):
        try:
            state, metrics = read_status(folder)["state"], _metrics(folder)
            configuration_of_run(folder)
        except ConfigError:
            state, metrics = "unreadable", None
        if state == "done":
            finished.append((folder, metrics or {}))
        else:
            left_out[state] += 1
    if left_out:
        told = ", ".join(f"{count} {state}" for state, count in left_out.items())
        log.warning("note: left out of the runs of %s in %s, not done: %s", task, output, told)
    if not finished:
        raise ConfigError(f"{output}: holds no finished run of {task}; name another folder with --output-folder")
    metric = metric or _kind(task).headline
    best = best_of(finished, metric, number)
    log.info("%d of %d finished runs of %s, the best by their own %s", len(best), len(finished), task, metric)
    return best


# ---------------------------------------------------------------------------- what they left
def _kind(task: str) -> type[Answers]:
    from python.comparison.answers import ClassAnswers, DirectionAnswers

    return DirectionAnswers if has_directions(task) else ClassAnswers


def _read(task: str, folders: Sequence[Path], names: Sequence[str]) -> tuple[type[Answers], list[ComparedRun]]:
    from python.comparison.comparison import ComparedRun
    from python.runs.predictions import ClassPredictions, DirectionPredictions, read_predictions

    file = predictions_file("test")
    record: type[ClassPredictions | DirectionPredictions] = (
        DirectionPredictions if has_directions(task) else ClassPredictions
    )
    told = {each: read_predictions(each / file, record) for each in folders if (each / file).is_file()}
    clusters = [predictions.clusters for predictions in told.values()]
    identity = [name for name in CLUSTER_IDENTITY if all(getattr(each, name) is not None for each in clusters)]
    by_content = all(each.told_by_content for each in clusters)
    runs = []
    for folder, name in zip(folders, names, strict=True):
        config = of_today(task, configuration_of_run(folder) | _found_by_search(folder))
        metrics, history = _metrics(folder), _history(folder)
        answers = _answers(told[folder], identity, by_content) if folder in told else None
        parts = {METRICS_FILE: metrics, HISTORY_FILE: history, file: answers}
        lacks = tuple(file for file, content in parts.items() if content is None)
        if metrics is None:
            metrics = answers.metrics() if answers is not None else {}
        runs.append(ComparedRun(name, folder, config, metrics, history, answers, lacks))
    return _kind(task), runs


def _metrics(folder: Path) -> dict[str, float | None] | None:
    """The metrics of a run; None for a value that is no number."""
    from python.runs.headlines import is_known

    metrics = _optional(folder, METRICS_FILE)
    return metrics and {name: value if is_known(value) else None for name, value in metrics.items()}


def _history(folder: Path) -> dict[str, list[float | None]] | None:
    """What each epoch of the training gave."""
    history = _optional(folder, HISTORY_FILE)
    courses = (history or {}).values()
    if not all(
        isinstance(course, list) and all(isinstance(x, int | float | None) for x in course) for course in courses
    ):
        raise ConfigError(f"{folder / HISTORY_FILE}: does not hold what a training writes; leave the run out")
    return history


def _found_by_search(folder: Path) -> dict[str, Any]:
    """The settings that a search ended with and the run was trained with, where there was one; the run keeps its name."""
    found = configuration_of_run(folder, BEST_CONFIG_FILE) if (folder / BEST_CONFIG_FILE).is_file() else {}
    return {key: value for key, value in found.items() if key not in ("model_name", "version", "description")}


def _optional(folder: Path, name: str) -> dict[str, Any] | None:
    """The content of a JSON file, None where there is no such file. Raises ConfigError when it is damaged."""
    return read_object(folder / name) if (folder / name).is_file() else None


def _answers(
    predictions: ClassPredictions | DirectionPredictions, identity: Sequence[str], by_content: bool
) -> Answers:
    from python.comparison.answers import ClassAnswers, DirectionAnswers
    from python.runs.predictions import DirectionPredictions

    if isinstance(predictions, DirectionPredictions):
        return DirectionAnswers(predictions.results(), direction_events(predictions, by_content))
    classes, energy = tuple(predictions.class_names.tolist()), predictions.clusters.cluster_energy
    events = _cluster_events(predictions, identity, by_content)
    return ClassAnswers(predictions.labels, predictions.scores, classes, energy, events)


def _cluster_events(predictions: ClassPredictions, identity: Sequence[str], by_content: bool) -> list[tuple]:
    """Event, what tells clusters of one event apart, class and true energies of each."""
    import numpy as np

    clusters = predictions.clusters
    columns = [getattr(clusters, name) for name in identity]
    columns.append(predictions.class_names[predictions.labels])
    columns += [np.nan_to_num(getattr(clusters, name), nan=-1.0).round(3) for name in ENERGY_IN_MEV]
    return list(zip(*clusters.event_columns(by_content), *(column.tolist() for column in columns), strict=True))


# ---------------------------------------------------------------------------- results
def _write(folder: Path, comparison: Comparison, kind: type[Answers]) -> None:
    from python.comparison.page import html_page, markdown, page_of
    from python.plots.report import save_figures

    figures = _figures(comparison, kind)
    paths = save_figures({name.lower().replace(" ", "_"): figure for name, figure in figures.items()}, folder / PLOTS)
    page = page_of(comparison, _facts(comparison), kind.columns, dict(zip(figures, paths, strict=True)))
    write_text(folder / "comparison.md", markdown(page, folder))
    write_text(folder / "comparison.html", html_page(page))
    write_json(folder / "comparison.json", _as_json(comparison))


def _figures(comparison: Comparison, kind: type[Answers]) -> dict[str, Figure]:
    """Figures by their headings; those that need what no run has are left out."""
    from python.comparison import plots
    from python.comparison.answers import ClassAnswers, DirectionAnswers

    runs = comparison.runs
    found = {"What is reached": plots.plot_ranking(comparison)}
    if any(run.history for run in runs):
        same_loss = not any(path.startswith("model_parameters.loss") for path in comparison.settings)
        histories = [(run.name, run.history) for run in runs]
        found["Learning curves"] = plots.plot_learning_curves(histories, kind.followed, same_loss)
    directions = [(run.name, run.answers) for run in runs if isinstance(run.answers, DirectionAnswers)]
    classes = [(run.name, run.answers) for run in runs if isinstance(run.answers, ClassAnswers)]
    if directions:
        found["Against energy"] = plots.plot_directions_against_energy(directions)
    elif len({each.class_names for _, each in classes}) == 1:
        found["Against energy"] = plots.plot_classes_against_energy(classes)
    tested = "test part, simulated" + ("" if comparison.ranked else ", each run on its own events")
    for name, figure in found.items():
        figure.suptitle(f"{figure.get_suptitle()}: {'simulated' if name == 'Learning curves' else tested}", fontsize=14)
    return found


def _facts(comparison: Comparison) -> list[str]:
    facts = [SIMULATED]
    if comparison.on_shared:
        facts.append(f"Measured on the {comparison.n_common:,} test events that all runs share.")
    elif comparison.n_common is not None and len(comparison.runs) > 1:
        facts.append(f"All runs were tested on the same {comparison.n_common:,} events.")
    return facts


def _terminal(comparison: Comparison, kind: type[Answers]) -> list[str]:
    from python.comparison.page import terminal_lines

    return [*_facts(comparison), *terminal_lines(comparison, kind.columns)]


def _as_json(comparison: Comparison) -> dict[str, Any]:
    """The whole comparison; settings that a run does not have are left out."""
    from python.comparison.comparison import ABSENT

    runs = []
    for number, (run, difference) in enumerate(zip(comparison.runs, comparison.differences, strict=True)):
        runs.append(
            {
                "name": run.name,
                "folder": str(run.folder),
                "rank": comparison.rank(number),
                "n_test": None if run.answers is None else len(run.answers),
                "lacks": list(run.lacks),
                "difference_to_best": None if difference is None else difference._asdict(),
                "metrics": run.metrics,
            }
        )
    settings = {}
    for path, values in comparison.settings.items():
        pairs = zip(comparison.runs, values, strict=True)
        settings[path] = {run.name: value for run, value in pairs if value is not ABSENT}
    return {
        "task": comparison.task,
        "metric": comparison.metric,
        "ranked": comparison.ranked,
        "on_shared_events": comparison.on_shared,
        "n_same_events": comparison.n_common,
        "notes": comparison.notes,
        "runs": runs,
        "settings": settings,
    }


if __name__ == "__main__":
    sys.exit(run_command(main))
