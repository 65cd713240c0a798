"""What a network answers when something of its inputs is hidden: patches of images, groups of points, whole planes.

Hidden pixels have no charge, hidden points are not there. Only planes and points are hidden, never the numbers that a network
takes beside them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from python.data.point_clouds import POINT_COLUMNS
from python.data.sparse_images import NetworkInputs
from python.detector.geometry import PLANES
from python.runs.predictions import Predictions
from python.training.task import Samples
from python.training.trained import Told, Trained

PATCHES = 16  # along each axis of an image: about squares, for clusters and volumes alike
CELL_CM = 2.0  # points of one plane within such a square are hidden together
POINTS = "points"
PLANE, ACROSS, PEAK = (POINT_COLUMNS.index(name) for name in ("plane", "across", "peak"))
NamedInputs = dict[str, np.ndarray]


class Region(NamedTuple):
    """A part of the input `name` of a plane: `where` is what picks it, rows and columns of an image or numbers of points."""

    plane: str
    name: str
    where: tuple[slice, slice] | np.ndarray


def by_name(inputs: NetworkInputs) -> NamedInputs:
    """The inputs of a network by name, also of one that takes an image alone."""
    return inputs if isinstance(inputs, dict) else {"image": inputs}


def as_given(named: NamedInputs, inputs: NetworkInputs) -> NetworkInputs:
    """The inverse of `by_name`, for inputs that were given like `inputs`."""
    return named if isinstance(inputs, dict) else named["image"]


def planes_seen(inputs: NamedInputs, only: str) -> list[str]:
    """The planes that a network of such inputs sees; `only` is the one of a network that takes one image."""
    if POINTS in inputs:
        return list(PLANES)
    images = [plane for plane in PLANES if plane.lower() in inputs]
    return images or ([only] if "image" in inputs else [])


def answers_without(
    trained: Trained, samples: Samples, plane: str, told: Told = lambda _done, _total: None
) -> Predictions:
    """The answers for all samples where a whole plane is hidden."""
    number, names = PLANES.index(plane), {plane.lower(), *(("image",) if plane == trained.config.plane else ())}

    def hide(inputs: NetworkInputs, _places: np.ndarray) -> NetworkInputs:
        hidden = {name: np.zeros_like(values) if name in names else values for name, values in by_name(inputs).items()}
        if POINTS in hidden:
            points = hidden[POINTS]
            hidden[POINTS] = np.where(points[..., PLANE, None] == number, 0, points)
        return as_given(hidden, inputs)

    return trained.answers_of(samples, np.arange(len(samples.set)), told, hide)


def answers_without_each(trained: Trained, samples: Samples, row: int, regions: Sequence[Region]) -> Predictions:
    """The answers for one sample where each of the regions is hidden in turn, in their order."""

    def hide(inputs: NetworkInputs, places: np.ndarray) -> NetworkInputs:
        hidden = {name: values.copy() for name, values in by_name(inputs).items()}
        for number, place in enumerate(places):
            where = regions[place].where
            hidden[regions[place].name][(number, *(where if isinstance(where, tuple) else (where,)))] = 0
        return as_given(hidden, inputs)

    return trained.answers_of(samples, np.full(len(regions), row), alter=hide)


def regions_of(inputs: NamedInputs, only: str) -> list[Region]:
    """What can be hidden of the inputs (1, ...) of one sample: patches with charge, and groups of points close together."""
    found = []
    for name, plane in (("image", only), *((plane.lower(), plane) for plane in PLANES)):
        if name in inputs:
            charge = inputs[name][0, ..., 0] != 0
            found += [Region(plane, name, patch) for patch in _patches(charge.shape) if charge[patch].any()]
    if POINTS in inputs:
        found += _groups(inputs[POINTS][0])
    return found


def _patches(shape: tuple[int, ...]) -> Iterator[tuple[slice, slice]]:
    height, width = (max(1, -(-size // PATCHES)) for size in shape)
    for top in range(0, shape[0], height):
        for left in range(0, shape[1], width):
            yield slice(top, top + height), slice(left, left + width)


def _groups(points: np.ndarray) -> list[Region]:
    there = np.flatnonzero(points[:, -1] > 0)
    plane = points[there, PLANE].astype(int)
    cells = np.column_stack([plane, np.floor(points[there][:, [ACROSS, PEAK]] / CELL_CM)])
    _, group = np.unique(cells, axis=0, return_inverse=True)
    group = group.ravel()
    members = [there[group == number] for number in range(int(group.max(initial=-1)) + 1)]
    return [Region(PLANES[int(points[some[0], PLANE])], POINTS, some) for some in members]
