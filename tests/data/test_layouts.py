import numpy as np
import pytest

from python.data.layouts import metadata_from_layout, recognise_layout
from python.general_purpose_libs import DataError
from tests.synthetic import old_metadata


@pytest.mark.parametrize("columns", [11, 12, 13, 14, 18])
def test_each_layout_is_recognised_and_its_labels_read(columns):
    old = old_metadata(30, columns)
    table = metadata_from_layout(old, "X", np.full(30, 3600.0))
    assert str(columns) in recognise_layout(old, "X").name
    np.testing.assert_array_equal(table["is_main_track"], np.arange(30) % 2)
    assert np.all(table["is_marley"] == 1)
    assert np.all(table["plane"] == 2)
    if columns != 11:
        np.testing.assert_array_equal(table["is_es_interaction"], np.arange(30) // 2 % 2)
        first = {12: 6}.get(columns, 7)
        np.testing.assert_array_equal(table["particle_momentum_x"], old[:, first])


def test_eleven_columns_without_plane_are_told_from_those_with():
    without_plane = old_metadata(30, 12)[:, :11]
    assert recognise_layout(without_plane, "X").name == "11 columns with momentum"
    assert recognise_layout(old_metadata(30, 11), "X").name == "11 columns with direction and plane"


@pytest.mark.parametrize("columns", [11, 12])
def test_clusters_of_one_neutrino_are_one_event(columns):
    old = old_metadata(30, columns)
    energy = old[:, 8 if columns == 11 else 9]
    energy[:] = np.repeat(np.linspace(5, 60, 15, dtype=np.float32), 2)
    energy[-4:] = -1  # background has no neutrino
    event = metadata_from_layout(old, "X", np.ones(30))["event"]
    assert event[0] == event[1] != event[2]
    assert len(set(event[-4:])) == 4


def test_electron_energy_comes_from_the_momentum():
    old = old_metadata(4, 18)
    old[:, 7:10] = [0, 0.003, 0.004]  # GeV/c: 5 MeV/c
    table = metadata_from_layout(old, "X", np.ones(4))
    assert table["true_electron_energy"] == pytest.approx(np.sqrt(25 + 0.511**2) - 0.511, rel=1e-4)


@pytest.mark.parametrize(
    ("column", "value", "word"),
    [
        (1, 0.5, "is_marley"),
        (4, 2000, "true_pos_x"),
        (8, 0.7, "particle_momentum_y"),
        (12, 1, "plane"),
        (13, 0.5, "match_id"),
    ],
)
def test_a_column_that_is_not_what_it_should_be_is_shown(column, value, word):
    old = old_metadata(10, 18)
    old[3, column] = value
    with pytest.raises(DataError, match=rf"column {column} \({word}\)"):
        recognise_layout(old, "X")


def test_a_shifted_table_is_refused():
    """Columns read off by one, the mistake that this exists to prevent."""
    shifted = np.roll(old_metadata(30, 14), 1, axis=1)
    with pytest.raises(DataError, match="fit no known layout"):
        recognise_layout(shifted, "X")


def test_wrong_plane_unknown_width_and_nan():
    with pytest.raises(DataError, match="plane U"):
        recognise_layout(old_metadata(10, 18, "X"), "U")
    with pytest.raises(DataError, match="15 columns"):
        recognise_layout(np.zeros((3, 15)), "X")
    with pytest.raises(DataError, match="not finite"):
        recognise_layout(np.full((3, 18), np.nan), "X")


def test_a_table_that_two_layouts_fit_is_ambiguous():
    with pytest.raises(DataError, match="more than one layout"):
        recognise_layout(np.zeros((5, 11)), "U")
