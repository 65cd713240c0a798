import signal

import pytest

from python.general_purpose_libs import read_json, write_json
from python.runs.status import read_status
from python.training.checkpoint_files import sealed
from tests.synthetic import write_folder
from tests.training.conftest import after_an_epoch

ENDLESS = ("--set", "model_parameters.epochs=500", "model_parameters.early_stopping=null")
EVERYTHING = (
    "--set",
    "model_parameters.epochs=6",
    "model_parameters.build_parameters.dropout_rate=0.3",
    'model_parameters.reduce_lr={"patience": 1, "factor": 0.5}',
    "dataset_parameters.aug_coefficient=2",
    "dataset_parameters.balance_data=true",
)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 85)])
def test_a_stopped_training_says_so_and_goes_on(workplace, start, number, code):
    training = start(*ENDLESS)
    folder = after_an_epoch(training, workplace.output)
    returned, error = training.end(number)
    assert returned == code
    assert "Traceback" not in error
    assert read_status(folder)["state"] == "interrupted"
    assert not list(folder.glob("*.keras"))
    assert not (folder / "metrics.json").exists()


def test_resume_keeps_to_the_options_of_the_start(workplace, start, tmp_path):
    workplace.data = write_folder(tmp_path / "mixed", n=100)
    (workplace.data / "broken_planeX.npz").write_bytes(b"")
    training = start("--skip-bad-files", *EVERYTHING)
    folder = after_an_epoch(training, workplace.output)
    training.end(signal.SIGKILL)
    result = workplace.train(resume=folder)
    assert result.code == 0, result.err
    assert read_json(folder / "args.json")["skip_bad_files"] is True


def test_resume_refuses_what_differs(workplace, start, tmp_path):
    training = start(*ENDLESS)
    folder = after_an_epoch(training, workplace.output)
    running = workplace.train(resume=folder)
    assert running.code == 1  # passes: a batch job that meets it is tried again
    assert "still running" in running.err
    training.end(signal.SIGKILL)
    for change, word in (
        (("--set", "model_parameters.batch_size=8"), "model_parameters.batch_size: there it is 16, asked for is 8"),
        (("-o", tmp_path / "elsewhere"), "output_folder"),
        (("-j", workplace.config), "epochs"),
    ):
        refused = workplace.train(*change, resume=folder)
        assert refused.code == 2
        assert word in refused.err
    assert f"--continue-from {folder}" in workplace.train("--set", "model_parameters.epochs=600", resume=folder).err
    nowhere = workplace.train("-d", tmp_path / "nowhere", resume=folder)
    assert nowhere.code == 3
    assert "name their folders with -d" in nowhere.err
    assert workplace.train(resume=tmp_path / "nothing").code == 2


def test_runs_that_do_not_say_their_format_go_on(workplace):
    stopped = workplace.train("--stop-after", "0.001")
    assert stopped.code == 85
    (checkpoint,) = workplace.output.glob("*/*/*/*/checkpoints/*.json")
    folder = checkpoint.parents[1]
    config = read_json(folder / "config.json")
    assert config.pop("format_version") == 1
    write_json(folder / "config.json", config)
    manifest = read_json(checkpoint)
    del manifest["configuration"]["format_version"]
    write_json(checkpoint, sealed(manifest))
    result = workplace.train(resume=folder)
    assert result.code == 0, result.err
    assert "damaged" not in result.err
    assert read_json(folder / "config.json")["format_version"] == 1
