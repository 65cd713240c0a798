"""The principal axis of what three planes see of straight and of spread tracks, and the side of their blips."""

import numpy as np
import pytest

from python.detector.geometry import PITCH_CM, wire_coordinate
from python.metrics.directions import opening_angles
from python.metrics.principal_axis import PlanePoints, point_along, principal_axis, project, towards_blips
from tests.directions.samples import unit_vectors


def seen_by_planes(points, planes=(0, 1, 2)):
    """Points (n, P, 3) as the planes see them: plane, across, drift, owner."""
    drift, across = project(points)
    n, count = drift.shape
    plane = np.repeat(planes, n * count)
    owner = np.tile(np.repeat(np.arange(n), count), len(planes))
    return plane, np.concatenate([across[..., p].ravel() for p in planes]), np.tile(drift.ravel(), len(planes)), owner


def axis_errors(axes, truth):
    angle = opening_angles(axes, truth)
    return np.minimum(angle, 180 - angle)


def lines(truth, length=4.0, count=40):
    return truth[:, None] * np.linspace(-length / 2, length / 2, count)[:, None]


def test_projections_are_those_of_the_wire_map():
    # even APA, x > 0, where y' = y: U columns run backwards, V and X forwards
    step = np.array([0.3, 0.7, -0.4])
    _, across = project(step)
    for plane, sign in zip(range(3), (-1, 1, 1), strict=True):
        here, there = (wire_coordinate(plane, 0, 1, y, 100 + z) for y, z in ((-50.0, 0.0), (-50 + step[1], step[2])))
        assert sign * (there - here) * PITCH_CM[plane] == pytest.approx(across[plane])


def test_straight_tracks_give_their_direction_wherever_they_are():
    truth = unit_vectors(200)
    places = 30 * unit_vectors(200, 1)[:, None]
    plane, across, drift, owner = seen_by_planes(places + lines(truth))
    axes = principal_axis(PlanePoints(plane, across, drift, np.ones(len(plane)), owner), 200)
    np.testing.assert_allclose(np.linalg.norm(axes, axis=1), 1)
    assert axis_errors(axes, truth).max() < 1e-4


def test_axis_is_the_one_of_the_covariance_in_space():
    rng = np.random.default_rng(2)
    points = rng.normal(size=(50, 300, 3)) * [1.0, 2.0, 3.0]
    weights = rng.exponential(size=(50, 300))
    plane, across, drift, owner = seen_by_planes(points)
    axes = principal_axis(PlanePoints(plane, across, drift, np.tile(weights.ravel(), 3), owner), 50)
    for found, own, weight in zip(axes, points, weights, strict=True):
        expected = np.linalg.eigh(np.cov(own.T, aweights=weight))[1][:, -1]
        assert abs(found @ expected) == pytest.approx(1)


def test_charge_decides_and_order_does_not():
    truth = unit_vectors(2, 3)
    plane, across, drift, owner = seen_by_planes(np.concatenate([lines(truth), lines(truth[::-1])], axis=1))
    first = np.arange(len(plane)) // 40 % 2 == 0
    order = np.random.default_rng(0).permutation(len(plane))
    columns = (c[order] for c in (plane, across, drift, np.where(first, 1.0, 1e-9), owner))
    assert axis_errors(principal_axis(PlanePoints(*columns), 2), truth).max() < 0.01


@pytest.mark.parametrize("planes", [(0, 2), (1, 2), (0, 1)])
def test_two_planes_still_tell_most(planes):
    truth = unit_vectors(300)
    plane, across, drift, owner = seen_by_planes(lines(truth), planes)
    axes = principal_axis(PlanePoints(plane, across, drift, np.ones(len(plane)), owner), 300)
    assert np.median(axis_errors(axes, truth)) < 25


def test_events_without_spread_have_no_axis():
    plane, across, drift, owner = seen_by_planes(np.full((1, 4, 3), 2.0))
    axes = principal_axis(PlanePoints(plane, across, drift, np.ones(len(plane)), owner + 1), 3)
    assert np.isnan(axes).all()
    assert principal_axis(PlanePoints(plane[:0], across[:0], drift[:0], drift[:0], owner[:0]), 0).shape == (0, 3)


def test_blips_lie_on_the_side_of_the_head():
    truth = unit_vectors(100)
    points = np.concatenate(
        [lines(truth, count=20), 15 * truth[:, None] + 0.1 * lines(unit_vectors(100, 4), count=5)], 1
    )
    plane, across, drift, owner = seen_by_planes(points)
    inside = np.tile(np.arange(25) < 20, 300)
    charge = np.tile(np.random.default_rng(1).uniform(1, 2, 2500), 3)
    towards = towards_blips(PlanePoints(plane, across, drift, charge, owner), inside, 100)
    assert opening_angles(towards / np.linalg.norm(towards, axis=1, keepdims=True), truth).max() < 2
    cluster = [column[inside] for column in (plane, across, drift, charge, owner)]
    axes = principal_axis(PlanePoints(*cluster), 100)
    assert opening_angles(point_along(-axes, towards), truth).max() < 1e-4
    assert opening_angles(point_along(axes, truth), truth).max() < 1e-4


def test_without_blips_axes_stay_as_they_are():
    plane, across, drift, owner = seen_by_planes(lines(unit_vectors(3)))
    towards = towards_blips(PlanePoints(plane, across, drift, np.ones(len(plane)), owner), np.ones(len(plane)), 3)
    np.testing.assert_array_equal(towards, 0)
    np.testing.assert_array_equal(point_along(-unit_vectors(3), towards), -unit_vectors(3))
