"""Whole conversions: files that say what they hold, bytes that repeat, truth that stays out of everything but labels."""

import numpy as np
import pytest

from python.data.data_origin import DataFolders
from python.data.image_file import parse_image_file
from python.data.image_set import load_images
from python.data.metadata import UNKNOWN, kinetic_energy_mev, vectors
from python.data.npz import read_npz
from python.data.old_orientation import orient_old_images
from python.general_purpose_libs import OutputError, start_logging
from python.ingest.convert import convert
from python.ingest.product_files import output_names, write_products
from python.ingest.products import ProductSettings
from python.ingest.readout import PRIMITIVE_COLUMNS, Readout
from tests.ingest.root_files import FOLDER, KINDS, TP_TREE, make_tps, real_columns, real_file, tp_columns, write_root

PLANES = ("U", "V", "X")
LABELS = ("is_marley", "is_main_track")


def load(path):
    with np.load(path, allow_pickle=False) as arrays:
        return parse_image_file(dict(arrays), path)


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("converted")
    summaries = {kind: convert(real_file(kind), folder, ProductSettings(volumes=True)) for kind in KINDS}
    return folder, summaries


@pytest.mark.root_data
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("plane", PLANES)
def test_files_hold_images_with_their_metadata(converted, kind, plane):
    folder, summaries = converted
    content = load(folder / f"{kind}_tpstream_plane{plane}.npz")
    table = content.metadata
    assert (content.plane, content.kind, content.images.shape) == (plane, "clusters", (128, 32))
    assert [source.name for source in content.sources] == [f"{kind}_tpstream.root"]
    assert len(table) == summaries[kind].clusters[PLANES.index(plane)]
    assert np.sum(table["is_main_track"]) == summaries[kind].mains[PLANES.index(plane)]
    assert np.all(table["is_es_interaction"] == (kind == "es"))
    assert np.all(table["cluster_energy"] >= 2.0)
    assert np.all(table["n_tps"] >= 2)
    assert np.array_equal(table["drift_frame"] == 1, table["face"] != 0)
    assert np.allclose(
        kinetic_energy_mev(vectors(table, "particle_momentum")), table["true_electron_energy"], rtol=1e-4
    )
    if plane == "X":
        assert np.all(table["face"] != 0)
        local_face = np.where(table["first_channel"] < 480, -1, 1)
        assert np.array_equal(local_face, table["face"])
        vertex_face = np.sign(table["true_pos_x"])
        mains = table["is_main_track"] == 1
        assert np.mean(vertex_face[mains] == table["face"][mains]) > 0.95
    else:
        assert np.array_equal(table["face"] != 0, table["match_id"] >= 0)


@pytest.mark.root_data
@pytest.mark.parametrize("kind", KINDS)
def test_match_numbers_join_the_planes(converted, kind):
    folder, summaries = converted
    tables = [load(folder / f"{kind}_tpstream_plane{plane}.npz").metadata for plane in PLANES]
    ids = [table["match_id"][table["match_id"] >= 0] for table in tables]
    assert all(len(np.unique(numbers)) == len(numbers) for numbers in ids)
    assert set(ids[0]) <= set(ids[2])
    assert set(ids[1]) <= set(ids[2])
    assert len(set(ids[0]) & set(ids[1])) == summaries[kind].triples
    for column in ("event", "apa", "face"):
        by_id = dict(zip(tables[2]["match_id"], tables[2][column], strict=True))
        for table in tables[:2]:
            assert all(by_id[row["match_id"]] == row[column] for row in table if row["match_id"] >= 0)


@pytest.mark.root_data
def test_volumes_are_one_an_event(converted):
    folder, summaries = converted
    contents = [load(folder / f"cc_tpstream_volume_plane{plane}.npz") for plane in PLANES]
    assert sum(len(content.metadata) for content in contents) == summaries["cc"].volumes
    for content in contents:
        assert (content.kind, content.images.shape) == ("volumes", (208, 1242))
        assert len(np.unique(content.metadata["event"])) == len(content.metadata)
        assert np.all(content.metadata["drift_frame"] == 1)
    x = contents[2]
    assert np.mean(x.metadata["is_main_track"]) > 0.9
    assert np.all(x.images.sums() > 4100)  # one MeV at least


