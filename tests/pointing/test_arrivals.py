"""Files that appear while one waits."""

from python.pointing.arrivals import SECONDS_BETWEEN_LOOKS, arrivals


def names(batches):
    return [list(batch) for batch in batches]


def test_files_are_taken_when_they_have_stopped_growing(tmp_path):
    """Each look is a step of the script: what happens between two looks."""
    growing = tmp_path / "b.root"
    steps = [
        lambda: (tmp_path / "a.root").write_bytes(b"whole"),
        lambda: growing.write_bytes(b"par"),
        lambda: growing.write_bytes(b"part"),
        lambda: (tmp_path / "c.txt").write_bytes(b"something else"),
    ]

    def sleep(_seconds):
        if steps:
            steps.pop(0)()

    assert names(arrivals([tmp_path], "*.root", (), 5 * SECONDS_BETWEEN_LOOKS, sleep)) == [["a.root"], ["b.root"]]


def test_what_is_done_is_not_taken_again_and_empty_files_wait(tmp_path):
    for name in ("a.root", "b.root", "c.root"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "empty.root").touch()
    assert names(arrivals([tmp_path], "*.root", ["b.root"], 3.0, lambda _: None)) == [["a.root", "c.root"]]


def test_files_of_one_name_in_two_folders_are_two(tmp_path):
    for folder in ("one", "two", "two/deeper"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.root").write_bytes(b"x")
    folders = [tmp_path / "one", tmp_path / "two"]
    (found,) = arrivals(folders, "*.root", ["one+a.root"], 3.0, lambda _: None)
    assert found == {
        "two+a.root": tmp_path / "two" / "a.root",
        "two+deeper+a.root": tmp_path / "two" / "deeper" / "a.root",
    }


def test_the_wait_ends(tmp_path):
    assert list(arrivals([tmp_path], "*.root", (), 0.0, lambda _: None)) == []
