"""The drift frame: images that looked alike become different, those that are one become equal; old flips are undone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python.data import geometry as g
from python.data.metadata import empty_metadata
from python.data.orientation import flip_mask, orient_old_images, to_detector_frame, to_drift_frame, to_old_orientation
from python.data.sparse_images import SparseImages
from tests.ingest.root_files import real_tree

POSITIONS = [(x, y, z) for x in (-100.0, 100.0) for y in (-300.0, 300.0) for z in (100.0, 350.0)]


def canonical_columns(plane, x, y, z):
    """Columns of deposits as an image shows them: channels, unwrapped, from the lowest, flipped into the drift frame."""
    apa, face = g.apa_at(y[0], z[0]), g.face_at(x[0])
    columns = g.wire_coordinate(plane, apa, face, y, z)
    if flip_mask(plane, apa, face):
        columns = -columns
    return columns - columns.min()


@pytest.fixture(scope="module")
def events():
    """Deposits of real events in the cube of 8 cm about their median, which lies in one drift volume."""
    ides = real_tree("cc", "simides")
    found = []
    for event in np.unique(ides["Event"]):
        mine = ides["Event"] == event
        position = np.stack([ides[axis][mine] for axis in "xyz"], axis=-1).astype(float)
        near = np.all(np.abs(position - np.median(position, axis=0)) < 4, axis=1)
        x, y, z = position[near].T
        if len(np.unique(g.apa_at(y, z) * 2 + (x > 0))) == 1 and np.ptp(y) > 2:
            found.append((x, y, z))
    return found


@pytest.mark.root_data
def test_the_y_partner_of_an_event_looks_different(events):
    different = []
    for x, y, z in events:
        own = [canonical_columns(plane, x, y, z) for plane in (g.U, g.V)]
        partner = [canonical_columns(plane, x, -y, z) for plane in (g.U, g.V)]
        different.append(max(np.abs(a - b).max() for a, b in zip(own, partner, strict=True)) > 1)
    assert len(different) > 20
    assert all(different)


@pytest.mark.root_data
def test_half_a_turn_about_z_into_the_other_face_changes_nothing(events):
    for x, y, z in events:
        for plane in (g.U, g.V, g.X):
            own, turned = canonical_columns(plane, x, y, z), canonical_columns(plane, -x, -y, z)
            assert np.abs(own - turned).max() < 1e-6


@given(st.lists(st.tuples(*[st.floats(-1, 1)] * 3, st.sampled_from([-1, 1])), min_size=2, max_size=9))
def test_frames_are_rotations_and_undo_each_other(rows):
    array = np.array(rows)
    vector, face = array[:, :3], array[:, 3]
    turned = to_drift_frame(vector, face)
    assert np.array_equal(to_detector_frame(turned, face), vector)
    assert np.allclose(np.linalg.norm(turned, axis=1), np.linalg.norm(vector, axis=1))
    for f in (-1, 1):
        axes = to_drift_frame(np.eye(3), np.full(3, f))
        assert np.linalg.det(axes) == pytest.approx(1.0)
        assert axes[0, 0] == f  # away from the wires: x' grows with |x|
        assert axes[2, 2] == 1


def test_an_unknown_face_has_no_frame():
    assert np.all(np.isnan(to_drift_frame(np.ones((1, 3)), np.zeros(1))))
    with pytest.raises(ValueError, match="unknown face"):
        flip_mask(g.U, np.array([0]), np.array([0]))


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
