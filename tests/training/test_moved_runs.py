"""A run goes on wherever it, its data and the caller are, and with no other data or settings than its own."""

import json
import shutil
from pathlib import Path

import pytest

from python.general_purpose_libs import StopRequested, read_json
from python.runs.registry.registry import Registry
from python.runs.status import read_status
from tests.training.conftest import same_weights

EPOCHS = ("--set", "model_parameters.epochs=2")


@pytest.fixture
def stopped(workplace, monkeypatch):
    """The folder of a run that was stopped after its first epoch, all its paths relative to a folder that is left then."""
    from python.training import callbacks

    def stop_after_an_epoch():
        if any(Path("output").glob("**/checkpoints/0001.json")):
            raise StopRequested("asked to stop")

    monkeypatch.chdir(workplace.path)
    shutil.copytree(workplace.data, "data")
    with monkeypatch.context() as patched:
        patched.setattr(callbacks, "raise_if_stop_requested", stop_after_an_epoch)
        assert workplace.train("-o", "output", "-d", "data", *EPOCHS).code == StopRequested.exit_code
    (status,) = Path("output").glob("**/status.json")
    (workplace.path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    return Path("..") / status.parent


def renamed(workplace, *names):
    """Move the data to another folder and give its files, in the order of their names, these names."""
    (workplace.path / "moved").mkdir(exist_ok=True)
    old = sorted([*workplace.path.glob("data/*.npz"), *workplace.path.glob("moved/*.npz")])
    temporary = [path.rename(workplace.path / "moved" / f"{number}.tmp") for number, path in enumerate(old)]
    for path, name in zip(temporary, names, strict=True):
        path.rename(path.with_name(name))


def test_a_run_goes_on_with_moved_data_from_another_folder(workplace, stopped):
    lost = workplace.train(resume=stopped)
    assert lost.code == 3
    assert "data: no such data folder" in lost.err
    assert "name their folders with -d" in lost.err
    renamed(workplace, "b_planeX.npz", "a_planeX.npz")
    turned = workplace.train("-d", "../moved", resume=stopped)
    assert turned.code == 3
    assert "another order" in turned.err
    renamed(workplace, "c_planeX.npz", "b_planeX.npz")
    result = workplace.train("-d", "../moved", resume=stopped)
    assert result.code == 0, result.err
    assert not list(Path().iterdir())
    (entry,) = Registry("../output").entries()
    assert entry["state"] == json.loads((Path("../output") / "registry.jsonl").read_text())["state"] == "done"
    assert read_json(stopped / "config.json")["data_directories"] == ["../moved"]
    assert read_json(stopped / "config.json")["output_folder"] == "output"
    (resumed,) = read_json(stopped / "args.json")["resumes"]
    assert (resumed["data"], resumed["folder"]) == (["../moved"], str(Path.cwd()))
    straight = Path(workplace.train("-d", "../moved", *EPOCHS).last)
    assert same_weights(straight, stopped)


def test_places_in_the_run_may_be_edited(workplace, stopped):
    config = read_json(stopped / "config.json")
    edited = {**config, "data_directories": ["../data"], "output_folder": "gone", "notes": {"moved": True}}
    (stopped / "config.json").write_text(json.dumps(edited))
    result = workplace.train(resume=stopped)
    assert result.code == 0, result.err
    assert read_status(stopped)["state"] == "done"
    assert read_json(stopped / "config.json")["notes"] == {"moved": True}


def test_another_output_folder_is_refused_unless_the_run_lies_there(workplace, stopped):
    refused = workplace.train("-o", "output", "-d", "../data", resume=stopped)
    assert refused.code == 2
    assert "output_folder" in refused.err
    assert workplace.train("-o", "../output", "-d", "../data", "--stop-after", "0.001", resume=stopped).code == 85


def test_what_is_not_known_is_no_other_release():
    from python.training.provenance import other_surroundings, surroundings

    now = surroundings()
    assert other_surroundings({**now, "git_commit": None}) == []
    assert other_surroundings({name: value for name, value in now.items() if name != "processor"}) == []
    assert [
        line.split(":")[0] for line in other_surroundings({**now, "packages": {**now["packages"], "keras": "2"}})
    ] == ["packages.keras"]


def test_a_commit_that_is_not_known_here_is_no_other_release(monkeypatch):
    from python.training import provenance

    before = {**provenance.surroundings(), "git_commit": "abc"}
    monkeypatch.setattr(provenance, "software", lambda: {**before, "git_commit": None})
    assert provenance.other_surroundings(before) == []
