"""Volumes: what lies in the window, where, and that rows and columns mean the same on all planes."""

import numpy as np
import pytest
from scipy import ndimage

from python.detector import geometry as g
from python.detector.calibration import adc_per_mev
from python.ingest.centres import leading_x_clusters
from python.ingest.clustering import ClusterSettings, make_clusters
from python.ingest.matching import match_planes
from python.ingest.volumes import make_volumes
from tests.ingest.root_files import make_tps
from tests.ingest.test_matching import deposit

MEASURED = adc_per_mev("measured")
MIDDLE = (104, 621)


def volumes_of(rows):
    tps = make_tps(rows)
    clusters = make_clusters(tps, ClusterSettings(), MEASURED)
    matches = match_planes(clusters)
    return [make_volumes(tps, clusters, matches, plane, leading_x_clusters(clusters)) for plane in (g.U, g.V, g.X)]


def blobs(volume):
    """Charge-weighted (channel, tick) of each connected patch of the first image, in order."""
    image = volume.images[0]
    patches, n = ndimage.label(image, structure=np.ones((3, 3)))
    return sorted(ndimage.center_of_mass(image, patches, range(1, n + 1)))


@pytest.mark.parametrize("x", [-200.0, 200.0])
@pytest.mark.parametrize("y", [-300.0, 300.0])
@pytest.mark.parametrize("z", [100.0, 350.0])
def test_a_neighbour_appears_where_the_drift_frame_says(x, y, z):
    """A blip 6 cm along z, 8 cm along y and 10 cm farther from the wires, in any drift volume."""
    dx, dy, dz = np.sign(x) * 10.0, 8.0, 6.0
    volumes = volumes_of(deposit(x, y, z, mev=9.0) + deposit(x + dx, y + dy, z + dz, mev=1.0))
    in_frame = dy if x > 0 else -dy
    along = {g.U: 1.7391 * dz - 1.2501 * in_frame, g.V: 1.7391 * dz + 1.2501 * in_frame, g.X: dz / 0.479}
    for plane, volume in zip((g.U, g.V, g.X), volumes, strict=True):
        assert volume.images.shape == (208, 1242)
        found = blobs(volume)
        expected = sorted([MIDDLE, (MIDDLE[0] + along[plane], MIDDLE[1] + 10.0 / 0.080289)])
        assert np.allclose(found, expected, atol=1.6)  # rounding to whole channels and ticks, twice


def test_columns_show_one_drift_distance_on_all_planes():
    ticks = [blobs(volume)[0][1] for volume in volumes_of(deposit(200.0, 100.0, 50.0))]
    assert np.ptp(ticks) < 1.5  # recorded 12.4 ticks apart


def test_induction_channels_go_on_across_their_wrap():
    """A deposit whose U wire is number 0: its neighbours 799 and 1 lie on either side."""
    z = 100.0
    y = float(g.y_of_induction_channel(g.U, 1, 1, 0, z))
    (u, _, _) = volumes_of(deposit(200.0, y, z))
    channel = np.flatnonzero(u.images[0].any(axis=1))
    assert channel.tolist() == [103, 104, 105]


@pytest.mark.parametrize("row", range(5))
def test_x_goes_on_into_the_next_apa_of_its_face_only(row):
    """Around the end of each row: 15 cm farther along z is 31 channels on, in the next APA; other faces and y stay out."""
    end = 232.4 * (row + 1)
    lead = deposit(200.0, 100.0, end - 7.4, mev=9.0)
    cases = {(200.0, 100.0, end + 7.6): 2, (-200.0, 100.0, end - 7.4): 1, (200.0, -100.0, end - 7.4): 1}
    for (x, y, z), n_blobs in cases.items():
        found = blobs(volumes_of(lead + deposit(x, y, z, mev=1.0, planes=(g.X,)))[2])
        assert len(found) == n_blobs
        if n_blobs == 2:
            assert found[1][0] - found[0][0] == pytest.approx(15.0 / 0.479, abs=1.5)


def test_faint_primitives_are_drawn_and_single_samples_are_not():
    lead = deposit(200.0, 100.0, 50.0)
    channel, start = lead[-1][1] + 40, lead[-1][2]
    faint = [(0, channel, start, 2, 1, 130, 70), (0, channel + 5, start, 1, 0, 61, 61)]
    before, after = volumes_of(lead)[2], volumes_of(lead + faint)[2]
    assert after.n_tps[0] == before.n_tps[0] + 1 == 4


@pytest.mark.parametrize("missing", [g.U, g.V])
def test_a_plane_lost_to_the_match_is_placed_by_the_wire_map(missing):
    planes = tuple(plane for plane in (g.U, g.V, g.X) if plane != missing)
    full = volumes_of(deposit(200.0, 100.0, 50.0))[missing]
    part = volumes_of(deposit(200.0, 100.0, 50.0, planes=planes))[missing]
    assert abs(int(part.first_channel[0]) - int(full.first_channel[0])) <= 2
    assert part.cluster[0] == -1
    assert part.images.counts[0] == 0


def test_without_a_match_there_are_no_induction_volumes():
    u, v, x = volumes_of(deposit(200.0, 100.0, 50.0, planes=(g.X,)))
    assert [len(volume.images) for volume in (u, v, x)] == [0, 0, 1]


def test_the_most_energetic_x_cluster_of_each_event_is_the_centre():
    rows = deposit(200.0, 100.0, 50.0, mev=4.0) + deposit(200.0, 100.0, 150.0, mev=8.0)
    rows += deposit(-100.0, -300.0, 300.0, event=2)
    volume = volumes_of(rows)[2]
    assert len(volume.images) == 2
    centre = volume.first_channel + MIDDLE[0]
    assert centre.tolist() == [
        g.expected_channel(g.X, 200.0, 100.0, 150.0),
        g.expected_channel(g.X, -100.0, -300.0, 300.0),
    ]
