"""A sky map against distributions whose regions are known in closed form, wherever on the sky they lie."""

import healpy
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from scipy.stats import kstest

from python.pointing.sky_map import ICRS, SQUARE_DEGREES, SkyMap, angle_between

LEVELS = np.array([0.5, 0.68, 0.9])
SKY = 4 * np.pi * SQUARE_DEGREES
STAR = np.array([0.3, -0.5, 0.7]) / np.linalg.norm([0.3, -0.5, 0.7])
directions = st.builds(
    lambda z, longitude: np.array([*(np.sqrt(1 - z**2) * np.array([np.cos(longitude), np.sin(longitude)])), z]),
    st.floats(-1, 1),
    st.floats(0, 2 * np.pi),
)


def fisher(star, kappa, constant=0.0):
    """The log-likelihood of a von Mises-Fisher distribution about `star`, not normalised."""
    return lambda toward_star: constant + kappa * (toward_star @ star - 1)


def fisher_map(kappa, star=STAR, **options):
    return SkyMap.of(fisher(star, kappa), **options)


def fisher_radius(level, kappa):
    """Degrees about the centre that hold `level`."""
    return np.degrees(2 * np.arcsin(np.sqrt(-np.log1p(level * np.expm1(-2 * kappa)) / (2 * kappa))))


def cap(radius):
    return SKY * np.sin(np.radians(radius) / 2) ** 2


@settings(max_examples=12)
@given(directions, st.floats(-1, 4).map(lambda exponent: 10**exponent))
def test_regions_of_a_fisher_distribution_are_those_of_the_formula(star, kappa):
    found, radius = fisher_map(kappa, star), fisher_radius(LEVELS, kappa)
    pixel = 0.5 * 58.6 / 2 ** found.order.max()
    np.testing.assert_allclose(found.radius(LEVELS), radius, rtol=0.005, atol=0.3 * pixel)
    np.testing.assert_allclose(found.area(LEVELS), cap(radius), rtol=0.01)
    assert np.linalg.norm(found.mean) == pytest.approx(1 / np.tanh(kappa) - 1 / kappa, abs=1e-3)
    assert angle_between(found.mean / np.linalg.norm(found.mean), star) < 0.1 + 0.1 / kappa
    assert angle_between(found.peak, star) < healpy.max_pixrad(
        1 << found.order[found.pixel_at(found.peak)], degrees=True
    )
    entropy = np.log(kappa / (2 * np.pi * -np.expm1(-2 * kappa))) + kappa * (np.linalg.norm(found.mean) - 1)
    assert found.information == pytest.approx((entropy + np.log(4 * np.pi)) / np.log(2), abs=0.02)


@pytest.mark.parametrize("kappa", [2.0, 800.0])
def test_searched_area_and_level_are_those_of_the_angle(kappa):
    found = fisher_map(kappa)
    angle = fisher_radius(np.array([0.05, 0.3, 0.6, 0.95]), kappa)
    away = np.cross(STAR, [0, 0, 1]) / np.linalg.norm(np.cross(STAR, [0, 0, 1]))
    there = np.cos(np.radians(angle))[:, None] * STAR + np.sin(np.radians(angle))[:, None] * away
    np.testing.assert_allclose(found.searched_area(there), cap(angle), rtol=0.05, atol=0.3)  # a few pixels
    np.testing.assert_allclose(found.level_of(there), [0.05, 0.3, 0.6, 0.95], atol=0.01)


def test_directions_drawn_from_a_map_are_covered_as_often_as_it_says():
    generator = np.random.default_rng(1)
    for found in (fisher_map(300.0), fisher_map(3.0), SkyMap.of(lambda v: np.log1p(v[:, 0] * STAR[0] + v[:, 1] ** 2))):
        drawn = found.draw(2000, generator)
        np.testing.assert_allclose(np.linalg.norm(drawn, axis=1), 1)
        assert kstest(found.level_of(drawn), "uniform").pvalue > 1e-3
        np.testing.assert_allclose(drawn.mean(axis=0), found.mean, atol=0.06)


def test_an_isotropic_sky_claims_nothing():
    found = SkyMap.of(lambda toward_star: np.full(len(toward_star), -7e4))
    np.testing.assert_allclose(found.area(LEVELS), SKY * LEVELS)
    assert found.information == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(found.mean, 0, atol=1e-12)
    assert found.level_of(STAR) == pytest.approx(0.5)
    assert found.searched_area(STAR) == pytest.approx(SKY / 2)
    assert len(found) == 12 * 4**5


@settings(max_examples=12)
@given(directions, st.floats(2, 6).map(lambda exponent: 10**exponent))
@example(np.array([1.0, 0.0, 0.0]), 1e6)
def test_two_opposite_lobes_are_found_wherever_they_lie_between_pixels(star, kappa):
    def either(toward_star):
        return np.logaddexp(kappa * (toward_star @ star - 1), kappa * (-(toward_star @ star) - 1))

    found = SkyMap.of(either, highest_order=11)  # pixels of order 9 are wider than the narrowest lobes
    first = found.mass[found.centres @ star > 0].sum()
    assert first == pytest.approx(0.5, abs=0.02 if kappa < 1e5 else 0.25)  # pixels as wide as the lobes
    np.testing.assert_allclose(found.area(LEVELS), 2 * cap(fisher_radius(LEVELS, kappa)), rtol=0.02, atol=0.02)
    assert np.linalg.norm(found.mean) < 0.02 + 2 * abs(first - 0.5)
    assert min(angle_between(found.peak, star), angle_between(found.peak, -star)) < 0.12


