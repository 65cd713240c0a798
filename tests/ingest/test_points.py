"""Clouds of points: where the drift frame says, about one place in space, whatever the drift volume, the file and its origin."""

import numpy as np
import pytest

from python.data.data_origin import DataFolders
from python.data.image_set import load_images
from python.data.metadata import COLUMNS
from python.data.point_clouds import read_point_file
from python.data.triples import join_planes
from python.detector import geometry as g
from python.detector.calibration import adc_per_mev
from python.detector.drift_frame import to_detector_frame
from python.ingest.clustering import ClusterSettings, make_clusters
from python.ingest.convert import convert
from python.ingest.matching import match_planes
from python.ingest.points import STEP_CM, make_points
from python.ingest.product_files import output_names
from python.ingest.products import ProductSettings
from python.metrics.principal_axis import PlanePoints, principal_axis
from python.simulation.backgrounds import NOMINAL_RATES
from python.simulation.production import produce
from python.simulation.settings import SimulationSettings
from tests.ingest.root_files import KINDS, TP_TREE, make_tps, real_columns, real_file, tp_columns, write_root
from tests.ingest.test_matching import deposit

MEASURED = adc_per_mev("measured")
COS, SIN = np.cos(np.radians(35.71)), np.sin(np.radians(35.71))
DIRECTION = np.array([0.45, 0.62, -0.64]) / np.linalg.norm([0.45, 0.62, -0.64])  # drift frame, on no axis
ALONG = np.linspace(-7, 7, 57)  # cm on the track: a deposit every 2.5 mm


def clouds_of(rows):
    tps = make_tps(rows)
    clusters = make_clusters(tps, ClusterSettings(), MEASURED)
    matches = match_planes(clusters)
    return make_points(tps, clusters, matches, np.flatnonzero(clusters.plane == g.X))


def track(middle, direction):
    """Primitives of a straight track, detector axes, one a deposit and plane; the integral tells which deposit it is."""
    rows = []
    for number, along in enumerate(ALONG):
        x, y, z = np.asarray(middle) + along * direction
        for plane in (g.U, g.V, g.X):
            local = int(g.expected_channel(plane, x, y, z))
            peak = round(float(g.drift_ticks(x) + g.PEAK_OFFSET_TICKS[plane]))
            rows.append((0, int(g.global_channel(g.apa_at(y, z), plane, local)), peak - 5, 11, 5, 9000 + number, 400))
    return rows


def on_the_wrap(plane, x):
    """A place whose wire of U or V is number 0."""
    z = 100.0
    return x, float(g.y_of_induction_channel(plane, 1, np.sign(x), 0, z)), z


PLACES = [(x, y, z) for x in (-200.0, 200.0) for y in (-300.0, 300.0) for z in (100.0, 350.0)]
PLACES += [on_the_wrap(plane, x) for plane in (g.U, g.V) for x in (-200.0, 200.0)]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("signs", [(1, 1, 1), (1, -1, 1), (-1, 1, 1)])
def test_a_straight_track_lies_on_its_projection(place, signs):
    """On both faces of APAs of both parities, and where the channels of U or V wrap round."""
    direction = DIRECTION * signs
    detector = to_detector_frame(direction[None], np.sign(place[:1]))[0]
    clouds = clouds_of(track(place, detector))
    assert clouds.counts[0] == 3 * len(ALONG)
    clouds = clouds.take([0])
    plane, across, peak = (clouds.column(name) for name in ("plane", "across", "peak"))
    along = ALONG[(clouds.column("integral") - 9000).astype(int)]
    x, y, z = direction
    slopes = np.array([COS * z - SIN * y, COS * z + SIN * y, z])
    offset = across - along * slopes[plane.astype(int)]
    middle = np.array([offset[plane == number].mean() for number in range(3)])
    np.testing.assert_allclose(offset, middle[plane.astype(int)], atol=0.4)  # whole channels
    np.testing.assert_allclose(peak - along * x, np.mean(peak - along * x), atol=0.08)
    assert np.abs([*middle, np.mean(peak - along * x)]).max() < 1.5  # cm: clusters that lost an end have another middle
    assert middle[g.U] + middle[g.V] == pytest.approx(2 * COS * middle[g.X], abs=0.15)  # one place in space
    axis = principal_axis(PlanePoints(plane.astype(int), across, peak, np.ones(len(plane)), clouds.owner), 1)[0]
    assert abs(axis @ direction) > np.cos(np.radians(1.5))