@pytest.mark.root_data
def test_same_input_same_bytes(converted, tmp_path):
    folder, _ = converted
    elsewhere = tmp_path / "moved" / "es_tpstream.root"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(real_file("es").read_bytes())
    convert(elsewhere, tmp_path / "again", ProductSettings(volumes=True))
    names = output_names("es_tpstream", ProductSettings(volumes=True))
    assert sorted(path.name for path in (tmp_path / "again").iterdir()) == sorted(names)
    for name in names:
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.root_data
def test_truth_reaches_labels_only(converted, tmp_path):
    """With the bt_ columns of the file shuffled, and with none at all, everything but the labels is the same."""
    folder, _ = converted
    trees = real_columns("cc")
    order = np.random.default_rng(3).permutation(len(trees[TP_TREE]["channel"]))
    shuffled = {key: column[order] if key.startswith("bt_") else column for key, column in trees[TP_TREE].items()}
    without = {key: column for key, column in trees[TP_TREE].items() if not key.startswith("bt_")}
    settings = ProductSettings(volumes=True)
    for case, columns in (("shuffled", shuffled), ("without", without)):
        path = write_root(tmp_path / f"{case}.root", {**trees, TP_TREE: columns})
        convert(path, tmp_path, settings)
        changed = False
        for kind in ("", "_volume"):
            for plane in PLANES:
                ours = load(folder / f"cc_tpstream{kind}_plane{plane}.npz")
                theirs = load(tmp_path / f"{case}{kind}_plane{plane}.npz")
                for part in ("indptr", "indices", "data"):
                    assert np.array_equal(getattr(ours.images, part), getattr(theirs.images, part))
                for name in ours.metadata.dtype.names:
                    same = np.array_equal(ours.metadata[name], theirs.metadata[name], equal_nan=True)
                    assert same or name in LABELS
                    changed |= not same
        assert changed


def test_detector_data_have_unknown_labels(tmp_path):
    tps = make_tps([(3, 1600 + i, 100, 6, 3, 6000, 300) for i in range(3)])
    convert(write_root(tmp_path / "raw.root", {TP_TREE: tp_columns(tps)}), tmp_path, ProductSettings())
    table = load(tmp_path / "raw_planeX.npz").metadata
    assert table["event"].tolist() == [3]
    for name in (*LABELS, "is_es_interaction"):
        assert table[name].tolist() == [-1]
    for name in ("true_pos_x", "particle_momentum_z", "true_electron_energy", "true_nu_energy", "nu_momentum_y"):
        assert np.isnan(table[name][0])
    assert len(load(tmp_path / "raw_planeU.npz").metadata) == 0


@pytest.mark.parametrize("settings", [ProductSettings(volumes=True), ProductSettings(volumes=True, legacy_layout=True)])
def test_no_events_give_empty_files(tmp_path, settings):
    nothing = Readout.of_arrays({name: np.empty(0, np.int64) for name in ("event", *PRIMITIVE_COLUMNS)})
    assert write_products(nothing, settings, tmp_path, "none").events == 0
    names = output_names("none", settings)
    for name in names:
        assert len(read_npz(tmp_path / name)["metadata"]) == 0
    for kind in ("clusters", "volumes"):
        assert len(load_images(DataFolders([tmp_path]), "X", kind=kind)) == 0


def test_many_stretches_of_events_give_one_numbering(tmp_path):
    """More events than are worked on at a time; each has one X cluster with its U."""
    from tests.ingest.test_matching import deposit

    rows = [row for event in range(600) for row in deposit(200.0, 100.0, 50.0, event=event, planes=(0, 2))]
    path = write_root(tmp_path / "many.root", {TP_TREE: tp_columns(make_tps(rows))})
    seen = []
    summary = convert(path, tmp_path, ProductSettings(), lambda done, events: seen.append((done, events)))
    for plane in ("U", "X"):
        table = load(tmp_path / f"many_plane{plane}.npz").metadata
        assert table["match_id"].tolist() == list(range(600))
        assert table["event"].tolist() == list(range(600))
    assert summary.clusters.tolist() == [600, 0, 600]
    assert seen[-1] == (600, 600)
    assert len(seen) > 1


