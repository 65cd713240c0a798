"""analyze_by_energy.sh, from the command line, on run folders with invented predictions."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from python.commands.analyze_by_energy import FLUXES, main
from python.general_purpose_libs import run_command
from python.metrics.directions import direction_metrics
from python.metrics.spectrum_weights import elastic_scattering_spectrum, spectrum_weights
from python.physics.flux import FLUENCES
from tests.directions.samples import direction_results

ROOT = Path(__file__).resolve().parents[2]
GROUPS = ["all", "< 20", "20 to 40", "> 40"]
FINE = ["5 to 10", "10 to 15", "15 to 20", "20 to 30", "30 to 50", "> 50"]


def run(*arguments):
    return run_command(lambda: main([str(argument) for argument in arguments]))


def write_run(folder, results, *, state="done", task="electron_direction", part="test", version=None, leave_out=()):
    """A run folder as a training leaves it, as far as the command reads it."""
    folder.mkdir(parents=True)
    (folder / "status.json").write_text(json.dumps({"state": state}))
    config = {"task": task, "model_name": "three_plane_cnn", "version": version, "description": ""}
    (folder / "config.json").write_text(json.dumps(config))
    n = len(results)
    arrays = {
        "direction_drift_frame": results.predicted,
        "true_direction_drift_frame": results.truth,
        "true_direction": results.in_detector_axes()[0],
        "direction": results.in_detector_axes()[1],
        "outputs": results.predicted.astype(np.float32),
        "output_layout": np.array("direction"),
        "face": results.face.astype(np.int8),
        "is_es": np.ones(n, np.int64),
        "true_electron_energy": results.true_energy,
        "cluster_energy": results.reconstructed_energy,
        "true_nu_energy": results.true_energy,
        "event": np.arange(n),
        "plane": np.full(n, 2, np.int8),
        "match_id": np.zeros(n, np.int64),
        "source": np.zeros(n, np.int32),
        "sources": np.array(["es_00000"]),
    }
    if results.predicted_68_deg is not None:
        arrays["predicted_68_deg"] = results.predicted_68_deg
    kept = {name: values for name, values in arrays.items() if name not in leave_out}
    np.savez(folder / f"{part}_predictions.npz", **kept)
    return folder


def written(folder):
    return json.loads((folder / "by_energy.json").read_text())


def group_of(entry, name):
    (group,) = [group for group in entry["groups"] if group["group"] == name]
    return group


@pytest.fixture
def two_runs(tmp_path):
    """The same events, judged with and without an uncertainty, badly and well."""
    bad, good = (direction_results(400, 3, scale, uncertainty=sure) for scale, sure in ((40.0, False), (15.0, True)))
    return [
        write_run(tmp_path / "bad", bad, version="v8"),
        write_run(tmp_path / "good", good, version="v15"),
    ], [bad, good]


def test_runs_are_compared_in_table_files_and_plot(two_runs, tmp_path, capsys):
    (bad, good), results = two_runs
    output = tmp_path / "out" / "comparison"
    assert run(bad, good, "-o", output) == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[-1] == str(output)
    assert lines[0].split()[:3] == ["MeV", "run", "events"]
    assert [line.split("  ")[0] for line in lines[2:-1:2]] == GROUPS + FINE
    assert "v8" in lines[2]
    assert "v15" in lines[3]
    assert "note" not in printed.err
    found = written(output)
    assert found["part"] == "test"
    assert found["flux"] is None
    assert [entry["name"] for entry in found["runs"]] == ["v8", "v15"]
    for entry, each in zip(found["runs"], results, strict=True):
        expected = direction_metrics(each)
        for name, ending in (("all", ""), ("< 20", "_below_20_mev"), ("> 40", "_above_40_mev")):
            group = group_of(entry, name)
            for metric in ("containment_68_deg", "head_tail_accuracy", "mean_deg_low", "median_deg_high"):
                bound = next((end for end in ("_low", "_high") if metric.endswith(end)), "")
                key = metric.removesuffix(bound) + ending + bound
                assert group[metric] == pytest.approx(expected[key]), key
    with (output / "by_energy.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * (len(GROUPS) + len(FINE))
    assert float(rows[-1]["mean_deg"]) == pytest.approx(group_of(found["runs"][1], "> 50")["mean_deg"])
    assert rows[0]["pull_coverage"] == ""  # the first run does not tell how sure it is
    assert 0 < float(rows[-1]["pull_coverage"]) < 1
    assert matplotlib.image.imread(output / "by_energy.png").shape[1] > 1000


def test_groups_hold_their_lower_bound_and_share_out_the_events(tmp_path):
    results = direction_results(7)
    results.true_energy[:] = [3.0, 5.0, 19.999, 20.0, 40.0, np.nan, 60.0]
    assert run(write_run(tmp_path / "run", results), "-o", tmp_path / "out") == 0
    [entry] = written(tmp_path / "out")["runs"]
    coarse, fine = ({name: group_of(entry, name)["n"] for name in names} for names in (GROUPS, FINE))
    assert coarse == {"all": 7, "< 20": 3, "20 to 40": 1, "> 40": 2}
    assert fine == {"5 to 10": 1, "10 to 15": 0, "15 to 20": 1, "20 to 30": 1, "30 to 50": 1, "> 50": 1}
    empty = group_of(entry, "10 to 15")
    assert empty["median_deg"] is None
    assert (empty["low_mev"], empty["high_mev"]) == (10, 15)


def test_a_flux_weights_the_events(two_runs, tmp_path):
    (bad, _), (results, _) = two_runs
    assert run(bad, "-o", tmp_path / "out", "--flux", "gkvm") == 0
    found = written(tmp_path / "out")
    assert found["flux"] == "gkvm"
    weights = spectrum_weights(results.true_energy, elastic_scattering_spectrum("gkvm"))
    expected = direction_metrics(results.weighted_by(weights))["containment_68_deg"]
    assert group_of(found["runs"][0], "all")["containment_68_deg"] == pytest.approx(expected)
    assert expected != pytest.approx(direction_metrics(results)["containment_68_deg"], rel=1e-3)
    assert set(FLUXES) == set(FLUENCES)


def test_a_flux_of_elastic_scattering_on_other_events_is_noted(two_runs, tmp_path, capsys):
    (bad, _), _ = two_runs
    path = bad / "test_predictions.npz"
    arrays = dict(np.load(path))
    arrays["is_es"][:30] = 0
    np.savez(path, **arrays)
    assert run(bad, "-o", tmp_path / "out") == 0
    assert "note" not in capsys.readouterr().err
    assert run(bad, "-o", tmp_path / "out", "--flux", "livermore") == 0
    assert "30 events of v8 are not known to be elastic scattering" in capsys.readouterr().err


def test_other_events_are_noted(two_runs, tmp_path, capsys):
    (bad, _), _ = two_runs
    other = write_run(tmp_path / "other", direction_results(300, seed=8), version="v9")  # the same names and numbers
    assert run(bad, other, "-o", tmp_path / "out") == 0
    assert "v9 was asked for 300 events and v8 for 400, of which 0 are the same" in capsys.readouterr().err


def test_the_validation_part(tmp_path):
    folder = write_run(tmp_path / "run", direction_results(50), part="val")
    assert run(folder, "-o", tmp_path / "out") == 3
    assert run(folder, "-o", tmp_path / "out", "--part", "val") == 0
    assert written(tmp_path / "out")["part"] == "val"


def test_names(two_runs, tmp_path, capsys):
    runs, _ = two_runs
    assert run(*runs, "-o", tmp_path / "out", "--name", "before", "after") == 0
    assert [entry["name"] for entry in written(tmp_path / "out")["runs"]] == ["before", "after"]
    for names, said in ((["one"], "1 names for 2 runs"), (["a", "a"], "same name")):
        assert run(*runs, "--name", *names) == 2
        assert said in capsys.readouterr().err


def test_runs_without_a_version_go_by_network_and_folder(tmp_path):
    runs = [write_run(tmp_path / name, direction_results(30)) for name in ("20260101_000000", "20260101_000001")]
    assert run(*runs, "-o", tmp_path / "out") == 0
    names = [entry["name"] for entry in written(tmp_path / "out")["runs"]]
    assert names == ["three_plane_cnn 20260101_000000", "three_plane_cnn 20260101_000001"]


def test_without_an_output_folder_a_new_one_is_made(two_runs, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    outputs = []
    for _ in range(2):
        assert run(two_runs[0][0]) == 0
        outputs.append(capsys.readouterr().out.splitlines()[-1])
    assert len(set(outputs)) == 2
    for output in outputs:
        assert Path(output).parent == Path("output", "analyze_by_energy")
        assert {path.name for path in Path(output).iterdir()} == {"by_energy.json", "by_energy.csv", "by_energy.png"}


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"state": "failed"}, 2, "the run is failed, not done"),
        ({"state": "interrupted"}, 2, "train_electron_direction.sh --resume"),
        ({"task": "mt_identifier"}, 2, "is a run of mt_identifier"),
        ({"leave_out": ["face"]}, 3, "test_predictions.npz: lacks the array face"),
        ({"leave_out": ["is_es"]}, 3, "lacks the array is_es"),
    ],
)
def test_runs_that_cannot_be_compared(tmp_path, capsys, change, code, said):
    folder = write_run(tmp_path / "run", direction_results(30), **change)
    assert run(folder, "-o", tmp_path / "out") == code
    error = capsys.readouterr().err
    assert said in error
    assert str(folder) in error
    assert not (tmp_path / "out").exists()


def test_folders_that_are_no_runs(two_runs, tmp_path, capsys):
    (bad, good), _ = two_runs
    assert run(tmp_path / "gone") == 2
    assert "gone: no such folder" in capsys.readouterr().err
    assert run(bad, tmp_path) == 2
    assert "is no run folder, it has no status.json" in capsys.readouterr().err
    assert run(bad, good, tmp_path / "good" / ".." / "bad") == 2
    assert "is named twice" in capsys.readouterr().err


def test_damaged_predictions(two_runs, tmp_path, capsys):
    (bad, good), _ = two_runs
    (bad / "test_predictions.npz").write_bytes(b"PK")
    assert run(bad, "-o", tmp_path / "out") == 3
    arrays = dict(np.load(good / "test_predictions.npz"))
    for name, values in (("face", arrays["face"][:-1]), ("direction_drift_frame", 0 * arrays["true_direction"])):
        np.savez(good / "test_predictions.npz", **{**arrays, name: values})
        assert run(good, "-o", tmp_path / "out") == 3
        assert str(good / "test_predictions.npz") in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_output_that_cannot_be_written_exits_5(two_runs, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert run(two_runs[0][0], "-o", tmp_path / "file" / "out") == 5
    assert "cannot write" in capsys.readouterr().err


def test_usage_exits_2():
    for arguments in ([], ["run", "--part", "train"], ["run", "--flux", "bodek"]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2


def test_help_needs_the_standard_library_only():
    done = subprocess.run(
        [sys.executable, "-S", "-m", "python.commands.analyze_by_energy", "-h"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: analyze_by_energy.sh")
