"""Sums of lobes in any directions: what is told about an axis against draws, and probabilities of nothing."""

import numpy as np
import pytest

from python.directions.lobes import Lobes
from tests.directions.samples import unit_vectors

N, DRAWS = 40, 2000


def lobes(seed=1):
    """Some lobes narrow, some wide, the last the same everywhere; the axis is along the first, against it, or anywhere."""
    rng = np.random.default_rng(seed)
    eta = unit_vectors(N * 4, seed).reshape(N, 4, 3) * np.exp(rng.uniform(-1, 6, (N, 4, 1)))
    eta[:, -1] = 0
    axis = unit_vectors(N, seed + 1)
    first = eta[:, 0] / np.linalg.norm(eta[:, 0], axis=1, keepdims=True)
    axis[:10], axis[10:20] = first[:10], -first[10:20]
    return Lobes(eta, rng.dirichlet(np.ones(4), N)), axis


@pytest.mark.parametrize("level", [0.1, 0.68, 0.95])
def test_an_angle_about_an_axis_holds_its_share_of_draws(level):
    several, axis = lobes()
    cosine = np.sum(several.draw(DRAWS, np.random.default_rng(2)) * axis[:, None], axis=2)
    held = np.mean(cosine > np.cos(np.radians(several.angle_about(axis, level)))[:, None], axis=1)
    spread = np.sqrt(level * (1 - level) / DRAWS)
    np.testing.assert_allclose(held, level, atol=5 * spread + 0.005)
    assert held.mean() == pytest.approx(level, abs=5 * spread / np.sqrt(N) + 0.001)


def test_the_share_ahead_is_that_of_draws():
    several, axis = lobes()
    ahead = np.sum(several.draw(DRAWS, np.random.default_rng(2)) * axis[:, None], axis=2) > 0
    np.testing.assert_allclose(several.share_ahead(axis), ahead.mean(axis=1), atol=5 * 0.5 / np.sqrt(DRAWS) + 0.005)


def test_the_mean_density_is_that_of_draws():
    several, _ = lobes()
    density = np.exp(several.log_density(several.draw(DRAWS, np.random.default_rng(3))))
    spread = density.std(axis=1) / np.sqrt(DRAWS)
    assert np.all(np.abs(np.exp(several.log_mean_density()) - density.mean(axis=1)) < 5 * spread)
    even = Lobes(np.zeros((1, 2, 3)), np.array([[0.3, 0.7]]))
    assert even.log_mean_density() == pytest.approx(-np.log(4 * np.pi))


def test_a_lobe_of_no_probability_changes_nothing():
    several, axis = lobes()
    more = Lobes(
        np.concatenate([several.eta, 50 * unit_vectors(N, 9)[:, None]], axis=1),
        np.concatenate([several.probability, np.zeros((N, 1))], axis=1),
    )
    places = unit_vectors(20, 3)
    np.testing.assert_allclose(more.log_density(places), several.log_density(places), rtol=1e-12)
    np.testing.assert_allclose(more.angle_about(axis, 0.5), several.angle_about(axis, 0.5), rtol=1e-9)
    assert Lobes(several.eta[:0], several.probability[:0]).angle_about(axis[:0], 0.5).shape == (0,)