@pytest.mark.root_data
def test_legacy_layout_is_dense_with_18_columns(converted, tmp_path):
    folder, _ = converted
    convert(real_file("cc"), tmp_path, ProductSettings(legacy_layout=True, energy_calibration="older"))
    own = load(folder / "cc_tpstream_planeX.npz").metadata
    with np.load(tmp_path / "cc_tpstream_planeX.npz", allow_pickle=False) as arrays:
        assert sorted(arrays) == ["apa", "face", "images", "metadata"]
        images, metadata = arrays["images"], arrays["metadata"]
    assert (images.dtype, images.shape[1:]) == (np.float32, (128, 32))
    assert (metadata.dtype, metadata.shape) == (np.float32, (len(images), 18))
    assert np.all(np.isfinite(metadata))
    assert np.all(metadata[:, 12] == 2)
    assert metadata[:, 10] == pytest.approx(images.sum(axis=(1, 2)) / 3600, rel=1e-4)
    assert np.all(metadata[:, 3] == 0)
    kept = np.isin(metadata[:, 0], own["event"])
    first = metadata[kept][0]
    mine = own[own["event"] == first[0]][0]
    assert first[7:10].tolist() == vectors(own, "particle_momentum")[own["event"] == first[0]][0].tolist()
    assert first[14] == mine["true_nu_energy"]
    assert np.all(metadata[:, 11] <= metadata[:, 10] * 1.2)
    assert np.all(metadata[:, 11] > 0)


@pytest.mark.root_data
@pytest.mark.parametrize("plane", PLANES)
def test_legacy_images_brought_into_the_drift_frame_are_our_images(converted, tmp_path, plane):
    """Read back through the data layer, clusters look as in the project's own files, but for secondaries far from their vertex.

    Clusters with gaps, which the old layout closes, and those across the wrap, which it tears, are left out.
    """
    folder, _ = converted
    convert(real_file("cc"), tmp_path, ProductSettings(legacy_layout=True))
    old = load_images(DataFolders([tmp_path]), plane)
    images, table = orient_old_images(old.images, old.metadata, "none")
    own = load(folder / f"cc_tpstream_plane{plane}.npz")
    assert table["event"].tolist() == own.metadata["event"].tolist()
    matched = own.metadata["match_id"] >= 0
    raw = (table["drift_frame"] == 0).nonzero()[0]
    assert own.metadata["event"][raw].tolist() == [169986, 169994] if plane != "X" else [169960, 169986, 169994]
    assert np.all(own.metadata["is_main_track"][raw] == 0)
    assert np.array_equal(table["drift_frame"] != UNKNOWN, (matched | (plane == "X")))
    compared = 0
    for i in np.flatnonzero((table["drift_frame"] == 1) & (own.metadata["lost_charge"] == 0)):
        ours, theirs = trimmed(own.images[i]), trimmed(images[i])
        in_one_piece = plane == "X" or own.metadata["first_channel"][i] + ours.shape[1] <= 800
        if own.metadata["drift_frame"][i] == 1 and in_one_piece and np.all(ours.any(axis=0)):
            assert np.array_equal(ours, theirs)
            assert table["face"][i] == own.metadata["face"][i]
            compared += 1
    assert compared > 25


def trimmed(image):
    """The image without its empty border."""
    rows, columns = np.nonzero(image)
    return image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def test_legacy_columns_close_gaps_and_keep_the_earliest_ticks(tmp_path):
    """Channels 0 and 2 stand side by side in columns 15 and 16; of 150 ticks the first 128 stay."""
    rows = [(0, 1700, 100, 60, 30, 9000, 300), (0, 1702, 150, 100, 50, 9000, 200)]
    path = write_root(tmp_path / "gap.root", {TP_TREE: tp_columns(make_tps(rows))})
    convert(path, tmp_path, ProductSettings(legacy_layout=True))
    with np.load(tmp_path / "gap_planeX.npz") as arrays:
        (image,) = arrays["images"]
    assert np.flatnonzero(image.any(axis=0)).tolist() == [15, 16]
    assert np.flatnonzero(image[:, 15]).tolist() == list(range(60))
    assert np.flatnonzero(image[:, 16]).tolist() == list(range(50, 128))


VOLUMES = ProductSettings(legacy_layout=True, volumes=True)


