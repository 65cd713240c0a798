"""The network of a run of older code as one that answers like that of any run.

A file of Keras tells the shapes of what a network takes and gives. What it was shown else, the user says, or the configuration
beside it; nothing is guessed. It becomes an architecture of its own, for which a configuration is made and samples are read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from python.config.legacy.convert import convert
from python.config.load import parse_config
from python.config.overrides import with_overrides
from python.config.schema import BuildParameters, RunConfig
from python.config.task_schema import Architecture, ImageKind
from python.data.data_origin import DataOrigin
from python.data.image_set import ImageSet
from python.data.metadata import UNKNOWN
from python.data.old_orientation import to_old_orientation, to_old_volumes
from python.data.triples import TripleSet
from python.detector.geometry import PLANES
from python.directions.find import loss_parameters
from python.general_purpose_libs import ConfigError, log
from python.networks.older import OlderNetwork, Sides, Sight
from python.runs.older import OlderRun
from python.tasks import about
from python.training.device import choose_device
from python.training.task import Samples, SampleSet, Task
from python.training.trained import Trained, names_files

if TYPE_CHECKING:
    import keras

VOLUME: Sides = ImageKind.VOLUMES.shape[:2]
MOST_CHANNELS = 64  # of an image of a cluster; older ones have 16 or 32
IMAGE, ANSWER = ("row", "column", "plane"), ("event", "number")  # axes
WIDTH_OF_DIRECTION = 3


@dataclass(frozen=True)
class TrainedWith:
    """What is said of an older network's training, None where nothing is: the `planes` that its inputs took and the `classes`
    that its answers are, in order; the `flips` of its images of clusters, "none" or "upstream"; their `values`, "adc" or
    divided by the "largest" of each image.
    """

    planes: Sequence[str] | None = None
    classes: Sequence[str] | None = None
    flips: str | None = None
    values: str | None = None


def load_older(task: Task, run: OlderRun, said: TrainedWith, changes: Sequence[str] = ()) -> Trained:
    """The network of a run of older code, for `task`; `changes` as for `Trained.load`.

    Raises ConfigError where it cannot be loaded without running what is in it, takes or gives what no network of the task
    does, or where something is not known that must be said.
    """
    from python.networks.older_file import load_older_network

    log.debug("device: %s", choose_device("auto"))
    return _Older(task, run, said, load_older_network(run.network)).trained(changes)


class _Older:
    """The steps from a loaded network to one that answers; what is missing on the way is collected in `asked`."""

    def __init__(self, task: Task, run: OlderRun, said: TrainedWith, model: keras.Model) -> None:
        self.task, self.run, self.said, self.model = task, run, said, model
        self.asked: list[str] = []
        self.beside = self._converted()
        self.directions = about(task.schema.name).answers == "directions"
        self.kind, self.stacked, self.window, self.exchanged = self._taken()
        self.volumes = self.kind == ImageKind.VOLUMES
        self.planes = self._planes()
        self.shown = ("image",) if len(self.planes) == 1 else tuple(plane.lower() for plane in self.planes)

    def trained(self, changes: Sequence[str]) -> Trained:
        like = self._like()
        columns = None if self.directions else self._columns(like)
        flips, values = self._flips(), self._values()
        if self.asked:
            raise ConfigError(
                f"{self.run.network}: a network of older code does not say all: add {'; '.join(self.asked)}"
            )
        name = str(self.beside.get("model_name", self.run.network.stem))
        losses = loss_parameters("angular") if self.directions else like.losses
        own = replace(
            like, parameters=BuildParameters, losses=losses, build=_is_built, searches="", check=lambda *_: None,
            inputs=lambda _: self.shown if len(self.shown) == 1 else ("u", "v", "x"),
        )  # fmt: skip
        schema = replace(self.task.schema, architectures={name: own})
        sight = Sight(VOLUME if self.volumes else self.window, self.window, self.exchanged, values == "largest")
        raw = self._configuration(name, sight.shape, flips)
        config = parse_config(with_overrides(raw, changes), schema, f"the configuration of {self.run.network}")
        network = OlderNetwork(self.model, self.shown, sight, self.stacked, columns)
        log.info("Keras answers: %s, %s", self.run.network, config.description)
        turned = Turned(self.task, None if self.directions else flips)
        task = replace(self.task, schema=schema, read=turned.read, prepare=turned.prepare)
        return Trained(task, config, network, self.run.network, keeps_pattern=names_files(changes))

    # ------------------------------------------------------------------------ what it takes
    def _taken(self) -> tuple[ImageKind, bool, Sides, bool]:
        """What the images show; whether planes are stacked in one input; the rows and columns seen, in today's order; whether
        these are exchanged."""
        shapes = {tuple(tensor.shape[1:]) for tensor in self.model.inputs}
        shape = next(iter(shapes))
        if len(shapes) > 1 or len(shape) != len(IMAGE) or shape[2] not in (1, len(PLANES)) or None in shape:
            told = ", ".join(map(str, sorted(shapes, key=str)))
            raise self._refused(
                f"takes {told}; only images of one size of a plane, or of three, (rows, columns, 1 or 3) are known"
            )
        rows, columns, depth = shape
        kind = ImageKind.VOLUMES if min(rows, columns) > MOST_CHANNELS else ImageKind.CLUSTERS
        if kind == ImageKind.VOLUMES and (self.directions or kind not in self._kinds()):
            raise self._refused(
                f"takes images of {rows} x {columns}, those of volumes; of older code this task reads clusters, of 128 x 32, say"
            )
        if kind == ImageKind.VOLUMES:
            exchanged = columns <= VOLUME[0] < rows
            window = (columns, rows) if exchanged else (rows, columns)
            if window[1] <= VOLUME[0] or any(part > whole for part, whole in zip(window, VOLUME, strict=True)):
                raise self._refused(
                    f"takes images of {rows} x {columns}, no volumes of 208 x 1242 nor a window of them"
                )
        else:
            exchanged = rows <= MOST_CHANNELS < columns
            window = (columns, rows) if exchanged else (rows, columns)
        return kind, depth > 1, window, exchanged

    def _kinds(self) -> set[ImageKind]:
        return {architecture.images for architecture in self.task.schema.architectures.values()}

    def _planes(self) -> tuple[str, ...]:
        number = len(PLANES) if self.stacked else len(self.model.inputs)
        if self.said.planes is not None:
            planes = tuple(self.said.planes)
            if len(planes) != number or len(set(planes)) != number:
                raise self._refused(f"takes {number} planes, --trained-planes names {' '.join(planes)}")
            return planes
        if number == 1 and (plane := self.run.plane_asked_for() or self.beside.get("plane")) in PLANES:
            return (plane,)
        named = [{*re.split("[^A-Z]+", tensor.name.upper())} & {*PLANES} for tensor in self.model.inputs if number > 1]
        planes = tuple(plane for names in named for plane in names)
        if number > 1 and sorted(planes) == sorted(PLANES) and all(len(names) == 1 for names in named):
            return planes
        self.asked.append(f"--trained-planes {'U V X' if number > 1 else 'X'} (which its inputs take, in their order)")
        return PLANES[:number]

    # ------------------------------------------------------------------------ what it answers
    def _like(self) -> Architecture:
        """A network of the task that takes and answers the same."""
        outputs = self.model.outputs
        width = outputs[0].shape[-1] if len(outputs) == 1 and len(outputs[0].shape) == len(ANSWER) else None
        classes = 0 if self.directions else 2 if width == 1 else width
        for architecture in self.task.schema.architectures.values():
            inputs = {*architecture.inputs(architecture.parameters())}
            takes = architecture.images == self.kind and inputs == {*self.shown}
            answers = len(architecture.classes) == classes and (width == WIDTH_OF_DIRECTION or not self.directions)
            if takes and answers:
                return architecture
        gives = (
            f"{width} numbers" if width else f"{len(outputs)} outputs, {', '.join(str(each.shape) for each in outputs)}"
        )
        raise self._refused(
            f"takes {len(self.planes)} planes and answers with {gives}, as no network of {self.task.schema.name} does"
        )

    def _columns(self, like: Architecture) -> list[int]:
        """Which answer of the network is which of the classes."""
        classes = self.said.classes or self.task.schema.older.classes
        if classes and sorted(classes) == sorted(like.classes):
            return [list(classes).index(name) for name in like.classes]
        if self.said.classes:
            raise self._refused(f"--trained-classes must be {', '.join(like.classes)} in the order of its answers")
        self.asked.append(
            f"--trained-classes with {', '.join(like.classes)} in the order of its answers (of one probability its class last)"
        )
        return []

    def _flips(self) -> str:
        if not self.volumes and self.said.flips is None:
            self.asked.append("--trained-flips none or upstream (of the images that it was trained on)")
        elif self.volumes and self.said.flips == "upstream":
            raise self._refused("takes volumes, which were never flipped; leave --trained-flips out")
        return self.said.flips or "none"

    def _values(self) -> str:
        if self.said.values is None:
            self.asked.append("--trained-values adc or largest (as they are, or divided by the largest of each image)")
        return self.said.values or "adc"

    # ------------------------------------------------------------------------ what it is called
    def _converted(self) -> dict[str, Any]:
        """The configuration beside the network in today's dialect, {} where there is none that can be read."""
        raw = self.run.configuration()
        try:
            return convert(raw, self.task.schema, str(self.run.folder)).config if raw else {}
        except ConfigError as error:
            log.warning(
                "the configuration beside %s is left aside: %s", self.run.network, str(error).replace("\n ", "")
            )
            return {}

    def _configuration(self, name: str, shape: Sides, flips: str) -> dict[str, Any]:
        kept: dict[str, Any] = {key: self.beside[key] for key in ("version", "selection") if key in self.beside}
        told = [f"planes {' '.join(self.planes)}", f"values {self.said.values}"]
        told += [] if self.volumes else [f"flips {flips}"]
        told += [f"classes {' '.join(self.said.classes)}"] if self.said.classes else []
        return {
            "version": self.run.folder.name,
            **kept,
            "model_name": name,
            "description": f"a network of older code, trained with {', '.join(told)}",
            **({"plane": self.planes[0]} if len(self.planes) == 1 else {}),
            "model_parameters": {"input_shape": [*shape, 1]},
            **self.task.schema.older.shown_as(flips),
        }

    def _refused(self, why: str) -> ConfigError:
        return ConfigError(f"{self.run.network}: the network {why}")


