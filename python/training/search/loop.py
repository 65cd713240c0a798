"""A search for hyperparameters: trials are proposed and told of in turn; the best one's configuration is the result."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from python.config.load import dump_config, parse_config
from python.config.schema import RunConfig
from python.config.search_space import OF_THE_DATA, Dimension, read_space
from python.config.task_schema import Architecture
from python.data.data_origin import DataFolders
from python.general_purpose_libs import TrainingError, log, write_json
from python.plots.search import plot_parameters, plot_trials
from python.processes.stop_requests import raise_if_stop_is_urgent, raise_if_stop_requested, stop_requested
from python.runs.files import BEST_CONFIG_FILE, TENSORBOARD
from python.training.search.engine_batch import engine_descriptions, require_batch_system
from python.training.search.engines import make_engine
from python.training.search.hparams import save_hparams
from python.training.search.proposals import propose
from python.training.search.pruning import hopeless_above
from python.training.search.trial import run_trial_process
from python.training.search.trials import Trial, TrialLog, TrialTable, best_trial
from python.training.task import Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def search(task: Task, config: RunConfig, folder: Path, data: DataFolders) -> tuple[RunConfig, dict[str, Figure]]:
    """Run the trials that `folder` does not hold yet; return the configuration of the best one, and figures of all.

    The configuration names the plain network, asks for no search, and is left in `folder` as best_config.json. Raises
    TrainingError when no trial was done.
    """
    dimensions, _ = read_space(config.model_parameters.space_options or {}, config, task.architecture(config))
    jobs = _Jobs(task, config, folder, data)
    # once a network is chosen, and perhaps half trained, no trial may choose another one
    chosen = (folder / BEST_CONFIG_FILE).exists()
    trials = TrialLog(folder).read() if chosen else _run_trials(jobs, dimensions)
    best = best_trial(trials)
    if best is None:
        reasons = "; ".join(f"trial {trial.number}: {trial.reason}" for trial in trials[-3:])
        raise TrainingError(f"none of {len(trials)} trials was done, so the search found nothing ({reasons})")
    log.info("best of %d trials: number %d, %s %.5g", len(trials), best.number, config.search.objective, best.metric)
    found = with_values(config, task.architecture(config), best.values)
    found["description"] = f"trial {best.number} of the search in {folder.name}; {config.description}".rstrip("; ")
    winner = parse_config(found, task.schema, f"trial {best.number}")
    write_json(folder / BEST_CONFIG_FILE, dump_config(winner))
    if config.save_outputs.tensorboard:
        save_hparams(folder / TENSORBOARD / "hparams", trials, config.search.objective)
    return winner, {
        "search_trials": plot_trials(trials, config.search.objective),
        "search_parameters": plot_parameters(trials, dimensions, config.search.objective),
    }


def check_engine(config: RunConfig) -> None:
    """Raise ConfigError where the trials' engine needs commands that this machine lacks."""
    if config.search.engine != "local":
        require_batch_system(config.search.engine, config.batch_job)


def described(task: Task, config: RunConfig) -> str:
    """What would be searched, and what a batch system would be given, in words."""
    dimensions, _ = read_space(config.model_parameters.space_options or {}, config, task.architecture(config))
    lines = [f"search: {config.model_parameters.hp_max_evals} trials, {config.search.workers} at a time, of"]
    lines += [f"  {name}: {each.form} {list(each.values)}" for name, each in dimensions.items()]
    if config.search.engine != "local":
        texts = engine_descriptions(config.search.engine, config.search.workers, config.batch_job)
        lines += [f"--- {name}\n{text}" for name, text in texts.items()]
    return "\n".join(lines)


def with_values(config: RunConfig, architecture: Architecture, values: Mapping[str, Any]) -> dict[str, Any]:
    """The resolved configuration of the plain network with the searched values in their places, not yet validated.

    The configured parameters of a loss stay where it is chosen; those of losses that are not chosen are left out.
    """
    raw = dump_config(config)
    model = raw["model_parameters"]
    raw |= {"model_name": architecture.searches or config.model_name, "version": None}
    model |= {"hp_max_evals": None, "space_options": None}
    if values.get("loss", model["loss"]["name"]) != model["loss"]["name"]:
        model["loss"] = {"name": values["loss"]}
    of_the_loss = architecture.losses[model["loss"]["name"]].model_fields
    for name, value in values.items():
        if name in model["build_parameters"]:
            model["build_parameters"][name] = value
        elif name in OF_THE_DATA:
            raw["dataset_parameters"][name] = value
        elif name == "batch_size":
            model["batch_size"] = value
        elif name != "loss" and name in of_the_loss:
            model["loss"][name] = value
    return raw


