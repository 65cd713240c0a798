"""The drift frame: images that looked alike become different, those that are one become equal."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python.detector import geometry as g
from python.detector.drift_frame import to_detector_frame, to_drift_frame
from tests.ingest.root_files import real_tree


def canonical_columns(plane, x, y, z):
    """Columns of deposits as an image shows them: channels, unwrapped, from the lowest, flipped into the drift frame."""
    apa, face = g.apa_at(y[0], z[0]), g.face_at(x[0])
    columns = g.wire_coordinate(plane, apa, face, y, z)
    if g.columns_run_backwards(plane, apa, face):
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
