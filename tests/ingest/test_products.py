"""Products in memory: around which clusters they are, what they say of these, and where the primitives may come from."""

from dataclasses import replace

import numpy as np
import pytest

from python.data.image_file import parse_image_file
from python.data.metadata import UNKNOWN, event_keys
from python.data.npz import read_npz
from python.data.point_clouds import read_point_file
from python.data.sources import Source
from python.detector import geometry as g
from python.general_purpose_libs import DataError
from python.ingest import images as drawing
from python.ingest import points as pointing
from python.ingest.centres import leading_x_clusters, x_clusters_above
from python.ingest.convert import convert
from python.ingest.product_files import write_products
from python.ingest.products import ProductSettings, make_products
from python.ingest.readout import PRIMITIVE_COLUMNS, Readout, read_readout
from tests.ingest.root_files import KINDS, make_tps, moved_along_z, real_file, real_tree
from tests.ingest.test_matching import deposit

MIDDLE = (104, 621)
CLOCKS = g.CLOCKS_PER_TICK


def columns_of(tps):
    return {name: getattr(tps, name) for name in ("event", *PRIMITIVE_COLUMNS)}


def products_of(rows):
    return make_products(Readout.of_arrays(columns_of(make_tps(rows))))


@pytest.fixture
def two_events():
    """Event 7 has a bright, a faint and an unmatched deposit of X, event 9 one deposit: clusters of X 12, 5, 4 and 6 MeV."""
    return products_of(
        deposit(200.0, 100.0, 50.0, mev=12.0, event=7)
        + deposit(-150.0, -300.0, 350.0, mev=5.0, event=7)
        + deposit(90.0, 250.0, 180.0, mev=4.0, event=7, planes=(g.X,))
        + deposit(60.0, -90.0, 20.0, mev=6.0, event=9)
    )


def centre(image):
    channel, tick = np.nonzero(image)
    weight = image[channel, tick]
    return np.average(channel, weights=weight), np.average(tick, weights=weight)


