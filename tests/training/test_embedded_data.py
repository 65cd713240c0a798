"""Training without any data named: the embedded simulation is made, used and said; named data are never replaced by it."""

import pytest

from python.general_purpose_libs import read_json
from python.simulation import embedded
from python.simulation.settings import SimulationSettings


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "HOME", tmp_path / "simulated")
    monkeypatch.setattr(embedded, "SETTINGS", SimulationSettings(events=60))
    return tmp_path / "simulated"


def test_it_is_made_and_trained_on(workplace, home):
    first = workplace.train(data=None)
    assert first.code == 0, first.err
    assert "no data are named: making the embedded data set of 60 simulated events" in first.err
    folder = embedded.embedded_folder()
    assert folder.parent == home
    files = read_json(f"{first.last}/data.json")
    assert [entry["file"] for entry in files] == [str(folder / "mixed_00000_planeX.npz")]
    assert read_json(f"{first.last}/config.json")["data_directories"] is None
    second = workplace.train("--plane", "U", data=None)
    assert second.code == 0, second.err
    assert "making the embedded data set" not in second.err


def test_a_run_on_it_can_go_on(workplace):
    run = workplace.train("--set", "model_parameters.epochs=1", data=None)
    again = workplace.train(resume=run.last)
    assert again.code == 0
    assert again.last == run.last


def test_a_dry_run_makes_no_data(workplace, home):
    dry = workplace.train("--dry-run", data=None)
    assert dry.code == 0, dry.err
    assert "the training makes the embedded simulated data set first" in dry.out
    assert not home.exists()


@pytest.mark.parametrize("make", [False, True])
def test_a_named_folder_that_is_missing_or_empty_is_an_error(workplace, home, tmp_path, make):
    if make:
        (tmp_path / "nothing").mkdir()
    done = workplace.train(data=tmp_path / "nothing")
    assert done.code == 3
    assert str(tmp_path / "nothing") in done.err
    assert not home.exists()


def test_a_place_that_cannot_be_written_is_exit_5(workplace, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(embedded, "HOME", tmp_path / "file" / "simulated")
    done = workplace.train(data=None)
    assert done.code == 5
    assert "cannot write" in done.err
