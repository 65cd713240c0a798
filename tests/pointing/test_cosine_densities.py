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


@EACH
def test_events_of_no_weight_do_not_count(name):
    events, others = SHAPES["either end"], SHAPES["backwards"]
    weight = np.concatenate([np.ones(len(events)), np.full(len(others), 1e-9)])
    found = ESTIMATORS[name](np.concatenate([events, others]), weight)
    np.testing.assert_allclose(found(AT), ESTIMATORS[name](events)(AT), rtol=1e-5)


@pytest.mark.parametrize(
    "name", ["gaussian", "one_lobe", "three_lobes"]
)  # a kernel's width is not that of repeated events
def test_weights_count_events(name):
    events = SHAPES["either end"][::7]
    times = np.random.default_rng(4).integers(1, 4, len(events))
    weighted, repeated = ESTIMATORS[name](events, times.astype(float)), ESTIMATORS[name](np.repeat(events, times))
    np.testing.assert_allclose(weighted(AT), repeated(AT), rtol=1e-3)


@EACH
def test_a_single_event_far_off_is_not_impossible(name):
    """No lobe closes in on one event, and no density is beyond what numbers hold."""
    density = ESTIMATORS[name](np.append(np.full(100, 1.0), -1.0))
    assert np.all(np.isfinite(density(AT)))
    assert np.all(density(np.array([-1.0, 1.0])) < 1000)


def test_a_tail_and_an_opposite_lobe_are_told_better_by_three_lobes():
    seen, unseen = (
        np.concatenate([lobe(40.0, 700, seed), lobe(2.0, 200, seed + 1), -lobe(15.0, 100, seed + 2)]) for seed in (1, 9)
    )
    told = {name: np.mean(np.log(fit(seen)(unseen))) for name, fit in ESTIMATORS.items()}
    assert told["three_lobes"] > told["one_lobe"] + 0.2
    assert told["three_lobes"] > told["gaussian"] + 0.1
    assert told["kernels"] > told["one_lobe"] + 0.1
