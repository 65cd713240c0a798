"""The JSON schema of a task's configurations, by which editors complete and check them."""

from __future__ import annotations

from typing import Any

from python.config.assemble import config_model, loss_model
from python.config.declared import Declaration
from python.config.schema import Section
from python.config.search_space import OF_THE_DATA, TWO_VALUES_ARE_A_RANGE
from python.config.task_schema import Architecture, TaskSchema

Node = dict[str, Any]
RANGE: Node = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
STEPPED_RANGE: Node = {"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3}
SPACE_OUTSIDE = "space_outside_the_network"  # searchable keys that belong neither to the network nor to the loss


def task_json_schema(task: TaskSchema) -> Node:
    """JSON Schema (2020-12) of the configurations of `task`: model_name decides about parameters, losses and search.

    It accepts whatever `load_config` accepts; rules between keys beyond that are for `load_config` alone. What architectures
    share stands once, so that one more network or loss adds what is its own.
    """
    first, architecture = next(iter(task.architectures.items()))
    root = config_model(task, first, architecture.default_loss).model_json_schema()
    definitions = root.pop("$defs")
    del definitions[architecture.losses[architecture.default_loss].__name__]  # each loss comes under its own name
    for architecture in task.architectures.values():
        _add(definitions, architecture.parameters.__name__, architecture.parameters)
        for name, parameters in architecture.losses.items():
            _add(definitions, _loss_key(name, parameters), loss_model(parameters, name))
    sections = Declaration({**root, "$defs": definitions})
    model_keys = sections.keys(("model_parameters",))
    outside = {"batch_size": model_keys["batch_size"]}
    outside |= {name: sections.keys(("dataset_parameters",))[name] for name in OF_THE_DATA}
    definitions[SPACE_OUTSIDE] = _dimensions(outside)
    for name in ("build_parameters", "loss", "space_options"):
        model_keys[name] = {"description": model_keys[name]["description"]}
    del model_keys["input_shape"]["default"]  # each network has its own
    groups = _losses_in_groups(task)
    branches = [
        _branch(name, architecture, groups[name], definitions) for name, architecture in task.architectures.items()
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Configuration of {task.name}",
        **_without_noise(root),
        "allOf": branches,
        "$defs": _without_noise(definitions),
    }


def _add(definitions: Node, key: str, model: type[Section]) -> None:
    definition = model.model_json_schema()
    definitions.update(definition.pop("$defs", {}))
    definitions[key] = definition


def _loss_key(name: str, parameters: type) -> str:
    return f"{name}_{parameters.__name__}"


def _losses_in_groups(task: TaskSchema) -> dict[str, str]:
    """For each architecture the key of its losses, which it shares with those that have the same."""
    keys: dict[frozenset[str], str] = {}
    return {
        name: keys.setdefault(frozenset(_loss_key(*each) for each in one.losses.items()), f"losses_of_{name}")
        for name, one in task.architectures.items()
    }


def _branch(model_name: str, architecture: Architecture, losses_key: str, definitions: Node) -> Node:
    """What holds for one architecture; what it refers to is defined on the way."""
    losses = sorted(architecture.losses.items())
    definitions[losses_key] = {"anyOf": [_reference(_loss_key(name, kind)) for name, kind in losses]}
    of_losses, of_network = f"space_of_{losses_key}", f"space_of_{architecture.parameters.__name__}"
    fields: Node = {}
    for name, kind in losses:
        own = definitions[_loss_key(name, kind)]["properties"]
        fields.update({key: node for key, node in own.items() if key != "name"})
    fields["loss"] = {"enum": [name for name, _ in losses], "description": "The loss."}
    definitions[of_losses] = _dimensions(fields)
    definitions[of_network] = _dimensions(definitions[architecture.parameters.__name__]["properties"])
    space = {
        "type": "object",
        "allOf": [_reference(key) for key in (of_network, of_losses, SPACE_OUTSIDE)],
        "unevaluatedProperties": False,
        "minProperties": 1,
    }
    keys = {
        "input_shape": {"default": list(architecture.images.shape)},
        "build_parameters": _reference(architecture.parameters.__name__),
        "loss": _reference(losses_key),
        "space_options": {"anyOf": [space, {"type": "null"}]},
    }
    parameters: Node = {"properties": keys}
    then: Node = {"properties": {"model_parameters": parameters}}
    if architecture.meant_for_search:
        parameters["required"] = ["hp_max_evals", "space_options"]
        then["required"] = ["model_parameters"]
    return {"if": {"properties": {"model_name": {"const": model_name}}}, "then": then}


def _reference(key: str) -> Node:
    return {"$ref": f"#/$defs/{key}"}


def _dimensions(fields: Node) -> Node:
    """The names that a search may vary among `fields`, with what may be written for each."""
    return {"properties": {name: _dimension(name, node) for name, node in fields.items()}}


def _dimension(name: str, field: Node) -> Node:
    item = {key: value for key, value in field.items() if key not in ("default", "description", "title")}
    choices = {"type": "array", "items": item, "minItems": 1, "uniqueItems": True}
    types = {choice.get("type") for choice in item.get("anyOf", [item])}
    forms: dict[str, Node] = {"choice": choices}
    if "number" in types:
        forms.update(uniform=RANGE, loguniform=RANGE)
    if types & {"number", "integer"}:
        forms["quniform"] = STEPPED_RANGE
    written = {
        "type": "object",
        "properties": forms,
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    hint = " Two values are a range." if name in TWO_VALUES_ARE_A_RANGE else ""
    return {"description": f"{field['description']}{hint}", "anyOf": [choices, written]}


def _without_noise(node: Any) -> Any:
    """Without the titles that repeat a key, and the defaults of whole sections that repeat those of their keys."""
    if isinstance(node, dict):
        noise = ("title", "default") if "$ref" in node else ("title",)
        return {key: _without_noise(value) for key, value in node.items() if key not in noise}
    if isinstance(node, list):
        return [_without_noise(value) for value in node]
    return node
