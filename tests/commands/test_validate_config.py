"""validate_config.sh, from the command line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from python.commands.validate_config import main
from python.general_purpose_libs import run_command

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments):
    return run_command(lambda: main([str(argument) for argument in arguments]))


@pytest.fixture
def write(tmp_path):
    def written(raw):
        path = tmp_path / "config.json"
        path.write_text(raw if isinstance(raw, str) else json.dumps(raw), encoding="utf-8")
        return path

    return written


@pytest.mark.parametrize(
    ("name", "kind"), [("quick_test", "simple_cnn, no search"), ("production_v4", "hyperopt_simple_cnn, a search")]
)
def test_a_valid_file(name, kind, capsys):
    path = ROOT / "json" / "mt_identifier" / f"{name}.json"
    assert run(path) == 0
    assert capsys.readouterr().out == f"{path}: valid (mt_identifier, {kind})\n"


def test_all_mistakes_and_exit_code_2(write, capsys):
    path = write({"task": "mt_identifier", "model_name": "simple_cn", "epochs": 3})
    assert run(path) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[0] == f"error: {path}: 2 mistakes"
    assert 'did you mean "simple_cnn"?' in err
    assert "model_parameters.epochs" in err


def test_the_task_is_given_or_named(write, capsys):
    path = write({"model_name": "simple_cnn"})
    assert run(path) == 2
    assert "names no task" in capsys.readouterr().err
    assert run(path, "-t", "mt_identifier") == 0
    assert run(write({"task": "mt_identifer", "model_name": "simple_cnn"})) == 2
    assert "is none of the tasks mt_identifier" in capsys.readouterr().err


@pytest.mark.parametrize(
    "raw", ["{", "[]", '{"a": 1, "a": 2}', '{"task": ["mt_identifier"]}', '{"task": {}}', "", "null"]
)
def test_what_is_no_configuration(write, raw, capsys):
    assert run(write(raw)) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_a_missing_file(tmp_path, capsys):
    assert run(tmp_path / "absent.json") == 2
    assert "no such file" in capsys.readouterr().err


def test_validation_loads_neither_keras_nor_numpy_which_take_seconds():
    code = (
        "import sys; from python.commands.validate_config import main; "
        "main(['json/mt_identifier/quick_test.json']); "
        "sys.exit(bool({'tensorflow', 'keras', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize("command", ["validate_config", "convert_config"])
def test_help_needs_the_standard_library_only(command):
    answer = subprocess.run(
        [sys.executable, "-S", "-m", f"python.commands.{command}", "-h"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0
    assert f"usage: {command}.sh" in answer.stdout
