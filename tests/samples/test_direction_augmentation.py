"""Augmentation of directions: labels follow the inputs, empty pixels and padding stay empty, nothing is changed in place."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python.data.point_clouds import POINT_COLUMNS
from python.samples.direction_augmentation import EnergyScale, MixUp, PixelNoise, RandomSymmetries, in_turn, slerp
from python.samples.symmetries import ELEMENTS
from tests.directions.samples import unit_vectors

COLUMN = {name: number for number, name in enumerate(POINT_COLUMNS)}
STEPS = [RandomSymmetries(tuple(ELEMENTS), 0.5), PixelNoise(16.0, 0.080289), EnergyScale(0.2), MixUp(0.4)]


def batch(n=32, seed=0):
    """Inputs of every kind and targets: 4 of 40 pixels lit, 5 of 8 points present, one energy in three not known."""
    rng = np.random.default_rng(seed)
    images = {}
    for name in ("u", "v", "x", "image"):
        lit = rng.random((n, 8, 5, 1)) < 0.1
        images[name] = np.where(lit, rng.uniform(60, 800, lit.shape), 0).astype(np.float32)
    points = rng.normal(size=(n, 8, len(POINT_COLUMNS) + 1)).astype(np.float32)
    points[..., COLUMN["plane"]] = rng.integers(0, 3, (n, 8))
    points[..., COLUMN["start"]] = points[..., COLUMN["peak"]] - 0.4
    points[..., COLUMN["end"]] = points[..., COLUMN["peak"]] + 1.2
    points[..., COLUMN["integral"]], points[..., COLUMN["height"]] = 5000, 500
    points[..., -1] = 1
    points[:, 5:] = 0
    energy = rng.uniform(5, 50, n)
    inputs = {**images, "points": points, "offsets": rng.normal(size=(n, 3)).astype(np.float32)}
    inputs["energy"] = np.log(energy)[:, None].astype(np.float32)
    truth = np.where(np.arange(n) % 3 == 0, np.nan, energy * 1.2)
    targets = np.column_stack([unit_vectors(n, seed), truth, np.arange(n) % 2]).astype(np.float32)
    return inputs, targets


def without_points(inputs):
    return {name: values for name, values in inputs.items() if name != "points"}


@pytest.mark.parametrize("step", [*STEPS, in_turn(STEPS[:3])])
def test_nothing_is_changed_in_place_and_the_same_seed_gives_the_same(step):
    inputs, targets = batch()
    if isinstance(step, MixUp):
        inputs = without_points(inputs)
    first = step(inputs, targets, np.random.default_rng(1))
    untouched, same_targets = batch()
    assert all(np.array_equal(values, untouched[name]) for name, values in inputs.items())
    assert np.array_equal(targets, same_targets, equal_nan=True)
    again = step(inputs, targets, np.random.default_rng(1))
    other = step(inputs, targets, np.random.default_rng(2))
    assert list(first[0]) == list(inputs)
    for name, values in first[0].items():
        assert values.dtype == np.float32
        assert np.array_equal(values, again[0][name])
    assert any(not np.array_equal(values, other[0][name]) for name, values in first[0].items())
    assert first[1].dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(first[1][:, :3], axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("step", [PixelNoise(16.0, 0.08), EnergyScale(0.2), in_turn(STEPS[:3])])
def test_empty_pixels_and_padding_stay_empty(step):
    inputs, targets = batch()
    found, _ = step(inputs, targets, np.random.default_rng(1))
    for name in ("u", "v", "x", "image"):
        assert np.sum(found[name] > 0) > 0
        assert np.all(found[name] >= 0)
    lit = sum(np.sum(inputs[name] > 0) for name in ("u", "v"))
    assert sum(np.sum(found[name] > 0) for name in ("u", "v")) == lit
    assert not found["points"][:, 5:].any()
    assert np.all(found["points"][:, :5, -1] == 1)


# ---------------------------------------------------------------------------- symmetries
def test_labels_turn_with_their_inputs():
    """Offsets and points say how each sample was turned; its label has to have been turned so too."""
    inputs, targets = batch(200)
    found, turned = RandomSymmetries(tuple(ELEMENTS), 0.5)(inputs, targets, np.random.default_rng(1))
    signs = np.sign(turned[:, :3] / targets[:, :3])
    assert len(np.unique(signs, axis=0)) == 8
    assert np.array_equal(turned[:, 3:], targets[:, 3:], equal_nan=True)
    assert np.array_equal(found["offsets"][:, 2], inputs["offsets"][:, 2] * signs[:, 2].astype(np.float32))
    swapped = signs[:, 1] != signs[:, 2]
    own = np.where(swapped, inputs["offsets"][:, 1], inputs["offsets"][:, 0])
    assert np.array_equal(found["offsets"][:, 0], own * signs[:, 0].astype(np.float32))
    was, now = (points[:, :5, COLUMN["across"]] for points in (inputs["points"], found["points"]))
    assert np.array_equal(now, was * signs[:, 2:].astype(np.float32))
    for row in range(20):
        steps = [1 if sign > 0 else -1 for sign in (signs[row, 0], signs[row, 2])]
        assert np.array_equal(found["x"][row], inputs["x"][row, :: steps[0], :: steps[1]])
        own = inputs["v" if swapped[row] else "u"][row]
        assert np.array_equal(found["u"][row], own[:: steps[0], :: steps[1]])


# ---------------------------------------------------------------------------- noise
def test_noise_has_its_size_on_pixels_and_points():
    inputs, targets = batch(800)
    inputs["points"][:, :5, COLUMN["end"]] = inputs["points"][:, :5, COLUMN["start"]] + 25 * 0.08
    found, same = PixelNoise(16.0, 0.08)(inputs, targets, np.random.default_rng(1))
    assert np.array_equal(same, targets, equal_nan=True)
    lit = inputs["x"] > 0
    assert (found["x"] - inputs["x"])[lit].std() == pytest.approx(16, rel=0.05)
    change = (found["points"] - inputs["points"])[:, :5]
    assert change[..., COLUMN["integral"]].std() == pytest.approx(16 * np.sqrt(25), rel=0.05)
    assert change[..., COLUMN["height"]].std() == pytest.approx(16, rel=0.05)
    rest = [number for name, number in COLUMN.items() if name not in ("integral", "height")]
    assert not change[..., rest].any()
    assert np.array_equal(found["energy"], inputs["energy"])


def test_large_noise_leaves_charge_positive():
    inputs, targets = batch()
    found, _ = PixelNoise(1000.0, 0.08)(inputs, targets, np.random.default_rng(1))
    assert np.array_equal(found["u"] > 0, inputs["u"] > 0)
    assert np.all(found["points"][:, :5, COLUMN["integral"]] > 0)


NOISE = """
import numpy as np
from python.samples.direction_augmentation import PixelNoise
ones = {name: np.ones((1, 1, 1, 1), np.float32) * 500 for name in ("u", "v", "x")}
found, _ = PixelNoise(9.0, 0.08)(ones, np.zeros((1, 5)), np.random.default_rng(1))
print([float(found[name].sum()) for name in "uvx"])
"""


def test_noise_is_the_same_in_every_process():
    """Python orders sets of names anew in each process: a run that goes on in another one has to draw the same noise."""
    said = {
        subprocess.run(
            [sys.executable, "-c", NOISE], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in "1234"
    }
    assert len(said) == 1


# ---------------------------------------------------------------------------- energy
def test_charge_energy_and_label_scale_by_one_factor():
    inputs, targets = batch(500)
    found, scaled = EnergyScale(0.2)(inputs, targets, np.random.default_rng(1))
    factor = np.exp(found["energy"] - inputs["energy"])[:, 0]
    assert 0.8 <= factor.min() < 0.82
    assert 1.18 < factor.max() <= 1.2 + 1e-6
    known = np.isfinite(targets[:, 3])
    np.testing.assert_allclose(scaled[known, 3], (targets[:, 3] * factor)[known], rtol=1e-5)
    assert np.array_equal(np.isnan(scaled[:, 3]), ~known)
    assert np.array_equal(np.delete(scaled, 3, axis=1), np.delete(targets, 3, axis=1))
    for name in ("u", "v", "x", "image"):
        np.testing.assert_allclose(found[name], inputs[name] * factor[:, None, None, None], rtol=1e-5)
    for name in POINT_COLUMNS:
        was, now = (points[..., COLUMN[name]] for points in (inputs["points"], found["points"]))
        scale = factor[:, None] if name in ("integral", "height") else 1
        np.testing.assert_allclose(now, was * scale, rtol=1e-5)
    assert np.array_equal(found["offsets"], inputs["offsets"])


# ---------------------------------------------------------------------------- mix-up
def test_mixed_samples_lie_between_two():
    """Each sample's image lights a pixel of its own: the blend says who was mixed with whom, and in what shares."""
    n = 40
    targets = batch(n)[1]
    targets[:, 3] = np.arange(n) + 1
    images = np.zeros((n, n, 1, 1), np.float32)
    images[np.arange(n), np.arange(n)] = 100
    energy = np.log(targets[:, 3:4])
    found, mixed = MixUp(0.4)({"x": images, "energy": energy}, targets, np.random.default_rng(1))
    shares = found["x"][:, :, 0, 0] / 100
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)
    assert shares.argmax(axis=1).tolist() == list(range(n))  # the sample itself stays the larger part
    assert np.sum((shares > 0.01).sum(axis=1) == 2) > n / 3
    np.testing.assert_allclose(mixed[:, 3:], shares @ targets[:, 3:], rtol=1e-5)
    np.testing.assert_allclose(found["energy"], np.log(shares @ targets[:, 3:4]), rtol=1e-5)
    other = np.where(shares > 0, shares, np.inf).argmin(axis=1)
    own = shares[np.arange(n), np.arange(n)]
    whole = np.arccos(np.sum(targets[:, :3] * targets[other, :3], axis=1).clip(-1, 1))
    from_own, from_other = (
        np.arccos(np.sum(mixed[:, :3] * targets[rows, :3], axis=1).clip(-1, 1)) for rows in (np.arange(n), other)
    )
    np.testing.assert_allclose(from_own, (1 - own) * whole, atol=2e-3)
    np.testing.assert_allclose(from_other, own * whole, atol=2e-3)


