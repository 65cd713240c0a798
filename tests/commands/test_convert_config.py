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


def test_the_task_may_be_told_by_the_file_or_its_folder(tmp_path, capsys):
    for name, told in {"mt_identifier/plain.json": {}, "labelled.json": {"task_label": "mt_identifier_test"}}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(OLD | told), encoding="utf-8")
        assert run(path, "-o", tmp_path / "new" / name) == 0
    (tmp_path / "plain.json").write_text(json.dumps(OLD), encoding="utf-8")
    assert run(tmp_path / "plain.json", "-o", tmp_path / "x.json") == 2
    assert "name it with -t" in capsys.readouterr().err


def test_invalid_json_is_named_with_its_place_and_what_is_expected(tmp_path, capsys):
    path = tmp_path / "old.json"
    path.write_text('{"model_name": "simple_cnn"\n "epochs": 3}', encoding="utf-8")
    assert run(path, "-t", "mt_identifier", "-o", tmp_path / "new.json") == 2
    error = capsys.readouterr().err
    assert "line 2, column 2" in error
    assert 'a comma or the end of the section is expected, where the file has "epochs": 3}' in error


def test_a_folder_is_converted_as_a_whole_with_a_table(tmp_path, capsys):
    folder, new = tmp_path / "old", tmp_path / "new"
    (folder / "more").mkdir(parents=True)
    files = {"a": OLD, "more/b": OLD, "v26": OLD, "bad": OLD | {"training": {"momentum": 0.9}}}
    for name, raw in files.items():
        (folder / f"{name}.json").write_text(json.dumps(raw), encoding="utf-8")
    assert run(folder, "-t", "mt_identifier", "-o", new) == 2
    lines = capsys.readouterr().out.splitlines()
    table = {line.split()[0]: line for line in lines[-5:-1]}
    assert "with notes" in table["a.json"]
    assert "refused" in table["bad.json"]
    assert "training.momentum" in table["bad.json"]
    assert lines[-1] == f"{new}: 3 of 4 written (valid), 1 refused"
    written = {path.stem: json.loads(path.read_text(encoding="utf-8"))["version"] for path in new.rglob("*.json")}
    assert written == {"a": "v26_a", "b": "v26_b", "v26": "v26"}
    assert "more/b.json: note: version v26 stands in several files: this one is v26_b" in lines
    (folder / "bad.json").unlink()
    assert run(folder, "-t", "mt_identifier", "-o", tmp_path / "again") == 0
    capsys.readouterr()
    assert run(folder, "-t", "mt_identifier", "-o", new) == 2
    assert capsys.readouterr().out.count("exists already") == 3


def test_a_folder_without_configurations(tmp_path, capsys):
    assert run(tmp_path, "-t", "mt_identifier", "-o", tmp_path / "new") == 2
    assert "holds no *.json file" in capsys.readouterr().err
