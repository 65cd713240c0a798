"""Runs of a later release are refused by all that reads them, in one sentence, and change nothing."""

import pytest

from python.commands import (
    analyze_by_energy,
    build_likelihood,
    compare_runs,
    export_network,
    predict,
    submit_condor,
    train,
    update_registry,
    validate_config,
)
from python.commands.tasks import load_schema
from python.config.format_version import FORMAT_VERSION
from python.config.load import dump_config, parse_config
from python.general_purpose_libs import read_json, run_command, write_json


@pytest.fixture
def run(tmp_path):
    """A finished run as far as a command looks before it asks for the format."""
    config = dump_config(parse_config({"model_name": "point_network"}, load_schema("electron_direction")))
    folder = tmp_path / "output" / "electron_direction" / "point_network" / "20300101_120000"
    folder.mkdir(parents=True)
    write_json(folder / "config.json", {**config, "format_version": FORMAT_VERSION + 1})
    write_json(folder / "status.json", {"state": "done"})
    return folder


COMMANDS = {
    "predict.sh": lambda run: predict.main(["-m", str(run), "-d", str(run), "-o", str(run / "answers.npz")]),
    "export_network.sh": lambda run: export_network.main(["-m", str(run)]),
    "compare_runs.sh": lambda run: compare_runs.main([str(run), "-o", str(run / "comparison")]),
    "analyze_by_energy.sh": lambda run: analyze_by_energy.main([str(run), "-o", str(run / "energies")]),
    "build_likelihood.sh": lambda run: build_likelihood.main([str(run), "-o", str(run / "likelihood")]),
    "--resume": lambda run: train.main(["electron_direction", "--resume", str(run)]),
    "--continue-from": lambda run: train.main(["electron_direction", "--continue-from", str(run)]),
    "submit_condor.sh --resume": lambda run: submit_condor.main(["--resume", str(run)]),
    "validate_config.sh": lambda run: validate_config.main([str(run / "config.json")]),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_run_of_a_later_format_is_refused(command, run, capsys, monkeypatch):
    monkeypatch.setattr("python.batch.submission.require_htcondor", lambda **_: None)
    before = sorted(run.iterdir())
    assert run_command(lambda: command(run)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {run / 'config.json'}: is of format {FORMAT_VERSION + 1}")
    assert sorted(run.iterdir()) == before


def test_where_runs_are_looked_for_it_is_left_out_and_counted(run, capsys):
    output = run.parents[2]
    assert run_command(lambda: compare_runs.main(["--task", "electron_direction", "--output-folder", str(output)])) == 2
    assert "1 unreadable" in capsys.readouterr().err
    assert run_command(lambda: update_registry.main(["-o", str(output), "--import"])) == 0
    said = capsys.readouterr()
    assert "is not taken into the registry" in said.err
    assert f"is of format {FORMAT_VERSION + 1}" in said.err
    assert "0 runs" in said.out


def test_what_a_search_of_a_later_release_has_found_is_refused_too(run, capsys):
    write_json(run / "config.json", {**read_json(run / "config.json"), "format_version": FORMAT_VERSION})
    write_json(run / "best_config.json", {"format_version": FORMAT_VERSION + 1})
    assert run_command(lambda: compare_runs.main([str(run), "-o", str(run / "comparison")])) == 2
    assert str(run / "best_config.json") in capsys.readouterr().err