def test_a_primitive_is_a_line_from_start_to_end():
    clouds = clouds_of(deposit(200.0, 100.0, 50.0))
    start, peak, end = (clouds.column(name) for name in ("start", "peak", "end"))
    np.testing.assert_allclose(peak - start, 5 * 0.080289, atol=STEP_CM)
    np.testing.assert_allclose(end - start, 11 * 0.080289, atol=STEP_CM)
    assert np.all(clouds.column("height") == 400)


def x_points(clouds):
    """Across and peak, cm, of the points of X in the first cloud that are in no cluster."""
    first = slice(0, clouds.counts[0])
    chosen = (clouds.column("plane")[first] == g.X) & (clouds.column("in_cluster")[first] == 0)
    return clouds.column("across")[first][chosen], clouds.column("peak")[first][chosen]


def test_half_a_metre_is_the_limit():
    lead = deposit(200.0, 100.0, 100.0, mev=9.0)
    _, channel, start, *_ = lead[-2]  # the middle one of X, from which all is counted
    for channels, inside in ((104, True), (-104, True), (105, False), (-105, False)):
        across, _ = x_points(clouds_of([*lead, (0, channel + channels, start, 4, 2, 300, 90)]))
        np.testing.assert_allclose(across, [channels * 0.479] if inside else [], atol=STEP_CM / 2)
    for ticks, inside in ((622, True), (-622, True), (623, False), (-623, False)):
        _, peak = x_points(clouds_of([*lead, (0, channel, start + ticks, 6, 5, 300, 90)]))
        np.testing.assert_allclose(peak, [ticks * 0.080289] if inside else [], atol=STEP_CM / 2)


def test_two_samples_are_a_point_and_one_is_none():
    lead = deposit(200.0, 100.0, 50.0)
    _, channel, start, *_ = lead[-2]
    clouds = clouds_of([*lead, (0, channel + 40, start, 2, 1, 130, 70), (0, channel + 50, start, 1, 0, 61, 61)])
    assert x_points(clouds)[0].tolist() == pytest.approx([40 * 0.479], abs=STEP_CM / 2)


def test_x_goes_on_into_the_next_apa_of_its_face_only():
    lead = deposit(200.0, 100.0, 225.0, mev=9.0)
    for place, seen in {
        (200.0, 100.0, 240.0): True,
        (-200.0, 100.0, 225.0): False,
        (200.0, -100.0, 225.0): False,
    }.items():
        across, _ = x_points(clouds_of(lead + deposit(*place, mev=1.0, planes=(g.X,))))
        assert len(across) == (3 if seen else 0)
        if seen:
            assert np.mean(across) == pytest.approx(15.0, abs=0.5)
    back = clouds_of(deposit(200.0, 100.0, 240.0, mev=9.0) + deposit(200.0, 100.0, 225.0, mev=1.0, planes=(g.X,)))
    assert np.mean(x_points(back)[0]) == pytest.approx(-15.0, abs=0.5)


def test_x_channels_of_the_other_face_stay_out_where_their_numbers_are_next():
    """Channel 479 lies at the far end of the face x < 0, channel 480 at the near end of the face x > 0."""
    near, far = deposit(200.0, 100.0, 3.0, mev=9.0), deposit(-200.0, 100.0, 228.0, mev=1.0, planes=(g.X,))
    assert abs(near[-2][1] - far[-2][1]) < 15
    assert len(x_points(clouds_of(near + far))[0]) == 0


def test_induction_channels_of_another_apa_stay_out():
    lead = deposit(200.0, 100.0, 225.0, mev=9.0)
    blip = deposit(200.0, 100.0, 240.0, mev=1.0, planes=(g.U, g.V))
    assert clouds_of(lead + blip).counts.tolist() == [9]


