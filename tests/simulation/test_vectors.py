"""Rotations and directions on the sphere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from python.simulation.vectors import deflect, frames, isotropic_directions, rotate

POLES = np.array([[0, 0, 1], [0, 0, -1], [1, 0, 0], [0, -1, 0], [1e-9, 0, -1]], float)


@given(st.integers(0, 2**32))
def test_frames_are_proper_rotations(seed):
    axis = np.concatenate([isotropic_directions(20, np.random.default_rng(seed)), POLES])
    matrix = frames(axis)
    assert matrix[:, :, 2] == pytest.approx(axis)
    assert np.einsum("nij,nik->njk", matrix, matrix) == pytest.approx(np.tile(np.eye(3), (25, 1, 1)), abs=1e-12)
    assert np.linalg.det(matrix) == pytest.approx(1.0)


@given(st.integers(0, 2**32), st.floats(-1.0, 1.0))
def test_deflection_has_the_angle(seed, cosine):
    rng = np.random.default_rng(seed)
    axis = np.concatenate([isotropic_directions(20, rng), POLES])
    turned = deflect(axis, np.full(25, cosine), rng)
    assert (turned * axis).sum(axis=1) == pytest.approx(cosine, abs=1e-9)
    assert np.linalg.norm(turned, axis=1) == pytest.approx(1.0, abs=1e-12)


def test_the_azimuth_is_uniform():
    turned = deflect(np.tile([0.0, 0.0, 1.0], (5000, 1)), np.full(5000, 0.3), np.random.default_rng(1))
    azimuth = np.arctan2(turned[:, 1], turned[:, 0])
    assert stats.kstest(azimuth, stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 1e-3


def test_directions_are_isotropic():
    direction = isotropic_directions(5000, np.random.default_rng(2))
    for component in direction.T:
        assert stats.kstest(component, stats.uniform(-1, 2).cdf).pvalue > 1e-3


@given(st.integers(0, 2**32))
def test_rotations_keep_angles_and_take_start_to_target(seed):
    rng = np.random.default_rng(seed)
    start, target, other = (isotropic_directions(9, rng) for _ in range(3))
    assert rotate(start, start, target) == pytest.approx(target)
    turned = rotate(other, start, target)
    assert (turned * target).sum(axis=1) == pytest.approx((other * start).sum(axis=1))
