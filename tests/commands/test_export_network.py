"""export_network.sh, and predict.sh with what it wrote: the same answers without TensorFlow, or a word why not."""

import errno
import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from python.commands.export_network import main
from python.data.npz import read_npz
from python.general_purpose_libs import read_json, run_command, write_json
from python.networks.exported import open_exported
from python.version import VERSION
from tests.commands.conftest import TRACKS, TRAINED_DIRECTIONS, VOLUMES, untrained

WITHOUT_FRAMEWORK = """
import sys
from python.commands.predict import main
code = main(sys.argv[1:])
slow = {"tensorflow", "keras", "tf2onnx", "matplotlib", "sklearn", "numba", "scipy.stats", "scipy.optimize"}
print(sorted(slow & sys.modules.keys()))
sys.exit(code)
"""
TOGETHER = {**TRACKS, "ensemble": {"members": 2}}


def exported(run, *more):
    assert run_command(lambda: main(["-m", str(run), *map(str, more)])) == 0
    return run


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """One of a kind, each with its exported network: an ensemble, a tagger with a temperature, directions of several views."""
    folder = tmp_path_factory.mktemp("exported")
    exported(untrained(folder / "tracks", TOGETHER))
    exported(untrained(folder / "volumes", VOLUMES, metrics={"temperature": 2.0}))
    exported(untrained(folder / "directions", TRAINED_DIRECTIONS))
    return folder


@pytest.fixture
def run(runs, tmp_path):
    """The ensemble, to be spoilt."""
    return shutil.copytree(runs / "tracks", tmp_path / "run")


@pytest.fixture
def export(capsys):
    def export(*arguments):
        capsys.readouterr()
        code = run_command(lambda: main(list(map(str, arguments))))
        said = capsys.readouterr()
        return SimpleNamespace(code=code, out=said.out, err=said.err)

    return export


def rewritten(run, old, new):
    """Other words of the same length in what the file says of itself."""
    assert len(old) == len(new)
    path = run / "simple_cnn.onnx"
    content = path.read_bytes()
    assert content.count(old.encode()) >= 1
    path.write_bytes(content.replace(old.encode(), new.encode()))


# ---------------------------------------------------------------------------- the same answers
@pytest.mark.parametrize(
    ("name", "array"), [("tracks", "scores"), ("volumes", "calibrated_scores"), ("directions", "outputs")]
)
def test_both_ways_answer_alike(name, array, runs, predict, tracks, events):
    data = tracks if name == "tracks" else events
    ways = {way: predict(runs / name, data, more=("--force", *way)) for way in ((), ("--runtime", "keras"))}
    fast, slow = (way.found for way in ways.values())
    assert [("ONNX Runtime answers" in way.err, "Keras answers" in way.err) for way in ways.values()] == [
        (True, False),
        (False, True),
    ]
    assert list(fast) == list(slow)
    for key, values in slow.items():
        if values.dtype.kind == "f" and values.ndim:
            scale = np.nanmax(np.abs(values), initial=1e-30)
            np.testing.assert_allclose(fast[key] / scale, values / scale, atol=1e-5, err_msg=key)
        elif key != "temperature":
            assert np.array_equal(fast[key], values), key
    assert np.std(slow[array], axis=0).max() > 1e-4