def test_matched_clusters_come_first_and_each_part_by_charge():
    rows = deposit(200.0, 100.0, 50.0, mev=4.0) + deposit(205.0, 110.0, 60.0, mev=9.0)
    clouds = clouds_of([*rows, (0, rows[-1][1] + 30, rows[-1][2], 4, 2, 10**6, 90)])
    assert len(clouds) == 2
    for cloud in range(2):
        alone = clouds.take([cloud])
        inside = alone.column("in_cluster")
        assert inside.tolist() == [1] * 9 + [0] * 10
        assert np.all(np.diff(alone.column("integral")[:9]) <= 0)
        assert np.all(np.diff(alone.column("integral")[9:]) <= 0)
        assert alone.column("integral")[9] == 10**6


@pytest.mark.parametrize("missing", [g.U, g.V])
def test_of_a_plane_without_a_cluster_the_points_stay(missing):
    """Two primitives of the missing plane, too little for a cluster, at the place where the others say that it is."""
    planes = tuple(plane for plane in (g.U, g.V, g.X) if plane != missing)
    faint = deposit(200.0, 100.0, 50.0, mev=0.6, planes=(missing,))
    clouds = clouds_of(deposit(200.0, 100.0, 50.0, planes=planes) + faint)
    here = clouds.column("plane") == missing
    assert clouds.column("in_cluster")[here].tolist() == [0, 0, 0]
    assert np.abs(clouds.column("across")[here]).max() < 1.6
    assert np.abs(clouds.column("peak")[here]).max() < 0.2


def test_without_a_match_there_are_points_of_x_alone():
    """A lone X cluster, beside a matched one whose points of U and V may lie anywhere in height as seen from it."""
    clouds = clouds_of(deposit(200.0, 100.0, 50.0, mev=4.0, planes=(g.X,)) + deposit(230.0, 100.0, 60.0, mev=9.0))
    assert clouds.counts.tolist() == [6, 12]
    alone = clouds.take([0])
    assert np.all(alone.column("plane") == g.X)
    assert alone.column("in_cluster").tolist() == [1, 1, 1, 0, 0, 0]
    np.testing.assert_allclose(alone.column("across")[:3].mean(), 0, atol=0.01)
    np.testing.assert_allclose(alone.column("across")[3:].mean(), 10.0, atol=0.5)
    np.testing.assert_allclose(alone.column("peak"), [0, 0, 0, 30, 30, 30], atol=0.1)
    assert len(clouds_of([])) == 0


def test_a_point_tells_the_energy_of_its_cluster():
    """Nine points of the matched clusters themselves, three planes of another, and one that is in none."""
    lead, other = deposit(200.0, 100.0, 50.0, mev=4.0), deposit(205.0, 110.0, 60.0, mev=9.0)
    _, channel, start, *_ = lead[-2]
    rows = [*lead, *other, (0, channel + 60, start, 2, 1, 130, 70)]
    clusters = make_clusters(make_tps(rows), ClusterSettings(), MEASURED)
    cloud = clouds_of(rows).take([0])
    energy, plane = cloud.column("cluster_energy"), cloud.column("plane").astype(int)
    mine = np.array([clusters.energy[clusters.plane == number].min() for number in range(3)])
    theirs = np.array([clusters.energy[clusters.plane == number].max() for number in range(3)])
    np.testing.assert_allclose(energy[:9], mine[plane[:9]], rtol=1e-6)
    np.testing.assert_allclose(energy[9:-1], theirs[plane[9:-1]], rtol=1e-6)
    assert energy[-1] == 0
    assert np.sum(energy > 0) == 18


def test_events_stay_apart_and_matches_are_numbered_on(tmp_path):
    """More events than are worked on at a time."""
    rows = [row for event in range(300) for row in deposit(200.0, 100.0, 50.0, event=event)]
    convert(write_root(tmp_path / "many.root", {TP_TREE: tp_columns(make_tps(rows))}), tmp_path, ProductSettings())
    content = read_point_file(tmp_path / "many_points.npz")
    assert content.clouds.counts.tolist() == [9] * 300
    assert content.metadata["event"].tolist() == content.metadata["match_id"].tolist() == list(range(300))
    assert [source.name for source in content.sources] == ["many.root"]


def test_the_old_layout_has_no_points():
    assert not any("points" in name for name in output_names("a", ProductSettings(legacy_layout=True)))


# ---------------------------------------------------------------------------- real and simulated files
@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """Thirty ES events with radioactive decays around them."""
    folder = tmp_path_factory.mktemp("simulated")
    produce(SimulationSettings(events=30, channel="es", seed=5, background=dict(NOMINAL_RATES)), folder)
    return folder


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    for kind in KINDS:
        convert(real_file(kind), folder, ProductSettings())
    return folder


