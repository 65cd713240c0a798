"""From outputs to directions and how sure they are: against closed forms and against samples of the distributions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logit
from scipy.stats import vonmises_fisher

from python.directions.find import answers
from python.directions.sphere import angle_of_68, concentration
from tests.directions.samples import rotated_by, unit_vectors

SHARE = 0.6827
ANSWERS = answers()
KAPPAS = [0.01, 1.0, 5.0, 30.0, 400.0]


def closed_form(kappa):
    """The share within an angle is (1 - e^(-kappa (1 - cos))) / (1 - e^(-2 kappa)); solved for the angle in degrees."""
    return np.degrees(np.arccos(1 + np.log1p(SHARE * np.expm1(-2 * kappa)) / kappa))


# ---------------------------------------------------------------------------- one distribution
@pytest.mark.parametrize("kappa", KAPPAS)
def test_the_angle_holds_its_share_of_samples(kappa):
    n, rng = 20_000, np.random.default_rng(1)
    samples = vonmises_fisher([0, 0, 1], kappa, seed=rng).rvs(n)
    within = np.mean(np.degrees(np.arccos(np.clip(samples[:, 2], -1, 1))) < angle_of_68(np.array([kappa]))[0])
    assert within == pytest.approx(SHARE, abs=5 * np.sqrt(SHARE * (1 - SHARE) / n))


def test_the_angle_in_closed_form():
    kappa = np.geomspace(0.01, 300, 50)
    np.testing.assert_allclose(angle_of_68(kappa), closed_form(kappa), rtol=1e-9)
    isotropic = np.degrees(np.arccos(1 - 2 * SHARE))
    np.testing.assert_allclose(angle_of_68(np.array([0.0, 1e-9])), isotropic, atol=1e-3)
    large = np.array([1e4, 1e6])
    np.testing.assert_allclose(angle_of_68(large), np.degrees(np.sqrt(-2 * np.log(1 - SHARE) / large)), rtol=1e-4)


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=9), st.floats(0.5, 1))
def test_angles_are_finite_and_fall_with_kappa(kappas, head_probability):
    angles = angle_of_68(np.sort(kappas), head_probability)
    assert np.all((angles > 0) & (angles <= 180))
    if head_probability > 0.7:  # below, two thirds reach over to the tail, the more the narrower both are
        assert np.all(np.diff(angles) <= 1e-6)


# ---------------------------------------------------------------------------- two ends of an axis
@pytest.mark.parametrize("kappa", KAPPAS)
@pytest.mark.parametrize("head_probability", [0.5, 0.6, 0.9])
def test_the_angle_of_a_mixture_holds_its_share_of_samples(kappa, head_probability):
    n, rng = 20_000, np.random.default_rng(2)
    cosine = vonmises_fisher([0, 0, 1], kappa, seed=rng).rvs(n)[:, 2] * np.where(
        rng.random(n) < head_probability, 1, -1
    )
    limit = angle_of_68(np.array([kappa]), head_probability)[0]
    within = np.mean(np.degrees(np.arccos(np.clip(cosine, -1, 1))) < limit)
    assert within == pytest.approx(SHARE, abs=5 * np.sqrt(SHARE * (1 - SHARE) / n))


def test_the_direction_of_a_mixture_is_its_likelier_end():
    eta = unit_vectors(4) * 20
    outputs = np.column_stack([eta, logit([0.9, 0.2, 0.5, 1 - 1e-9])])
    found = ANSWERS["mixture"].estimates(outputs)
    np.testing.assert_allclose(found.direction, eta / 20 * [[1], [-1], [1], [1]], atol=1e-12)
    np.testing.assert_allclose(found.head_probability, [0.9, 0.8, 0.5, 1], atol=1e-8)
    np.testing.assert_allclose(found.kappa, 20)
    np.testing.assert_allclose(found.predicted_68_deg[3], closed_form(20.0), rtol=1e-6)
    assert np.all(np.diff(found.predicted_68_deg[[3, 0, 1, 2]]) > 0)


# ---------------------------------------------------------------------------- what each head says
def test_a_unit_vector_alone_does_not_tell_how_sure_it_is():
    vectors = unit_vectors(5)
    found = ANSWERS["direction"].estimates(vectors * 0.3)
    np.testing.assert_allclose(found.direction, vectors)
    assert found.predicted_68_deg is found.kappa is found.head_probability is None
    assert ANSWERS["multi_task"].estimates(np.column_stack([vectors, np.zeros((5, 2))])).predicted_68_deg is None


def test_uncertainty_is_that_of_exponential_angles():
    sigma = np.array([0.1, 0.5, 3.0])
    outputs = np.column_stack([unit_vectors(3), np.log(sigma)])
    found = ANSWERS["uncertainty"].estimates(outputs).predicted_68_deg
    samples = np.random.default_rng(1).exponential(0.5**2, 200_000)
    assert found[1] == pytest.approx(np.degrees(np.quantile(samples, SHARE)), rel=0.02)
    assert found[0] == pytest.approx(found[1] / 25)
    assert found[2] == 180


def test_the_length_of_eta_is_kappa():
    kappa = np.array([0.5, 7.0, 1e9])
    found = ANSWERS["von_mises_fisher"].estimates(unit_vectors(3) * kappa[:, None])
    np.testing.assert_allclose(found.direction, unit_vectors(3))
    np.testing.assert_allclose(found.kappa, [0.5, 7.0, 1e6])
    np.testing.assert_allclose(found.predicted_68_deg[:2], closed_form(kappa[:2]))


@pytest.mark.parametrize("head", ["direction", "uncertainty", "von_mises_fisher", "mixture", "multi_task"])
def test_a_zero_vector_is_some_direction(head):
    found = ANSWERS[head].estimates(np.zeros((2, 5)))
    np.testing.assert_allclose(np.linalg.norm(found.direction, axis=1), 1)
    assert found.predicted_68_deg is None or np.all(np.isfinite(found.predicted_68_deg))


@pytest.mark.parametrize("kappa", [3.0, 20.0, 200.0])
def test_kappa_from_the_agreement_of_unit_vectors(kappa):
    mean = vonmises_fisher([0, 0, 1], kappa, seed=np.random.default_rng(1)).rvs(20_000).mean(axis=0)
    assert concentration(np.linalg.norm(mean)) == pytest.approx(kappa, rel=0.1)


def test_members_that_agree_are_surer():
    truth, several = unit_vectors(1), ANSWERS["direction"].of_several()
    outputs = [np.stack([rotated_by(truth, angle), rotated_by(truth, -angle)]) for angle in (1.0, 10.0, 60.0)]
    found = several.estimates(np.concatenate([several.combined(pair) for pair in outputs]))
    assert np.all(np.diff(found.kappa) < 0)
    assert np.all(np.diff(found.predicted_68_deg) > 0)
    np.testing.assert_allclose(found.direction, np.tile(truth, (3, 1)), atol=1e-9)


# ---------------------------------------------------------------------------- averages
def test_vectors_are_averaged():
    outputs = np.random.default_rng(1).normal(size=(3, 4, 5))
    for head, width in {"direction": 3, "uncertainty": 4, "von_mises_fisher": 3, "multi_task": 5}.items():
        np.testing.assert_allclose(ANSWERS[head].combined(outputs[..., :width]), outputs[..., :width].mean(axis=0))


@given(st.lists(st.sampled_from([-1, 1]), min_size=1, max_size=6))
def test_axes_of_a_mixture_are_averaged_whichever_way_they_point(ends):
    """eta and -eta with the opposite logit are one density, so turning views round changes nothing."""
    rng = np.random.default_rng(3)
    views = (
        np.column_stack([unit_vectors(5), np.linspace(-2, 2, 5)])[None] * 5 + rng.normal(size=(len(ends), 5, 4)) * 0.3
    )
    turned = ANSWERS["mixture"].combined(views * np.array(ends)[:, None, None])
    np.testing.assert_allclose(turned * np.sign(turned[:, :1]), (mean := views.mean(axis=0)) * np.sign(mean[:, :1]))
    one, other = ANSWERS["mixture"].estimates(turned), ANSWERS["mixture"].estimates(mean)
    np.testing.assert_allclose(one.direction, other.direction)
    np.testing.assert_allclose(one.predicted_68_deg, other.predicted_68_deg)


@pytest.mark.parametrize(("head", "width"), [("direction", 3), ("uncertainty", 4), ("von_mises_fisher", 3)])
def test_views_that_cancel_give_a_direction_that_is_sure_of_nothing(head, width):
    view = np.column_stack([unit_vectors(3), np.zeros((3, width - 3))])
    outputs = ANSWERS[head].combined(np.stack([view, -view]))
    found = ANSWERS[head].of_several().estimates(outputs)
    np.testing.assert_allclose(found.direction, view[:, :3], atol=1e-9)
    if head != "uncertainty":  # which says it beside
        np.testing.assert_allclose(found.predicted_68_deg, np.degrees(np.arccos(1 - 2 * SHARE)), atol=1e-3)


def test_one_view_stays_as_it_is():
    outputs = np.random.default_rng(1).normal(size=(1, 6, 4))
    found = ANSWERS["mixture"].combined(outputs)
    np.testing.assert_allclose(found * np.sign(found[:, :1] * outputs[0, :, :1]), outputs[0])
