"""Two lobes read as a direction, its uncertainty and the probability of its lobe: whichever way the lobes are named."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import vonmises_fisher

from python.directions.answers.two_lobes import ANSWER, exchanged, two_lobes_loss
from python.directions.sphere import ONE_SIGMA, angle_of_68, unit
from python.directions.training import MeanAngle
from tests.directions.samples import rotated_by, unit_vectors

N = 6
SIDES = st.lists(st.lists(st.booleans(), min_size=N, max_size=N), min_size=1, max_size=4)


def lobes(kappas, opening, share, seed=0):
    """One answer (1, 7): two lobes of the given kappas, `opening` degrees apart, the first with probability `share`."""
    axis = unit_vectors(1, seed)
    return np.column_stack([kappas[0] * axis, [[logit(share)]], kappas[1] * rotated_by(axis, opening)])


def views(n_views, spread=0.3, seed=2):
    """Outputs (K, N, 7) of views that say much the same, the lobes named alike in each."""
    rng = np.random.default_rng(seed)
    answers = np.concatenate(
        [lobes((20.0, 8.0), 110.0, share, row) for row, share in enumerate(rng.uniform(0.1, 0.9, N))]
    )
    return answers + spread * rng.normal(size=(n_views, N, 7))


def renamed(outputs, sides):
    """Outputs (K, n, 7) with the lobes exchanged wherever `sides` (K, n) is true."""
    return np.where(np.array(sides)[..., None], exchanged(outputs), outputs)


def likelier_first(outputs):
    return np.where(outputs[:, [3]] >= 0, outputs, exchanged(outputs))


def angle_of_lobes(outputs, level):
    """The angle about the first lobe that holds the share `level` of both."""
    return ANSWER.lobes(outputs).angle_about(unit(outputs[:, :3]), level)


def angle_to(directions, vector):
    cosine = np.sum(directions * vector, axis=-1) / np.linalg.norm(vector)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


# ---------------------------------------------------------------------------- names of the lobes
def test_the_names_of_the_lobes_change_nothing():
    outputs, truth = np.random.default_rng(1).normal(size=(200, 7)) * 4, unit_vectors(200)
    other = exchanged(outputs)
    np.testing.assert_array_equal(exchanged(other), outputs)
    np.testing.assert_allclose(two_lobes_loss(truth, other), two_lobes_loss(truth, outputs), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(ANSWER.log_density(other, truth), ANSWER.log_density(outputs, truth), rtol=1e-9)
    ours, theirs = ANSWER.estimates(outputs), ANSWER.estimates(other)
    np.testing.assert_array_equal(ours.direction, theirs.direction)
    np.testing.assert_allclose(ours.predicted_68_deg, theirs.predicted_68_deg, rtol=1e-9)


@pytest.mark.parametrize("share", [0.9, 0.1])
def test_the_estimate_is_that_of_the_likelier_lobe(share):
    outputs = lobes((30.0, 4.0), 70.0, share)
    vector = outputs[0, :3] if share > 0.5 else outputs[0, 4:]
    found = ANSWER.estimates(outputs)
    np.testing.assert_allclose(found.direction[0], vector / np.linalg.norm(vector))
    np.testing.assert_allclose(found.kappa, np.linalg.norm(vector))
    np.testing.assert_allclose(found.head_probability, 0.9)
    np.testing.assert_array_equal(found.predicted_68_deg, angle_of_lobes(likelier_first(outputs), ONE_SIGMA))
    truth = unit_vectors(1, 9)
    metric = MeanAngle("two_lobes")
    metric.update_state(truth.astype(np.float32), outputs.astype(np.float32))
    assert float(metric.result()) == pytest.approx(angle_to(truth[0], vector), abs=1e-3)


# ---------------------------------------------------------------------------- averages
@given(SIDES, st.sampled_from([0.3, 30.0]))
def test_averages_do_not_depend_on_the_names_of_the_lobes(sides, spread):
    outputs = views(len(sides), spread)
    found = ANSWER.combined(renamed(outputs, sides))
    np.testing.assert_allclose(likelier_first(found), likelier_first(ANSWER.combined(outputs)))


@given(SIDES)
def test_equal_views_are_recovered(sides):
    one = views(1)
    found = ANSWER.combined(renamed(np.repeat(one, len(sides), axis=0), sides))
    np.testing.assert_allclose(likelier_first(found), likelier_first(one[0]), rtol=1e-13)
    if len(sides) in (1, 2, 4):  # a mean of three may round
        np.testing.assert_array_equal(likelier_first(found), likelier_first(one[0]))


@given(SIDES)
def test_like_is_averaged_with_like(sides):
    outputs = views(len(sides))
    found = ANSWER.combined(renamed(outputs, sides))
    np.testing.assert_allclose(likelier_first(found), likelier_first(outputs.mean(axis=0)))


def test_a_view_that_sees_nothing_only_shortens_the_lobes():
    one = views(1)
    found = ANSWER.combined(np.concatenate([np.zeros_like(one), one]))
    np.testing.assert_allclose(found, one[0] / 2)


# ---------------------------------------------------------------------------- the angle that holds 68 %
@pytest.mark.parametrize("share", [0.5, 0.7, 0.95])
@pytest.mark.parametrize(
    ("kappas", "opening"),
    [
        ((300.0, 200.0), 60.0),
        ((300.0, 2.0), 60.0),
        ((2.0, 300.0), 30.0),
        ((1.0, 0.5), 100.0),
        ((50.0, 20.0), 180.0),
        ((50.0, 50.0), 180.0),
        ((40.0, 40.0), 0.0),
        ((5.0, 100.0), 0.0),
    ],
)
def test_the_angle_holds_its_share_of_samples(kappas, opening, share):
    n, outputs = 20_000, lobes(kappas, opening, share)
    rng = np.random.default_rng(1)
    from_first = rng.random(n) < share
    drawn = [
        vonmises_fisher(vector / np.linalg.norm(vector), kappa, seed=rng).rvs(n)
        for vector, kappa in zip((outputs[0, :3], outputs[0, 4:]), kappas, strict=True)
    ]
    angles = angle_to(np.where(from_first[:, None], *drawn), outputs[0, :3])
    within = np.mean(angles < angle_of_lobes(outputs, ONE_SIGMA)[0])
    # the noise of the draws at five sigma, and half a percent for the finite number of places
    assert within == pytest.approx(ONE_SIGMA, abs=5 * np.sqrt(ONE_SIGMA * (1 - ONE_SIGMA) / n) + 0.005)


def test_sure_of_one_lobe_the_angle_is_the_closed_form():
    kappa = np.geomspace(0.01, 1e5, 30)
    outputs = np.concatenate([lobes((each, 3.0), 100.0, expit(40.0), row) for row, each in enumerate(kappa)])
    np.testing.assert_allclose(angle_of_lobes(outputs, ONE_SIGMA), angle_of_68(kappa), rtol=0.003)
    sure_of_second = exchanged(outputs)
    np.testing.assert_allclose(ANSWER.estimates(sure_of_second).predicted_68_deg, angle_of_68(kappa), rtol=0.003)


@pytest.mark.parametrize("kappa", [1.0, 10.0, 100.0])
def test_opposite_lobes_have_the_angle_of_a_mixture(kappa):
    """Also where the first lobe holds hardly more than the share, and all but its outermost part is needed."""
    share = np.array([0.5, 0.6, 0.7, 0.71, 0.7125, 0.75, 0.8, 0.9, 0.99])
    outputs = np.concatenate([lobes((kappa, kappa), 180.0, each, row) for row, each in enumerate(share)])
    expected = angle_of_68(np.full(len(share), kappa), share)
    np.testing.assert_allclose(angle_of_lobes(outputs, ONE_SIGMA), expected, rtol=0.02)


def test_equal_lobes_have_the_angle_of_one():
    outputs = np.concatenate([lobes((20.0, 20.0), 0.0, share, row) for row, share in enumerate((0.5, 0.6, 0.9))])
    np.testing.assert_allclose(angle_of_lobes(outputs, ONE_SIGMA), angle_of_68(np.full(3, 20.0)), rtol=0.005)


def test_zero_vectors_point_anywhere():
    isotropic = np.degrees(np.arccos(1 - 2 * ONE_SIGMA))
    found = ANSWER.estimates(np.zeros((2, 7)))
    np.testing.assert_allclose(found.predicted_68_deg, isotropic, atol=0.5)
    np.testing.assert_allclose(np.linalg.norm(found.direction, axis=1), 1)
    np.testing.assert_array_equal(found.head_probability, 0.5)


def test_the_angle_does_not_depend_on_where_the_lobes_lie():
    outputs = np.concatenate([lobes((30.0, 10.0), 50.0, 0.75, seed) for seed in range(40)])
    angles = angle_of_lobes(outputs, ONE_SIGMA)
    np.testing.assert_allclose(angles, angles.mean(), rtol=0.02)


def test_more_is_held_by_larger_angles():
    outputs = np.concatenate([lobes((30.0, 10.0), 80.0, 0.6), lobes((3.0, 200.0), 20.0, 0.8)])
    angles = [angle_of_lobes(outputs, level) for level in (0.25, 0.5, 0.6827, 0.9, 0.95)]
    assert np.all(np.diff(angles, axis=0) > 0)


def test_every_event_has_its_own_angle_however_many_there_are():
    few = np.concatenate([lobes((30.0, 10.0), 50.0, share) for share in np.linspace(0.5, 0.95, 7)])
    many = np.tile(few, (600, 1))
    np.testing.assert_allclose(angle_of_lobes(many, ONE_SIGMA), np.tile(angle_of_lobes(few, ONE_SIGMA), 600), rtol=1e-9)
    assert angle_of_lobes(many[:0], ONE_SIGMA).shape == (0,)


@given(st.lists(st.floats(-1e6, 1e6), min_size=7, max_size=7))
@example([0.0, 0.0, 1e-161, 0.0, 0.0, 0.0, 0.0])
def test_any_output_gives_a_direction_and_a_finite_angle(output):
    found = ANSWER.estimates(np.array([output]))
    assert np.linalg.norm(found.direction) == pytest.approx(1)
    assert 0 <= found.predicted_68_deg[0] <= 180
    assert 0.5 <= found.head_probability[0] <= 1
