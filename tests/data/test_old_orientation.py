"""Images of the toolkit's dense files: its flips are undone, and made again."""

import numpy as np
import pytest

from python.data.metadata import empty_metadata
from python.data.old_orientation import orient_old_images, orientation_in_words, to_old_orientation
from python.data.sparse_images import SparseImages
from python.detector import geometry as g

POSITIONS = [(x, y, z) for x in (-100.0, 100.0) for y in (-300.0, 300.0) for z in (100.0, 350.0)]


def toolkit_flips(image, plane, even, x_sign):
    """What the online-pointing toolkit does to a drawn image (time, channel), written out case by case."""
    flips = {
        ("X", True, 1): (0,),
        ("X", False, 1): (0,),
        ("V", True, 1): (0, 1),
        ("V", False, -1): (1,),
        ("V", False, 1): (0,),
        ("U", True, -1): (1,),
        ("U", True, 1): (0,),
        ("U", False, 1): (0, 1),
    }
    return np.flip(image, flips.get(("UVX"[plane], even, x_sign), ()))


def old_set(match_id=7):
    """One random image of each plane at each of POSITIONS, with the metadata of an old file."""
    rng = np.random.default_rng(1)
    table = empty_metadata(3 * len(POSITIONS))
    images = rng.uniform(0, 100, (len(table), 8, 5)).astype(np.float32)
    for i, position in enumerate(POSITIONS * 3):
        table["plane"][i] = i // len(POSITIONS)
        for axis, value in zip("xyz", position, strict=True):
            table[f"true_pos_{axis}"][i] = value
    table["match_id"] = match_id
    return images, table


def test_upstream_flips_are_undone():
    images, table = old_set()
    flipped = []
    for image, plane, (x, y, _) in zip(images, table["plane"], POSITIONS * 3, strict=True):
        even = y < 0
        x_sign = (1 if x > 0 else -1) * (1 if even else -1)  # inverted on odd APAs, as the toolkit does
        flipped.append(toolkit_flips(image, plane, even, x_sign))
    undone, after = orient_old_images(SparseImages.from_dense(np.array(flipped)), table, "upstream")
    never_flipped, same = orient_old_images(SparseImages.from_dense(images), table, "none")
    assert np.array_equal(np.asarray(undone), np.asarray(never_flipped))
    assert after.tobytes() == same.tobytes()
    assert np.all(after["drift_frame"] == 1)


def test_unflipped_old_images_follow_the_drift_frame():
    images, table = old_set()
    oriented, after = orient_old_images(SparseImages.from_dense(images), table, "none")
    for i, (x, y, z) in enumerate(POSITIONS * 3):
        apa, face = 2 * (z > 232) + (y > 0), 1 if x > 0 else -1
        assert (after["apa"][i], after["face"][i]) == (apa, face)
        backwards = {0: (y > 0) != (x > 0), 1: (y > 0) == (x > 0), 2: False}[int(table["plane"][i])]
        assert np.array_equal(oriented[i], images[i][:, ::-1] if backwards else images[i])


@pytest.mark.parametrize("vertex", [np.nan, 0.0])
@pytest.mark.parametrize("old_flips", ["none", "upstream"])
def test_images_without_vertex_stay_as_they_are(vertex, old_flips):
    images, table = old_set()
    for axis in "xyz":
        table[f"true_pos_{axis}"] = vertex
    oriented, after = orient_old_images(SparseImages.from_dense(images), table, old_flips)
    assert np.array_equal(np.asarray(oriented), images)
    assert np.all(after["drift_frame"] == -1)
    assert np.all(after["face"] == -1)


def test_induction_images_without_match_stay_unknown():
    images, table = old_set(match_id=-1)
    _, after = orient_old_images(SparseImages.from_dense(images), table, "upstream")
    assert np.array_equal(after["drift_frame"] == 1, table["plane"] == 2)


@pytest.mark.parametrize("recorded", [0, 1])
def test_images_of_recorded_orientation_are_left_alone(recorded):
    images, table = old_set()
    table["drift_frame"] = recorded
    oriented, after = orient_old_images(SparseImages.from_dense(images), table, "upstream")
    assert np.array_equal(np.asarray(oriented), images)
    assert after.tobytes() == table.tobytes()


@pytest.mark.parametrize("old_flips", ["none", "upstream"])
@pytest.mark.parametrize(("apa", "face"), [(0, 1), (0, -1), (1, 1), (2, 1), (3, -1)])
def test_images_whose_channels_lie_elsewhere_than_their_vertex_stay_in_raw_order(apa, face, old_flips, caplog):
    """The toolkit flips by the channels, so these are what is undone; the neighbour along z turns as the vertex' APA does."""
    raw, table = old_set()
    for axis, value in zip("xyz", (100.0, -300.0, 100.0), strict=True):  # in front of APA 0, on the face x > 0
        table[f"true_pos_{axis}"] = value
    table["apa"], table["face"] = apa, face
    drawn = raw
    if old_flips == "upstream":
        x_sign = face * (1 if apa % 2 == 0 else -1)
        drawn = np.array([toolkit_flips(i, p, apa % 2 == 0, x_sign) for i, p in zip(raw, table["plane"], strict=True)])
    images, after = orient_old_images(SparseImages.from_dense(drawn), table, old_flips)
    in_words = orientation_in_words(table, after)
    assert np.all(after["apa"] == apa)
    assert np.all(after["face"] == face)
    if (apa % 2, face) == (0, 1):
        turned = [image[:, ::-1] if plane == g.U else image for image, plane in zip(raw, table["plane"], strict=True)]
        assert np.array_equal(np.asarray(images), turned)
        assert np.all(after["drift_frame"] == 1)
        assert "24 brought into the drift frame (0 by the vertex alone), 0 left" in in_words
    else:
        assert np.array_equal(np.asarray(images), raw)
        assert np.all(after["drift_frame"] == 0)
        assert (
            "24 left in raw order (their vertex on another face or in another row of APAs than their channels)"
            in in_words
        )
        assert "24 of 24 images are left in raw order" in caplog.text


def test_what_was_done_to_old_images_has_to_be_said():
    images, table = old_set()
    with pytest.raises(ValueError, match="old_flips"):
        orient_old_images(SparseImages.from_dense(images), table, "guess")


def test_the_old_orientation_is_that_of_the_toolkit_and_is_undone():
    """Images of the drift frame go to what the toolkit makes of the same raw images, and come back."""
    raw, table = old_set()
    drift_frame, known = orient_old_images(SparseImages.from_dense(raw), table, "none")
    for plane in (g.U, g.V, g.X):
        rows = np.flatnonzero(table["plane"] == plane)
        old = to_old_orientation(drift_frame.take(rows), known[rows], plane)
        for image, row, (x, y, _) in zip(np.asarray(old), rows, POSITIONS, strict=True):
            x_sign = np.sign(x) * (1 if y < 0 else -1)
            assert np.array_equal(image, toolkit_flips(raw[row], plane, y < 0, x_sign))
        back, _ = orient_old_images(old, table[rows], "upstream")
        assert np.array_equal(np.asarray(back), np.asarray(drift_frame.take(rows)))