def test_legacy_volumes_show_the_clusters_around_the_main_track(tmp_path):
    """Channels 100 to 102 of X from tick 500 on, in the middle of 208 x 1242, and a faint cluster beside them.

    A lone primitive is no cluster, one of another APA is elsewhere, and one half a metre away is not in the volume.
    """
    main = [(7, 1700 + i, 500, 6, 3, 6000, 300) for i in range(3)]
    faint = [(7, 1720 + i, 600, 6, 3, 600, 120) for i in range(2)]
    away = [(7, 1850 + i, 600, 6, 3, 6000, 300) for i in range(2)]
    elsewhere = [(7, 2560 + 1700 + i, 500, 6, 3, 6000, 300) for i in range(2)]
    tps = make_tps([*main, *faint, *away, *elsewhere, (7, 1710, 500, 6, 3, 600, 120)])
    truth = {"bt_numelectrons": np.ones(len(tps)), "bt_primary_track_id": np.ones(len(tps), np.int32)}
    path = write_root(tmp_path / "es_1.root", {TP_TREE: tp_columns(tps, **truth)})
    assert convert(path, tmp_path, VOLUMES).volumes == 1
    found = load_images(DataFolders([tmp_path]), "X", kind="volumes")
    rows, columns = np.nonzero(found.images[0])
    assert np.unique(rows).tolist() == [103, 104, 105, 123, 124]
    assert np.unique(columns).tolist() == [*range(621, 627), *range(721, 727)]
    assert found.images[0].max(axis=1)[[103, 123]].tolist() == [300, 120]
    table = found.metadata
    assert (table["event"][0], table["match_id"][0], table["is_marley"][0]) == (7, -1, UNKNOWN)
    assert table["cluster_energy"][0] == pytest.approx(18000 / 4100)
    with np.load(tmp_path / "es_1_volume_planeX.npz", allow_pickle=True) as arrays:
        (row,) = arrays["metadata"]
    assert (row["center_channel"], row["center_time_tpc"], row["n_clusters_in_volume"]) == (101, 500, 2)
    assert row["source_root_file"] == "es_1.root"


@pytest.mark.root_data
@pytest.mark.parametrize("plane", PLANES)
def test_legacy_volumes_are_those_of_the_main_tracks(converted, tmp_path, plane):
    folder, _ = converted
    convert(real_file("cc"), tmp_path, VOLUMES)
    found = load_images(DataFolders([tmp_path]), plane, kind="volumes")
    own = load(folder / f"cc_tpstream_plane{plane}.npz")
    mains = own.metadata["is_main_track"] == 1
    for name in ("event", "match_id", "is_es_interaction"):
        assert found.metadata[name].tolist() == own.metadata[name][mains].tolist()
    for name in ("cluster_energy", "true_nu_energy", "true_electron_energy", "nu_momentum_z"):
        assert found.metadata[name] == pytest.approx(own.metadata[name][mains], rel=1e-5)
    whole = (own.metadata["lost_charge"] == 0)[mains]
    in_one_piece = (own.metadata["first_channel"] + 32 < 800)[mains] | (plane == "X")
    held = found.images.sums() >= own.images.sums()[mains] * 0.999
    assert np.all(held[whole & in_one_piece])


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    tps = make_tps([(3, 1600 + i, 100, 6, 3, 6000, 300) for i in range(3)])
    path = write_root(tmp_path / "raw.root", {TP_TREE: tp_columns(tps)})
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file"):
        convert(path, tmp_path / "file", ProductSettings())


@pytest.mark.root_data
def test_truth_trees_alone_make_no_clusters(tmp_path):
    """Events of which no primitive is left still count."""
    trees = real_columns("es")
    nothing = {key: column[:0] for key, column in trees[TP_TREE].items()}
    path = write_root(tmp_path / "quiet.root", {TP_TREE: nothing, f"{FOLDER}/mctruths": trees[f"{FOLDER}/mctruths"]})
    summary = convert(path, tmp_path, ProductSettings(volumes=True))
    assert (summary.events, summary.es, summary.clusters.sum(), summary.volumes) == (10, 10, 0, 0)


@pytest.mark.root_data
def test_primitives_of_the_larger_geometry_become_the_same_images_under_its_name(converted, tmp_path, capsys):
    """The file with all channels two rows farther on, which the smaller geometry has not."""
    trees = real_columns("es")
    trees[TP_TREE]["channel"] += 4 * 2560
    start_logging(verbose=False)
    convert(write_root(tmp_path / "es_tpstream.root", trees), tmp_path, ProductSettings(volumes=True))
    assert "es_tpstream.root: has channels of dune10kt_1x2x6" in capsys.readouterr().err
    for path in converted[0].glob("es_*.npz"):
        one, other = dict(np.load(path)), dict(np.load(tmp_path / path.name))
        assert one.pop("source_geometries").tolist() == ["dune10kt_1x2x2"]
        assert other.pop("source_geometries").tolist() == ["dune10kt_1x2x6"]
        np.testing.assert_array_equal(other.pop("apa"), one.pop("apa") + 4)
        assert other.pop("source_ids") != one.pop("source_ids")  # two files
        for name, array in one.items():
            if name == "points":
                np.testing.assert_allclose(other[name], array, atol=1 / 64)  # cm, a step of lengths
            else:
                np.testing.assert_array_equal(other[name], array, err_msg=name)
