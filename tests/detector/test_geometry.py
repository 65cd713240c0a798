"""The wire map against the simulated deposits, and what must hold of it by construction."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python.detector import geometry as g
from tests.ingest.root_files import KINDS, real_tree

INSIDE = {
    "x": st.floats(5, 360) | st.floats(-360, -5),
    "y": st.floats(2, 600) | st.floats(-600, -2),
    "z": st.builds(lambda row, z: 232.4 * row + z, st.integers(0, 5), st.floats(4, 228)),
}


@pytest.mark.root_data
@pytest.mark.parametrize("kind", KINDS)
def test_every_deposit_lies_within_three_channels_of_the_wire_map(kind):
    ides = real_tree(kind, "simides")
    place = g.locate_channel(ides["channel"])
    assert np.array_equal(g.apa_at(ides["y"], ides["z"]), place.apa)
    for plane in (g.U, g.V, g.X):
        mine = place.plane == plane
        expected = g.expected_channel(plane, ides["x"][mine], ides["y"][mine], ides["z"][mine])
        distance = np.abs(place.local[mine] - expected)
        if plane == g.X:
            assert np.array_equal(g.face_at(ides["x"][mine]), place.face[mine])
        else:
            distance = np.minimum(distance, g.WRAP - distance)
        assert distance.max() <= 3
        assert np.mean(distance <= 1) > 0.85


@pytest.mark.root_data
@pytest.mark.parametrize("kind", KINDS)
def test_deposits_arrive_at_the_tick_of_their_drift(kind):
    ides = real_tree(kind, "simides")
    late = ides["timestamp"] - g.drift_ticks(ides["x"])
    assert abs(np.median(late)) < 1.0
    assert np.mean(np.abs(late) < 6) > 0.97  # diffusion: 1.5 ticks at most; neutrons are captured later


@pytest.mark.root_data
def test_primitives_peak_at_the_planes_offset():
    truth = real_tree("cc", "tps")
    signal = (truth["bt_numelectrons"] > 20000) & (truth["samples_over_threshold"] > 3)
    place = g.locate_channel(truth["channel"][signal])
    peak = truth["time_start"][signal] / g.CLOCKS_PER_TICK + truth["samples_to_peak"][signal]
    late = peak - g.drift_ticks(truth["bt_x"][signal])
    for plane in (g.U, g.V, g.X):
        assert np.median(late[place.plane == plane]) == pytest.approx(g.PEAK_OFFSET_TICKS[plane], abs=1.5)


@pytest.mark.parametrize(("geometry", "n_apas"), [(g.DUNE_1X2X2, 4), (g.DUNE_1X2X6, 12)])
def test_channel_numbers_resolve_and_come_back(geometry, n_apas):
    channels = np.arange(geometry.n_channels)
    place = g.locate_channel(channels)
    assert np.array_equal(np.unique(place.apa), np.arange(n_apas))
    assert np.array_equal(g.global_channel(place.apa, place.plane, place.local), channels)
    assert [np.sum(place.plane == plane) for plane in (g.U, g.V, g.X)] == [800 * n_apas, 800 * n_apas, 960 * n_apas]
    assert g.smallest_with(channels) == geometry


def test_faces_are_halves_of_the_x_channels():
    first_x = g.locate_channel(np.array([1600, 2079, 2080, 2559, 2560]))
    assert first_x.face.tolist() == [-1, -1, 1, 1, 0]
    assert first_x.local.tolist() == [0, 479, 480, 959, 0]


@given(**INSIDE)
def test_height_is_recovered_from_an_induction_channel(x, y, z):
    apa, face = g.apa_at(y, z), g.face_at(x)
    for plane in (g.U, g.V):
        channel = g.expected_channel(plane, x, y, z)
        assert g.y_of_induction_channel(plane, apa, face, channel, z) == pytest.approx(y, abs=0.5 / 1.25 + 1e-9)


@given(**INSIDE)
def test_position_along_z_is_recovered_from_an_x_channel(x, y, z):
    channel = g.expected_channel(g.X, x, y, z)
    assert g.z_of_x_channel(g.apa_at(y, z), channel) == pytest.approx(z, abs=0.5 * 0.479 + 1e-9)


@given(x=INSIDE["x"])
def test_drift_time_is_the_distance_from_the_wires_over_the_speed(x):
    assert g.WIRE_PLANE_X_CM + g.drift_ticks(x) * g.TICK_US * 0.16058 == pytest.approx(abs(x), rel=1e-4)


@given(**INSIDE, step=st.floats(-1, 1), along=st.floats(-1, 1))
def test_flipped_columns_measure_the_drift_frames_coordinates(x, y, z, step, along):
    """U measures z' - y' and V z' + y' with y' = y (x > 0) or -y, wherever in the detector: 1.739 and 1.250 channels a cm."""
    apa, face = g.apa_at(y, z), g.face_at(x)
    in_frame = step if face > 0 else -step
    wanted = {
        g.U: 1.7391 * along - 1.2501 * in_frame,
        g.V: 1.7391 * along + 1.2501 * in_frame,
        g.X: along / 0.479,
    }
    for plane, columns in wanted.items():
        moved = g.wire_coordinate(plane, apa, face, y + step, z + along) - g.wire_coordinate(plane, apa, face, y, z)
        sign = -1 if g.columns_run_backwards(plane, apa, face) else 1
        assert sign * moved == pytest.approx(columns, abs=1e-3)


@given(**INSIDE)
def test_positions_lie_in_an_apa_of_the_smallest_geometry_that_holds_them(x, y, z):
    """By row along z and side in y; the X wires of each row end in the argon, which ends before the next row begins."""
    apa = g.apa_at(y, z)
    assert apa == 2 * int(z // 232.4) + (y > 0)
    small = next(geometry for geometry in g.GEOMETRIES.values() if z < geometry.max_z_cm)
    channel = g.global_channel(apa, g.X, g.expected_channel(g.X, x, y, z))
    assert g.smallest_with(channel) == small
    low, high = small.corners
    assert np.all((low <= [x, y, z]) & ([x, y, z] <= high))


def test_the_last_wire_of_a_geometry_is_in_its_argon():
    for geometry in g.GEOMETRIES.values():
        last = g.z_of_x_channel(geometry.n_apas - 1, 479)
        assert last < geometry.max_z_cm < last + 2
