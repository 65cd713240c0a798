import logging
import os
import pickle

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from python.data.metadata import COLUMNS, UNKNOWN, kinetic_energy_mev, vectors
from python.data.old_volumes import holds_old_volumes, read_old_volume_file
from python.general_purpose_libs import DataError
from tests.synthetic import named_source, old_volume_rows, write_folder, write_old_file, write_old_volume_file

SHAPE = (16, 40)


def volumes(n: int, seed: int = 0, shape=SHAPE) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [(rng.uniform(60, 800, shape) * (rng.random(shape) < 0.05)).astype(np.float32) for _ in range(n)]


def file_with(path, **changes):
    """A file of three volumes in which the second has the given values in its metadata."""
    rows = old_volume_rows(3)
    rows[1].update(changes)
    return write_old_volume_file(path / "a_planeX.npz", volumes(3), rows)


@pytest.mark.parametrize("stored", ["arrays", "Python floats", "dense"])
def test_round_trip(tmp_path, stored):
    images, rows = volumes(6), old_volume_rows(6)
    path = tmp_path / "es_1_planeX.npz"
    if stored == "dense":
        np.savez(path, images=np.array(images), metadata=np.array(rows, object))
    else:
        write_old_volume_file(path, images, rows, floats=stored == "Python floats")
    content = read_old_volume_file(path, "X", named_source("es_1"))
    assert (content.plane, content.kind, [source.name for source in content.sources]) == ("X", "volumes", ["es_1"])
    np.testing.assert_array_equal(np.asarray(content.images), images)
    table = content.metadata
    assert table["event"].tolist() == list(range(6))
    assert table["is_es_interaction"].tolist() == [0, 1] * 3
    assert table["match_id"].tolist() == [-1, 0, 1, 2, 3, 4]
    for name, value in {"is_marley": 1, "is_main_track": 1, "plane": 2, "source": 0, "drift_frame": 0}.items():
        assert set(table[name]) == {value}
    for column, key in {"particle_momentum": "momentum", "nu_momentum": "neutrino_momentum"}.items():
        expected = [[row[f"main_track_{key}_{axis}"] for axis in "xyz"] for row in rows]
        np.testing.assert_allclose(vectors(table, column), expected, rtol=1e-6)
    np.testing.assert_allclose(table["cluster_energy"], [row["cluster_energy"] for row in rows], rtol=1e-6)
    np.testing.assert_allclose(
        table["true_nu_energy"], 1000 * np.linalg.norm(vectors(table, "nu_momentum"), axis=1), rtol=1e-6
    )
    np.testing.assert_allclose(
        table["true_electron_energy"], kinetic_energy_mev(vectors(table, "particle_momentum")), rtol=1e-6
    )


def test_size_of_the_toolkit(tmp_path):
    images = volumes(2, shape=(208, 1242))
    path = write_old_volume_file(tmp_path / "a_planeX.npz", images, old_volume_rows(2))
    content = read_old_volume_file(path, "X")
    assert content.images.shape == (208, 1242)
    assert [source.name for source in content.sources] == ["a_planeX"]
    np.testing.assert_array_equal(content.images[1], images[1])


def test_what_a_file_does_not_say_stays_unknown(tmp_path):
    path = write_old_volume_file(tmp_path / "a.npz", volumes(1), [{}])
    table = read_old_volume_file(path, "V").metadata
    known = {"source": 0, "is_main_track": 1, "plane": 1, "drift_frame": 0}
    for column in COLUMNS:
        value = table[column.name][0]
        expected = known.get(column.name, UNKNOWN if column.is_integer else np.nan)
        np.testing.assert_equal(value, expected, err_msg=column.name)


@pytest.mark.parametrize(
    ("interaction", "labels"),
    [("ES", (1, 1)), ("cc", (0, 1)), ("Background", (UNKNOWN, 0)), ("UNKNOWN", (UNKNOWN, UNKNOWN))],
)
def test_interactions(tmp_path, interaction, labels):
    path = file_with(tmp_path, interaction_type=interaction, source_root_file="")
    table = read_old_volume_file(path, "X").metadata
    assert (table["is_es_interaction"][1], table["is_marley"][1]) == labels


