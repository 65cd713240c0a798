import contextlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from python.data.input_files import Folders
from python.data.metadata import COLUMNS, IN_MEMORY, UNKNOWN, empty_metadata
from python.data.neighbours import neighbours_of
from python.data.point_clouds import (
    POINT_COLUMNS,
    STORED_COLUMNS,
    PointClouds,
    PointSet,
    load_points,
    read_point_file,
    write_point_file,
)
from python.general_purpose_libs import DataError, OutputError
from tests.synthetic import named_source


def clouds_with(counts, seed=0):
    points = np.random.default_rng(seed).normal(size=(sum(counts), len(STORED_COLUMNS))).astype(np.float32)
    points[:, 0] = np.arange(sum(counts)) % 3
    return PointClouds(np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]), points)


def point_file(counts=(3, 0, 5), seed=0):
    rng = np.random.default_rng(seed)
    table = empty_metadata(len(counts))
    for column in COLUMNS:
        values = rng.integers(0, 100, len(counts)) if column.is_integer else rng.normal(size=len(counts))
        table[column.name] = values
    table["source"], table["plane"] = 0, 2
    for name in IN_MEMORY:
        table[name] = UNKNOWN
    return PointSet(clouds_with(counts, seed), table, neighbours_of(table), [named_source("one.root")])


def make_points_older(path):
    """Turn a file of points into one of a release that did not say in which cluster a point is."""
    arrays = dict(np.load(path))
    for name in ("point_columns", "point_units"):
        arrays[name] = arrays[name][: len(POINT_COLUMNS)]
    np.savez(path, **{**arrays, "points": arrays["points"][:, : len(POINT_COLUMNS)]})


@pytest.mark.parametrize("counts", [(3, 0, 5), (0,), ()])
def test_files_give_back_what_was_written(tmp_path, counts):
    written = point_file(counts)
    write_point_file(tmp_path / "a_points.npz", written)
    found = read_point_file(tmp_path / "a_points.npz")
    assert found.clouds.points.tobytes() == written.clouds.points.tobytes()
    assert found.clouds.indptr.tolist() == written.clouds.indptr.tolist()
    assert found.metadata.tobytes() == written.metadata.tobytes()
    assert found.sources == [named_source("one.root")]
    assert found.neighbours.tobytes() == written.neighbours.tobytes()


def test_files_of_older_code_do_not_say_in_which_cluster_a_point_is(tmp_path):
    for name in ("old", "new"):
        write_point_file(tmp_path / f"{name}_points.npz", point_file())
    make_points_older(tmp_path / "old_points.npz")
    old, new = (read_point_file(tmp_path / f"{name}_points.npz") for name in ("old", "new"))
    rows = np.arange(3)
    assert np.array_equal(old.clouds.padded(rows, 4), new.clouds.padded(rows, 4))
    assert np.all(np.isnan(old.clouds.column("cluster_energy")))
    assert np.all(np.isnan(old.neighbours))
    both = load_points(Folders([tmp_path]))
    assert np.isnan(both.neighbours).any(axis=1).tolist() == [False] * 3 + [True] * 3


def test_the_same_content_is_the_same_bytes(tmp_path):
    for folder in ("a", "b"):
        write_point_file(tmp_path / folder / "x_points.npz", point_file())
    one, other = ((tmp_path / folder / "x_points.npz").read_bytes() for folder in ("a", "b"))
    assert one == other


def test_files_describe_themselves(tmp_path):
    write_point_file(tmp_path / "a_points.npz", point_file())
    with np.load(tmp_path / "a_points.npz", allow_pickle=False) as arrays:
        units = dict(zip(arrays["point_columns"].tolist(), arrays["point_units"].tolist(), strict=True))
        assert str(arrays["kind"]) == "points"
    assert units["across"] == units["peak"] == "cm"
    assert units["height"] == "ADC"


