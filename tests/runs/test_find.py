import os

import pytest

from python.general_purpose_libs import ConfigError, write_json
from python.runs.find import find_runs


def write_run(folder, task="mt_identifier"):
    write_json(folder / "config.json", {"task": task})
    write_json(folder / "status.json", {"state": "done"})
    return folder


def test_runs_at_any_depth_are_found_oldest_first(tmp_path):
    last = write_run(tmp_path / "mt_identifier" / "simple_cnn" / "plane_X" / "20261121_120000_10")
    before = write_run(tmp_path / "more" / "output" / "mt_identifier" / "simple_cnn" / "plane_X" / "20261121_120000_2")
    first = write_run(tmp_path / "z" / "20251231_235959")
    second = write_run(tmp_path / "20261121_120000")
    assert find_runs(tmp_path) == [first, second, before, last]
    assert find_runs(str(tmp_path / "z")) == [first]


def test_a_renamed_run_is_as_old_as_its_configuration(tmp_path):
    stamped = [write_run(tmp_path / f"{year}0101_000000") for year in (2020, 2022)]
    renamed = write_run(tmp_path / "the best one")
    os.utime(renamed / "config.json", (1609459200, 1609459200))  # the first days of 2021
    assert find_runs(tmp_path) == [stamped[0], renamed, stamped[1]]


def test_what_lies_within_a_run_is_no_run(tmp_path):
    run = write_run(tmp_path / "run")
    write_run(run / "members" / "01")
    write_run(run / "trials" / "0001")
    assert find_runs(tmp_path) == [run]


@pytest.mark.parametrize("name", ["config.json", "status.json"])
def test_a_folder_without_one_of_the_files_is_no_run(tmp_path, name):
    run = write_run(tmp_path / "run")
    (run / name).unlink()
    inner = write_run(run / "inner")
    assert find_runs(tmp_path) == [inner]


def test_runs_of_one_task(tmp_path):
    tracks, directions = write_run(tmp_path / "a"), write_run(tmp_path / "b", "electron_direction")
    for number, text in enumerate(("{", "[]", "{}", '{"task": 3}', "\xff")):
        (write_run(tmp_path / f"broken_{number}") / "config.json").write_text(text, encoding="latin-1")
    assert find_runs(tmp_path, "mt_identifier") == [tracks]
    assert find_runs(tmp_path, "electron_direction") == [directions]
    assert find_runs(tmp_path, "channel_tagging") == []
    assert len(find_runs(tmp_path)) == 7


def test_linked_folders_are_searched_once(tmp_path):
    run = write_run(tmp_path / "elsewhere" / "20261121_120000")
    output = tmp_path / "output"
    output.mkdir()
    (output / "one").symlink_to(tmp_path / "elsewhere")
    (output / "two").symlink_to(tmp_path / "elsewhere")
    (output / "back").symlink_to(output)
    (output / "nowhere").symlink_to(tmp_path / "gone")
    assert [found.resolve() for found in find_runs(output)] == [run]


@pytest.mark.parametrize("name", ["missing", "file"])
def test_no_folder_is_an_error(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=f"{name}: no such folder"):
        find_runs(tmp_path / name)