@settings(max_examples=8)
@given(st.tuples(*[st.floats(-3, 3)] * 3))
def test_a_turned_likelihood_gives_the_turned_map(turn):
    rotation = Rotation.from_rotvec(turn).as_matrix()
    stars, kappas = np.eye(3), np.array([40.0, 300.0, 1200.0])

    def likelihood(toward_star):
        return np.log(np.exp(kappas * (toward_star @ stars.T - 1)) @ [1.0, 3.0, 2.0] + 1e-3)

    plain, turned = SkyMap.of(likelihood), SkyMap.of(lambda toward_star: likelihood(toward_star @ rotation))
    there = np.random.default_rng(2).normal(size=(40, 3))
    there /= np.linalg.norm(there, axis=1, keepdims=True)
    there[:3] = stars
    np.testing.assert_allclose(turned.area(LEVELS), plain.area(LEVELS), rtol=0.01)
    np.testing.assert_allclose(turned.mean, rotation @ plain.mean, atol=1e-3)
    np.testing.assert_allclose(turned.level_of(there @ rotation.T), plain.level_of(there), atol=0.03)
    assert turned.information == pytest.approx(plain.information, abs=0.01)


@pytest.mark.parametrize("constant", [-3e5, 3e5])
def test_the_size_of_the_likelihood_makes_no_difference(constant):
    plain, lifted = fisher_map(500.0), SkyMap.of(fisher(STAR, 500.0, constant))
    np.testing.assert_array_equal(lifted.pixel, plain.pixel)
    np.testing.assert_allclose(lifted.density, plain.density, rtol=1e-6, atol=1e-12)


def test_a_likelihood_may_vanish():
    found = SkyMap.of(lambda toward_star: np.where(toward_star @ STAR > np.cos(np.radians(20)), 0.0, -np.inf))
    assert found.area(0.99) == pytest.approx(0.99 * cap(20), rel=0.005)  # its edge is followed to the smallest pixels
    assert found.level_of(-STAR) == pytest.approx(1)


def test_peaks_below_the_pixels_do_not_claim_more_than_a_pixel():
    found = fisher_map(1e9)
    side = np.sqrt(SKY / 12 / 4**9)
    assert found.area(0.9) == pytest.approx(0.9 * side**2, rel=0.05)
    assert 0.4 * side < found.radius(0.9) < side


def test_pixels_are_as_small_as_the_orders_allow():
    found = fisher_map(800.0, lowest_order=3, highest_order=7)
    assert set(found.order) == {3, 4, 5, 6, 7}
    assert found.order[found.pixel_at(STAR)] == 7
    assert found.order[found.pixel_at(-STAR)] == 3


@pytest.mark.parametrize("order", [0, 4, 7, 8])
def test_a_flat_map_keeps_probability(order):
    found = fisher_map(200.0, frame=ICRS, highest_order=7)
    flat = found.flat(order)
    assert flat.sum() * 4 * np.pi / len(flat) == pytest.approx(1)
    again = SkyMap(np.full(len(flat), order), np.arange(len(flat)), flat, ICRS)
    assert angle_between(again.peak, STAR) < 0.25 + 60 / 2**order
    if order >= found.order.max():
        np.testing.assert_allclose(again.density_at(found.centres), found.density, rtol=1e-12)
        np.testing.assert_allclose(again.area(LEVELS), found.area(LEVELS), rtol=1e-6)


def test_pixels_may_come_in_any_sequence():
    found = fisher_map(50.0)
    mixed = np.random.default_rng(3).permutation(len(found))
    again = SkyMap(found.order[mixed], found.pixel[mixed], found.density[mixed])
    np.testing.assert_array_equal(again.pixel, found.pixel)
    np.testing.assert_array_equal(again.density, found.density)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda order, pixel, density: (order[1:], pixel[1:], density[1:]), "cover the sphere once"),
        (lambda order, pixel, density: (order, np.where(pixel == 3, 2, pixel), density), "cover the sphere once"),
        (lambda order, pixel, density: (np.where(pixel == 3, 1, order), pixel, density), "cover the sphere once"),
        (lambda order, pixel, density: (order, pixel - 1, density), "not negative"),
        (lambda order, pixel, density: (order, pixel, density * 2), "sum to 1, not to 2"),
        (lambda order, pixel, density: (order, pixel, density * np.where(pixel == 3, -1, 1)), "must not be negative"),
        (lambda order, pixel, density: (order, pixel, density * np.nan), "must not be negative"),
        (lambda order, pixel, density: (order, pixel, density[1:]), "one number a pixel"),
    ],
)
def test_what_is_no_map_is_refused(change, says):
    whole = np.zeros(12, int), np.arange(12), np.full(12, 1 / (4 * np.pi))
    SkyMap(*whole)
    with pytest.raises(ValueError, match=says):
        SkyMap(*change(*whole))


@pytest.mark.parametrize(
    ("likelihood", "says"),
    [
        (lambda v: np.full(len(v), np.nan), "NaN"),
        (lambda v: np.where(v[:, 2] > 0.9, np.inf, 0.0), "infinite"),
        (lambda v: np.full(len(v), -np.inf), "0 in every direction"),
        (lambda v: v, "one number a direction"),
    ],
)
def test_what_is_no_likelihood_is_refused(likelihood, says):
    with pytest.raises(ValueError, match=says):
        SkyMap.of(likelihood)


def test_a_frame_is_one_of_two():
    with pytest.raises(ValueError, match="galactic"):
        fisher_map(1.0, frame="galactic")