def test_numbers_of_numpy_and_marks_of_absence(tmp_path):
    path = file_with(
        tmp_path, event=np.int64(2**40 + 1), cluster_energy=-1.0, neutrino_energy=np.float32(12.5), is_marley=np.True_
    )
    table = read_old_volume_file(path, "X").metadata
    assert table["event"][1] == 2**40 + 1
    assert np.isnan(table["cluster_energy"][1])
    assert table["true_nu_energy"][1] == 12.5


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("event", -3, "event is -3, a whole number from 0"),
        ("event", 1.5, "event is 1.5, a whole number"),
        ("event", "7", "event is '7', a whole number"),
        pytest.param("event", 10**5000, "event is of type int, a whole number", id="enormous"),
        ("is_es_interaction", 2, "is_es_interaction is 2, a whole number from 0 to 1"),
        ("is_marley", 0.5, "is_marley is 0.5"),
        ("main_track_momentum_x", 25.0, r"main_track_momentum_x is 25.0, a number from -0.1 to 0.1"),  # MeV/c
        ("main_track_neutrino_momentum_z", float("nan"), "main_track_neutrino_momentum_z is nan"),
        ("cluster_energy", -0.5, "cluster_energy is -0.5, a number from 0 to 1e.06 or -1"),
        ("cluster_energy", float("inf"), "cluster_energy is inf"),
        ("neutrino_energy", [12.0], "neutrino_energy is of type list"),
        ("main_cluster_match_id", -2, "main_cluster_match_id is -2"),
        ("plane", "U", "plane is 'U', X was asked for"),
        ("plane", np.array(["X", "X"]), "plane is of type PickledArray, a text is needed"),
        ("interaction_type", "NC", "interaction_type is 'NC', one of ES, CC, BACKGROUND, UNKNOWN"),
        ("interaction_type", 1, "interaction_type is 1, a text is needed"),
        ("interaction_type", "\x1b[2J", r"interaction_type is '\\x1b\[2J'"),
    ],
)
def test_a_wrong_value_is_named_with_its_volume(tmp_path, key, value, message):
    with pytest.raises(DataError, match=rf"a_planeX\.npz: volume 1: {message}"):
        read_old_volume_file(file_with(tmp_path, **{key: value}), "X")


def test_all_wrong_values_of_a_file_make_one_error(tmp_path):
    rows = old_volume_rows(9)
    for row in rows[2:]:
        row["event"] = -1
    path = write_old_volume_file(tmp_path / "a.npz", volumes(9), [*rows[:8], 5])
    with pytest.raises(DataError, match=r"volume 2: event.*volume 6: event is -1.*; 2 more$"):
        read_old_volume_file(path, "X")
    with pytest.raises(DataError, match=r"volume 0: its metadata are 5, a dictionary is needed"):
        read_old_volume_file(write_old_volume_file(tmp_path / "b.npz", volumes(1), [5]), "X")


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.ones((16, 41), np.float32), "image 1 is 16 x 41, the first is 16 x 40"),
        (np.ones(40, np.float32), "image 1 is not a table of numbers"),
        (np.full(SHAPE, "7"), "image 1 is not a table of numbers"),
        ([[1.0]], "image 1 is not a table of numbers"),
        (np.full(SHAPE, np.nan), "image 1 holds ADC values that are not finite"),
        (np.full(SHAPE, 1e300), "image 1 holds ADC values that are not finite"),
        (np.full(SHAPE, -1), "image 1 holds negative ADC"),
    ],
)
def test_a_wrong_image_is_named(tmp_path, image, message):
    path = write_old_volume_file(tmp_path / "a.npz", [volumes(1)[0], image], old_volume_rows(2))
    with pytest.raises(DataError, match=rf"a\.npz: {message}"):
        read_old_volume_file(path, "X")


