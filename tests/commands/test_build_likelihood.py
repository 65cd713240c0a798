"""build_likelihood.sh, from the command line, on run folders with invented predictions."""

import errno
import os
import shutil

import matplotlib.image
import numpy as np
import pytest

from python.commands.build_likelihood import main
from python.general_purpose_libs import run_command
from python.pointing.likelihood import read_tables
from tests.commands.test_analyze_by_energy import write_run
from tests.directions.samples import direction_results


def build(*arguments):
    return run_command(lambda: main([str(argument) for argument in arguments]))


def write_parts(folder, n, home, seed):
    """A run folder with predictions of both parts."""
    write_run(folder, direction_results(n, seed))
    write_run(home / f"val_of_{folder.name}", direction_results(n, seed + 1), part="val")
    shutil.copy(home / f"val_of_{folder.name}" / "val_predictions.npz", folder)
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    home = tmp_path_factory.mktemp("runs")
    sizes = {"run": 700, "other": 500, "few": 60}
    return {name: write_parts(home / name, n, home, 2 * seed) for seed, (name, n) in enumerate(sizes.items())}


def test_tables_plots_and_a_report(runs, tmp_path, capsys):
    output = tmp_path / "out"
    assert build(runs["run"], "-o", output, "--bins", "5", "15", "30") == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[-1] == str(output / "likelihood_tables.npz")
    rows = [line for line in said.out.splitlines() if line.startswith(("es ", "all "))]
    assert [line.split().count("best") for line in rows] == [1] * 8  # ES and all; two angles and energies
    assert "no event of the topology cc is known" in said.err
    tables = read_tables(output / "likelihood_tables.npz")
    assert tables.provenance["edges_mev"] == [5.0, 15.0, 30.0]
    assert (tables.provenance["events_fitted"], tables.provenance["events_held_out"]) == (700, 700)
    assert float(tables.table("es").angle_of(0.68, 40.0)) < float(tables.table("es").angle_of(0.68, 8.0))
    plots = [
        "densities",
        "densities_logarithmic",
        "cosine",
        "angles_against_energy",
        "probability_transforms",
        "coverage",
    ]
    names = {f"es_{angle}_{plot}" for angle in ("electron", "neutrino") for plot in plots}
    assert names == {path.stem for path in (output / "plots").glob("*.png")}
    assert (output / "report.pdf").read_bytes().startswith(b"%PDF")
    picture = matplotlib.image.imread(output / "plots" / "es_electron_densities.png")
    assert np.ptp(picture[..., 0]) > 0.9


@pytest.mark.usefixtures("no_drawing")
def test_several_runs_and_more_answers_are_fitted_together(runs, tmp_path, monkeypatch):
    monkeypatch.setattr("python.commands.build_likelihood._report", lambda *_: None)
    more = runs["few"] / "test_predictions.npz"
    assert build(runs["run"], runs["other"], "-o", tmp_path / "out", "--predictions", more, "--bins", "5", "20") == 0
    told = read_tables(tmp_path / "out" / "likelihood_tables.npz").provenance
    assert (told["events_fitted"], told["events_held_out"]) == (1230, 1230)
    assert told["predictions"] == ["test_predictions.npz"]
    before = (tmp_path / "out" / "likelihood_tables.npz").read_bytes()
    assert build(runs["few"], "-o", tmp_path / "out") == 2
    assert (tmp_path / "out" / "likelihood_tables.npz").read_bytes() == before
    assert build(runs["run"], "-o", tmp_path / "out", "--force", "--bins", "5", "20") == 0
    assert (tmp_path / "out" / "likelihood_tables.npz").read_bytes() != before


