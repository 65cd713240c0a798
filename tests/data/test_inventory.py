"""Data files are what they hold, wherever they lie; and samples follow the order of their files."""

import shutil

import pytest

from python.data.inventory import changed_files, file_facts
from tests.synthetic import write_folder


def facts(*paths):
    return [{**file_facts(path), "images": 20} for path in paths]


@pytest.fixture
def files(tmp_path):
    """Two files of images, in the order in which a run reads them."""
    return sorted(write_folder(tmp_path / "here", n=20, files=2).glob("*.npz"))


def reasons(before, now):
    return [line.rpartition(": ")[2] for line in changed_files(before, now)]


def test_data_that_were_moved_are_the_same(files, tmp_path):
    before = facts(*files)
    shutil.move(tmp_path / "here", tmp_path / "there")
    assert changed_files(before, facts(*sorted((tmp_path / "there").iterdir()))) == []


def test_data_that_were_renamed_and_spread_over_folders_are_the_same(files, tmp_path):
    before = facts(*files)
    one, two = tmp_path / "es" / "1.npz", tmp_path / "cc" / "2.npz"
    for old, new in zip(files, (one, two), strict=True):
        new.parent.mkdir()
        old.rename(new)
    assert changed_files(before, facts(one, two)) == []


def test_files_in_another_order_give_samples_in_another_order(files):
    (line,) = changed_files(facts(*files), facts(*reversed(files)))
    assert f"{files[1]}: is read where {files[0]} was" in line
    assert "old order" in line


def test_the_order_of_files_that_samples_do_not_follow_is_free(files):
    before = [file_facts(path) for path in files]  # as of points, which are looked up
    assert changed_files(before, before[::-1]) == []


def test_what_is_missing_new_or_other_is_named(files):
    before = facts(*files)
    assert reasons(before, before[:1]) == ["is not there"]
    assert reasons(before[1:], before) == ["is new"]
    shutil.copy(*files)
    assert reasons(before, facts(*files)) == ["has other content"]


def test_a_file_that_was_read_twice_must_be_there_twice(files):
    one = facts(files[0])
    assert reasons([*one, *one], one) == ["is not there"]
    assert reasons(one, [*one, *one]) == ["is new"]


def test_a_file_that_is_of_another_channel_by_its_folder_is_not_the_same(files):
    as_es, as_cc = ([{**file, "channel": name} for file in facts(*files)] for name in ("es", "cc"))
    assert len(changed_files(as_es, as_cc)) == 2
