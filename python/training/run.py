"""A training from its command line to its run folder: the same steps for every task."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from python.config.differences import differences, no_settings
from python.config.load import dump_config, load_config
from python.config.schema import RunConfig
from python.data.data_origin import DataFolders
from python.general_purpose_libs import ConfigError, DataError, log, make_folder, read_json, start_logging
from python.networks.answering import KerasNetwork
from python.plots.text_lines import cut_table_text
from python.processes.stop_requests import go_on_with, raise_if_stop_is_urgent, requests_held, stop_on_request
from python.runs.files import ARGUMENTS_FILE, CONFIG_FILE, LOGS, TRAINING_LOG, predictions_file
from python.runs.predictions import write_predictions
from python.runs.registry.names import is_below
from python.runs.registry.registry import Registry
from python.runs.status import RunStatus
from python.samples.splits import PARTS
from python.simulation.embedded import embedded_folder
from python.training import outputs
from python.training.building import require_network
from python.training.device import choose_device, lack_of_memory_told
from python.training.preparation import configured_data, prepared
from python.training.provenance import COMMIT, git_commit
from python.training.request import TrainingRequest
from python.training.run_folder import (
    SUBMITTED,
    alive,
    check_data,
    member_folder,
    new_run,
    note_resume,
    record_inputs,
    state_to_go_on,
)
from python.training.search.loop import check_engine, described, search
from python.training.starts import configuration_of, starts_of
from python.training.task import Evaluation, Learnt, Task
from python.training.trained import Trained
from python.training.training import Training
from python.version import VERSION

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def train_from_command_line(task: Task, request: TrainingRequest) -> int:
    """Train `task` as the command line says and print the run folder."""
    start_logging(request.verbose)
    config = configuration(task, request)
    if request.member is not None and not request.resume:
        raise ConfigError(
            "--member says which member of a prepared ensemble to train; name its folder with --resume RUN"
        )
    with stop_on_request(after_minutes=request.stop_after):
        folder = None
        if request.dry_run:
            _dry_run(task, config, request)
        else:
            folder = train(task, config, request)
    if folder is not None:
        print(folder)
    return 0


def configuration(task: Task, request: TrainingRequest) -> RunConfig:
    """The configuration of the command line: of its file, else that of the run to resume or to continue from.

    ConfigError when a run to resume was started with another one; places may be others, the data there are compared later.
    """
    if request.resume:
        return _of_resumed_run(task, request, request.resume)
    if request.json is not None:
        return load_config(request.json, task.schema, request.overrides, request.options)
    if request.continue_from is None:
        raise ConfigError("no configuration is named; give one with -j FILE")
    file = configuration_of(Path(request.continue_from))  # that run's, but for its version, which is taken
    return load_config(file, task.schema, ["version=null", *request.overrides], request.options)


def _of_resumed_run(task: Task, request: TrainingRequest, run: str) -> RunConfig:
    saved = Path(run) / CONFIG_FILE
    if not saved.is_file():
        raise ConfigError(f"{run}: is no run folder, it has no config.json; give the folder that a run printed")
    own = load_config(saved, task.schema)
    asked = load_config(request.json or saved, task.schema, request.overrides, request.options)
    if own.continue_from and asked.continue_from and asked.continue_from.weights is None:  # those that were there then
        weights = {"weights": own.continue_from.weights}
        asked = asked.model_copy(update={"continue_from": asked.continue_from.model_copy(update=weights)})
    found = differences(dump_config(own), dump_config(asked), ignored=no_settings(asked))
    if found:
        raise ConfigError(
            f"{run} was started with another configuration and can only go on with its own; a new run starts from its weights "
            f"with --continue-from {run}:\n  " + "\n  ".join(found)
        )
    named = (
        request.output is not None or asked.output_folder != own.output_folder
    )  # by the caller, from where the caller is
    if named and not is_below(asked.output_folder, run):
        raise ConfigError(
            f"output_folder: {run} goes on in its own folder, which is not in {asked.output_folder}; leave -o out, or move the "
            "run there first"
        )
    return asked


def _dry_run(task: Task, config: RunConfig, request: TrainingRequest) -> None:
    device = choose_device(config.device)
    if not request.resume:  # else what it starts from is in its folder
        config, _ = starts_of(task, config)
    print(json.dumps(dump_config(config), indent=2))
    print(f"device: {device}")
    if config.named_folders or embedded_folder().exists():
        training = prepared(task, config, configured_data(config, request.skip_bad_files))
        print(cut_table_text(training.samples.set.cuts))
        require_network(training)
    else:
        print("data: none are named; the training makes the embedded simulated data set first, about a minute")
    if config.search_requested:
        print(described(task, config))
    else:
        from python.training.fitting import build_model, summary

        print(summary(build_model(task, config)))


def train(task: Task, config: RunConfig, request: TrainingRequest) -> Path:
    """Train, evaluate and report in a new run folder, or begin or go on in the one that `request.resume` names; return it."""
    ready = None
    if request.resume:
        folder = Path(request.resume)
        state = _state_to_go_on(config, folder, request.member)
        if state == "done":
            log.info("%s is done already; a new run starts from its weights with --continue-from %s", folder, folder)
            return folder
        request = _as_begun(request, folder)
        device = choose_device(config.device)
    else:
        device = choose_device(config.device)
        folder, ready = _begun(task, config, request)
        config = ready.config
    go_on_with(f"go on with --resume {folder}")
    own = folder if request.member is None else member_folder(folder, request.member)
    make_folder(own / LOGS)
    start_logging(request.verbose, own / TRAINING_LOG)
    with alive(folder, config, request.member) as status, lack_of_memory_told():
        log.info("run folder: %s", folder)
        log.info("device: %s", device)
        training = ready or prepared(task, config, configured_data(config, request.skip_bad_files))
        log.info("%s", cut_table_text(training.samples.set.cuts))
        record_inputs(folder, training, device)
        if request.resume and request.member is None and state != SUBMITTED:
            note_resume(folder, config)
        figures: dict[str, Figure] = {}
        if config.search_requested:
            data = training.data
            del training, ready  # trials read their own samples, and what is found may ask for other inputs
            config, figures = _search(task, config, folder, data)
            training = prepared(task, config, data)
            check_data(folder, training.samples)
        with requests_held():
            if request.member is not None:
                from python.training.ensemble import fit_member

                fit_member(training, folder, request.member, status)
            else:
                _fit_and_evaluate(training, folder, device, figures, status)
    return folder


def _begun(task: Task, config: RunConfig, request: TrainingRequest) -> tuple[Path, Training]:
    """The folder of a new run, and the training in it; no folder is made where something is wrong beforehand."""
    if config.version is not None and not request.force_version:
        Registry(config.output_folder).require_free(task.schema.name, config.version)
    if config.search_requested:
        check_engine(config)
    config, starts = starts_of(task, config)
    ready = prepared(task, config, configured_data(config, request.skip_bad_files))
    require_network(ready)
    return new_run(task, config, request, starts), ready


def _state_to_go_on(config: RunConfig, folder: Path, member: int | None) -> str:
    """The state of the run, or of its member, that is to go on. Raises ConfigError when it cannot, DataError without its data."""
    _require_member(config, folder, member)
    state = state_to_go_on(folder, member)
    gone = [name for name in config.named_folders if not Path(name).is_dir()]
    if gone and state != "done":
        raise DataError(
            f"{', '.join(gone)}: no such data folder, seen from {Path.cwd()}; {folder} goes on with the same data wherever they "
            "are: name their folders with -d"
        )
    return state


def _as_begun(request: TrainingRequest, folder: Path) -> TrainingRequest:
    """The request with what the run was started with, too."""
    given = read_json(folder / ARGUMENTS_FILE)
    if given.get("commit"):
        os.environ.setdefault(COMMIT, given["commit"])  # for a node that has a copy of the project, and for trials
    return replace(request, skip_bad_files=request.skip_bad_files or given.get("skip_bad_files", False))


def _require_member(config: RunConfig, folder: Path, member: int | None) -> None:
    """Raise ConfigError when the ensemble of the run has no such member."""
    if member is not None and (config.ensemble is None or not 1 <= member <= config.ensemble.members):
        members = f"{config.ensemble.members} members" if config.ensemble else "no ensemble"
        raise ConfigError(f"--member {member}: the configuration of {folder} has {members}")


def _search(task: Task, config: RunConfig, folder: Path, data: DataFolders) -> tuple[RunConfig, dict[str, Figure]]:
    """Search, and return the configuration with what was found; the network keeps the name that was asked for."""
    found, figures = search(task, config, folder, data)
    return found.model_copy(update={"model_name": config.model_name, "version": config.version}), figures


def _fit_and_evaluate(
    training: Training, folder: Path, device: str, figures: dict[str, Figure], status: RunStatus
) -> None:
    """Train, predict, evaluate; `figures` are reported beside those of the evaluation."""
    from python.training import fitting
    from python.training.ensemble import fit_ensemble

    config, samples, parts, problem = training.config, training.samples, training.parts, training.problem
    train_network = fit_ensemble if config.ensemble else fitting.fit
    fitted = train_network(training, folder, status)
    status.update(stage="evaluation")
    outputs.save_history(folder, fitted.history)
    trained = Trained(training.task, config, KerasNetwork(fitted.model), folder)
    answered = {part: trained.answers_of(samples, getattr(parts, part)) for part in ("val", "test")}
    evaluated = outputs.calibrated(folder, problem, answered)
    for part, predictions in evaluated.items():
        write_predictions(folder / predictions_file(part), predictions)
    seed = config.dataset_parameters.random_seed
    raise_if_stop_is_urgent()
    learnt = Learnt(training.rows, fitted.history)
    evaluation = Evaluation(samples, parts.test, evaluated["test"], seed, learnt)
    facts = {
        "run folder": str(folder),
        "data": f"{training.data.name} (simulated: the labels are its truth)",
        "samples": f"{len(samples.set)}: " + ", ".join(f"{name} {len(getattr(parts, name))}" for name in PARTS),
        "device": device,
        "seed": str(seed),
        "release": f"{VERSION}, commit {git_commit() or 'not known'}",
        "epochs": f"{fitted.epochs}, {fitted.seconds:.0f} s",
    }
    if config.continue_from is not None:
        facts["continued from"] = f"{config.continue_from.run} (weights {config.continue_from.weights})"
    told = outputs.Told(
        f"{training.task.schema.name}: {config.model_name}",
        facts,
        fitted.summary(),
        figures,
        {"n_parameters": fitted.n_parameters},
    )
    metrics = outputs.save_results(folder, training.task, config, evaluation, told)
    for name in problem.headlines():
        if metrics.get(name) is not None:
            log.info("test %s: %.4f", name, metrics[name])
