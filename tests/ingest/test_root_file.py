"""ROOT files at addresses, trees of other kinds, and values that no trigger primitive has."""

import sys

import awkward
import numpy as np
import pytest
import uproot
from fsspec.implementations.local import LocalFileSystem
from fsspec.registry import _registry

from python.commands.make_images import main
from python.general_purpose_libs import ConfigError, DataError, run_command
from python.ingest.root_file import root_file
from python.ingest.root_reader import read_source
from tests.ingest.root_files import TP_TREE, make_tps, tp_columns, write_root

TPS = make_tps([(3, 1600 + i, 100, 6, 3, 6000, 300) for i in range(3)])


def run(*arguments):
    return run_command(lambda: main([str(argument) for argument in arguments]))


# ---------------------------------------------------------------------------- addresses
class FarDisk(LocalFileSystem):
    """Serves root://host//path from the disk."""

    protocol = "root"

    @classmethod
    def _strip_protocol(cls, path):
        if not path.startswith("root://"):
            return path
        return "/" + path.removeprefix("root://").split("?")[0].partition("//")[2]


@pytest.fixture
def far_disk(monkeypatch):
    monkeypatch.setitem(_registry, "root", FarDisk)


@pytest.mark.usefixtures("far_disk")
def test_files_are_read_where_they_are(tmp_path, capsys):
    path = write_root(tmp_path / "small.root", {TP_TREE: tp_columns(TPS)})
    assert run("-i", path, "-o", tmp_path / "near") == 0
    assert run("-i", f"root://eos.example.org/{path}?class=default", "-o", tmp_path / "far") == 0
    for near in (tmp_path / "near").iterdir():
        assert (tmp_path / "far" / near.name).read_bytes() == near.read_bytes()
    capsys.readouterr()
    assert run("-i", f"root://eos.example.org/{tmp_path}/gone.root", path, "-o", tmp_path / "far") == 3
    error = capsys.readouterr().err
    assert f"root://eos.example.org/{tmp_path}/gone.root: cannot be read from there" in error
    assert "voms-proxy-init" in error


