"""Triples: every match once, joined by identity and never by place, with what the planes say of each other."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python.data.data_origin import DataFolders
from python.data.image_file import ImageFile, write_image_file
from python.data.image_set import ImageSet, load_images
from python.data.input_files import Folders
from python.data.metadata import empty_metadata
from python.data.neighbours import neighbours_of
from python.data.old_orientation import orient_old_images
from python.data.point_clouds import PointClouds, PointSet, load_points, write_point_file
from python.data.sparse_images import SparseImages
from python.data.triples import TripleSet, clouds_around, electron_directions, join_planes, with_points
from python.detector import geometry as g
from python.general_purpose_libs import DataError, start_logging
from tests.data.test_point_clouds import clouds_with
from tests.synthetic import make_older, named_source, write_old_file

SHAPE = (4, 3)


def content(plane, identities, sources, drift_frame=1):
    """A file with an image for each (source, event, match); its only pixel tells the identity."""
    table = empty_metadata(len(identities))
    for row, (source, event, match) in enumerate(identities):
        table["source"][row], table["event"][row], table["match_id"][row] = sources.index(source), event, match
    table["plane"], table["drift_frame"], table["apa"], table["face"] = plane, drift_frame, 1, 1
    table["arrival"], table["channel"], table["cluster_energy"] = 1000.0, 100.0, 10.0
    pixels = [(np.array([0]), np.array([value_of(*identity)], np.float32)) for identity in identities]
    return ImageFile(SparseImages.from_pixels(pixels, SHAPE), table, list(map(named_source, sources)), "UVX"[plane])


def value_of(source, event, match):
    return 1 + 100 * (10 * "abc".index(source[0]) + event) + match


def image_set(plane, identities, sources=("a.root", "b.root"), drift_frame=1):
    made = content(plane, identities, list(sources), drift_frame)
    return ImageSet(made.images, made.metadata, made.sources)


def identities_of(triples):
    names = [triples.sources[number].name for number in triples.metadata["source"]]
    return list(zip(names, triples.metadata["event"].tolist(), triples.metadata["match_id"].tolist(), strict=True))


def values(triples, plane):
    """The pixel of each image, 0 of empty ones."""
    return triples.images[plane].sums().tolist()


ONE = st.tuples(st.sampled_from(["a.root", "b.root"]), st.integers(0, 2), st.integers(-1, 3))
SOURCES = st.permutations(["a.root", "b.root"])


@given(st.lists(ONE, max_size=12), st.lists(ONE, max_size=12), st.lists(ONE, max_size=12), st.tuples(*[SOURCES] * 3))
def test_matches_are_joined_by_identity(u, v, x, sources):
    """Whatever stands in whichever order in whichever file, and however often."""
    triples = join_planes([image_set(plane, rows, sources[plane]) for plane, rows in enumerate((u, v, x))])
    wanted = list(dict.fromkeys(identity for identity in x if identity[2] >= 0))  # once, in the order of X
    assert identities_of(triples) == wanted
    for plane, rows in ((g.U, u), (g.V, v), (g.X, x)):
        assert values(triples, plane) == [value_of(*identity) if identity in rows else 0 for identity in wanted]
    assert triples.cuts[-1]["removed"] == len(x) - len(wanted)
    assert triples.cuts[-1]["kept"] == len(triples)


def test_a_folder_named_twice_counts_once(tmp_path):
    rows = [("a.root", 0, 0), ("a.root", 1, 1)]
    for plane in (g.U, g.V, g.X):
        write_image_file(tmp_path / "data" / f"a_plane{'UVX'[plane]}.npz", content(plane, rows, ["a.root"]))
    (tmp_path / "link").symlink_to(tmp_path / "data")
    for folders in ([tmp_path / "data"] * 2, [tmp_path / "data", tmp_path / "link"], [tmp_path, tmp_path / "data"]):
        triples = join_planes([load_images(DataFolders(folders), plane) for plane in g.PLANES])
        assert identities_of(triples) == rows


@pytest.mark.parametrize("plane", [g.U, g.V, g.X])
@pytest.mark.parametrize("state", [0, -1])
def test_images_outside_the_drift_frame_are_not_joined(plane, state):
    rows = [("a.root", 0, 0)]
    sets = [image_set(number, rows, drift_frame=state if number == plane else 1) for number in range(3)]
    triples = join_planes(sets)
    assert len(triples) == (0 if plane == g.X else 1)
    if plane != g.X:
        assert triples.images[plane].counts.tolist() == [0]


@pytest.mark.parametrize("face", [-1, 1])
@pytest.mark.parametrize("apa", [0, 1, 2, 3])
def test_offsets_are_those_of_the_clusters(face, apa):
    """U 2 cm farther from the wires and 1.5 cm higher than X, V 1 cm nearer and 0.7 cm lower, heights in the drift frame."""
    y, z = (300.0 if apa % 2 else -300.0), 100.0 + g.APA_PITCH_Z_CM * (apa // 2)
    sets = [image_set(plane, [("a.root", 0, 0), ("a.root", 1, 1)]) for plane in range(3)]
    for plane, ahead, higher in ((g.U, 2.0, 1.5), (g.V, -1.0, -0.7), (g.X, 0.0, 0.0)):
        table = sets[plane].metadata
        table["apa"], table["face"] = apa, face
        table["arrival"] = 2000 + ahead / 0.080289
        channel = g.wire_coordinate(plane, apa, face, y + face * higher, z)
        table["channel"] = channel if plane == g.X else channel % 800
    np.testing.assert_allclose(join_planes(sets).offsets, [[2.0, -1.0, 2.2]] * 2, atol=1e-3)


def test_offsets_of_missing_planes_are_zero():
    rows = [("a.root", event, event) for event in range(4)]
    sets = [image_set(plane, rows) for plane in range(3)]
    sets[g.U] = image_set(g.U, rows[:2])
    sets[g.V] = image_set(g.V, rows[1:3])
    sets[g.X].metadata["arrival"] -= 50
    found = join_planes(sets).offsets != 0
    assert found[:, 0].tolist() == [True, True, False, False]
    assert found[:, 1].tolist() == [False, True, True, False]
    assert found[:, 2].tolist() == [False, True, False, False]
    none = join_planes([image_set(g.U, []), image_set(g.V, []), sets[g.X]])
    assert len(none) == 4
    assert not none.offsets.any()


@pytest.mark.parametrize("columns", [14, 18])
@pytest.mark.parametrize("old_flips", ["none", "upstream"])
def test_old_dense_files_are_joined_once_oriented(tmp_path, columns, old_flips):
    sets = []
    for plane in g.PLANES:
        for number in range(2):
            path = tmp_path / plane / f"clusters_plane{plane}_batch{number:04d}.npz"
            write_old_file(path, n=20, columns=columns, plane=plane, seed=number)
        found = load_images(DataFolders([tmp_path]), plane)
        assert len(join_planes([found] * 3)) == 0  # not oriented
        found.images, found.metadata = orient_old_images(found.images, found.metadata, old_flips)
        sets.append(found)
    triples = join_planes(sets)
    assert len(triples) == 2 * 10
    assert len(set(identities_of(triples))) == 20
    assert np.all(triples.offsets == 0)  # arrival and channel are not recorded
    for plane in range(3):  # the three planes of these files hold the same raw images, each match two of them
        ours, row = triples.images[plane], {identity: row for row, identity in enumerate(identities_of(triples))}
        table = sets[plane].metadata
        first = {}
        for number, name in enumerate(sets[plane].sources[source].name for source in table["source"]):
            first.setdefault((name, int(table["event"][number]), int(table["match_id"][number])), number)
        assert all(np.array_equal(ours[row[key]], sets[plane].images[number]) for key, number in first.items())


def test_old_files_without_match_numbers_join_nothing(tmp_path):
    sets = []
    for plane in g.PLANES:
        write_old_file(tmp_path / f"a_plane{plane}.npz", columns=13, plane=plane)
        found = load_images(DataFolders([tmp_path]), plane)
        found.images, found.metadata = orient_old_images(found.images, found.metadata, "none")
        sets.append(found)
    assert len(join_planes(sets)) == 0


# ---------------------------------------------------------------------------- sets
@pytest.fixture
def triples():
    rows = [("a.root", event, event) for event in range(6)]
    found = join_planes([image_set(plane, rows) for plane in range(3)])
    found.clouds, found.max_points = clouds_with([1, 0, 2, 5, 1, 3]), 2
    return found


def test_inputs_are_what_networks_take(triples):
    triples.inputs = ("u", "v", "x", "image", "energy", "offsets", "points")
    triples.metadata["cluster_energy"] = [0.0, 1.0, np.e, 10.0, 20.0, 30.0]
    triples.images = tuple(images.take(np.roll(np.arange(6), plane)) for plane, images in enumerate(triples.images))
    triples.plane = g.V
    rows = np.array([5, 2, 0])
    found = triples.network_inputs(rows)
    assert list(found) == list(triples.inputs)
    assert all(values.dtype == np.float32 for values in found.values())
    for plane, name in enumerate("uvx"):
        assert np.array_equal(found[name], np.asarray(triples.images[plane])[rows][..., None])
    assert np.array_equal(found["image"], found["v"])
    np.testing.assert_allclose(found["energy"], np.log([[30.0], [np.e], [0.1]]), rtol=1e-6)
    assert np.array_equal(found["offsets"], triples.offsets[rows])
    assert found["points"].shape == (3, 2, 9)
    assert found["points"][..., -1].sum(axis=1).tolist() == [2, 2, 1]


@pytest.mark.parametrize("chosen", [[4, 1], [False, True, False, False, True, False]])
def test_keeping_rows_keeps_all_parts_in_step(triples, chosen):
    kept = triples.keep("some", np.array(chosen))
    rows = [4, 1] if 4 in chosen else [1, 4]
    assert kept.metadata["event"].tolist() == rows
    for plane in range(3):
        assert values(kept, plane) == [values(triples, plane)[row] for row in rows]
    assert kept.clouds.counts.tolist() == [[1, 0, 2, 5, 1, 3][row] for row in rows]
    assert len(kept.offsets) == len(kept) == 2
    assert kept.cuts[-1] == {"step": "some", "removed": 4, "kept": 2}
    assert len(triples) == 6
    assert len(triples.cuts) == len(kept.cuts) - 1


def test_keys_tell_whether_all_three_images_are_equal():
    base = np.zeros((5, *SHAPE), np.float32)
    planes = [base.copy() for _ in range(3)]
    planes[g.U][1], planes[g.V][2], planes[g.X][3] = 1, 1, 1
    images = tuple(SparseImages.from_dense(plane) for plane in planes)
    keys = TripleSet(images, empty_metadata(5), np.ones((5, 3), bool), np.zeros((5, 3), np.float32), []).image_keys()
    assert keys[0] == keys[4]
    assert len(set(keys.tolist())) == 4


def test_directions_are_unit_vectors_in_either_frame():
    table = empty_metadata(4)
    for axis, value in zip("xyz", (0.003, -0.004, 0.012), strict=True):
        table[f"particle_momentum_{axis}"] = value
    table["face"] = [1, -1, 1, 1]
    for axis in "xyz":
        table[f"particle_momentum_{axis}"][2] = 0
    table["particle_momentum_x"][3] = np.nan
    detector, drift = electron_directions(table, drift_frame=False), electron_directions(table)
    expected = np.array([3, -4, 12]) / 13
    np.testing.assert_allclose(detector[:2], [expected, expected], rtol=1e-6)
    np.testing.assert_allclose(drift[:2], [expected, expected * [-1, -1, 1]], rtol=1e-6)
    assert np.all(np.isnan([detector[2:], drift[2:]]))


# ---------------------------------------------------------------------------- points around them
def write_clouds(path, identities, sources, counts):
    table = content(g.X, identities, sources).metadata
    write_point_file(path, PointSet(clouds_with(counts), table, neighbours_of(table), list(map(named_source, sources))))


def test_clouds_are_joined_by_identity(triples, tmp_path):
    """In two files, in another order, with strangers in between, and one of them twice."""
    known = [("a.root", 5, 5), ("b.root", 0, 0), ("a.root", 0, 0), ("a.root", 3, 3)]
    write_clouds(tmp_path / "1_points.npz", known, ["b.root", "a.root"], [5, 9, 1, 3])
    write_clouds(tmp_path / "deep" / "2_points.npz", [("a.root", 2, 2), ("a.root", 3, 3)], ["a.root"], [2, 7])
    write_clouds(tmp_path / "3_points.npz", [("c.root", 1, 1), ("a.root", 4, 1)], ["c.root", "a.root"], [8, 8])
    points = load_points(Folders([tmp_path, tmp_path / "deep"]))
    names = [Path(file["file"]).name for file in points.files]
    assert names == ["1_points.npz", "3_points.npz", "2_points.npz"]
    clouds, found = clouds_around(triples, points)
    assert found.tolist() == [True, False, True, True, False, True]
    assert clouds.counts.tolist() == [1, 2, 3, 5]
    expected = clouds_with([5, 9, 1, 3]).take([2])
    assert np.array_equal(clouds.take([0]).points, expected.points)


@pytest.mark.parametrize("folders", [["."], ["job1", "job2"], [".", "job2"]])
def test_files_of_version_2_are_joined_by_their_place(tmp_path, folders):
    """Two jobs with one name of source, planes in folders of their own, and points beside these."""
    for job, counts in (("job1", [1, 2]), ("job2", [3, 4])):
        rows = [("a.root", 0, 0), ("a.root", 1, 1)]
        for plane in g.PLANES:
            path = tmp_path / job / plane / f"a_plane{plane}.npz"
            write_image_file(path, content(g.PLANES.index(plane), rows, ["a.root"]))
            make_older(path)
        write_clouds(tmp_path / job / "a_points.npz", rows, ["a.root"], counts)
        make_older(tmp_path / job / "a_points.npz")
    paths = [tmp_path / folder for folder in folders]
    triples = join_planes([load_images(DataFolders(paths), plane) for plane in g.PLANES])
    assert len(triples) == 4
    assert all(values(triples, plane) == [1, 102] * 2 for plane in range(3))
    clouds, found = clouds_around(triples, load_points(Folders(paths)))
    assert found.all()
    assert clouds.counts.tolist() == [1, 2, 3, 4]


def test_a_plane_that_lacks_a_source_is_told(capsys):
    start_logging()
    rows = [("a.root", 0, 0)]
    sets = [image_set(plane, rows, ["a.root"]) for plane in range(3)]
    sets[g.V] = image_set(g.V, [], ["b.root"])
    join_planes(sets)
    assert "no file of plane V belongs to 1 of 1 sources (a.root)" in capsys.readouterr().err


def test_data_without_points_say_where_to_get_them(triples, tmp_path):
    with pytest.raises(DataError, match=r"no files of points.*make_images\.sh"):
        with_points(triples, DataFolders((str(tmp_path),)), 8)


def test_every_broken_file_of_points_is_named_and_can_be_skipped(triples, tmp_path):
    write_clouds(tmp_path / "good_points.npz", [("a.root", 1, 1)], ["a.root"], [4])
    for name in ("bad", "worse"):
        (tmp_path / f"{name}_points.npz").write_bytes(b"")
    with pytest.raises(DataError, match=r"2 of 3 files(.|\n)*bad_points(.|\n)*worse_points(.|\n)*--skip-bad-files"):
        load_points(Folders([tmp_path]))
    clouds, found = clouds_around(triples, load_points(Folders([tmp_path], skip_bad_files=True)))
    assert found.tolist() == [False, True, False, False, False, False]
    assert clouds.counts.tolist() == [4]
    (tmp_path / "good_points.npz").unlink()
    with pytest.raises(DataError, match="none of 6 samples has points around it in the 2 files"):
        with_points(triples, DataFolders((str(tmp_path),), skip_bad_files=True), 8)


def test_no_triples_have_no_clouds(triples, tmp_path):
    write_clouds(tmp_path / "good_points.npz", [("a.root", 1, 1)], ["a.root"], [4])
    none = triples.keep("nothing", np.zeros(6, bool))
    clouds, found = clouds_around(none, load_points(Folders([tmp_path])))
    assert len(clouds) == len(found) == 0
    assert isinstance(clouds, PointClouds)