def check(folder, stem):
    """What holds of the clouds of any source: checked against its images and their metadata."""
    planes = [load_images(DataFolders([folder], f"{stem}_plane{{plane}}.npz"), plane) for plane in g.PLANES]
    triples, content = join_planes(planes), read_point_file(folder / f"{stem}_points.npz")
    for name in ("event", "first_tick", "first_channel", "cluster_energy"):  # one around each X cluster
        assert np.array_equal(content.metadata[name], planes[g.X].metadata[name])
    matched = np.flatnonzero(content.metadata["match_id"] >= 0)
    assert len(matched) < len(content)
    lone = content.clouds.take(np.flatnonzero(content.metadata["match_id"] < 0))
    assert np.all(lone.column("plane") == g.X)
    clouds, table = content.clouds.take(matched), content.metadata[matched]
    assert content.sources == triples.sources
    assert len(table) == len(triples) > 5
    for name in (column.name for column in COLUMNS if column.name != "lost_charge"):
        np.testing.assert_array_equal(table[name], triples.metadata[name], err_msg=name)
    inside, slot = clouds.column("in_cluster") == 1, clouds.owner * 3 + clouds.column("plane").astype(int)
    charge = np.where(inside, np.maximum(clouds.column("integral"), 1), 0).astype(float)

    def in_cluster(values):
        total = np.bincount(slot, weights=charge * values, minlength=3 * len(clouds)).reshape(-1, 3)
        return total / np.bincount(slot, weights=charge, minlength=3 * len(clouds)).reshape(-1, 3)

    complete = np.all([triples.images[plane].counts > 0 for plane in (g.U, g.V)], axis=0)
    assert 40 < np.abs(clouds.column("across")).max() < 50  # clouds reach far beyond the clusters
    with np.errstate(invalid="ignore"):  # planes without a cluster
        peak, across = in_cluster(clouds.column("peak")), in_cluster(clouds.column("across"))
    np.testing.assert_allclose(peak[:, g.X], 0, atol=0.01)
    np.testing.assert_allclose(across[:, g.X], 0, atol=0.01)
    np.testing.assert_allclose(peak[complete, :2], triples.offsets[complete, :2], atol=0.01)
    np.testing.assert_allclose(across[complete, g.U], across[complete, g.V], atol=0.02)
    np.testing.assert_allclose(
        across[complete, g.U] + across[complete, g.V], -SIN * triples.offsets[complete, 2], atol=0.02
    )
    for images, plane in zip(planes, range(3), strict=True):
        rows = {number: row for row, number in enumerate(images.metadata["match_id"]) if number >= 0}
        members = np.bincount(slot[inside], minlength=3 * len(clouds)).reshape(-1, 3)[:, plane]
        expected = [images.metadata["n_tps"][rows[number]] if number in rows else 0 for number in table["match_id"]]
        assert members.tolist() == expected
    first = clouds.padded(np.arange(len(clouds)), 1)[:, 0]
    assert np.all(first[:, 7:] == 1)
    return clouds


def test_simulated_clouds_mean_what_they_should(simulated):
    clouds = check(simulated, "es_00000")
    assert np.mean(clouds.column("in_cluster")) < 0.9  # there is something around


@pytest.mark.root_data
@pytest.mark.parametrize("kind", KINDS)
def test_real_clouds_mean_the_same(real, kind):
    clouds = check(real, f"{kind}_tpstream")
    assert np.mean(clouds.column("in_cluster")) < 0.9


@pytest.mark.root_data
def test_truth_reaches_labels_only(real, tmp_path):
    trees = real_columns("es")
    without = {key: column for key, column in trees[TP_TREE].items() if not key.startswith("bt_")}
    convert(write_root(tmp_path / "es_tpstream.root", {TP_TREE: without}), tmp_path, ProductSettings())
    ours, theirs = (read_point_file(folder / "es_tpstream_points.npz") for folder in (real, tmp_path))
    assert ours.clouds.points.tobytes() == theirs.clouds.points.tobytes()
    assert ours.clouds.indptr.tobytes() == theirs.clouds.indptr.tobytes()
    assert np.all(theirs.metadata["is_main_track"] == -1)