@pytest.mark.parametrize(
    ("address", "remedy"),
    [
        (
            "root://eos.example.org//eos/dune/a.root",
            "pip install fsspec-xrootd xrootd`, or copy the file here with xrdcp",
        ),
        ("https://example.org/a.root", "pip install aiohttp requests`, or fetch the file with curl -O"),
        ("gsiftp://example.org/a.root", "gsiftp:// are not read here .*; copy the file here"),
        ("root://eos.example.org/", "names no file"),
    ],
)
def test_addresses_that_cannot_be_read_here_say_what_is_lacking(tmp_path, address, remedy, monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec_xrootd", None)
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    for name in ("http", "https", "root"):
        monkeypatch.delitem(_registry, name, raising=False)
    monkeypatch.delitem(sys.modules, "fsspec.implementations.http", raising=False)
    with pytest.raises(ConfigError, match=remedy):
        read_source(address)
    path = write_root(tmp_path / "small.root", {TP_TREE: tp_columns(TPS)})
    assert run("-i", path, address, "-o", tmp_path / "out", "--skip-bad-files") == 2
    assert not (tmp_path / "out").exists()


def test_an_address_has_the_name_of_its_file():
    file = root_file("root://eos.example.org//eos/dune/run.1.root?class=default")
    assert (file.name, file.stem) == ("run.1.root", "run.1")
    assert str(file) == "root://eos.example.org//eos/dune/run.1.root?class=default"
    assert str(root_file("file:///data/a.root")) == "/data/a.root"
    assert root_file(file) is file


# ---------------------------------------------------------------------------- other trees
def test_ntuples_are_read_like_trees(tmp_path):
    columns = tp_columns(TPS)
    with uproot.recreate(tmp_path / "new.root") as file:
        folder, _, name = TP_TREE.rpartition("/")
        file.mkdir(folder).mkrntuple(name, {key: column.dtype for key, column in columns.items()})
        file[TP_TREE].extend(columns)
    assert run("-i", tmp_path / "new.root", "-o", tmp_path / "new") == 0
    write_root(tmp_path / "new.root", {TP_TREE: columns})
    assert run("-i", tmp_path / "new.root", "-o", tmp_path / "old") == 0
    for path in (tmp_path / "new").iterdir():
        new, old = (dict(np.load(tmp_path / folder / path.name)) for folder in ("new", "old"))
        assert new.pop("source_ids") != old.pop("source_ids")  # two files
        np.testing.assert_equal(new, old)


@pytest.mark.parametrize("kind", ["vector", "array"])
def test_several_values_an_entry_are_another_layout(tmp_path, kind):
    columns = tp_columns(TPS)
    several = np.stack([columns["channel"]] * 2, axis=1)
    with uproot.recreate(tmp_path / "a.root") as file:
        types_of = {key: column.dtype for key, column in columns.items()}
        types_of["channel"] = "var * uint32" if kind == "vector" else np.dtype((np.uint32, (2,)))
        file.mktree(TP_TREE, types_of)
        file[TP_TREE].extend({**columns, "channel": awkward.Array(several.tolist()) if kind == "vector" else several})
    with pytest.raises(
        DataError, match=r"a\.root: tree .* in the branch\(es\) \['channel'\]: this is another layout; write"
    ):
        read_source(tmp_path / "a.root")


# ---------------------------------------------------------------------------- values
@pytest.mark.parametrize(
    ("branch", "values", "message"),
    [
        ("channel", np.array([1600, -1, 1602], np.int32), "channel -1 is negative"),
        ("channel", np.array([1600, 30720, 1602]), "channel 30720 is beyond the 30720 of dune10kt_1x2x6"),
        (
            "samples_over_threshold",
            np.array([3, 2**32, 3]),
            r"samples_over_threshold\[1\] is 4294967296, a whole number from 0",
        ),
        ("time_start", np.array([-32, 0, 0]), r"time_start\[0\] is -32"),
        ("adc_integral", np.array([1, np.nan, 1]), r"adc_integral\[1\] is nan, a finite number"),
        ("channel", np.array([1600, 1601.5, 1602]), r"channel\[1\] is 1601.5, a whole number"),
        ("time_start", np.array([32, 64, 96.25]), r"time_start\[2\] is 96.25, a whole number"),
        ("samples_over_threshold", np.array([True, False, True]), "samples_over_threshold holds truth values"),
    ],
)
def test_values_that_no_primitive_has_are_named(tmp_path, branch, values, message):
    path = write_root(tmp_path / "a.root", {TP_TREE: tp_columns(TPS, **{branch: values})})
    with pytest.raises(DataError, match=rf"a\.root: .*{message}") as caught:
        read_source(path)
    assert "beyond" not in str(caught.value) or "negative" not in str(caught.value)


# ---------------------------------------------------------------------------- long lists
@pytest.fixture
def some(tmp_path):
    """Two sound files and two bad ones, in turn."""
    files = []
    for name in ("a", "c"):
        files += [write_root(tmp_path / f"{name}.root", {TP_TREE: tp_columns(TPS)}), tmp_path / f"{name}_bad.root"]
    files[1].touch()
    files[3].write_text("no ROOT file")
    return files


def test_whatever_is_wrong_with_a_file_the_others_are_converted(tmp_path, capsys):
    """Each has one line and exit code 3, and is left out where that is asked for."""
    nothing = TPS.take(np.zeros(0, int))
    columns = {
        "good": tp_columns(TPS),
        "backwards": {name: column[::-1] for name, column in tp_columns(TPS).items()},
        "no_entries": tp_columns(nothing),
        "beyond": tp_columns(TPS, channel=TPS.channel + 32000),
        "fractions": tp_columns(TPS, time_start=np.arange(len(TPS)) + 0.5),
        "truth_values": tp_columns(TPS, adc_peak=np.ones(len(TPS), bool)),
        "event_as_float": tp_columns(TPS, Event=TPS.event.astype(float)),
    }
    files = [write_root(tmp_path / f"{name}.root", {TP_TREE: each}) for name, each in columns.items()]
    (tmp_path / "cut.root").write_bytes(files[0].read_bytes()[:1000])
    with uproot.recreate(tmp_path / "no_trees.root") as file:
        file["note"] = "nothing here"
    files += [tmp_path / "cut.root", tmp_path / "no_trees.root"]
    assert run("-i", *files, "-o", tmp_path / "out") == 3
    error = capsys.readouterr().err
    lines = error[error.index("error: 7 of 9 input files") :].splitlines()
    for name in [path.name for path in files[2:]]:
        assert sum(f"/{name}: " in line for line in lines) == 1, name
    assert run("-i", *files, "-o", tmp_path / "out", "--skip-bad-files") == 0
    assert "7 of 9 input files skipped" in capsys.readouterr().err
    good, backwards = ((tmp_path / "out" / f"{name}_planeX.npz") for name in ("good", "backwards"))
    np.testing.assert_array_equal(np.load(good)["data"], np.load(backwards)["data"])


def test_every_file_is_tried_and_all_bad_ones_are_named(some, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a_bad_planeX.npz").write_text("from before")
    assert run("-i", *some, "-o", tmp_path / "out") == 3
    said = capsys.readouterr()
    assert [line.split()[0] for line in said.out.splitlines()] == ["source", "a.root", "c.root", "total"]
    lines = said.err[said.err.index("error: ") :].splitlines()
    assert lines[0] == "error: 2 of 4 input files cannot be used:"
    assert "a_bad.root: is empty" in lines[1]
    assert f"(its older a_bad_planeX.npz stay in {tmp_path / 'out'})" in lines[1]
    assert "c_bad.root: is not a ROOT file" in lines[2]
    assert "--skip-bad-files" in lines[3]
    assert {path.name for path in (tmp_path / "out").glob("*_planeX.npz")} >= {"a_planeX.npz", "c_planeX.npz"}


def test_bad_files_are_skipped_and_counted(some, tmp_path, capsys):
    gone = tmp_path / "gone.root"
    assert run("-i", *some, gone, "-o", tmp_path / "out", "--skip-bad-files") == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[-1] == str(tmp_path / "out")
    for name in ("a_bad.root", "c_bad.root", "gone.root"):
        assert any(line.startswith("skipped: ") and name in line for line in said.err.splitlines())
    assert "3 of 5 input files skipped" in said.err


def test_nothing_but_bad_files_is_an_error(some, tmp_path, capsys):
    assert run("-i", some[1], some[3], "-o", tmp_path / "out", "--skip-bad-files") == 3
    error = capsys.readouterr().err
    assert "none of the 2 input files" in error
    assert "a_bad.root" in error
    assert "c_bad.root" in error


def test_all_missing_files_are_named_before_any_is_converted(some, tmp_path, capsys):
    assert run("-i", some[0], tmp_path / "one.root", tmp_path / "two.root", "-o", tmp_path / "out") == 3
    error = capsys.readouterr().err
    assert "one.root" in error
    assert "two.root" in error
    assert not (tmp_path / "out").exists()
