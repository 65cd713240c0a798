"""The best runs of a task are found among all that an output folder holds."""

import json

import pytest

from tests.commands.compare_runs.conftest import entries, run, write_run, written
from tests.commands.test_analyze_by_energy import write_run as write_direction_run
from tests.directions.samples import direction_results

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.mark.usefixtures("runs")
def test_the_best_of_a_task_are_found(tmp_path, capsys):
    output = tmp_path / "output"
    write_run(output / "failed", version="bad", state="failed")
    write_run(output / "stopped", version="bad", state="interrupted")
    (write_run(output / "broken", version="bad") / "status.json").write_text("{")
    (write_run(output / "damaged", version="bad") / "metrics.json").write_text("[")
    write_direction_run(output / "direction", direction_results(50))
    assert run("--task", "mt_identifier", "--best", 2, "--output-folder", output, "-o", tmp_path / "out") == 0
    said = capsys.readouterr().err
    for part in ("1 failed", "1 interrupted", "2 unreadable", "2 of 3 finished runs of mt_identifier"):
        assert part in said
    assert entries(written(tmp_path / "out"), "rank") == {"v3": 1, "v2": 2}


def test_named_runs_are_compared_with_the_best(runs, tmp_path):
    arguments = ("--task", "mt_identifier", "--best", 1, "--output-folder", tmp_path / "output", "-o", tmp_path / "out")
    assert run(runs[1], *arguments) == 0
    assert entries(written(tmp_path / "out"), "rank") == {"v3": 1, "v1": 2}
    assert run(runs[2], *arguments) == 0  # itself the best
    assert list(entries(written(tmp_path / "out"), "rank")) == ["v3"]


def test_the_best_by_another_metric(runs, tmp_path):
    for folder, recall in zip(runs, (0.1, 0.9, 0.2), strict=True):
        metrics = json.loads((folder / "metrics.json").read_text())
        (folder / "metrics.json").write_text(json.dumps({**metrics, "recall": recall}))
    arguments = ("--task", "mt_identifier", "--best", 2, "--output-folder", tmp_path / "output", "--sort", "recall")
    assert run(*arguments, "-o", tmp_path / "out") == 0
    assert entries(written(tmp_path / "out"), "rank") == {"v1": 1, "v3": 2}


@pytest.mark.usefixtures("runs")
def test_no_run_of_the_task(tmp_path, capsys):
    assert run("--task", "channel_tagging", "--output-folder", tmp_path / "output") == 2
    assert "holds no finished run of channel_tagging" in capsys.readouterr().err
    assert run("--task", "mt_identifier", "--output-folder", tmp_path / "nowhere") == 2
    assert "no such folder" in capsys.readouterr().err
    assert not (tmp_path / "output" / "compare_runs").exists()
