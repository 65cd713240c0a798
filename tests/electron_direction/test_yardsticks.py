import numpy as np
import pytest

from electron_direction.yardsticks import limit_metrics, principal_axis_results
from python.data.point_clouds import POINT_COLUMNS, PointClouds
from python.metrics.direction_limit import intrinsic_limit, limit_range
from python.metrics.directions import DirectionResults
from python.metrics.principal_axis import project
from tests.directions.samples import unit_vectors

BLIP_CM = 20.0


def cloud(direction, blips):
    """Points of a track of 6 cm in three planes, and of a blip at +-BLIP_CM along it; (60 + 3, 8)."""
    along = np.concatenate([np.linspace(-3, 3, 20), np.full(abs(blips), np.sign(blips) * BLIP_CM)])
    drift, across = project(along[:, None] * direction)
    points = np.zeros((3, len(along), len(POINT_COLUMNS)), np.float32)
    for plane in range(3):
        columns = {
            "plane": plane,
            "across": across[:, plane],
            "peak": drift,
            "integral": 1000,
            "in_cluster": along < 10,
        }
        columns["in_cluster"] = np.abs(along) < 10
        for name, values in columns.items():
            points[plane, :, POINT_COLUMNS.index(name)] = values
    return points.reshape(-1, len(POINT_COLUMNS))


def joined(clouds):
    return PointClouds(np.concatenate([[0], np.cumsum([len(points) for points in clouds])]), np.concatenate(clouds))


def results_of(truth, weights=None):
    n = len(truth)
    return DirectionResults(truth, unit_vectors(n, 9), np.ones(n), np.full(n, 20.0), np.full(n, 18.0), weights=weights)


def test_straight_tracks_have_their_axis_and_blips_tell_the_head():
    """Blips ahead of every second track, behind the others; only some of the rows, in another order."""
    directions = unit_vectors(10)
    clouds = joined([cloud(direction, 1 if row % 2 else -1) for row, direction in enumerate(directions)])
    rows = np.array([7, 2, 5, 0])
    weights = np.array([1.0, 2.0, 3.0, 4.0])
    found = principal_axis_results(clouds, rows, results_of(directions[rows], weights))
    assert found["head known"].angle.max() < 0.1
    np.testing.assert_allclose(found["head towards the rest"].angle, [0, 180, 0, 180], atol=0.1)
    for axis in found.values():
        assert np.array_equal(axis.weight, weights)
        assert np.array_equal(axis.truth, directions[rows])


def test_events_without_an_axis_point_anywhere():
    empty = np.zeros((0, len(POINT_COLUMNS)), np.float32)
    only_a_blip = cloud(np.array([0.0, 0.0, 1.0]), 1)[20:21]
    found = principal_axis_results(joined([empty, only_a_blip]), np.arange(2), results_of(unit_vectors(2)))
    for axis in found.values():
        assert np.all(np.isfinite(axis.angle))


@pytest.mark.parametrize("energy", [6.0, 12.0, 40.0])
def test_the_limit_of_one_energy_is_that_of_the_table(energy):
    limit = float(intrinsic_limit(np.array([energy]))[0])
    found = limit_metrics(np.full(3, energy), np.array([1.0, 0.0, 5.0]), 5.0)
    assert found["containment_68_deg"] == pytest.approx(limit, abs=0.05)
    assert found["median_deg"] == pytest.approx(limit * np.sqrt(np.log(2) / -np.log(0.32)), abs=0.05)  # of Rayleigh


def test_the_limit_of_a_spectrum_lies_between_and_follows_the_weights():
    energy = np.array([6.0, 40.0])
    low, high = (limit_metrics(energy[i : i + 1], np.ones(1), 5.0)["containment_68_deg"] for i in (1, 0))
    found = [limit_metrics(energy, np.array([w, 1 - w]), 5.0)["containment_68_deg"] for w in (0.1, 0.5, 0.9)]
    assert low < found[0] < found[1] < found[2] < high
    assert limit_metrics(energy, np.ones(2), 10.0)["containment_68_deg"] == pytest.approx(low)


def test_beyond_the_table_its_ends_stand():
    for energy, end in ((100.0, limit_range()[1]), (2.0, limit_range()[0])):
        found = limit_metrics(np.array([energy]), np.ones(1), 1.0)
        assert found == pytest.approx(limit_metrics(np.array([end]), np.ones(1), 1.0))


def test_without_events_there_is_no_limit():
    for energy, weight in (([8.0], [1.0]), ([20.0], [0.0]), ([np.nan], [1.0]), ([], [])):
        assert set(limit_metrics(np.array(energy), np.array(weight), 10.0).values()) == {None}
