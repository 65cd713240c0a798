import json
from pathlib import Path

import numpy as np
import pytest

from python.general_purpose_libs import read_json
from python.runs.status import read_status
from python.samples.batches import Batches
from tests.synthetic import write_folder
from tests.training.conftest import SMALL, weights


def only_run(workplace):
    (folder,) = (workplace.output / "mt_identifier" / "simple_cnn" / "plane_X").iterdir()
    return folder


def test_a_non_finite_loss_stops_with_the_best_model(workplace, monkeypatch):
    start = Batches.start_epoch

    def poison(self, epoch):
        start(self, epoch)
        if epoch == 2:
            self.targets = np.full_like(self.targets, np.nan)

    monkeypatch.setattr(Batches, "start_epoch", poison)
    result = workplace.train("--set", "model_parameters.epochs=5")
    assert result.code == 4
    assert "epoch 3" in result.err
    assert "Traceback" not in result.err
    folder = only_run(workplace)
    status = read_status(folder)
    assert status["state"] == "failed"
    assert "epoch 3" in status["message"]
    assert all(np.all(np.isfinite(array)) for array in weights(folder))


def test_a_requested_gpu_that_is_not_there(workplace, monkeypatch):
    monkeypatch.setattr("python.training.device._gpus", lambda _backend: [])
    result = workplace.train("--set", "device=gpu")
    assert result.code == 4
    assert "GPU was requested" in result.err
    assert not workplace.output.exists()


@pytest.mark.parametrize("device", ["auto", "gpu"])
def test_a_gpu_that_a_job_was_given_and_does_not_find_may_be_found_on_another_node(workplace, monkeypatch, device):
    monkeypatch.setattr("python.training.device._gpus", lambda _backend: [])
    monkeypatch.setenv("_CONDOR_AssignedGPUs", "CUDA0")
    result = workplace.train("--set", f"device={device}")
    assert result.code == 1
    assert "given a GPU (CUDA0)" in result.err
    assert '"device" to "cpu"' in result.err
    assert not workplace.output.exists()


def test_missing_and_empty_folders(workplace, tmp_path):
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "missing", tmp_path / "empty"):
        result = workplace.train(data=folder)
        assert result.code == 3
        assert str(folder) in result.err
    assert not workplace.output.exists()


def test_bad_files_are_skipped_only_when_asked(workplace, tmp_path):
    folder = write_folder(tmp_path / "mixed", n=100)
    (folder / "broken_planeX.npz").write_bytes(b"")
    refused = workplace.train(data=folder)
    assert refused.code == 3
    assert "broken_planeX.npz" in refused.err
    accepted = workplace.train("--skip-bad-files", "--set", "model_parameters.epochs=1", data=folder)
    assert accepted.code == 0
    assert any("1 bad files skipped" in cut["step"] for cut in read_json(Path(accepted.last) / "cuts.json"))


def test_output_that_cannot_be_written(workplace, tmp_path):
    (tmp_path / "file").touch()
    result = workplace.train("-o", tmp_path / "file")
    assert result.code == 5
    assert "-o" in result.err


def test_configuration_mistakes(workplace):
    workplace.config.write_text(json.dumps({**SMALL, "epoch": 3}))
    result = workplace.train()
    assert result.code == 2
    assert "epoch" in result.err
    assert workplace.train(json=workplace.path / "missing.json").code == 2


def test_usage(capsys):
    from python.commands.train import main

    for arguments in ([], ["-j", "x.json", "--plane", "Q"], ["--max-samples", "many", "-j", "x"]):
        with pytest.raises(SystemExit) as ended:
            main(["mt_identifier", *arguments])
        assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_a_version_names_one_run(workplace):
    settings = ["--set", "version=v1", "model_parameters.epochs=1"]
    assert workplace.train(*settings).code == 0
    again = workplace.train(*settings)
    assert again.code == 2
    assert '"v1"' in again.err
    assert workplace.train(*settings, "--force-version").code == 0


def test_too_few_images(workplace):
    result = workplace.train("--max-samples", "2")
    assert result.code == 3
    assert "too few" in result.err


def test_one_class_only(workplace, tmp_path):
    from python.data.image_file import write_image_file
    from tests.synthetic import image_file

    content = image_file(60)
    content.metadata["is_main_track"] = 0
    write_image_file(tmp_path / "one" / "a_planeX.npz", content)
    result = workplace.train(data=tmp_path / "one")
    assert result.code == 3
    assert "no main_track" in result.err
