"""The answers and losses that there are: those whose files stand in `answers/`."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from types import MappingProxyType, ModuleType

import python.directions.answers as folder
from python.config.task_schema import LossParameters
from python.directions.answer import Answer, Loss


def _modules() -> Iterator[ModuleType]:
    for module in sorted(pkgutil.iter_modules(folder.__path__), key=lambda module: module.name):
        yield importlib.import_module(f"{folder.__name__}.{module.name}")


@functools.cache
def answers() -> Mapping[str, Answer]:
    """Every answer by its name."""
    return MappingProxyType({module.ANSWER.name: module.ANSWER for module in _modules() if hasattr(module, "ANSWER")})


@functools.cache
def losses() -> Mapping[str, Loss]:
    """Every loss by its name. Raises ValueError where two files claim one name."""
    found: dict[str, Loss] = {}
    for module in _modules():
        for loss in getattr(module, "LOSSES", ()):
            if loss.name in found:
                raise ValueError(
                    f"{module.__name__}: another file has a loss {loss.name!r}; give this one its own name"
                )
            found[loss.name] = loss
    return MappingProxyType(found)


def loss_parameters(default: str) -> dict[str, type[LossParameters]]:
    """The parameters of every loss by its name, the `default` first: what a network of directions can be trained with."""
    return {name: losses()[name].parameters for name in (default, *(name for name in losses() if name != default))}
