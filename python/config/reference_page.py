"""The reference page of a task's configurations: every key with what is allowed, its default and its meaning."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from python.config.assemble import config_model, loss_model
from python.config.declared import Declaration
from python.config.problems import Path, dotted
from python.config.schema import Section
from python.config.search_space import FORMS_IN_WORDS, OF_THE_DATA
from python.config.task_schema import Architecture, Input, TaskSchema

TABLE_HEAD = ["| key | allowed | default | meaning |", "|---|---|---|---|"]
DEPENDENT = (("model_parameters", "build_parameters"), ("model_parameters", "loss"))
INPUT_SHAPE = ("model_parameters", "input_shape")  # whose default is that of the network


def task_reference_page(task: TaskSchema) -> str:
    """Markdown: a table for each section, then one for each architecture's parameters and for each loss."""
    first, architecture = next(iter(task.architectures.items()))
    declaration = Declaration.of(config_model(task, first, architecture.default_loss))
    lines = [f"# Configuration of {task.name}", "", *_introduction(task)]
    for path, keys in declaration.sections:
        if path not in DEPENDENT:
            lines += ["", f"## {dotted(path) or 'The file'}", "", *_table(declaration, keys, path)]
    written: dict[Any, str] = {}
    for name, architecture in task.architectures.items():
        lines += _architecture_lines(name, architecture, written)
    lines += ["", "This page is made from the code, by `python -m python.commands.write_schemas`."]
    return "\n".join(lines) + "\n"


def _introduction(task: TaskSchema) -> Iterator[str]:
    yield (
        f"What a file for `./scripts/train_{task.name}.sh -j FILE` may say. Only `model_name`, the network, has to be there; "
        "every other key that is left out has its default. The shortest file is "
        '`{"model_name": "NAME"}`, with one of the networks below.'
    )
    yield ""
    yield (
        f"Files to start from stand in `json/{task.name}/`. A section is written in braces within the file: "
        '`"model_parameters": {"epochs": 20}`. A dot leads into a section, here and in `--set model_parameters.epochs=20`. '
        "Comments (`//`, `/* */`) and trailing commas are allowed. `./scripts/validate_config.sh FILE` names every mistake."
    )
    yield ""
    sections = ", ".join(f"[{name}](#model_name-{name})" for name in task.architectures)
    yield f"Each network has parameters of its own, and losses that fit it: {sections}."


def _table(declaration: Declaration, keys: dict[str, Any], path: Path = ()) -> Iterator[str]:
    yield from TABLE_HEAD
    for key, node in keys.items():
        section = declaration.section(node)
        allowed = declaration.words(node)
        default = _code(node["default"]) if "default" in node else "required"
        if (*path, key) == INPUT_SHAPE:
            default = "see the network"
        if section is not None:
            allowed = "a section" if section is declaration.resolved(node) else "a section or null"
            default = "null" if node.get("default", {}) is None else "see there"
        yield f"| `{key}` | {_cell(allowed)} | {default} | {_cell(node.get('description', ''))} |"


def _architecture_lines(name: str, architecture: Architecture, written: dict[Any, str]) -> Iterator[str]:
    """The part about one architecture; `written` holds the architecture that each table was written for."""
    yield from ("", f"## model_name {name}", "")
    if architecture.classes:
        yield f"Classes, in the order of the labels: {', '.join(architecture.classes)}."
    if set(architecture.inputs(architecture.parameters())) & {Input.IMAGE, Input.U, Input.V, Input.X}:
        yield f"By default `input_shape` is `{list(architecture.images.shape)}`, that of {architecture.images}."
    if architecture.meant_for_search:
        yield "Meant for a search: `hp_max_evals` and `space_options` must be set."
    others = ("batch_size", "loss", "the parameters of the loss", *OF_THE_DATA)
    searchable = [*architecture.parameters.model_fields, *others]
    yield f"A search may vary {', '.join(searchable)}; for each, {FORMS_IN_WORDS}."
    models: dict[str, type[Section]] = {"model_parameters.build_parameters": architecture.parameters}
    for loss, parameters in architecture.losses.items():
        default = " (default)" if loss == architecture.default_loss else ""
        models[f"model_parameters.loss {loss}{default}"] = loss_model(parameters, loss)
    for title, model in models.items():
        yield from ("", f"### {title}", "")
        earlier = written.setdefault(model, name)
        declaration = Declaration.of(model)
        yield from [f"As for {earlier}."] if earlier != name else _table(declaration, declaration.keys(()))


def _code(value: Any) -> str:
    return f"`{json.dumps(value)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")
