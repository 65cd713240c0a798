"""Real trainings of each task, killed at random moments: they end as if nothing had happened, bit for bit."""

import functools
import json
import random
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from python.commands.train import main
from python.general_purpose_libs import read_json, run_command
from python.networks.saved import load_network
from python.runs.files import epoch_file
from tests.children import run_in, training
from tests.training.conftest import same_weights

EVERYTHING = {  # all that is drawn by chance or remembered from epoch to epoch
    "epochs": 5,
    "batch_size": 8,
    "checkpoint_steps": 3,
    "reduce_lr": {"patience": 1, "factor": 0.5},
    "early_stopping": {"monitor": "val_loss", "patience": 3},
}
THIRDS = {"train_fraction": 0.6, "val_fraction": 0.2, "test_fraction": 0.2}
BALANCED = {**THIRDS, "balance_data": True, "aug_coefficient": 2}
BUILD = {"n_conv_layers": 1, "n_filters": 4, "n_dense_layers": 1, "n_dense_units": 8, "dropout_rate": 0.3}
TASKS = {
    "mt_identifier": {
        "model_name": "simple_cnn",
        "dataset_parameters": BALANCED,
        "model_parameters": {"input_shape": [64, 16, 1], "build_parameters": BUILD},
    },
    "channel_tagging": {
        "model_name": "simple_cnn",
        "dataset_parameters": BALANCED,
        "model_parameters": {
            "build_parameters": {
                "n_filters": 2,
                "n_dense_units": 4,
                "dropout_rate": 0.3,
                "input_mode": "resized",
                "resize_factor": [4, 24],
            }
        },
    },
    "electron_direction": {
        "model_name": "three_plane_cnn",
        "dataset_parameters": {
            **THIRDS,
            "augmentation": {
                "symmetries": ["rotation", "mirror_y"],
                "noise_adc": 16,
                "energy_scale": 0.1,
                "mix_up": 0.2,
            },
        },
        "model_parameters": {"input_shape": [64, 16, 1], "build_parameters": BUILD, "loss": {"name": "angular"}},
    },
}


class Run:
    """A training of a task, in this process or in one of its own."""

    def __init__(self, task, events, place):
        self.task, self.output = task, place / "output"
        config = {
            **TASKS[task],
            "device": "cpu",
            "model_parameters": {**EVERYTHING, **TASKS[task]["model_parameters"]},
            "save_outputs": {"sample_images": 0, "tensorboard": False, "every_epoch": task == "mt_identifier"},
        }
        place.mkdir()
        (place / "config.json").write_text(json.dumps(config))
        self.errors = place / "errors"
        self.line = [task, "-j", place / "config.json", "-d", events, "-o", self.output]

    @property
    def folder(self):
        return run_in(self.output)

    @property
    def arguments(self):
        return [str(part) for part in ([self.task, "--resume", self.folder] if self.folder else self.line)]

    def finish(self):
        assert run_command(lambda: main(self.arguments)) == 0
        return self.folder

    def interrupt(self, number, after, delay):
        """Begin or go on, and send a signal `delay` seconds after so many checkpoints were written; return the exit code."""

        def checkpoints():
            return set(self.output.glob("**/checkpoints/[0-9]*.json"))

        def enough_are_new():
            seen.update(checkpoints() - before)
            return len(seen) >= after

        seen, before = set(), checkpoints()
        child = training(*self.arguments, errors=self.errors)
        child.wait_until(enough_are_new)
        time.sleep(delay)
        return child.end(number)[0]


@pytest.fixture(scope="module")
def straight(events, tmp_path_factory):
    """`straight(task)` is the folder of a run that nothing has disturbed."""
    return functools.cache(lambda task: Run(task, events, tmp_path_factory.mktemp("straight") / task).finish())


@pytest.mark.parametrize(
    ("task", "numbers"),
    [
        ("mt_identifier", {signal.SIGKILL: -signal.SIGKILL, signal.SIGTERM: 85}),
        ("channel_tagging", {signal.SIGTERM: 85}),
        ("electron_direction", {signal.SIGKILL: -signal.SIGKILL}),
    ],
)
def test_a_training_that_is_killed_ends_like_one_that_was_not(task, numbers, events, straight, tmp_path):
    dice, run = random.Random(task), Run(task, events, tmp_path / "killed")
    for number, code in numbers.items():
        assert run.interrupt(number, dice.randint(1, 4), dice.uniform(0, 0.2)) == code
    undisturbed, killed = straight(task), run.finish()
    assert same_weights(undisturbed, killed)
    for name in ("training_history.json", "metrics.json"):
        assert read_json(undisturbed / name) == read_json(killed / name)
    assert run_command(lambda: main([task, "--resume", str(killed)])) == 0  # is done already
    if task == "mt_identifier":
        assert epochs_of(killed) == epochs_of(undisturbed)
        assert all(
            same_network(undisturbed / epoch_file(epoch), killed / epoch_file(epoch)) for epoch in epochs_of(killed)
        )
    ours, theirs = np.load(undisturbed / "test_predictions.npz"), np.load(killed / "test_predictions.npz")
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def epochs_of(run):
    """The epochs whose networks are kept."""
    return sorted(int(path.stem) for path in (run / "epochs").iterdir())


