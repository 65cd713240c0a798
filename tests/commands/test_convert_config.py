"""convert_config.sh, from the command line."""

import json

import pytest

from python.commands import validate_config
from python.commands.convert_config import main
from python.general_purpose_libs import run_command

OLD = {
    "model": {"name": "simple_cnn"},
    "dataset": {"plane": "U", "data_directories": ["/data/x"]},
    "training": {"epochs": 4, "learning_rate": 0.001},
    "output": {"base_dir": "/somewhere", "version": "v26"},
}


def run(*arguments):
    return run_command(lambda: main([str(argument) for argument in arguments]))


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "old.json"
    path.write_text(json.dumps(OLD), encoding="utf-8")
    return path


def test_a_converted_file_validates_and_the_report_says_what_became_of_each_key(old, tmp_path, capsys):
    new = tmp_path / "folder" / "new.json"
    assert run(old, "-t", "mt_identifier", "-o", new) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "mapped: training.epochs -> model_parameters.epochs" in lines
    assert any(line.startswith("note: ") for line in lines)
    assert any(line.startswith("not carried over: output.base_dir ") for line in lines)
    assert lines[-1] == f"{new}: written (valid)"
    assert run_command(lambda: validate_config.main([str(new)])) == 0
    config = json.loads(new.read_text(encoding="utf-8"))
    assert config["task"] == "mt_identifier"
    assert config["data_directories"] == ["/data/x"]


def test_an_existing_file_is_not_overwritten(old, tmp_path, capsys):
    new = tmp_path / "new.json"
    new.write_text("mine", encoding="utf-8")
    assert run(old, "-t", "mt_identifier", "-o", new) == 2
    assert "exists already" in capsys.readouterr().err
    assert new.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("change", "named"),
    [({"training": {"momentum": 0.9}}, "training.momentum"), ({"training": {"epochs": 0}}, "model_parameters.epochs")],
)
def test_nothing_is_written_where_the_conversion_fails(old, tmp_path, capsys, change, named):
    old.write_text(json.dumps(OLD | change), encoding="utf-8")
    new = tmp_path / "new.json"
    assert run(old, "-t", "mt_identifier", "-o", new) == 2
    assert named in capsys.readouterr().err
    assert not new.exists()


def test_a_folder_that_cannot_be_written(old, tmp_path, capsys):
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert run(old, "-t", "mt_identifier", "-o", tmp_path / "file" / "new.json") == 5
    assert "cannot write" in capsys.readouterr().err


def test_the_task_and_the_output_must_be_named(old):
    for arguments in ([old], [old, "-t", "mt_identifier"], [old, "-t", "pointing", "-o", "x"]):
        with pytest.raises(SystemExit) as caught:
            run(*arguments)
        assert caught.value.code == 2