@pytest.mark.usefixtures("no_drawing")
def test_energies_are_those_that_were_estimated_where_all_answers_have_them(runs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("python.commands.build_likelihood._report", lambda *_: None)
    run = shutil.copytree(runs["run"], tmp_path / "run")
    for part in ("val", "test"):
        arrays = dict(np.load(run / f"{part}_predictions.npz"))
        np.savez(run / f"{part}_predictions.npz", **arrays, electron_energy=2 * arrays["cluster_energy"])
    for name, given in (("both", [run]), ("one", [run, runs["other"]]), ("none", [runs["run"]])):
        assert build(*given, "-o", tmp_path / name, "--bins", "5", "20") == 0
        said = capsys.readouterr().err
        assert ("no electron_energy in" in said) == (name == "one")
    both, one, none = (read_tables(tmp_path / name / "likelihood_tables.npz") for name in ("both", "one", "none"))
    assert both.provenance["reconstructed_energy"] == "electron_energy"
    assert {each.provenance["reconstructed_energy"] for each in (one, none)} == {"cluster_energy"}
    assert both.table("es").energies[-1] > 1.3 * none.table("es").energies[-1]


@pytest.mark.usefixtures("no_drawing")
def test_events_that_are_held_out_are_not_fitted_to(runs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("python.commands.build_likelihood._report", lambda *_: None)
    tested = runs["run"] / "test_predictions.npz"
    seen = runs["run"] / "val_predictions.npz"
    assert build(runs["run"], "-o", tmp_path / "out", "--predictions", tested, seen, "--bins", "5") == 0
    said = capsys.readouterr().err
    assert "test_predictions.npz: 700 of its 700 events are in a test part, held out: left out" in said
    told = read_tables(tmp_path / "out" / "likelihood_tables.npz").provenance
    assert (told["events_fitted"], told["events_held_out"]) == (700, 1050)  # half of those named again are held out


@pytest.mark.usefixtures("no_drawing")
def test_of_more_answers_the_main_cluster_of_each_event_counts_and_its_channel_is_judged(
    runs, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("python.commands.build_likelihood._report", lambda *_: None)
    arrays = dict(np.load(runs["other"] / "test_predictions.npz"))
    of_events = [name for name, values in arrays.items() if values.shape[:1] == (500,)]
    fragments = {name: arrays[name][:200] for name in of_events}
    fragments |= {"cluster_energy": np.full(200, 0.5), "match_id": np.ones(200, int)}
    for name in ("direction", "direction_drift_frame"):
        fragments[name] = -fragments[name]
    both = arrays | {name: np.concatenate([fragments[name], arrays[name]]) for name in of_events}
    both |= {"is_es": np.zeros(700, int), "true_nu_energy": both["true_electron_energy"] + 5}
    np.savez(tmp_path / "cc.npz", **both)
    assert build(runs["run"], "-o", tmp_path / "out", "--predictions", tmp_path / "cc.npz", "--bins", "5") == 0
    assert "of 700 answers those to the clusters of most energy of its 500 events count" in capsys.readouterr().err
    tables = read_tables(tmp_path / "out" / "likelihood_tables.npz")
    electron, neutrino = (tables.table("cc", target) for target in ("electron", "neutrino"))
    assert electron.events.sum() == pytest.approx(250, abs=10)  # half are held out, few are below 5 MeV
    assert np.isfinite(electron.judged.log_likelihood)
    assert float(neutrino.angle_of(0.68, 20)) > 2 * float(electron.angle_of(0.68, 20))


def test_what_cannot_be_built_is_refused_and_leaves_nothing(runs, tmp_path, capsys):
    bare = write_run(tmp_path / "bare", direction_results(50))
    track = write_run(tmp_path / "track", direction_results(50), task="mt_identifier")
    failed = write_run(tmp_path / "failed", direction_results(50), state="failed")
    output = tmp_path / "out"
    later, blind = tmp_path / "later.npz", tmp_path / "blind.npz"
    arrays = dict(np.load(runs["few"] / "test_predictions.npz"))
    np.savez(later, **arrays, format_version=99)
    np.savez(blind, **{name: values for name, values in arrays.items() if not name.startswith("true_direction")})
    for arguments, code, message in (
        ([track], 2, "answers with no direction; give runs of electron_direction"),
        ([failed], 2, "the run is failed, not done"),
        ([runs["run"], runs["run"]], 2, "twice"),
        ([tmp_path / "none"], 2, "no such folder"),
        ([bare], 3, "val_predictions.npz"),
        ([runs["few"]], 3, "no bin of energy has enough events"),
        ([runs["run"], "--bins", "10", "5"], 2, "--bins 10 5: must rise"),
        ([runs["run"], "--predictions", later], 3, "of format 99, this release reads"),
        ([runs["run"], "--predictions", blind], 3, "need answers to events whose true direction is known"),
        ([runs["run"], "--predictions", runs["run"] / "config.json"], 3, "config.json"),
    ):
        assert build(*arguments, "-o", output) == code
        assert message in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        build(runs["run"], "-o", output, "--bins", "ten")
    assert "ten: is no energy in MeV" in capsys.readouterr().err
    assert not output.exists()


def test_a_full_disk_leaves_no_table(runs, tmp_path, monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("python.commands.build_likelihood._report", lambda *_: None)
    monkeypatch.setattr("numpy.lib.format.write_array", full)
    assert build(runs["other"], "-o", tmp_path / "out", "--bins", "5") == 5
    assert "No space left" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []
