"""How training samples of a direction network are varied, with their labels. Nothing is offered that would make a label wrong.

Targets are (n, C): the unit direction in the drift frame, then the kinetic energy of the electron in MeV, then others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from python.data.point_clouds import POINT_COLUMNS
from python.samples.symmetries import NamedInputs, random_elements, transform_directions, transform_inputs

IMAGES = ("u", "v", "x", "image")
START, END, INTEGRAL, HEIGHT = (POINT_COLUMNS.index(name) for name in ("start", "end", "integral", "height"))
ENERGY_TARGET = 3

InputsAndTargets = tuple[NamedInputs, np.ndarray]
Step = Callable[[NamedInputs, np.ndarray, np.random.Generator], InputsAndTargets]


@dataclass(frozen=True)
class RandomSymmetries:
    """Turn each sample, of "clusters" or "volumes", by each of the named symmetries, with `probability` each."""

    names: tuple[str, ...]
    probability: float
    kind: str = "clusters"

    def __call__(self, inputs: NamedInputs, targets: np.ndarray, rng: np.random.Generator) -> InputsAndTargets:
        signs = random_elements(self.names, self.probability, len(targets), rng)
        return transform_inputs(inputs, signs, self.kind), transform_directions(targets, signs)


@dataclass(frozen=True)
class PixelNoise:
    """Add Gaussian noise of `adc` to every pixel that holds charge, and as much to the samples of every point."""

    adc: float
    tick_cm: float

    def __call__(self, inputs: NamedInputs, targets: np.ndarray, rng: np.random.Generator) -> InputsAndTargets:
        out = dict(inputs)
        for name in (name for name in IMAGES if name in inputs):  # in one order: the noise is drawn in turn
            image = inputs[name]
            noisy = np.maximum(image + rng.normal(0, self.adc, image.shape).astype(np.float32), 1)
            out[name] = np.where(image > 0, noisy, 0)
        if "points" in inputs:
            points = inputs["points"].copy()
            present = points[..., -1] > 0
            samples = np.sqrt(np.maximum((points[..., END] - points[..., START]) / self.tick_cm, 0))
            for column, width in ((INTEGRAL, self.adc * samples), (HEIGHT, self.adc)):
                noisy = np.maximum(points[..., column] + width * rng.standard_normal(present.shape), 1)
                points[..., column] = np.where(present, noisy, 0)
            out["points"] = points
        return out, targets


@dataclass(frozen=True)
class EnergyScale:
    """Multiply all charge of a sample, and its energies, by one factor from 1 - spread to 1 + spread."""

    spread: float

    def __call__(self, inputs: NamedInputs, targets: np.ndarray, rng: np.random.Generator) -> InputsAndTargets:
        factor = rng.uniform(1 - self.spread, 1 + self.spread, len(targets)).astype(np.float32)
        out = dict(inputs)
        for name in (name for name in IMAGES if name in inputs):
            out[name] = inputs[name] * factor[:, None, None, None]
        if "points" in inputs:
            out["points"] = inputs["points"].copy()
            out["points"][..., [INTEGRAL, HEIGHT]] *= factor[:, None, None]
        if "energy" in inputs:
            out["energy"] = inputs["energy"] + np.log(factor)[:, None]
        targets = targets.copy()
        targets[:, ENERGY_TARGET] *= factor
        return out, targets


@dataclass(frozen=True)
class MixUp:
    """Blend every sample with another of the batch: images, energies by shares w and 1 - w, directions spherically.

    w follows Beta(alpha, alpha) (Zhang et al., arXiv:1710.09412), directions are interpolated spherically (Shoemake 1985).
    """

    alpha: float

    def __call__(self, inputs: NamedInputs, targets: np.ndarray, rng: np.random.Generator) -> InputsAndTargets:
        n = len(targets)
        share = np.maximum(w := rng.beta(self.alpha, self.alpha, n), 1 - w)  # the sample itself stays the larger part
        other = rng.permutation(n)
        out = {name: self._blend(values, values[other], share) for name, values in inputs.items() if name != "energy"}
        if "energy" in inputs:
            out["energy"] = np.log(self._blend(np.exp(inputs["energy"]), np.exp(inputs["energy"][other]), share))
        mixed = self._blend(targets, targets[other], share)
        mixed[:, :3] = slerp(targets[:, :3], targets[other, :3], 1 - share)
        return out, mixed

    @staticmethod
    def _blend(one: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
        share = share.reshape(-1, *(1,) * (one.ndim - 1)).astype(np.float32)
        return share * one + (1 - share) * other


def slerp(one: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Unit vectors (N, 3) at the `share` (N,) of the way along the great circle from `one` to `other`.

    Of opposite vectors, between which every great circle leads, `one` stays.
    """
    cosine = np.clip(np.sum(one * other, axis=1), -1, 1)
    across = other - cosine[:, None] * one
    length = np.linalg.norm(across, axis=1)
    defined = length > 1e-6
    across = np.where(defined[:, None], across / np.where(defined, length, 1)[:, None], 0)
    angle = np.where(defined, np.arctan2(length, cosine) * share, 0)
    return (np.cos(angle)[:, None] * one + np.sin(angle)[:, None] * across).astype(one.dtype)


def in_turn(steps: list[Step]) -> Step | None:
    """The steps one after the other; None where there are none."""
    if not steps:
        return None

    def all_steps(inputs: NamedInputs, targets: np.ndarray, rng: np.random.Generator) -> InputsAndTargets:
        for step in steps:
            inputs, targets = step(inputs, targets, rng)
        return inputs, targets

    return all_steps