def test_columns_are_found_by_name(tmp_path):
    path, content = tmp_path / "a_points.npz", point_file()
    write_point_file(path, content)
    arrays = dict(np.load(path))
    order = np.random.default_rng(1).permutation(len(STORED_COLUMNS))
    np.savez(path, **{**arrays, "points": arrays["points"][:, order], "point_columns": arrays["point_columns"][order]})
    assert np.array_equal(read_point_file(path).clouds.points, content.clouds.points)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda arrays: arrays.pop("point_columns"), "point_columns"),
        (lambda arrays: arrays.pop("match_id"), "match_id"),
        (
            lambda arrays: arrays.update(match_id=arrays["match_id"][:1]),
            r"match_id has the shape \(1,\), \(3,\) is needed",
        ),
        (lambda arrays: arrays.update(point_columns=arrays["point_columns"][::-1][1:]), "point_columns"),
        (lambda arrays: arrays["points"].__setitem__((0, 1), np.nan), r"points\[0, 1\] is nan, a finite number"),
        (lambda arrays: arrays["points"].__setitem__((0, 0), 3), "planes"),
        (lambda arrays: arrays["source"].__setitem__(0, 1), "source"),
        (lambda arrays: arrays["indptr"].__setitem__(-1, 7), "indptr has to rise from 0 to the number of entries, 8"),
        (lambda arrays: arrays["indptr"].__setitem__(1, 6), "indptr has to rise from 0 to the number of entries, 8"),
        (lambda arrays: arrays["indptr"].__setitem__(0, 1), "indptr has to rise from 0 to the number of entries, 8"),
        (lambda arrays: arrays.update(indptr=arrays["indptr"][:0]), ""),
        (lambda arrays: arrays.update(indptr=arrays["indptr"][:, None]), ""),
        (lambda arrays: arrays.update(indptr=arrays["indptr"][[0, -1]]), ""),
        (lambda arrays: arrays.update(points=arrays["points"][0]), ""),
        (lambda arrays: arrays.update(format_version=np.int64(99)), "update the project"),
        (lambda arrays: arrays.update(format_version=np.int64(1)), "older release.*make it again"),
        (lambda arrays: arrays.clear(), "format_version"),
    ],
)
def test_broken_files_are_named(tmp_path, change, reason):
    path = tmp_path / "a_points.npz"
    write_point_file(path, point_file())
    arrays = dict(np.load(path))
    change(arrays)
    np.savez(path, **arrays)
    with pytest.raises(DataError, match=rf"a_points\.npz.*{reason}"):
        read_point_file(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(st.data())
def test_damage_never_shows_another_error(tmp_path, data):
    path = tmp_path / "a_points.npz"
    write_point_file(path, point_file())
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, 2 * len(content)))])
    with contextlib.suppress(DataError):
        read_point_file(path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file"):
        write_point_file(tmp_path / "file" / "a_points.npz", point_file())


# ---------------------------------------------------------------------------- clouds in memory
COUNTS = st.lists(st.integers(0, 6), max_size=8)


@given(COUNTS, st.data())
def test_any_rows_can_be_taken_in_any_order(counts, data):
    clouds = clouds_with(counts)
    rows = data.draw(st.lists(st.integers(0, len(counts) - 1), max_size=8) if counts else st.just([]))
    taken = clouds.take(np.array(rows, int))
    assert taken.counts.tolist() == [counts[row] for row in rows]
    for place, row in enumerate(rows):
        mine, theirs = (part.points[part.owner == number] for part, number in ((taken, place), (clouds, row)))
        assert np.array_equal(mine, theirs)


@given(COUNTS, st.integers(0, 8))
def test_padding_keeps_the_first_points_and_marks_them(counts, size):
    clouds = clouds_with(counts)
    padded = clouds.padded(np.arange(len(counts)), size, len(STORED_COLUMNS))
    assert (padded.shape, padded.dtype) == ((len(counts), size, len(STORED_COLUMNS) + 1), np.float32)
    tracks = clouds.padded(np.arange(len(counts)), size)
    assert np.array_equal(tracks, np.delete(padded, len(POINT_COLUMNS), axis=-1))
    for row, count in enumerate(counts):
        kept = min(count, size)
        assert np.array_equal(padded[row, :kept, :-1], clouds.points[clouds.indptr[row] :][:kept])
        assert np.all(padded[row, :kept, -1] == 1)
        assert not padded[row, kept:].any()


@given(st.lists(COUNTS, max_size=4))
def test_clouds_are_joined_in_turn(parts):
    joined = PointClouds.concatenate([clouds_with(counts, seed) for seed, counts in enumerate(parts)])
    assert joined.counts.tolist() == [count for counts in parts for count in counts]
    points = [clouds_with(counts, seed).points for seed, counts in enumerate(parts)]
    assert joined.points.tobytes() == b"".join(part.tobytes() for part in points)