def test_no_framework_is_imported_to_answer(runs, events, tmp_path):
    """Nor anything else that takes long to import, in a folder as networks are shipped: without a status, and not writable."""
    run = shutil.copytree(runs / "directions", tmp_path / "shipped", ignore=shutil.ignore_patterns("status.json"))
    for path in (*run.iterdir(), run):
        path.chmod(0o555)
    line = ["-m", run, "-d", events, "-o", tmp_path / "answers.npz"]
    command = [sys.executable, "-c", WITHOUT_FRAMEWORK, *map(str, line)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    run.chmod(0o755)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [str(tmp_path / "answers.npz"), "[]"]
    assert len(read_npz(tmp_path / "answers.npz")["direction"]) > 10


# ---------------------------------------------------------------------------- what the file says of itself
def test_the_file_says_what_the_network_is(runs):
    network, said = open_exported(runs / "tracks" / "simple_cnn.onnx")
    assert (said.task, said.model_name, said.release) == ("mt_identifier", "simple_cnn", VERSION)
    assert len(said.keras_sha256) == 64
    (image,) = said.inputs
    assert image.axes == (("tick", 64), ("channel", 16), ("charge", 1))
    assert image.columns == (("charge", "ADC"),)
    assert "plane X, in the drift frame: raw" in image.meaning
    assert said.output.axes == (("member", 2), ("column", 1))
    assert said.output.columns == (("main_track", "probability"),)
    assert network.inputs == {image.name: image.shape}
    assert network.width == 1


def test_columns_and_units_of_numbers_are_told(runs):
    _, said = open_exported(runs / "directions" / "three_plane_energy.onnx")
    assert [tensor.name for tensor in said.inputs] == ["energy", "u", "v", "x"]
    assert said.inputs[0].columns == (("logarithm of the reconstructed energy of the X cluster", "ln MeV"),)
    assert [name for name, _ in said.output.columns] == ["x", "y", "z", "log_sigma"]
    _, said = open_exported(runs / "volumes" / "simple_cnn.onnx")
    assert said.inputs[0].axes == (("channel", 208), ("tick", 1242), ("charge", 1))
    assert said.output.columns == (("es", "probability"),)


# ---------------------------------------------------------------------------- files that do not fit
def test_a_network_that_was_trained_again_is_not_taken_for_the_exported_one(run, predict, export, tracks):
    before = predict(run, tracks).found["scores"]
    shutil.copy(untrained(run.parent / "again", TOGETHER, seed=5) / "simple_cnn.keras", run)
    stale = predict(run, tracks)
    assert stale.code == 0
    assert "another .keras than the one beside it; make it with export_network.sh" in stale.err
    assert "Keras answers" in stale.err
    assert np.abs(stale.found["scores"] - before).max() > 1e-3
    refused = predict(run, tracks, more=("--force", "--runtime", "onnx"))
    assert refused.code == 2
    assert "another .keras" in refused.err
    assert export("-m", run).code == 0
    fresh = predict(run, tracks, more=("--force", "--runtime", "onnx"))
    np.testing.assert_allclose(fresh.found["scores"], stale.found["scores"], atol=1e-5)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"charge","ADC"', '"charge","MeV"', r"its image is (64 tick x 16 channel x 1 charge: charge [MeV]"),
        ('["tick",64]', '["tick",65]', "its image is (65 tick"),
        ('"name":"image"', '"name":"imago"', "it takes imago, not image"),
        ('"main_track","p', '"other_track","', "its answers is (2 member"),
        ('"mt_identifier"', '"mt_identifies"', "it is of mt_identifies, not of mt_identifier"),
        ('"format_version":1', '"format_version":2', "another release (format 2)"),
        ('"keras_sha256"', '"keras_sha257"', "another release, or is damaged"),
        ("pointing_network", "somebody_network", "not written by export_network.sh"),
    ],
)
def test_files_of_other_networks_are_refused(old, new, why, run, predict, tracks):
    rewritten(run, old, new)
    result = predict(run, tracks, more=("--force", "--runtime", "onnx"))
    assert result.code == 2
    assert why in result.err
    assert f"make it with export_network.sh -m {run}" in result.err
    assert "Traceback" not in result.err


def test_a_file_whose_network_takes_something_else_than_it_says(run, predict, tracks):
    rewritten(run, '["tick",64]', '["tick",65]')
    config = read_json(run / "config.json")
    config["model_parameters"]["input_shape"][0] = 65
    write_json(run / "config.json", config)
    assert "inputs are not those that it tells of" in predict(run, tracks, more=("--force", "--runtime", "onnx")).err


