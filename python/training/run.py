"""A training from its command line to its run folder: the same steps for every task."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from python.config.differences import differences
from python.config.load import dump_config, load_config
from python.config.schema import NOT_INTERPRETED, RunConfig
from python.data.splits import PARTS, Split
from python.general_purpose_libs import (
    ConfigError,
    DataError,
    RunStatus,
    log,
    new_run_folder,
    read_json,
    read_status,
    start_logging,
    write_json,
)
from python.reporting.report import cut_table_text
from python.simulation.embedded import embedded_folder
from python.stop_requests import stop_on_request
from python.training import outputs
from python.training.device import choose_device
from python.training.preparation import data_folders, prepared
from python.training.provenance import environment, git_commit
from python.training.search.loop import check_engine, described, search
from python.training.task import Evaluation, Samples, Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def train_from_command_line(task: Task, options: argparse.Namespace) -> int:
    """Train `task` as the command line says and print the run folder."""
    start_logging(options.verbose)
    config = _configuration(task, options)
    with stop_on_request():
        folder = _dry_run(task, config, options) if options.dry_run else train(task, config, options)
    if folder is not None:
        print(folder)
    return 0


def _configuration(task: Task, options: argparse.Namespace) -> RunConfig:
    """The configuration of the command line; of a run to resume, refused when the command line says something else."""
    saved = None
    if options.resume:
        saved = Path(options.resume) / "config.json"
        if not saved.is_file():
            raise ConfigError(
                f"{options.resume}: is no run folder, it has no config.json; give the folder that a run printed"
            )
    config = load_config(
        options.json or saved,
        task.schema,
        options.overrides,
        output_folder=options.output,
        data_directories=options.data,
        plane=options.plane,
        max_samples=options.max_samples,
    )
    if saved is not None:
        found = differences(dump_config(load_config(saved, task.schema)), dump_config(config), ignored=NOT_INTERPRETED)
        if found:
            raise ConfigError(
                f"{options.resume} was started with another configuration and can only go on with its own:\n  "
                + "\n  ".join(found)
            )
    return config


def _dry_run(task: Task, config: RunConfig, options: argparse.Namespace) -> None:
    print(json.dumps(dump_config(config), indent=2))
    print(f"device: {choose_device(config.device)}")
    if config.named_folders or embedded_folder().exists():
        samples, _, _ = prepared(task, config, options.skip_bad_files)
        print(cut_table_text(samples.set.cuts))
    else:
        print("data: none are named; the training makes the embedded simulated data set first, about a minute")
    if config.search_requested:
        print(described(task, config))
    else:
        from python.training.fitting import build_model, summary

        print(summary(build_model(task, config)))


def train(task: Task, config: RunConfig, options: argparse.Namespace) -> Path:
    """Train, evaluate and report in a new run folder, or go on in the one that `options.resume` names; return it."""
    device = choose_device(config.device)
    if options.resume:
        folder = Path(options.resume)
        state = read_status(folder)["state"]
        if state == "done":
            log.info("%s is done already", folder)
            return folder
        if state == "running":
            raise ConfigError(f"{folder} is still running; wait for it, or stop it first")
        options.skip_bad_files |= read_json(folder / "args.json")["skip_bad_files"]
    else:
        _refuse_used_version(config, task, options.force_version)
        if config.search_requested:
            check_engine(config)
        samples, parts, rows = prepared(task, config, options.skip_bad_files)
        folder = new_run_folder(config.output_folder, *task.parts_of(config))
    (folder / "logs").mkdir(exist_ok=True)
    start_logging(options.verbose, folder / "logs" / "train.log")
    with RunStatus(folder, task=task.schema.name, version=config.version or folder.name):
        log.info("run folder: %s", folder)
        log.info("device: %s", device)
        if options.resume:
            samples, parts, rows = prepared(task, config, options.skip_bad_files)
        _record_inputs(folder, config, options, samples, parts, device)
        figures = {}
        if config.search_requested:
            samples = parts = rows = None  # trials read their own, and what is found may ask for other inputs
            config, figures = _search(task, config, folder, options.skip_bad_files)
            samples, parts, rows = prepared(task, config, options.skip_bad_files)
        _fit_and_evaluate(task, config, folder, samples, parts, rows, device, figures)
    return folder


def _search(task: Task, config: RunConfig, folder: Path, skip_bad_files: bool) -> tuple[RunConfig, dict[str, Figure]]:
    """Search, and return the configuration with what was found; the network keeps the name that was asked for."""
    found, figures = search(task, config, folder, skip_bad_files)
    return found.model_copy(update={"model_name": config.model_name, "version": config.version}), figures


def _refuse_used_version(config: RunConfig, task: Task, force: bool) -> None:
    if config.version is None or force:
        return
    for path in Path(config.output_folder, task.schema.name).glob("**/status.json"):
        if read_json(path).get("version") == config.version:
            raise ConfigError(
                f'version "{config.version}" belongs to the run {path.parent} already; '
                "choose another one, or go ahead with --force-version"
            )


def _record_inputs(
    folder: Path, config: RunConfig, options: argparse.Namespace, samples: Samples, parts: Split, device: str
) -> None:
    """Write what is known before the training; a resumed run must find the same data."""
    files = samples.set.files
    data = folder / "data.json"
    if data.exists() and read_json(data) != files:
        raise DataError(f"the data files are not those that {folder} was started with ({data}); give it the same data")
    write_json(data, files)
    write_json(folder / "config.json", dump_config(config))
    if not options.resume:
        write_json(folder / "args.json", vars(options))
    write_json(folder / "environment.json", environment(device, config.dataset_parameters.random_seed))
    write_json(folder / "cuts.json", samples.set.cuts)
    log.info("%s", cut_table_text(samples.set.cuts))
    outputs.save_split(folder, samples.set, parts)


def _fit_and_evaluate(
    task: Task,
    config: RunConfig,
    folder: Path,
    samples: Samples,
    parts: Split,
    rows: np.ndarray,
    device: str,
    figures: dict[str, Figure],
) -> None:
    """Train, predict, evaluate; `figures` are reported beside those of the evaluation."""
    from python.training import fitting
    from python.training.ensemble import fit_ensemble

    problem = task.problem_of(config)
    fitted = (fit_ensemble if config.ensemble else fitting.fit)(task, config, samples, rows, parts.val, folder)
    outputs.save_history(folder, fitted.history)
    evaluated = {}
    for part in ("val", "test"):
        part_rows = getattr(parts, part)
        outputs_of_views = fitting.predict(fitted.model, samples.set, part_rows, problem.views())
        evaluated[part] = problem.predictions(problem.combined(outputs_of_views), samples, part_rows)
        outputs.save_predictions(folder / f"{part}_predictions.npz", evaluated[part], samples.set, part_rows)
    seed = config.dataset_parameters.random_seed
    evaluation = Evaluation(samples, rows, parts.test, evaluated["test"], evaluated["val"], fitted.history, seed)
    facts = {
        "run folder": str(folder),
        "data": ", ".join(data_folders(config)) + " (simulated: the labels are its truth)",
        "samples": f"{len(samples.set)}: " + ", ".join(f"{name} {len(getattr(parts, name))}" for name in PARTS),
        "device": device,
        "seed": str(seed),
        "commit": git_commit() or "not known",
        "epochs": f"{fitted.epochs}, {fitted.seconds:.0f} s",
    }
    metrics = outputs.save_results(
        folder,
        task,
        config,
        evaluation,
        facts,
        network=fitting.summary(fitted.model),
        n_parameters=fitted.model.count_params(),
        figures=figures,
    )
    for name in problem.headlines():
        if metrics.get(name) is not None:
            log.info("test %s: %.4f", name, metrics[name])
