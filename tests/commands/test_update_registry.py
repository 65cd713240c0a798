"""update_registry.sh from its command line, on run folders as trainings leave them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from python.commands.update_registry import main
from python.general_purpose_libs import run_command, write_json
from python.runs.registry.registry import Registry

ROOT = Path(__file__).resolve().parents[2]


def write_run(folder, version, state="done", accuracy=0.9):
    write_json(folder / "config.json", {"task": "mt_identifier", "model_name": "simple_cnn", "version": version})
    write_json(folder / "status.json", {"state": state, "started": "2026-11-21T10:00:00+00:00"})
    write_json(folder / "training_history.json", {"loss": [2.0, 1.0]})
    write_json(folder / "metrics.json", {"accuracy": accuracy})
    return folder


@pytest.fixture
def output(tmp_path):
    write_run(tmp_path / "mt_identifier" / "simple_cnn" / "20261121_100000", "v1")
    return tmp_path


@pytest.fixture
def update(capsys):
    def update(*arguments):
        code = run_command(lambda: main([str(argument) for argument in arguments]))
        said = capsys.readouterr()
        return code, said.out.splitlines(), said.err

    return update


def test_runs_are_taken_in_listed_and_written(output, update):
    code, lines, error = update("-o", output, "--import")
    assert code == 0
    assert error == "taken in: 1 runs\n"
    assert lines[0].split()[:3] == ["task", "version", "state"]
    assert lines[1].split() == [
        *("mt_identifier", "v1", "done", "2", "accuracy", "90.0", "%", "2026-11-21", "10:00"),
        "mt_identifier/simple_cnn/20261121_100000",
    ]
    assert lines[2:] == ["1 runs", str(output / "TRAINING_REGISTRY.md")]
    assert "(v1)" in (output / "TRAINING_REGISTRY.md").read_text()
    assert json.loads((output / "registry.jsonl").read_text())["version"] == "v1"


def test_pages_are_brought_up_to_date(output, update):
    registry = Registry(output)
    registry.import_runs()
    (output / "TRAINING_REGISTRY.md").unlink()
    (output / "registry.jsonl").write_text("")
    write_run(output / "unknown" / "20261121_110000", "v2")
    code, lines, error = update("-o", output)
    assert (code, error) == (0, "")
    assert len(lines) == 4
    assert "(v1)" in (output / "TRAINING_REGISTRY.md").read_text()
    assert len((output / "registry.jsonl").read_text().splitlines()) == 1


def test_rows_stay_rows_whatever_the_registry_holds(output, update):
    folder = "mt_identifier/simple_cnn/20261121_100000"
    facts = {"version": "v\n1\x1b[2J" + "x" * 100, "epochs": {"a": 1}, "results": {"accuracy": "high"}, "started": 3}
    Registry(output).record("a.1", task="mt_identifier", folder=folder, **facts)
    _, lines, _ = update("-o", output)
    assert lines[1].split()[:4] == ["mt_identifier", "v", "1�[2J" + "x" * 30 + "...", "done"]
    assert len(lines) == 4


def test_files_that_are_no_entries_are_named_in_a_line(output, update):
    registry = Registry(output)
    registry.import_runs()
    (registry.folder / "mine.json").write_text("{")
    code, lines, error = update("-o", output)
    assert code == 0
    assert "1 runs" in lines
    assert len(error.splitlines()) == 1
    assert "mine.json" in error


def test_a_folder_without_runs(tmp_path, update):
    code, lines, _ = update("-o", tmp_path, "--import")
    assert code == 0
    assert lines[1:] == ["0 runs", str(tmp_path / "TRAINING_REGISTRY.md")]


def test_without_a_registry_the_remedy_is_said(output, update):
    code, lines, error = update("-o", output)
    assert (code, lines) == (2, [])
    assert "--import" in error
    assert not (output / "registry.jsonl").exists()


def test_a_missing_folder_is_an_error(tmp_path, update):
    code, lines, error = update("-o", tmp_path / "nowhere", "--import")
    assert (code, lines) == (2, [])
    assert error == f"error: {tmp_path / 'nowhere'}: no such folder; give the output folder of the trainings with -o\n"


def test_pages_that_cannot_be_written_end_with_5_and_the_list_is_shown(output, update):
    Registry(output).import_runs()
    (output / "registry.jsonl").unlink()
    (output / "registry.jsonl").mkdir()
    code, lines, error = update("-o", output)
    assert code == 5
    assert lines[-1] == "1 runs"
    assert len(error.splitlines()) == 1
    assert str(output / "registry.jsonl") in error


@pytest.mark.parametrize("arguments", [["more"], ["-o"], ["--imp"]])
def test_wrong_usage(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: update_registry.sh" in capsys.readouterr().err


def test_the_launcher_needs_nothing_installed(output):
    bare = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); "]
    call = "from python.commands.update_registry import main; main(['-o', sys.argv[1], '--import'])"
    done = subprocess.run([*bare[:-1], bare[-1] + call, str(output)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == str(output / "TRAINING_REGISTRY.md")


def test_the_launcher_lists_what_lies_in_output(output):
    launcher = ROOT / "scripts" / "update_registry.sh"
    work = output.parent / f"{output.name}_work"
    work.mkdir()
    (work / "output").symlink_to(output)
    environment = {
        **os.environ,
        "ML_POINTING_ENV": "system",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        [str(launcher), "--import"], cwd=work, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "output/TRAINING_REGISTRY.md"
