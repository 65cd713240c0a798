"""What a task hands down to configuration: its architectures with their parameters, losses, classes and input shape.

Cheap to import: neither Keras nor NumPy are needed before a network is built.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import ModuleType
from typing import Any

from pydantic import Field

from python.config.legacy.draft import OlderKeys
from python.config.problems import Problem
from python.config.schema import BuildParameters, Loss, PointParameters, RunConfig
from python.general_purpose_libs import ConfigError, reason_of

InputShape = tuple[int, int, int]


class ImageKind(StrEnum):
    """What an image shows: one cluster, or everything within half a metre of one."""

    CLUSTERS = "clusters"
    VOLUMES = "volumes"

    @property
    def shape(self) -> InputShape:
        """Rows, columns and 1, as they are made unless another size is asked for."""
        return (208, 1242, 1) if self is ImageKind.VOLUMES else (128, 32, 1)

    @property
    def axes(self) -> tuple[str, str]:
        """What rows and columns are."""
        return ("channel", "tick") if self is ImageKind.VOLUMES else ("tick", "channel")


class Input(StrEnum):
    """What a network can take of a sample; images and volumes in raw ADC."""

    IMAGE = "image"  # of the plane that the configuration names
    U = "u"  # of each of three matched planes
    V = "v"
    X = "x"
    OFFSETS = "offsets"  # between the planes
    ENERGY = "energy"  # the logarithm of the reconstructed one, in MeV
    NUMBERS = "numbers"  # reconstructed ones, of a volume or of the other clusters of the event
    POINTS = "points"  # trigger primitives


class LossParameters(Loss):
    """Base of a loss's parameters. Every field has a default, a description and its range."""

    name: str = Field("", description="The loss.")  # narrowed to the name under which an architecture offers it


@dataclass(frozen=True, eq=False)
class Architecture:
    """A network that a configuration can name.

    `build(input_shape, outputs, parameters)` returns the Keras model; `outputs` is what the task's learning problem says of them:
    the names of a classifier's classes, that of a direction's layout. `losses` maps the names of the losses that fit
    the network to their parameters, the default first. `check(input_shape, parameters)` returns why the two do not go
    together, or None. `classes` are a classifier's class names in the order of its labels. `inputs(parameters)` names
    what the network takes, values of Input; `images` what its images show. `searches` names the plain network
    that one meant for a search becomes with what was found.
    """

    parameters: type[BuildParameters]
    build: Callable[[InputShape, Any, Any], Any]
    losses: Mapping[str, type[LossParameters]]
    searches: str = ""
    classes: tuple[str, ...] = ()
    check: Callable[[InputShape, Any], str | None] = lambda _shape, _parameters: None
    inputs: Callable[[Any], tuple[str, ...]] = lambda _parameters: ("image",)
    images: ImageKind = ImageKind.CLUSTERS

    def __post_init__(self) -> None:
        unknown = set(self.inputs(self.parameters())) - set(Input)
        if unknown:
            raise ConfigError(f"{self.parameters.__name__}: {sorted(unknown)} are none of {', '.join(Input)}")
        if Input.POINTS in self.inputs(self.parameters()) and not issubclass(self.parameters, PointParameters):
            raise ConfigError(
                f"{self.parameters.__name__}: must say how many points are read: derive from PointParameters"
            )

    @property
    def meant_for_search(self) -> bool:
        return bool(self.searches)

    def points_read(self, parameters: BuildParameters) -> int:
        """How many points of a sample the network reads; 0 where it takes none."""
        if isinstance(parameters, PointParameters) and Input.POINTS in self.inputs(parameters):
            return parameters.max_points
        return 0

    @property
    def default_loss(self) -> str:
        return next(iter(self.losses))


def architectures_in(folder: ModuleType) -> dict[str, Architecture]:
    """The architectures of a package by their names: each file in it declares the ARCHITECTURE of its name.

    Raises ConfigError, naming the file, where one of them is no such declaration.
    """
    names = sorted(module.name for module in pkgutil.iter_modules(folder.__path__))
    return {name: _declared_in(f"{folder.__name__}.{name}") for name in names}


def _declared_in(module: str) -> Architecture:
    try:
        declared = importlib.import_module(module).ARCHITECTURE
    except ConfigError as error:
        what = str(error)
    except Exception as error:  # noqa: BLE001 (a file of the user's own may raise anything)
        what = f"{reason_of(error)} ({type(error).__name__})"
    else:
        if isinstance(declared, Architecture):
            return declared
        what = f"ARCHITECTURE is {type(declared).__name__}, no Architecture"
    raise ConfigError(f"{module.replace('.', '/')}.py declares no network: {what}; mend the file, or take it away")


@dataclass(frozen=True, eq=False)
class TaskSchema:
    """A task as configuration sees it.

    `monitors` are the quantities that early stopping, plateaus and the search may watch, the default first.
    `older` is what its configurations said in other ways.
    A task with keys of its own passes a `config` that derives from RunConfig and declares them, and `rules` for what must hold
    between them.
    """

    name: str
    architectures: Mapping[str, Architecture]
    monitors: tuple[str, ...] = ("val_loss",)
    config: type[RunConfig] = RunConfig
    rules: Callable[[Any, Architecture], Iterable[Problem]] = lambda _config, _architecture: ()
    older: OlderKeys = field(default_factory=OlderKeys)

    def __post_init__(self) -> None:
        for name, architecture in self.architectures.items():
            plain = self.architectures.get(architecture.searches) if architecture.searches else architecture
            if plain is None or plain.parameters is not architecture.parameters or plain.losses != architecture.losses:
                raise ConfigError(
                    f"{self.name}/models/{name}.py: {architecture.searches} is no network of the same parameters and losses"
                )
            for declared in (architecture.parameters, *architecture.losses.values()):
                for key, declaration in declared.model_fields.items():
                    if declaration.is_required() or not declaration.description:
                        raise ConfigError(
                            f"{self.name}/models/{name}.py: {declared.__name__}.{key} needs a default and a description"
                        )
            for loss in architecture.losses.values():
                both = set(loss.model_fields) & set(architecture.parameters.model_fields)
                if both:  # a search names build parameters and loss parameters side by side
                    raise ConfigError(
                        f"{self.name}/models/{name}.py: {sorted(both)} are parameters of the network and of a loss"
                    )
