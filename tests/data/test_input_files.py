"""Links, loops, locked folders: everything that is there is read once, or named."""

import logging
import os

import pytest

from python.data.data_origin import DataFolders
from python.data.image_set import find_image_files, load_images
from python.data.input_files import find_files
from python.data.point_clouds import find_point_files
from python.general_purpose_libs import DataError
from tests.synthetic import write_folder, write_old_file


@pytest.fixture
def lock(monkeypatch):
    """A function that makes a folder unreadable, for the superuser too."""
    locked, scandir = set(), os.scandir

    def refusing(path="."):
        if os.fspath(path) in locked:
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    return lambda folder: locked.add(os.fspath(folder))


def names(found):
    return [path.name for path in found.paths]


def test_links_to_folders_and_files_are_followed(tmp_path):
    write_folder(tmp_path / "far" / "away", files=2)
    data = tmp_path / "data"
    data.mkdir()
    (data / "folder").symlink_to(tmp_path / "far")
    assert len(load_images(DataFolders([data]), "X")) == 80
    (data / "folder").unlink()
    (data / "run1_planeX.npz").symlink_to("../far/away/file0_planeX.npz")
    assert len(load_images(DataFolders([data]), "X")) == 40


def test_a_file_is_read_once_whatever_leads_to_it(tmp_path, caplog):
    data = write_folder(tmp_path / "data" / "z" / "own", files=2).parents[1]
    (data / "a").symlink_to("z/own")
    (data / "b_planeX.npz").symlink_to("z/own/file0_planeX.npz")
    os.link(data / "z" / "own" / "file1_planeX.npz", data / "z" / "own" / "same_planeX.npz")
    with caplog.at_level(logging.INFO, "pointing"):
        found = load_images(DataFolders([data, tmp_path / "data" / "z", data / "a"]), "X")
    assert len(found) == 80
    assert [file["file"] for file in found.files] == [str(data / f"z/own/file{n}_planeX.npz") for n in range(2)]
    (said,) = [line for line in caplog.messages if "lead" in line]
    assert said.endswith(f"such as {data / 'z/own/same_planeX.npz'} to {data / 'z/own/file1_planeX.npz'}")


def test_a_link_does_not_rename_the_source_of_an_old_file(tmp_path):
    write_old_file(tmp_path / "data" / "es" / "one_planeX.npz")
    before = load_images(DataFolders([tmp_path / "data"]), "X").sources
    (tmp_path / "data" / "a").symlink_to("es")
    (tmp_path / "data" / "a_planeX.npz").symlink_to("es/one_planeX.npz")
    assert load_images(DataFolders([tmp_path / "data"]), "X").sources == before
    assert [source.name for source in before] == ["data/es/one"]


def test_loops_end(tmp_path):
    data = write_folder(tmp_path / "data" / "deep" / "own").parents[1]
    (tmp_path / "aside_planeX.npz").touch()
    (data / "deep" / "up").symlink_to("..")
    (data / "deep" / "above").symlink_to(tmp_path)  # beyond the folder that was named
    found = find_image_files([data], "X")
    assert names(found) == ["file0_planeX.npz"]
    assert found.again == {data / "deep" / "up": data, data / "deep" / "above": tmp_path}


def test_dangling_links_are_named_and_can_be_skipped(tmp_path):
    data = write_folder(tmp_path / "data")
    for name in ("gone_planeX.npz", "gone_planeU.npz", "gone_points.npz", "notes.txt", "run_1.5", "folder"):
        (data / name).symlink_to("/nowhere/at/all")
    (data / "self").symlink_to("self")
    with pytest.raises(DataError) as caught:
        load_images(DataFolders([data]), "X")
    first, *lines, _ = str(caught.value).splitlines()
    assert first == "4 of 5 image files cannot be used:"
    assert [line.split(": ")[0].rpartition("/")[2] for line in lines] == [
        "folder",
        "gone_planeX.npz",
        "run_1.5",
        "self",
    ]
    assert "gone_planeX.npz: is a link to /nowhere/at/all, which cannot be reached (No such file" in lines[1]
    assert "Too many levels" in lines[3]
    found = load_images(DataFolders([data], skip_bad_files=True), "X")
    assert len(found) == 40
    assert found.cuts[1]["step"] == "4 bad files skipped"
    assert [line.split(": ")[0] for line in find_point_files([data]).problems if "points" in line] == [
        str(data / "gone_points.npz")
    ]


def test_locked_folders_are_named_and_can_be_skipped(tmp_path, lock):
    data = write_folder(tmp_path / "data")
    for name in ("one", "two"):
        write_folder(data / name)
        lock(data / name)
    with pytest.raises(DataError, match=r"one: cannot be searched \(Permission denied\)\n.*two: cannot be searched"):
        load_images(DataFolders([data]), "X")
    assert len(load_images(DataFolders([data], skip_bad_files=True), "X")) == 40
    (data / "file0_planeX.npz").unlink()
    with pytest.raises(DataError, match=r"no image file of plane X(.|\n)*one: cannot be searched(.|\n)*two: cannot be"):
        load_images(DataFolders([data], skip_bad_files=True), "X")


def test_what_is_no_file_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe_planeX.npz")  # whoever opens it waits for ever
    with pytest.raises(DataError, match=r"pipe_planeX\.npz: is neither a file nor a folder"):
        load_images(DataFolders([tmp_path]), "X")


def test_all_folders_that_are_missing_or_hold_nothing_are_named(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "self").symlink_to("self")
    with pytest.raises(
        DataError, match=r"a: no such(.|\n)*b: no such(.|\n)*file: is a file(.|\n)*self: cannot be reached"
    ):
        find_files([tmp_path / name for name in ("a", "b", "file", "self")], lambda _: True)
    for name in ("empty", "bare"):
        (tmp_path / name).mkdir()
    with pytest.raises(DataError, match=r"empty: no image file(.|\n)*bare: no image file"):
        find_image_files([tmp_path / "empty", tmp_path / "bare"], "X")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*_plane{plane}.npz", ["a_planeX.npz", "b_planeX.npz"]),
        ("X/*_plane{plane}.npz", ["b_planeX.npz"]),
        ("**/a_*.npz", ["a_planeX.npz"]),
    ],
)
def test_patterns_may_name_folders(tmp_path, pattern, expected):
    for name in ("data/a_planeX.npz", "data/X/b_planeX.npz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert sorted(names(find_image_files([tmp_path / "data"], "X", pattern))) == expected