def test_unknown_labels_stay_unknown_in_a_mixture():
    inputs, targets = batch()
    targets[:, 4] = np.nan
    _, mixed = MixUp(0.4)(without_points(inputs), targets, np.random.default_rng(1))
    assert np.all(np.isnan(mixed[:, 4]))
    assert np.all(np.isnan(mixed[np.isnan(targets[:, 3]), 3]))


X, Y = np.eye(3)[:1], np.eye(3)[1:2]


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_slerp_of_perpendicular_vectors(share):
    angle = np.pi / 2 * share
    np.testing.assert_allclose(slerp(X, Y, np.array([share])), [[np.cos(angle), np.sin(angle), 0]], atol=1e-12)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_slerp_of_equal_and_of_opposite_vectors_stays(share):
    assert np.array_equal(slerp(X, X, np.array([share])), X)
    assert np.array_equal(slerp(X, -X, np.array([share])), X)
    one = unit_vectors(50).astype(np.float32)
    np.testing.assert_allclose(slerp(one, one, np.full(50, share)), one, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(slerp(one, -one, np.full(50, share)), axis=1), 1, atol=1e-5)


@given(st.integers(0, 1000), st.floats(0, 1))
def test_slerp_goes_along_the_great_circle_evenly(seed, share):
    one, other = unit_vectors(4, seed), unit_vectors(4, seed + 5000)
    found = slerp(one, other, np.full(4, share))
    whole = np.arccos(np.sum(one * other, axis=1))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-9)
    np.testing.assert_allclose(np.sum(found * one, axis=1), np.cos(share * whole), atol=1e-9)
    np.testing.assert_allclose(np.sum(found * other, axis=1), np.cos((1 - share) * whole), atol=1e-9)


def test_no_steps_are_no_augmentation():
    assert in_turn([]) is None
