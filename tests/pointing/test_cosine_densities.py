"""Densities of the cosine: normalised over the sphere, right where the truth is known, right at the ends."""

import numpy as np
import pytest
from scipy.integrate import quad

from python.directions.sphere import draw_von_mises_fisher
from python.pointing.cosine_densities import AROUND, ESTIMATORS

EACH = pytest.mark.parametrize("name", ESTIMATORS)
AT = np.linspace(-0.999, 0.999, 41)


def lobe(kappa, n, seed=1):
    return draw_von_mises_fisher(np.array([[0, 0, kappa]]), n, np.random.default_rng(seed))[0, :, 2]


def true_lobe(kappa, at):
    return kappa * np.exp(kappa * (at - 1)) / (AROUND * -np.expm1(-2 * kappa))


SHAPES = {
    "narrow": lobe(60.0, 800),
    "wide": lobe(1.5, 800),
    "either end": np.concatenate([lobe(20.0, 600), -lobe(12.0, 150, 2)]),
    "backwards": -lobe(5.0, 500),
    "anywhere": np.random.default_rng(3).uniform(-1, 1, 600),
}


@EACH
@pytest.mark.parametrize("shape", SHAPES)
def test_every_density_is_one_over_the_sphere(name, shape):
    density = ESTIMATORS[name](SHAPES[shape])
    assert np.all(density(AT) >= 0)
    held = AROUND * quad(lambda at: float(density(np.array([at]))[0]), -1, 1, points=[-0.95, 0.95], limit=200)[0]
    assert held == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("name", ["one_lobe", "three_lobes", "kernels"])
@pytest.mark.parametrize("kappa", [2.0, 15.0, 80.0])
def test_a_lobe_is_found_again_also_at_its_peak(name, kappa):
    """A histogram of kernels in the cosine would be wrong by half at 1, where no event is beyond."""
    found = ESTIMATORS[name](lobe(kappa, 2000))
    at = np.cos(np.radians([0.0, 10.0, 20.0, 30.0]))
    at = at[true_lobe(kappa, at) > 0.05 * true_lobe(kappa, 1.0)]
    np.testing.assert_allclose(found(at), true_lobe(kappa, at), rtol=0.15)


def test_a_tail_and_an_opposite_lobe_are_told_better_by_three_lobes():
    seen, unseen = (
        np.concatenate([lobe(40.0, 700, seed), lobe(2.0, 200, seed + 1), -lobe(15.0, 100, seed + 2)]) for seed in (1, 9)
    )
    told = {name: np.mean(np.log(fit(seen)(unseen))) for name, fit in ESTIMATORS.items()}
    assert told["three_lobes"] > told["one_lobe"] + 0.2
    assert told["three_lobes"] > told["gaussian"] + 0.1
    assert told["kernels"] > told["one_lobe"] + 0.1