def _is_built(*_: Any) -> NoReturn:
    raise ConfigError("a network of older code is asked, not trained; train one of those that this task names")


@dataclass(frozen=True)
class Turned:
    """How samples of a task are read for a network that was trained on images with `flips`; None leaves them as they are read."""

    task: Task
    flips: str | None

    def read(self, config: RunConfig, architecture: Architecture, data: DataOrigin) -> SampleSet:
        return self._turned(self.task.read(config, architecture, data), config)[0]

    def prepare(self, config: RunConfig, architecture: Architecture, data: Any) -> Samples:
        samples = self.task.prepare(config, architecture, data)
        turned, kept = self._turned(samples.set, config)
        return Samples(turned, samples.labels[kept])

    def _turned(self, found: Any, config: RunConfig) -> tuple[Any, np.ndarray]:
        """The samples as the network saw its own, and which rows of those that were read they are."""
        every = np.arange(len(found))
        if self.flips is None:
            return found, every
        if isinstance(found, TripleSet):
            u, v, x = (to_old_volumes(images, found.metadata, plane) for plane, images in enumerate(found.images))
            return replace(found, images=(u, v, x)), every
        plane = PLANES.index(config.plane)
        if found.kind == "volumes":
            return replace(found, images=to_old_volumes(found.images, found.metadata, plane)), every
        kept = np.flatnonzero(self._alike(found, config.dataset_parameters.old_flips))
        if len(kept) < len(found):
            found = found.keep("without images that cannot be turned as those of the training were", kept)
        return replace(found, images=to_old_orientation(found.images, found.metadata, plane, self.flips)), kept

    def _alike(self, found: ImageSet, old_flips: str | None) -> np.ndarray:
        """Which images can be turned, or lie already as those that the network was trained on, bool (N,)."""
        state = found.metadata["drift_frame"]
        if old_flips is None and np.any(state == UNKNOWN):
            raise ConfigError(
                f"{np.sum(state == UNKNOWN)} of {len(found)} images are of older code too, and do not say how they are flipped; "
                "add --old-flips none or upstream"
            )
        as_numbered, as_in_file = self.flips == "none", self.flips == old_flips
        return (state == 1) | ((state == 0) & as_numbered) | ((state == UNKNOWN) & as_in_file)
