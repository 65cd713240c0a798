"""From a configuration file to a validated RunConfig, or to one error that names every mistake in the file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError

from python.config.assemble import config_model
from python.config.declared import Declaration
from python.config.format_version import in_current_format, read_configuration
from python.config.legacy.retired import retired_problems, without_retired
from python.config.overrides import NO_OPTIONS, Options, with_overrides
from python.config.plain_json import unstorable_values
from python.config.problems import Path, Problem, did_you_mean, nearest, raise_problems, shown
from python.config.rules import broken_batch_rules, broken_rules
from python.config.schema import BatchJob, RunConfig, Section
from python.config.task_schema import TaskSchema

S = TypeVar("S", bound=Section)

NPY_REASON = (
    "separate NPY arrays of images and labels carry no event identity, so clusters of one event would end up on both "
    "sides of the split; make NPZ files with make_images.sh and name their folder in data_directories"
)


def load_config(
    path: str | os.PathLike, task: TaskSchema, overrides: Sequence[str] = (), options: Options = NO_OPTIONS
) -> RunConfig:
    """Read and validate the configuration at `path` for `task`.

    `overrides` are KEY.PATH=VALUE texts; the `options` of the command line win over both. ConfigError names every mistake at
    once: one line each with its dotted path, the value, and what is allowed.
    """
    raw = options.applied_to(with_overrides(read_configuration(path), overrides))
    return parse_config(raw, task, str(path))


def parse_config(raw: Any, task: TaskSchema, source: str = "the configuration") -> RunConfig:
    """Validate a configuration that has been read already; `source` names it in errors. See `load_config`."""
    if not isinstance(raw, dict):
        raise_problems([Problem((), f"must be one section {{...}} of keys and values, not {shown(raw)}")], source)
    raw = in_current_format(raw, source)
    kept = without_retired(raw, task)
    problems = [*unstorable_values(raw), *_npy_keys(raw), *retired_problems(raw, task)]
    for problem in problems:
        _remove(kept, problem.path)
    wanted = kept.get("model_name")
    model_name = _named_or_nearest(wanted, list(task.architectures))
    loss_name = _named_or_nearest(_loss_name(kept), list(task.architectures[model_name].losses))
    model = config_model(task, model_name, loss_name)
    config, mistakes, doubtful = _validated(kept, model, model_name=model_name)
    doubtful += [problem.path for problem in problems]
    problems += mistakes
    architecture = task.architectures[model_name]
    rules = [*broken_rules(config, architecture), *task.rules(config, architecture)]
    problems += [rule for rule in rules if not any(_related(path, bad) for path in rule.involves for bad in doubtful)]
    if isinstance(wanted, str) and wanted != model_name:
        problems = [_mentioning(problem, model_name) for problem in problems]
    raise_problems(problems, source)
    return config


class _OfBatchJob(Section):
    batch_job: BatchJob = BatchJob()


def batch_job_with(batch: BatchJob, overrides: Sequence[str]) -> BatchJob:
    """What a batch job asks for, changed by `batch_job.KEY=VALUE` texts. ConfigError names every mistake at once."""
    raw = with_overrides({"batch_job": batch.model_dump(mode="json")}, overrides)
    found, problems, doubtful = _validated(raw, _OfBatchJob)
    problems += [] if doubtful else broken_batch_rules(found.batch_job)
    raise_problems(problems, "--set")
    return found.batch_job


def dump_config(config: RunConfig) -> dict[str, Any]:
    """The resolved configuration as JSON values, every default filled in; parsed again, it gives the same."""
    return config.model_dump(mode="json", by_alias=True, serialize_as_any=True)


# ---------------------------------------------------------------------------- single values
def _validated(raw: dict, model: type[S], **required: Any) -> tuple[S, list[Problem], list[Path]]:
    """The configuration with defaults for what is wrong, the problems, and the paths that nothing follows from.

    `required` are values of keys without a default.
    """
    problems: list[Problem] = []
    doubtful: list[Path] = []
    while True:
        try:
            return model.model_validate(raw), problems, doubtful
        except ValidationError as found:
            declaration = Declaration.of(model)
            for error in found.errors(include_url=False, include_context=False):
                path: Path = error["loc"]
                missing = error["type"] == "missing"
                if not (missing and path in doubtful):  # taken away as wrong before
                    problem, meant = _in_words(error["type"], path, error["input"], declaration)
                    problems.append(problem)
                    doubtful += [path, *meant]
                _remove(raw, path[:-1] if missing else path)  # a section that lacks a key goes as a whole
            raw |= required


def _in_words(kind: str, path: Path, value: Any, declaration: Declaration) -> tuple[Problem, list[Path]]:
    """The problem in plain words, and the paths that the user may have meant."""
    if kind == "extra_forbidden":
        return _unknown_key(path, declaration)
    node = declaration.node(path)
    allowed = declaration.words(node)
    if kind == "missing":
        return Problem(path, f"is missing; it must be {allowed}"), []
    return Problem(path, f"must be {allowed}, not {shown(value)}{did_you_mean(value, node.get('enum', []))}"), []


def _unknown_key(path: Path, declaration: Declaration) -> tuple[Problem, list[Path]]:
    key, here = str(path[-1]), declaration.keys(path[:-1])
    homes = declaration.homes(key)
    if homes:
        return Problem(path, f"does not belong here; it belongs at {' or '.join(homes)}"), _paths(homes)
    close = nearest(key, list(here))
    if close:
        return Problem(path, f'unknown key; did you mean "{close}"?'), [(*path[:-1], close)]
    elsewhere = nearest(key, list(dict.fromkeys(name for _, keys in declaration.sections for name in keys)), cutoff=0.8)
    if elsewhere:
        homes = declaration.homes(elsewhere)
        return Problem(path, f"unknown key; did you mean {' or '.join(homes)}?"), _paths(homes)
    return Problem(path, f"unknown key; allowed here: {', '.join(here)}"), []


def _paths(dotted: Sequence[str]) -> list[Path]:
    return [tuple(text.split(".")) for text in dotted]


# ---------------------------------------------------------------------------- before validation
def _npy_keys(raw: dict) -> Iterator[Problem]:
    sections = {(): raw, **{(key,): value for key, value in raw.items() if isinstance(value, dict)}}
    for path, section in sections.items():
        for key in ("input_data", "input_label"):
            if key in section:
                yield Problem((*path, key), NPY_REASON)


def _named_or_nearest(name: Any, names: list[str]) -> str:
    """`name` itself, else the one of `names` most like it, else the first."""
    if isinstance(name, str):
        return name if name in names else nearest(name, names, cutoff=0) or names[0]
    return names[0]


def _loss_name(raw: dict) -> Any:
    node: Any = raw
    for key in ("model_parameters", "loss", "name"):
        node = node.get(key) if isinstance(node, dict) else None
    return node


# ---------------------------------------------------------------------------- small steps
def _remove(raw: dict, path: Path) -> None:
    """Take away what stands at `path`, with the whole list where the path leads into one."""
    node: Any = raw
    for depth, part in enumerate(path):
        last = depth == len(path) - 1 or isinstance(path[depth + 1], int)
        if not isinstance(node, dict) or part not in node:
            return
        if last:
            del node[part]
            return
        node = node[part]


def _related(one: Path, other: Path) -> bool:
    """Whether one path lies within the other."""
    return one[: len(other)] == other or other[: len(one)] == one


def _mentioning(problem: Problem, model_name: str) -> Problem:
    """The problem with the architecture that a misspelt model name was taken for, where it matters."""
    if problem.path[:2] != ("model_parameters", "build_parameters"):
        return problem
    return Problem(problem.path, f"{problem.text} (taking the model for {model_name})")