# ---------------------------------------------------------------------------- in which APA
@pytest.mark.parametrize("rows", [1, 2, 4])
def test_events_that_are_moved_by_whole_rows_give_the_same_products(rows):
    """On both faces and halves, near the border of two rows too; but for the APA, and where points lie by a step at most."""
    places = [(x, y, z) for x in (-200.0, 150.0) for y in (-300.0, 250.0) for z in (100.0, 226.0, 240.0)]
    rows_of_all = [row for i, place in enumerate(places) for row in deposit(*place, mev=4.0 + i, event=i // 3)]
    readout = Readout.of_arrays(columns_of(make_tps(rows_of_all)))
    products, moved = make_products(readout), make_products(moved_along_z(readout, rows))
    np.testing.assert_array_equal(moved.clusters.apa, products.clusters.apa + 2 * rows)
    np.testing.assert_allclose(moved.clusters.z, products.clusters.z + 232.4 * rows)
    np.testing.assert_array_equal(moved.matches.match_id, products.matches.match_id)
    for plane in "UVX":
        for kind in ("clusters", "volumes"):
            one, other = products.images(plane, kind), moved.images(plane, kind)
            assert len(one) >= 4
            np.testing.assert_array_equal(
                other.images.dense(np.arange(len(one))), one.images.dense(np.arange(len(one)))
            )
            np.testing.assert_array_equal(other.metadata["drift_frame"], one.metadata["drift_frame"])
    one, other = products.points(), moved.points()
    np.testing.assert_array_equal(other.clouds.indptr, one.clouds.indptr)
    np.testing.assert_allclose(other.clouds.points, one.clouds.points, atol=pointing.STEP_CM)
    np.testing.assert_allclose(other.neighbours, one.neighbours, rtol=1e-5)


def test_a_track_over_the_border_of_two_apas_is_two_clusters_of_which_each_sees_the_other():
    """Along z over the end of the second row, between whose wires and those of the third nothing is collected in 3 cm."""
    wires = [465.4 - 3.0 - 0.479 * number for number in range(1, 15)] + [
        465.4 + 0.479 * number for number in range(1, 15)
    ]
    tps = make_tps([row for z in wires for row in deposit(200.0, 100.0, z, mev=0.4, planes=(g.X,))])
    products = make_products(Readout.of_arrays(columns_of(tps)))
    assert products.clusters.apa.tolist() == [3, 5]
    (source,) = products.found.readout.sources
    assert source.geometry == g.DUNE_1X2X6
    points = products.points().clouds
    assert points.counts.tolist() == [len(tps)] * 2
    for mine in (points.take(np.array([0])), points.take(np.array([1]))):
        assert np.ptp(mine.column("across")) == pytest.approx(np.ptp(wires) + 2 * 0.479, abs=0.5)


# ---------------------------------------------------------------------------- around which clusters
def test_volumes_are_around_the_brightest_cluster_and_points_around_all_of_x(two_events):
    volumes = two_events.images("X", "volumes")
    assert volumes.metadata["event"].tolist() == [7, 9]
    np.testing.assert_allclose(volumes.metadata["cluster_energy"], [12, 6], rtol=0.01)
    points = two_events.points()
    assert points.metadata["event"].tolist() == [7, 7, 7, 9]
    assert sorted(points.metadata["match_id"].tolist()) == [-1, 0, 1, 2]


def test_what_else_an_event_holds_is_known_of_a_single_cluster_too(two_events):
    faint = np.flatnonzero((two_events.clusters.plane == g.X) & (two_events.clusters.energy < 4.5))
    alone, every = two_events.only(faint).points(), two_events.points()
    row = np.flatnonzero(every.metadata["cluster"] == faint)
    assert np.array_equal(alone.neighbours, every.neighbours[row])
    np.testing.assert_allclose(np.expm1(alone.neighbours[0, :4]), [2, 2, 17, 12], rtol=0.02)


@pytest.mark.parametrize("plane", g.PLANES)
def test_a_volume_is_made_around_any_cluster(two_events, plane):
    chosen = two_events.only(x_clusters_above(two_events.clusters, 0.0))
    volumes = chosen.images(plane, "volumes")
    assert len(volumes) == (4 if plane == "X" else 3)  # without a match it is not known where U and V saw it
    for row in range(len(volumes)):
        np.testing.assert_allclose(centre(volumes.images[row]), MIDDLE, atol=2)
    main = two_events.images(plane, "volumes")
    rows = np.flatnonzero(np.isin(volumes.metadata["cluster"], main.metadata["cluster"]))
    assert np.array_equal(volumes.images.dense(rows), main.images.dense(np.arange(2)))
    assert volumes.metadata[rows].tobytes() == main.metadata.tobytes()


@pytest.mark.parametrize("plane", g.PLANES)
def test_metadata_identify_the_cluster_in_the_centre(two_events, plane):
    clusters = two_events.clusters
    chosen = two_events.only(x_clusters_above(clusters, 0.0))
    for table in (chosen.images(plane, "volumes").metadata, chosen.points().metadata):
        own = two_events.metadata(table["cluster"])
        assert len(np.unique(table["cluster"])) == len(table) >= 3
        assert np.all(own["plane"] == g.X)
        for name in ("source", "run", "subrun", "event", "match_id", "apa", "face"):
            assert np.array_equal(table[name], own[name]), name
        assert np.array_equal(table["cluster_first_tick"], own["first_tick"])
        assert np.array_equal(table["cluster_first_channel"], own["first_channel"])
    own = chosen.images(plane).metadata
    assert np.array_equal(own["cluster_first_tick"], clusters.start[own["cluster"]])
    assert np.all(clusters.plane[own["cluster"]] == g.PLANES.index(plane))


def test_a_choice_may_name_any_cluster_of_a_match_and_many_of_one(two_events):
    match = two_events.matches.match_id
    x = leading_x_clusters(two_events.clusters)[:1]
    for chosen in (x, np.flatnonzero(match == match[x]), match == match[x], two_events.matches.partner[x, g.V]):
        only = two_events.only(chosen)
        assert only.images("X", "volumes").metadata["cluster"].tolist() == x.tolist()
        assert only.points().metadata["cluster"].tolist() == x.tolist()
        assert [len(only.images(plane)) for plane in g.PLANES] == [1, 1, 1]
    nothing = two_events.only(np.array([], int))
    assert len(nothing.images("X")) == len(nothing.images("U", "volumes")) == len(nothing.points()) == 0


def test_a_lone_induction_cluster_is_no_place():
    lone = products_of(deposit(200.0, 100.0, 50.0, planes=(g.U,)))
    with pytest.raises(
        ValueError, match=r"1 of 1 clusters are of an induction plane and not matched.*choose X clusters"
    ):
        lone.only(np.array([0]))


@pytest.mark.parametrize("kind", KINDS)
def test_many_clusters_are_drawn_as_few_are(kind, monkeypatch):
    products = make_products(read_readout(real_file(kind)))
    chosen = products.only(x_clusters_above(products.clusters, 0.0))

    def made():
        sets = [chosen.images(plane, kind) for plane in g.PLANES for kind in ("clusters", "volumes")]
        images = [(one.images.data.tobytes(), one.images.indices.tobytes(), one.metadata.tobytes()) for one in sets]
        return images, chosen.points().clouds.points.tobytes()

    at_once = made()
    monkeypatch.setattr(drawing, "AT_A_TIME", 3)
    monkeypatch.setattr(drawing, "VOLUMES_AT_A_TIME", 2)
    monkeypatch.setattr(pointing, "CLOUDS_AT_A_TIME", 4)
    assert made() == at_once


# ---------------------------------------------------------------------------- files
@pytest.mark.parametrize("kind", KINDS)
def test_files_hold_what_is_in_memory(kind, tmp_path):
    convert(real_file(kind), tmp_path, ProductSettings(volumes=True))
    products = make_products(read_readout(real_file(kind)))
    for plane in g.PLANES:
        for of, name in (
            ("clusters", f"{kind}_tpstream_plane{plane}"),
            ("volumes", f"{kind}_tpstream_volume_plane{plane}"),
        ):
            found, made = parse_image_file(read_npz(tmp_path / f"{name}.npz"), name), products.images(plane, of)
            assert (found.sources, found.kind) == (made.sources, made.kind)
            for array in ("indptr", "indices", "data"):
                one, other = getattr(found.images, array), getattr(made.images, array)
                assert one.dtype == other.dtype
                assert np.array_equal(one, other)
    found, made = read_point_file(tmp_path / f"{kind}_tpstream_points.npz"), products.points()
    assert found.clouds.points.tobytes() == made.clouds.points.tobytes()
    assert found.clouds.indptr.tolist() == made.clouds.indptr.tolist()


@pytest.mark.parametrize("rows", [[], [(0, 2000, 100, 1, 0, 5, 5)]])
def test_nothing_makes_empty_products_and_files(rows, tmp_path):
    readout = Readout.of_arrays(columns_of(make_tps(rows)))
    products = make_products(readout)
    for plane in g.PLANES:
        for kind in ("clusters", "volumes"):
            assert len(products.images(plane, kind)) == 0
    assert len(products.points()) == 0
    write_products(readout, ProductSettings(volumes=True), tmp_path, "a")
    assert read_point_file(tmp_path / "a_points.npz").sources == readout.sources
    assert len(list(tmp_path.iterdir())) == 7


# ---------------------------------------------------------------------------- where primitives come from
@pytest.mark.parametrize("kind", KINDS)
def test_arrays_in_any_order_give_what_the_file_gives(kind):
    tree, readout = real_tree(kind, "tps"), read_readout(real_file(kind))
    order = np.random.default_rng(1).permutation(len(tree["channel"]))
    names = {
        "event": "Event", "run": "Run", "subrun": "SubRun", "channel": "channel", "sot": "samples_over_threshold",
        "to_peak": "samples_to_peak", "integral": "adc_integral", "peak": "adc_peak",
    }  # fmt: skip
    columns = {name: tree[branch][order] for name, branch in names.items()}
    given = Readout.of_arrays({**columns, "start": tree["time_start"][order] // CLOCKS})
    assert given.events.tolist() == readout.events.tolist()
    expected, found = make_products(readout), make_products(given)
    for plane in g.PLANES:
        one, other = expected.images(plane), found.images(plane)
        assert np.array_equal(one.images.data, other.images.data)
        assert np.array_equal(one.metadata["match_id"], other.metadata["match_id"])
        assert np.all(other.metadata["is_main_track"] == UNKNOWN)


def test_sources_of_arrays_are_told_apart_by_what_they_hold():
    rows = deposit(200.0, 100.0, 50.0)
    one, same, other = (Readout.of_arrays(columns_of(make_tps(part))) for part in (rows, rows[::-1], rows[:-1]))
    assert one.sources == same.sources
    assert one.sources != other.sources


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"peak": None}, "lacks the array peak"),
        ({"channel": np.array([1.5, 2.5])}, "channel holds numbers, whole numbers needed"),
        ({"sot": np.array([1])}, r"sot has the shape \(1,\), \(2,\) is needed"),
        ({"channel": np.array([0, 10**6])}, "beyond the 30720 of dune10kt_1x2x6"),
        ({"run": np.array([1, 1])}, "lacks the array subrun"),
    ],
)
def test_arrays_that_are_no_primitives_are_refused(change, reason):
    columns = {name: np.array([1, 2]) for name in ("event", *PRIMITIVE_COLUMNS)} | change
    with pytest.raises(DataError, match=f"mine: .*{reason}" if "beyond" not in reason else reason):
        Readout.of_arrays({name: values for name, values in columns.items() if values is not None}, name="mine")


def test_readouts_are_joined_event_by_event():
    rows = [deposit(200.0, 100.0, 50.0, event=3), deposit(-100.0, 50.0, 300.0, event=3, mev=8.0)]
    parts = [
        replace(Readout.of_arrays(columns_of(make_tps(part))), sources=[Source(name, name)])
        for part, name in zip(rows, "ab", strict=True)
    ]
    whole = Readout.concatenate(parts)
    assert whole.events.tolist() == event_keys(np.array([3, 3]), UNKNOWN, UNKNOWN, np.array([0, 1])).tolist()
    together, alone = make_products(whole), [make_products(part) for part in parts]
    for plane in g.PLANES:
        images = together.images(plane).images
        expected = np.concatenate([one.images(plane).images.dense(np.arange(1)) for one in alone])
        assert np.array_equal(images.dense(np.arange(2)), expected)
    assert together.points().metadata["match_id"].tolist() == [0, 1]
    assert together.images("X", "volumes").metadata["source"].tolist() == [0, 1]