def _run_trials(jobs: _Jobs, dimensions: Mapping[str, Dimension]) -> list[Trial]:
    """All trials in the order in which they ended; those that the folder holds are not done again."""
    config, folder = jobs.config, jobs.folder
    settings, asked = config.search, config.model_parameters.hp_max_evals
    account, table = TrialLog(folder), TrialTable(dimensions, settings.objective)
    trials = account.read()
    if trials:
        log.info("going on after %d of %d trials", len(trials), asked)
    log.info("%s", table.header)
    for trial in trials:
        log.info("%s", table.line(trial))
    limit = _Limits(config, trials)
    running: dict[int, dict[str, Any]] = {}
    scratch = folder / "search"
    shutil.rmtree(scratch, ignore_errors=True)  # what a killed search has left
    engine = make_engine(settings.engine, settings.workers, run_trial_process, scratch, config.batch_job)
    if not limit.numbers_left(trials, running) or limit.reached(trials):
        return trials
    with engine:
        while True:
            raise_if_stop_is_urgent()
            left = [] if stop_requested() else limit.numbers_left(trials, running)
            while left and len(running) < engine.workers and not limit.reached(trials):
                number = left.pop(0)
                pending = list(running.values())
                values = propose(dimensions, trials, pending, number, config.dataset_parameters.random_seed)
                if values in [*pending, *(trial.values for trial in trials)]:
                    limit.exhausted = True
                    continue
                running[number] = values
                engine.start(jobs.job(number, values, trials))
            if not running:
                break
            job, result = engine.finished()
            trial = Trial(**{**result, "number": job["number"], "values": running.pop(job["number"])})
            account.append(trial)
            trials.append(trial)
            log.info("%s", table.line(trial))
    raise_if_stop_requested()
    shutil.rmtree(scratch, ignore_errors=True)
    return trials


class _Limits:
    """When no new trial begins."""

    def __init__(self, config: RunConfig, before: list[Trial]) -> None:
        self.asked, self.settings = config.model_parameters.hp_max_evals, config.search
        spent = sum(trial.seconds for trial in before) / self.settings.workers
        self.began = time.monotonic() - spent
        self.exhausted = self.said = False

    def numbers_left(self, trials: list[Trial], running: Mapping[int, Any]) -> list[int]:
        taken = {trial.number for trial in trials} | set(running)
        return [number for number in range(1, (self.asked or 0) + 1) if number not in taken]

    def reached(self, trials: list[Trial]) -> bool:
        reason = self._reason(trials)
        if reason and not self.said:
            log.info("no new trials: %s", reason)
            self.said = True
        return bool(reason)

    def _reason(self, trials: list[Trial]) -> str:
        budget, patience = self.settings.time_budget_minutes, self.settings.patience
        if budget is not None and time.monotonic() - self.began > 60 * budget:
            return f"the time budget of {budget:g} minutes is spent"
        best = best_trial(trials)
        in_vain = len(trials) - 1 - trials.index(best) if best else len(trials)
        if patience is not None and in_vain >= patience:
            return f"{in_vain} trials in a row brought nothing better"
        if self.exhausted:
            return "hardly a point of the space is left that was not tried"
        return ""


@dataclass(frozen=True)
class _Jobs:
    """What the trials of a search have in common, and the job of each."""

    task: Task
    config: RunConfig
    folder: Path
    data: DataFolders

    def job(self, number: int, values: Mapping[str, Any], trials: list[Trial]) -> dict[str, Any]:
        """That of trial `number` with its searched `values`, after the `trials` that ended."""
        config, settings = self.config, self.config.search
        raw = with_values(config, self.task.architecture(config), values)
        epochs = settings.epochs_per_trial or config.model_parameters.epochs
        raw["model_parameters"]["epochs"] = epochs
        raw["ensemble"] = None
        return {
            "number": number,
            "task": self.task.schema.name,
            "run": str(self.folder.resolve()),
            "config": raw,
            "max_samples": settings.max_samples_per_trial,
            "hopeless": hopeless_above(trials, epochs, settings),
            "objective": settings.objective,
            "skip_bad_files": self.data.skip_bad_files,
        }
