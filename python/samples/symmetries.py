"""The symmetries of the drift frame, applied to what a direction network takes and gives.

An element is three signs (sx, sy, sz) of the axes x', y', z'. U measures z' - y', V z' + y' and X z', so

    sy * sz < 0 swaps U and V,    sz < 0 turns the channels of all planes round,    sx < 0 turns time round.

(+, -, -), half a turn about the drift, is exact in geometry, pulses and gains. The mirrors are exact for the labels but not for
the electronics: U and V have other gains, and a pulse turned round in time is no pulse.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from python.data.point_clouds import POINT_COLUMNS
from python.detector.geometry import PLANES, X

ELEMENTS = {"rotation": (1, -1, -1), "mirror_x": (-1, 1, 1), "mirror_y": (1, -1, 1), "mirror_z": (1, 1, -1)}
PLANE, ACROSS, START, PEAK, END = (POINT_COLUMNS.index(name) for name in ("plane", "across", "start", "peak", "end"))

NamedInputs = dict[str, np.ndarray]


def group(names: Sequence[str]) -> np.ndarray:
    """All elements (K, 3) that the named ones generate, the identity first."""
    found = {(1, 1, 1)}
    for name in names:
        a, b, c = ELEMENTS[name]
        found |= {(a * x, b * y, c * z) for x, y, z in found}
    return np.array(sorted(found, reverse=True))


def random_elements(names: Sequence[str], probability: float, n: int, rng: np.random.Generator) -> np.ndarray:
    """Signs (n, 3): each named element applied with `probability`, independently."""
    signs = np.ones((n, 3), np.int64)
    for name in names:
        signs[rng.random(n) < probability] *= np.array(ELEMENTS[name])
    return signs


def transform_inputs(inputs: NamedInputs, signs: np.ndarray, kind: str = "clusters") -> NamedInputs:
    """Return the inputs of n samples as the elements `signs` (n, 3) turn them. Other arrays than the known ones stay.

    Images of `kind` "clusters" have ticks in rows, those of "volumes" in columns.
    """
    x_flipped, swapped, flipped = signs[:, 0] < 0, signs[:, 1] * signs[:, 2] < 0, signs[:, 2] < 0
    out = dict(inputs)
    if "u" in inputs and "v" in inputs:
        choose = swapped[:, None, None, None]
        out["u"] = np.where(choose, inputs["v"], inputs["u"])
        out["v"] = np.where(choose, inputs["u"], inputs["v"])
    for name in {"image", *(plane.lower() for plane in PLANES)} & set(inputs):
        rows, columns = (flipped, x_flipped) if kind == "volumes" else (x_flipped, flipped)
        out[name] = _turned(out[name], rows, columns)
    if "offsets" in inputs:
        offsets = np.where(swapped[:, None], inputs["offsets"][:, [1, 0, 2]], inputs["offsets"])
        out["offsets"] = offsets * np.stack([signs[:, 0], signs[:, 0], signs[:, 2]], axis=1).astype(np.float32)
    if "points" in inputs:
        out["points"] = _points(inputs["points"], x_flipped, swapped, signs[:, 2])
    return out


def transform_directions(vectors: np.ndarray, signs: np.ndarray, starts: tuple[int, ...] = (0,)) -> np.ndarray:
    """Return arrays (n, C) turned by `signs` (n, 3): three columns from each of `starts` on are a vector in the drift frame."""
    turned = vectors.copy()
    for start in starts:
        turned[:, start : start + 3] *= signs
    return turned


def _turned(images: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    images = images.copy()
    images[rows] = images[rows, ::-1]
    images[columns] = images[columns, :, ::-1]
    return images


def _points(points: np.ndarray, x_flipped: np.ndarray, swapped: np.ndarray, z_sign: np.ndarray) -> np.ndarray:
    points = points.copy()
    plane, present = points[..., PLANE], points[..., -1] > 0
    induction = swapped[:, None] & present & (plane != X)
    points[..., PLANE] = np.where(induction, 1 - plane, plane)
    points[..., ACROSS] *= z_sign[:, None]
    turned = points[x_flipped]
    turned[..., [START, PEAK, END]] = -turned[..., [END, PEAK, START]]
    points[x_flipped] = turned
    return points
