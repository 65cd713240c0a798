import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python.general_purpose_libs import ConfigError
from python.runs.registry.names import folder_below, output_above, run_id, version_name

ANY_TEXT = st.text(min_size=1) | st.text("vV^%~.\0/\\é\ud800", min_size=1, max_size=400)


def as_a_careless_file_system_sees_it(name):
    return unicodedata.normalize("NFD", name).casefold()


@given(ANY_TEXT, ANY_TEXT)
def test_different_versions_have_different_files_everywhere(one, other):
    names = [as_a_careless_file_system_sees_it(version_name(version)) for version in (one, other)]
    assert (names[0] == names[1]) == (one == other)


@given(ANY_TEXT)
def test_every_version_is_a_file_name(version):
    name = version_name(version)
    assert 0 < len(os.fsencode(name)) <= 200
    assert not set("/\0\n") & set(name)
    assert not name.startswith(".")


def test_usual_versions_stay_readable():
    assert version_name("v20_three_plane_200k") == "v20_three_plane_200k"
    assert version_name("20261121_3") == "20261121_3"
    assert version_name("V2, 40 epochs") == "^v2, 40 epochs"


def test_long_versions_that_end_differently():
    names = {version_name("v" * 5000 + end) for end in ("1", "2", "")}
    assert len(names) == 3


def test_the_id_of_a_run_is_its_path():
    assert (
        run_id("output", "output/mt_identifier/simple_cnn/plane_X/20261121_191500")
        == "mt_identifier.simple_cnn.plane_X.20261121_191500"
    )


def test_paths_that_dots_could_confuse_have_different_ids(tmp_path):
    ids = {run_id(tmp_path, tmp_path / path) for path in ("a.b/c", "a/b.c", "a.b.c", "a/b/c", "a%2Eb/c")}
    assert len(ids) == 5


PARTS = st.lists(
    st.text("aA.%~ éü'\n", min_size=1, max_size=120).filter(lambda part: part not in (".", "..")), min_size=1
)


@given(PARTS, PARTS)
def test_different_folders_have_different_ids(one, other):
    ids = [run_id("/output", Path("/output", *parts)) for parts in (one, other)]
    assert (ids[0] == ids[1]) == (one == other)
    assert all(len(os.fsencode(name)) <= 200 and "/" not in name and "\n" not in name for name in ids)


def test_paths_may_be_relative_and_lead_through_links(tmp_path, monkeypatch):
    run = tmp_path / "disk" / "mt_identifier" / "run"
    run.mkdir(parents=True)
    (tmp_path / "output").symlink_to(tmp_path / "disk")
    monkeypatch.chdir(tmp_path)
    for output in ("output", "disk", tmp_path / "output", "disk/../output/"):
        for folder in (run, "disk/mt_identifier/run", "output/mt_identifier/./run"):
            assert run_id(output, folder) == "mt_identifier.run"
            assert folder_below(output, folder) == "mt_identifier/run"


@pytest.mark.parametrize("folder", ["output", ".", "elsewhere/run", "output_2/run", "output/../run"])
def test_a_folder_elsewhere_is_an_error(tmp_path, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="is not below the output folder output"):
        run_id("output", folder)


def test_the_output_folder_of_a_run_is_found_from_the_run_itself(tmp_path, monkeypatch):
    run = tmp_path / "mt_identifier" / "mt_identifier" / "simple_cnn" / "plane_X" / "20261121_191500"
    run.mkdir(parents=True)
    (tmp_path / "latest").symlink_to(run)
    monkeypatch.chdir(run.parent)
    for name in (run, "20261121_191500", "../plane_X/20261121_191500", tmp_path / "latest"):
        assert output_above(name, "mt_identifier", "simple_cnn") == tmp_path / "mt_identifier"
    assert output_above(run, "mt_identifier", "deep_cnn") is None
    assert output_above(tmp_path / "sent_alone", "mt_identifier", "simple_cnn") is None