def same_network(first, second):
    ours, theirs = (load_network(path).get_weights() for path in (first, second))
    return all(np.array_equal(*pair) for pair in zip(ours, theirs, strict=True))


def test_the_network_of_every_epoch_is_kept_and_one_of_them_is_that_of_the_run(straight):
    run = straight("mt_identifier")
    history = read_json(run / "training_history.json")
    assert epochs_of(run) == list(range(1, len(history["val_loss"]) + 1))
    best = int(np.argmin(history["val_loss"])) + 1
    found = [epoch for epoch in epochs_of(run) if same_network(run / epoch_file(epoch), run / "simple_cnn.keras")]
    assert found == [best]
    assert not (straight("electron_direction") / "epochs").exists()


# ---------------------------------------------------------------------------- damage
@pytest.fixture(scope="module")
def interrupted(events, tmp_path_factory):
    """A run that SIGTERM has ended within an epoch."""
    run = Run("mt_identifier", events, tmp_path_factory.mktemp("interrupted") / "run")
    assert run.interrupt(signal.SIGTERM, 4, 0) == 85
    return run.folder


@pytest.fixture
def folder(interrupted, tmp_path):
    """The folder of the interrupted run, as it was then."""
    return Path(shutil.copytree(interrupted, tmp_path / "run" / interrupted.name))


def places(folder):
    return sorted(path.stem for path in (folder / "checkpoints").glob("[0-9]*.json"))


def go_on(folder, capsys):
    code = run_command(lambda: main(["mt_identifier", "--resume", str(folder)]))
    return code, capsys.readouterr().err


def test_a_request_to_stop_leaves_the_step_in_a_checkpoint(folder):
    newest = read_json(folder / "checkpoints" / f"{places(folder)[-1]}.json")
    assert len(places(folder)) == 2
    assert newest["step"] > 0
    assert newest["configuration"]["model_parameters"]["epochs"] == 5
    assert {"packages", "keras_backend", "git_commit", "threads"} <= set(newest["surroundings"])


def test_after_a_damaged_checkpoint_the_training_goes_on_from_the_one_before(folder, straight, capsys):
    older, newest = places(folder)
    arrays = folder / "checkpoints" / f"{newest}.npz"
    content = bytearray(arrays.read_bytes())
    content[len(content) // 2] ^= 1
    arrays.write_bytes(content)
    code, said = go_on(folder, capsys)
    assert code == 0, said
    assert "is damaged" in said
    assert f"going on after {'step' if '_' in older else 'epoch'}" in said
    assert same_weights(folder, straight("mt_identifier"))


def test_without_any_whole_checkpoint_the_training_starts_anew(folder, straight, capsys):
    for path in (folder / "checkpoints").glob("*.npz"):
        path.write_bytes(b"")
    code, said = go_on(folder, capsys)
    assert code == 0, said
    assert said.count("is damaged") == 2
    assert "going on after" not in said
    assert same_weights(folder, straight("mt_identifier"))


def test_a_configuration_that_was_changed_by_hand_is_refused(folder, capsys):
    config = read_json(folder / "config.json")
    config["model_parameters"]["batch_size"] = 4
    (folder / "config.json").write_text(json.dumps(config))
    code, said = go_on(folder, capsys)
    assert code == 2
    assert "model_parameters.batch_size: there it is 8, asked for is 4" in said
    assert len(places(folder)) == 2


def test_the_time_that_was_given_is_kept(events, tmp_path):
    run = Run("mt_identifier", events, tmp_path / "run")
    line = [*run.arguments, "--set", "model_parameters.epochs=100000", "model_parameters.early_stopping=null"]
    assert run_command(lambda: main([*line, "--stop-after", "0.05"])) == 85
    assert read_json(run.folder / "status.json")["state"] == "interrupted"
    assert places(run.folder)
    before = read_json(run.folder / "checkpoints" / f"{places(run.folder)[-1]}.json")
    assert run_command(lambda: main([*run.arguments, "--stop-after", "0.03"])) == 85
    after = read_json(run.folder / "checkpoints" / f"{places(run.folder)[-1]}.json")
    assert (after["epoch"], after["step"]) > (before["epoch"], before["step"])
    assert Path(run.folder / "checkpoints").is_dir()
