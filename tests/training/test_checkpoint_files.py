"""Checkpoints as files: what was written is read again, and what is not as it was written is noticed."""

import logging
import os

import numpy as np
import pytest

from python.training.checkpoint_files import CheckpointFiles, Moment

OLDER, NEWEST = Moment(1), Moment(1, 3)
ARRAYS = {place: {"network_0": np.arange(100.0) + place.step, "optimizer_0": np.ones(3)} for place in (OLDER, NEWEST)}
MEMORY = {"epoch": 1, "callbacks": {"EarlyStopping": {"wait": 0, "best": 0.5}}}


@pytest.fixture
def folder(tmp_path):
    """A folder with two checkpoints."""
    files = CheckpointFiles(tmp_path / "checkpoints")
    files.folder.mkdir()
    for place, arrays in ARRAYS.items():
        files.save(place, arrays, MEMORY, best=place)
    files.wait()
    return files.folder


@pytest.fixture
def warnings(caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("pointing"), "propagate", True)
    return lambda: [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def test_the_newest_checkpoint_is_read_as_it_was_written(folder, warnings):
    files = CheckpointFiles(folder)
    place, manifest = files.newest()
    assert place == NEWEST
    assert manifest["callbacks"] == MEMORY["callbacks"]
    found = files.load(place)
    assert set(found) == set(ARRAYS[place])
    assert all(np.array_equal(found[name], ARRAYS[place][name]) for name in found)
    assert not warnings()


@pytest.mark.parametrize("damage", ["cut short", "a bit turned", "gone", "manifest cut short", "manifest changed"])
def test_a_damaged_checkpoint_is_noticed_and_the_one_before_is_used(folder, damage, warnings):
    arrays, manifest = (folder / f"{NEWEST.name}.{suffix}" for suffix in ("npz", "json"))
    if damage == "cut short":
        os.truncate(arrays, arrays.stat().st_size - 100)
    elif damage == "a bit turned":
        content = bytearray(arrays.read_bytes())
        content[len(content) // 2] ^= 1
        arrays.write_bytes(content)
    elif damage == "gone":
        arrays.unlink()
    elif damage == "manifest cut short":
        os.truncate(manifest, 100)
    else:
        manifest.write_text(manifest.read_text().replace('"wait": ', '"wait": 1'))
    files = CheckpointFiles(folder)
    place, _ = files.newest()
    assert place == OLDER
    assert np.array_equal(files.load(place)["network_0"], ARRAYS[OLDER]["network_0"])
    (warning,) = warnings()
    assert f"the checkpoint of {NEWEST} is damaged" in warning
    assert CheckpointFiles(folder).newest()[0] == OLDER  # it is noticed once
    assert len(warnings()) == 1


def test_without_any_whole_checkpoint_there_is_none(folder, warnings):
    for path in folder.glob("*.npz"):
        path.write_bytes(b"")
    assert CheckpointFiles(folder).newest() is None
    assert len(warnings()) == 2