@pytest.mark.parametrize("content", [b"", b"no network", None])
def test_damaged_or_missing_files(content, run, predict, tracks):
    path = run / "simple_cnn.onnx"
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    result = predict(run, tracks, more=("--force", "--runtime", "onnx"))
    assert result.code == 2
    assert "simple_cnn.onnx" in result.err
    assert "export_network.sh -m" in result.err
    assert predict(run, tracks).code == 0


def test_without_onnx_runtime_keras_answers(run, predict, tracks, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    result = predict(run, tracks)
    assert result.code == 0
    assert "Keras answers" in result.err
    refused = predict(run, tracks, more=("--force", "--runtime", "onnx"))
    assert refused.code == 2
    assert "lacks the package onnxruntime" in refused.err


# ---------------------------------------------------------------------------- exporting
def test_another_place_may_be_named(run, export, tmp_path):
    place = tmp_path / "new" / "mine.onnx"
    result = export("-m", run, "-o", place)
    assert result.out.splitlines()[-1] == str(place)
    assert open_exported(place)[1] == open_exported(run / "simple_cnn.onnx")[1]
    before = place.read_bytes()
    refused = export("-m", run, "-o", place)
    assert refused.code == 2
    assert "--force" in refused.err
    assert place.read_bytes() == before
    assert export("-m", run, "-o", tmp_path / "mine.pb").code == 2


def test_what_a_search_found_is_exported_beside_its_network(export, predict, tracks, tmp_path):
    """The network keeps the name that was asked for, its configuration has that of the network found."""
    run = untrained(tmp_path / "run", TRACKS)
    (run / "simple_cnn.keras").rename(run / "hyperopt_simple_cnn.keras")
    found = read_json(run / "config.json")
    write_json(run / "best_config.json", found)
    search = {"hp_max_evals": 1, "space_options": {"n_filters": [4]}}
    asked = {**found, "model_name": "hyperopt_simple_cnn", "model_parameters": {**found["model_parameters"], **search}}
    write_json(run / "config.json", asked)
    assert export("-m", run).out.splitlines()[-1] == str(run / "hyperopt_simple_cnn.onnx")
    assert "ONNX Runtime answers" in predict(run, tracks).err


def test_runs_without_a_network_to_export(export, run):
    write_json(run / "status.json", {"state": "failed"})
    assert export("-m", run).code == 2
    assert export("-m", run.parent / "gone").code == 2


def test_a_full_disk_leaves_the_old_file(export, run, monkeypatch):
    before = (run / "simple_cnn.onnx").read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    result = export("-m", run)
    assert result.code == 5
    assert "No space left" in result.err
    assert (run / "simple_cnn.onnx").read_bytes() == before
    assert not list(run.glob(".*"))


def test_a_folder_that_cannot_be_written_is_found_out_at_once(export, run):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with pytest.MonkeyPatch.context() as patches:
        patches.setattr("tempfile.TemporaryFile", refuse)
        result = export("-m", run)
    assert result.code == 5
    assert "you may write to with -o" in result.err


def test_what_cannot_be_exported_is_told(export, run, monkeypatch):
    def fail(*_, **__):
        raise ValueError("no such operator")

    monkeypatch.setattr("tf2onnx.convert.from_function", fail)
    result = export("-m", run)
    assert result.code == 4
    assert "cannot be exported (no such operator); predict.sh answers with Keras" in result.err
    monkeypatch.undo()
    monkeypatch.setattr("python.training.export._largest_difference", lambda *_: float("nan"))
    result = export("-m", run)
    assert result.code == 4
    assert "would answer otherwise" in result.err


def test_another_backend_is_told_from_tensorflow(export, run, monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    result = export("-m", run)
    assert result.code == 2
    assert "KERAS_BACKEND=tensorflow" in result.err