@pytest.mark.parametrize("image", [[[1.0], [2.0, 3.0]], {"a": 1}, None, 5])
def test_a_first_image_that_is_none(tmp_path, image):
    path = write_old_volume_file(tmp_path / "a.npz", [image, volumes(1)[0]], old_volume_rows(2))
    with pytest.raises(DataError, match=r"a\.npz: image 0 is not a table of numbers"):
        read_old_volume_file(path, "X")


@pytest.mark.parametrize("value", [{"a": 1}, [1.0], 10**400, "text"])
def test_an_image_of_other_objects_is_named(tmp_path, value):
    images = np.zeros((2, 3, 4)).astype(object)
    images[1, 0, 0] = value
    np.savez(tmp_path / "a.npz", images=images, metadata=np.array(old_volume_rows(2), object))
    with pytest.raises(DataError, match=r"a\.npz: image 1 holds something else than numbers"):
        read_old_volume_file(tmp_path / "a.npz", "X")


@pytest.mark.parametrize(
    ("n_images", "n_rows", "message"),
    [
        (2, 3, r"metadata has the shape \(3,\), \(2,\) is needed"),
        (0, 0, "holds no volume, and none tells their size"),
    ],
)
def test_images_and_metadata_have_to_fit(tmp_path, n_images, n_rows, message):
    path = write_old_volume_file(tmp_path / "a.npz", volumes(n_images), old_volume_rows(n_rows))
    with pytest.raises(DataError, match=rf"a\.npz: {message}"):
        read_old_volume_file(path, "X")


def test_names_without_a_column_are_logged(tmp_path, caplog):
    with caplog.at_level(logging.DEBUG, logger="pointing"):
        read_old_volume_file(file_with(tmp_path, n_marley_clusters=3), "X")
    assert "'image_shape', 'main_track_momentum', 'n_marley_clusters', 'particle_energy'" in caplog.text


def test_labels_against_the_name_of_the_source_give_a_warning(tmp_path, caplog):
    read_old_volume_file(file_with(tmp_path), "X")
    assert "labelled otherwise" not in caplog.text
    read_old_volume_file(file_with(tmp_path, source_root_file="/es_files/cc_3_clusters.root"), "X")
    assert "1 of 3 volumes are labelled otherwise" in caplog.text
    assert "cc_directories" in caplog.text


def test_old_volumes_are_told_from_other_files(tmp_path):
    assert holds_old_volumes(file_with(tmp_path))
    assert not holds_old_volumes(write_old_file(tmp_path / "old_planeX.npz"))
    own = write_folder(tmp_path / "own") / "file0_planeX.npz"
    assert not holds_old_volumes(own)


class Hostile:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("member", ["images", "metadata"])
def test_a_command_in_a_volume_file_is_refused_and_not_run(tmp_path, member):
    marker = tmp_path / "marker"
    hostile = Hostile(f"touch {marker}")
    images, rows = volumes(2), old_volume_rows(2)
    if member == "images":
        images[1] = hostile
    else:
        rows[1]["plane"] = hostile
    path = write_old_volume_file(tmp_path / "a.npz", images, rows)
    with pytest.raises(DataError, match=rf"a\.npz: array {member} holds a pickled posix\.system, which is not data"):
        read_old_volume_file(path, "X")
    assert not marker.exists()


odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
keys = st.sampled_from([*old_volume_rows(1)[0], "neutrino_energy", "is_marley"]) | st.integers() | st.tuples(st.text())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(keys, odd, max_size=4))
def test_any_value_is_taken_or_named(tmp_path, changes):
    rows = old_volume_rows(2)
    rows[1].update(pickle.loads(pickle.dumps(changes)))
    path = write_old_volume_file(tmp_path / "a.npz", volumes(2), rows)
    try:
        table = read_old_volume_file(path, "X").metadata
    except DataError as error:
        named = [key for key in changes if f"{key} is " in str(error)]
        event(f"refused: {named}")
        if not named or "a.npz: volume 1: " not in str(error):
            raise
    else:
        assert np.nan_to_num(np.abs(vectors(table, "particle_momentum"))).max() <= 0.1
        assert set(table["is_marley"]) <= {UNKNOWN, 0, 1}
