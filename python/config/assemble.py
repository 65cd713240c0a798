"""The configuration model of one architecture with one loss: the shared sections narrowed by the task's declaration."""

from __future__ import annotations

import functools
from typing import Any, Literal, TypeVar

from pydantic import Field, create_model

from python.config.schema import EarlyStopping, ImageShape, ReduceLr, RunConfig, Section
from python.config.task_schema import LossParameters, TaskSchema

AnySection = TypeVar("AnySection", bound=Section)


def _section(task: TaskSchema, key: str) -> type[Section]:
    """The section that the task has at `key`."""
    section: Any = task.config.model_fields[key].annotation
    return section


def _narrowed(base: type[AnySection], **fields: tuple[Any, Any]) -> type[AnySection]:
    """A subclass of `base` in which each field of `fields` has a new (type, default) and keeps its description."""
    definitions: dict[str, Any] = {
        name: (kind, Field(default, description=base.model_fields[name].description))
        for name, (kind, default) in fields.items()
    }
    return create_model(base.__name__, __base__=base, __doc__=base.__doc__, __module__=base.__module__, **definitions)


@functools.cache
def loss_model(parameters: type[LossParameters], name: str, *others: str) -> type[LossParameters]:
    """The section of the loss `name`; `others` are the names that may stand there too, for an error to list them."""
    return _narrowed(parameters, name=(Literal[name, *others], name))


@functools.cache
def config_model(task: TaskSchema, model_name: str, loss_name: str) -> type[RunConfig]:
    """The model of all configurations of `task` with this architecture and this loss."""
    architecture = task.architectures[model_name]
    others = [name for name in architecture.losses if name != loss_name]
    loss = loss_model(architecture.losses[loss_name], loss_name, *others)
    monitor = (Literal[task.monitors], task.monitors[0])
    early_stopping = _narrowed(EarlyStopping, monitor=monitor)
    model_parameters = _narrowed(
        _section(task, "model_parameters"),
        input_shape=(ImageShape, architecture.images.shape),
        build_parameters=(architecture.parameters, architecture.parameters()),
        loss=(loss, loss()),
        early_stopping=(early_stopping | None, early_stopping()),
        reduce_lr=(_narrowed(ReduceLr, monitor=monitor) | None, None),
    )
    search = _narrowed(_section(task, "search"), objective=monitor)
    return _narrowed(
        task.config,
        task=(Literal[task.name], task.name),
        model_name=(Literal[tuple(task.architectures)], ...),
        model_parameters=(model_parameters, model_parameters()),
        search=(search, search()),
    )
