"""Matching: made-up deposits placed through the wire map, and purity on the real files by their truth."""

import numpy as np
import pytest

from benchmarks.plane_matching import by_time_alone, by_time_and_wires, quality
from python.detector import geometry as g
from python.detector.calibration import adc_per_mev
from python.ingest.clustering import ClusterSettings, make_clusters
from python.ingest.matching import match_planes
from tests.ingest.root_files import KINDS, make_tps, real_file

MEASURED = adc_per_mev("measured")


def deposit(x, y, z, mev=5.0, event=0, planes=(g.U, g.V, g.X)):
    """Three primitives on neighbouring channels of each plane, as a blob of charge at x, y, z (cm) would give."""
    rows = []
    for plane in planes:
        centre = int(g.expected_channel(plane, x, y, z))
        peak = round(float(g.drift_ticks(x) + g.PEAK_OFFSET_TICKS[plane]))
        for step in (-1, 0, 1):
            local = (centre + step) % 800 if plane != g.X else centre + step
            channel = int(g.global_channel(g.apa_at(y, z), plane, local))
            rows.append((event, channel, peak - 5, 11, 5, int(mev * MEASURED[plane] / 3) + 1, 400))
    return rows


def matched(rows):
    clusters = make_clusters(make_tps(rows), ClusterSettings(), MEASURED)
    return clusters, match_planes(clusters)


@pytest.mark.parametrize("x", [-200.0, 200.0])
@pytest.mark.parametrize("y", [-590.0, -30.0, 250.0])
@pytest.mark.parametrize("z", [20.0, 400.0])
def test_the_three_views_of_a_deposit_are_matched(x, y, z):
    clusters, matches = matched(deposit(x, y, z))
    assert clusters.plane.tolist() == [0, 1, 2]
    assert matches.match_id.tolist() == [0, 0, 0]
    assert matches.face.tolist() == [np.sign(x)] * 3
    assert matches.partner.tolist() == [[0, 1, 2]] * 3


def test_deposits_at_one_time_are_told_apart_by_the_wires():
    """Two deposits at the same drift distance and APA: time alone could not tell which U and V go with which X."""
    near, far = deposit(200.0, 100.0, 50.0), deposit(200.0, 400.0, 180.0)
    clusters, matches = matched(near + far)
    for plane in (g.U, g.V):
        for z, y in ((50.0, 100.0), (180.0, 400.0)):
            x_cluster = np.flatnonzero((clusters.plane == g.X) & (np.abs(clusters.z - z) < 1))[0]
            partner = matches.partner[x_cluster, plane]
            assert abs(clusters.channel[partner] % 800 - g.expected_channel(plane, 200.0, y, z)) < 1
    assert sorted(np.unique(matches.match_id)) == [0, 1]


@pytest.mark.parametrize("plane", [g.U, g.V])
def test_partial_matches_keep_a_number(plane):
    _, matches = matched(deposit(200.0, 100.0, 50.0, planes=(plane, g.X)))
    assert matches.match_id.tolist() == [0, 0]
    assert matches.face.tolist() == [1, 1]


@pytest.mark.parametrize(
    "other",
    [
        deposit(230.0, 100.0, 50.0, planes=(g.U,)),  # another drift distance
        deposit(200.0, -100.0, 50.0, planes=(g.U,)),  # another APA
        deposit(200.0, 100.0, 50.0, planes=(g.U,), event=1),
    ],
)
def test_strangers_are_not_matched(other):
    _, matches = matched(deposit(200.0, 100.0, 50.0, planes=(g.X,)) + other)
    assert matches.match_id.tolist() == [-1, -1]
    assert sorted(matches.face.tolist()) == [0, 1]


def test_u_and_v_that_do_not_cross_on_the_x_wire_are_not_matched_together():
    rows = deposit(200.0, 100.0, 50.0, planes=(g.U, g.X)) + deposit(200.0, 300.0, 50.0, planes=(g.V,))
    _, matches = matched(rows)
    assert sorted(matches.match_id.tolist()) == [-1, 0, 0]


def test_match_numbers_count_on_and_each_cluster_is_used_once():
    rows = [row for event in range(4) for row in deposit(200.0, 100.0, 50.0, event=event)]
    rows += [row for event in range(4) for row in deposit(201.0, 101.0, 90.0, event=event, planes=(g.X,))]
    clusters = make_clusters(make_tps(rows), ClusterSettings(), MEASURED)
    matches = match_planes(clusters, first_id=10)
    numbers, counts = np.unique(matches.match_id[matches.match_id >= 0], return_counts=True)
    assert numbers.tolist() == [10, 11, 12, 13]
    assert counts.tolist() == [3] * 4


@pytest.mark.root_data
def test_real_matches_are_purer_and_more_complete_than_by_time_alone():
    """Measured: purity 0.984, efficiency 0.943; by time alone 0.893 and 0.907."""
    paths = [real_file(kind) for kind in KINDS]
    ours = sum(quality(path, by_time_and_wires) for path in paths)
    theirs = sum(quality(path, by_time_alone) for path in paths)
    purity, efficiency = ours[1] / ours[0], ours[1] / ours[2]
    assert purity > 0.97
    assert efficiency > 0.9
    assert purity > theirs[1] / theirs[0]
    assert efficiency > theirs[1] / theirs[2]
