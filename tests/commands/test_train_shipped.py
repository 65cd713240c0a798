"""train_shipped.sh: from a recipe to a network in a folder, in steps that go on where they stopped."""

import importlib
from contextlib import redirect_stdout
from io import StringIO

import pytest

from python.commands import train_shipped
from python.commands.tasks import load_task
from python.general_purpose_libs import read_json, run_command
from python.runs.shipped import check_whole, read_card
from python.training.shipping import NEAR, example_difference
from python.training.trained import Trained

TASK = "mt_identifier"


@pytest.fixture
def steps(monkeypatch):
    """The commands that were run, in this process."""
    ran = []

    def run(module, words):
        ran.append([module.rpartition(".")[2], *words])
        said = StringIO()
        with redirect_stdout(said):
            code = importlib.import_module(module).main(words)
        if code:
            raise SystemExit(code)
        return said.getvalue().splitlines()[-1]

    monkeypatch.setattr(train_shipped, "_run", run)
    return ran


def make(*words):
    return run_command(lambda: train_shipped.main([str(word) for word in words]))


@pytest.mark.usefixtures("no_drawing")
def test_a_try_goes_through_all_steps_and_touches_nothing_of_the_project(steps, tmp_path, capsys):
    assert make(TASK, "--try", "-o", tmp_path / "work") == 0
    folder = tmp_path / "work" / "tries" / TASK / "points"
    assert capsys.readouterr().out.splitlines()[-1] == str(folder)
    assert [step[0] for step in steps] == ["simulate"] * 4 + ["train"]
    check_whole(folder)
    card = read_card(folder)
    assert card["made_by"].endswith("--try")
    assert set(card["figures"]) == {"accuracy", "f1", "auc"}
    trained = Trained.load(load_task(TASK), folder)
    assert example_difference(trained) < NEAR
    assert read_json(folder / "config.json")["data_directories"] is None
    again = len(steps)
    assert make(TASK, "--try", "-o", tmp_path / "work") == 0  # the run that is there is shipped again
    assert "train" not in [step[0] for step in steps[again:]]


def test_what_a_step_says_is_the_end(monkeypatch, tmp_path):
    def fails(*_):
        raise SystemExit(5)

    monkeypatch.setattr(train_shipped, "_run", fails)
    with pytest.raises(SystemExit) as ended:
        make(TASK, "--try", "-o", tmp_path)
    assert ended.value.code == 5


def test_a_training_goes_on_from_the_one_before(monkeypatch, tmp_path):
    """As many events are asked for once as sets have names, and what is done is not done again."""
    asked = []

    def ends_in_the_second_training(module, words):
        asked.append([module.rpartition(".")[2], *words])
        if "--continue-from" in words:
            raise SystemExit(4)
        return str(tmp_path / "first")

    monkeypatch.setattr(train_shipped, "_run", ends_in_the_second_training)
    with pytest.raises(SystemExit):
        make("electron_direction", "-o", tmp_path)
    first, second = (words for words in asked if words[0] == "train")
    assert second[second.index("--continue-from") + 1] == str(tmp_path / "first")
    assert "--continue-from" not in first
    assert {words[words.index("-o") + 1] for words in (first, second)} == {
        str(tmp_path / "electron_direction" / "runs" / number) for number in "12"
    }


def test_other_tasks_are_refused(capsys):
    with pytest.raises(SystemExit) as refused:
        make("electron")
    assert refused.value.code == 2
    assert "electron_direction" in capsys.readouterr().err
