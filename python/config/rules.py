"""What must hold between several keys of a configuration whose single values are right."""

from __future__ import annotations

import math
from collections.abc import Iterator

from python.config.problems import Path, Problem, shown
from python.config.schema import BatchJob, RunConfig
from python.config.search_space import SPACE, misfits_of_network, read_space
from python.config.task_schema import Architecture

MODEL_NAME: Path = ("model_name",)
MAX_EVALS: Path = ("model_parameters", "hp_max_evals")
REDUCE_LR: Path = ("model_parameters", "reduce_lr")
COSINE: tuple[str, ...] = ("model_parameters", "optimizer", "cosine_annealing")
DECAY_STEPS: tuple[str, ...] = ("model_parameters", "optimizer", "decay_steps")
DECAY_RATE: Path = ("model_parameters", "build_parameters", "decay_rate")
ENVIRONMENT: Path = ("batch_job", "environment")
OF_ENVIRONMENTS = {"lcg": "lcg_view", "container": "container_image"}  # the key that each of them needs
FRACTIONS = ("train_fraction", "val_fraction", "test_fraction")


def broken_rules(config: RunConfig, architecture: Architecture) -> Iterator[Problem]:
    yield from _fractions(config)
    yield from _folders(config)
    yield from _network(config, architecture)
    yield from _learning_rate(config)
    yield from _search(config, architecture)
    yield from broken_batch_rules(config.batch_job)


def _fractions(config: RunConfig) -> Iterator[Problem]:
    values = [getattr(config.dataset_parameters, name) for name in FRACTIONS]
    if not math.isclose(sum(values), 1, abs_tol=1e-6):
        terms = " + ".join(f"{value:g}" for value in values)
        yield Problem(
            ("dataset_parameters",),
            f"{', '.join(FRACTIONS)} must sum to 1, but {terms} = {sum(values):g}",
            tuple(("dataset_parameters", name) for name in FRACTIONS),
        )


def _folders(config: RunConfig) -> Iterator[Problem]:
    folders = config.data_directories or ()
    for index, folder in enumerate(folders):
        if folder in folders[:index]:
            path = ("data_directories", index)
            yield Problem(path, f"{shown(folder)} is named twice; its images would count twice", (path,))


def _network(config: RunConfig, architecture: Architecture) -> Iterator[Problem]:
    model = config.model_parameters
    misfit = architecture.check(model.input_shape, model.build_parameters)
    if misfit:
        path = ("model_parameters", "build_parameters")
        yield Problem(path, misfit, (path, ("model_parameters", "input_shape")))


def _learning_rate(config: RunConfig) -> Iterator[Problem]:
    """One rule says what the learning rate of a step is."""
    model = config.model_parameters
    decays = model.build_parameters.decay_rate != 1 or "decay_rate" in (model.space_options or {})
    if model.optimizer.cosine_annealing is not None:
        if decays:
            text = "says the learning rate of every epoch; set decay_rate of build_parameters to 1, or this to null"
            yield Problem(COSINE, text, (COSINE, DECAY_RATE, SPACE))
        if model.optimizer.decay_steps is not None:
            yield Problem(DECAY_STEPS, "is of no use beside cosine_annealing; leave one out", (DECAY_STEPS, COSINE))
    for path in (COSINE, DECAY_STEPS):
        if model.reduce_lr is not None and getattr(model.optimizer, path[-1]) is not None:
            text = (
                f"says the learning rate of every step, which {path[-1]} of optimizer does too; set one of them to null"
            )
            yield Problem(REDUCE_LR, text, (REDUCE_LR, path))


def broken_batch_rules(batch: BatchJob) -> Iterator[Problem]:
    if batch.python_from == "packed" and not batch.file_transfer:
        yield Problem(
            ENVIRONMENT,
            '"packed" is for nodes that do not see this machine\'s environment; it goes with batch_job.file_transfer',
            (ENVIRONMENT, ("batch_job", "file_transfer")),
        )
    for environment, key in OF_ENVIRONMENTS.items():
        path, wanted = ("batch_job", key), batch.python_from == environment
        if wanted and getattr(batch, key) is None:
            yield Problem(path, f"is needed by the environment {shown(environment)}", (path, ENVIRONMENT))
        if not wanted and getattr(batch, key) is not None:
            plain = f"belongs to the environment {shown(environment)}, not to {shown(batch.python_from)}"
            yield Problem(path, f"{plain}; leave one of them out", (path, ENVIRONMENT))


def _search(config: RunConfig, architecture: Architecture) -> Iterator[Problem]:
    trials, space = config.model_parameters.hp_max_evals, config.model_parameters.space_options
    asked = (MAX_EVALS, SPACE)
    if space == {}:
        yield Problem(SPACE, "names nothing to search; list what the search varies, or write null", (SPACE,))
    if trials is not None and space is None:
        yield Problem(
            MAX_EVALS,
            f"{trials} trials are asked for, but space_options does not say of what; set both or neither",
            asked,
        )
    if trials is None and space is not None:
        yield Problem(
            SPACE, "a space is given, but hp_max_evals does not say how many trials; set both or neither", asked
        )
    if architecture.meant_for_search and trials is None and space is None:
        plain = (
            f"{shown(config.model_name)} is meant for a search; set hp_max_evals and space_options of model_parameters"
        )
        yield Problem(MODEL_NAME, f"{plain}, or name a network that is not", (MODEL_NAME, *asked))
    if config.continue_from is not None and trials is not None:
        path = ("continue_from",)
        text = "starts from one network, a search makes many of other shapes; set it, or hp_max_evals and space_options, to null"
        yield Problem(path, text, (path, MAX_EVALS))
    if space:
        dimensions, problems = read_space(space, config, architecture)
        yield from problems
        yield from misfits_of_network(dimensions, config, architecture)
