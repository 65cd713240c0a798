"""A new run that starts from the weights of another one: what it takes, what it records, and what is refused."""

import copy
from pathlib import Path

import numpy as np
import pytest

from python.commands.tasks import load_task
from python.config.load import dump_config, parse_config
from python.general_purpose_libs import ConfigError, read_json, write_json
from python.runs.registry.registry import Registry
from python.runs.shipped import network_folder
from python.runs.status import read_status
from python.training.starts import starts_of, take_start
from tests.training.conftest import SMALL, same_weights, weights

STILL = "model_parameters.build_parameters.learning_rate=1e-12"  # weights stay where they start, to single precision
DIRECTIONS = {
    "task": "electron_direction",
    "model_name": "three_plane_cnn",
    "model_parameters": {
        "input_shape": [32, 16, 1],
        "build_parameters": {"n_conv_layers": 1, "n_filters": 2, "n_dense_layers": 1, "n_dense_units": 4},
    },
}
VOLUMES = {
    "task": "channel_tagging",
    "model_name": "simple_cnn",
    "model_parameters": {
        "build_parameters": {"n_filters": 2, "n_dense_units": 4, "input_mode": "resized", "resize_factor": [8, 48]}
    },
}
TASKS = {keys["task"]: keys for keys in (SMALL, VOLUMES, DIRECTIONS)}


def changed(keys, **changes):
    """`keys` with the values at dotted paths (a double underscore for the dot) replaced."""
    result = copy.deepcopy(keys)
    for path, value in changes.items():
        *sections, key = path.split("__")
        node = result
        for section in sections:
            node = node.setdefault(section, {})
        node[key] = value
    return result


def run_of(folder, keys, members=0):
    """A finished run as far as another one looks at it: networks with weights of their own, trained for one step."""
    from python.training.fitting import build_model

    task = load_task(keys["task"])
    config = parse_config(changed(keys, ensemble={"members": members}) if members else keys, task.schema)
    for number in range(1, members + 1) if members else [0]:
        model = build_model(
            task, parse_config(changed(keys, dataset_parameters__random_seed=100 + number), task.schema)
        )
        model.optimizer.build(model.trainable_variables)
        model.optimizer.iterations.assign(7)
        place = folder / "members" / f"{number:02d}" if members else folder
        place.mkdir(parents=True)
        model.save(place / f"{config.model_name}.keras")
    write_json(folder / "config.json", dump_config(config))
    write_json(folder / "status.json", {"state": "done"})
    return folder


def starting(keys, **changes):
    task = load_task(keys["task"])
    return starts_of(task, parse_config(changed(keys, **changes), task.schema))


# ---------------------------------------------------------------------------- the networks of each task
@pytest.mark.parametrize("name", TASKS)
def test_networks_of_each_task_start_from_the_weights_of_another_run(name, tmp_path):
    from python.training.fitting import build_model
    from python.training.starts import keep_starts

    run = run_of(tmp_path / "run", TASKS[name])
    rate = {"model_parameters__build_parameters__learning_rate": 0.002}
    section = {"run": str(run), "with_optimizer": True}
    config, starts = starting(TASKS[name], continue_from=section, **rate)
    keep_starts([tmp_path], starts)
    model = build_model(load_task(name), config)
    take_start(model, tmp_path)
    assert all(np.array_equal(*each) for each in zip(model.get_weights(), weights(run), strict=True))
    assert int(model.optimizer.iterations) == 7
    assert float(model.optimizer.learning_rate) == pytest.approx(0.002)
    again, _ = starting(TASKS[name], continue_from={**section, "weights": config.continue_from.weights})
    assert again.continue_from == config.continue_from
    with pytest.raises(ConfigError, match="not those that the configuration names"):
        starting(TASKS[name], continue_from={**section, "weights": "0" * 32})


def test_networks_that_ship_are_started_from():
    """Fine tuning: the configuration is that of the network, whose folder is no run."""
    folder = network_folder(None, "mt_identifier")
    keys = read_json(folder / "config.json")
    _, (start,) = starting(keys, continue_from={"run": str(folder)})
    assert all(np.array_equal(*each) for each in zip(start.network, weights(folder), strict=True))
    with pytest.raises(ConfigError, match="ships without its optimizer"):
        starting(keys, continue_from={"run": str(folder), "with_optimizer": True})


def test_members_start_from_members(tmp_path):
    run = run_of(tmp_path / "run", SMALL, members=2)
    _, starts = starting(SMALL, ensemble={"members": 2}, continue_from={"run": str(run)})
    for number, start in enumerate(starts, start=1):
        own = weights(run / "members" / f"{number:02d}")
        assert all(np.array_equal(*each) for each in zip(start.network, own, strict=True))
        assert start.optimizer == []
    for other in ({"members": 3}, None):
        with pytest.raises(ConfigError, match="an ensemble of 2"):
            starting(SMALL, ensemble=other, continue_from={"run": str(run)})


@pytest.mark.parametrize(
    ("keys", "changes", "said"),
    [
        (SMALL, {"model_parameters__build_parameters__n_filters": 6}, "n_filters: there it is 4, asked for is 6"),
        (SMALL, {"model_parameters__input_shape": [64, 32, 1]}, "its inputs"),
        (DIRECTIONS, {"model_parameters__loss": {"name": "von_mises_fisher"}}, "what the network says"),
        (
            SMALL,
            {"model_parameters__optimizer__name": "sgd", "continue_from__with_optimizer": True},
            "the state of adam",
        ),
    ],
)
def test_other_networks_are_refused_with_what_differs(keys, changes, said, tmp_path):
    run = run_of(tmp_path / "run", keys)
    with pytest.raises(ConfigError, match=said):
        starting(keys, continue_from__run=str(run), **changes)


def test_runs_that_have_nothing_to_start_from_are_refused(tmp_path):
    def refused(**changes):
        with pytest.raises(ConfigError) as error:
            starting(SMALL, continue_from={"run": str(tmp_path / "run")}, **changes)
        return str(error.value)

    assert "is no run folder" in refused()
    run = run_of(tmp_path / "run", SMALL)
    next(run.glob("*.keras")).write_bytes(b"PK no network")
    assert "cannot be read" in refused()
    next(run.glob("*.keras")).unlink()
    assert "has no weights" in refused()
    write_json(run / "config.json", VOLUMES)
    assert "is a run of channel_tagging" in refused()


def test_a_search_starts_from_nothing():
    search = changed(SMALL, model_parameters__hp_max_evals=2, model_parameters__space_options={"n_filters": [2, 4]})
    with pytest.raises(ConfigError, match="continue_from: starts from one network"):
        starting(search, continue_from={"run": "run"})


# ---------------------------------------------------------------------------- runs of the command line
def test_a_run_that_continues_says_so_everywhere_and_can_be_trained_again(workplace, tmp_path):
    origin = run_of(tmp_path / "origin", SMALL)
    refused = workplace.train("--continue-from", origin, "--set", "model_parameters.build_parameters.n_filters=6")
    assert refused.code == 2
    assert not workplace.output.exists()
    result = workplace.train("--continue-from", origin, "--set", STILL, "model_parameters.epochs=1")
    assert result.code == 0, result.err
    run = Path(result.last)
    for own, theirs in zip(weights(run), weights(origin), strict=True):
        np.testing.assert_allclose(own, theirs, atol=1e-6)
    section = read_json(run / "config.json")["continue_from"]
    assert section["run"] == str(origin)
    assert len(section["weights"]) == 32
    assert read_json(run / "args.json")["continue_from"] == str(origin)
    assert read_status(run)["continued_from"] == str(origin)
    (entry,) = Registry(workplace.output).entries()
    assert entry["continued_from"] == str(origin)
    assert f"**Continued from**: `{origin}`" in (workplace.output / "TRAINING_REGISTRY.md").read_text()
    again = workplace.train(json=run / "config.json")
    assert same_weights(run, Path(again.last))


def test_an_interrupted_run_is_continued_from_its_best_epoch_and_so_is_one_that_had_just_begun(
    workplace, monkeypatch, tmp_path
):
    from python.general_purpose_libs import StopRequested
    from python.training import callbacks

    asked = []

    def stop_after_an_epoch():
        if any(workplace.output.glob("**/checkpoints/0001.json")) or asked:
            raise StopRequested("asked to stop")

    with monkeypatch.context() as patched:
        patched.setattr(callbacks, "raise_if_stop_requested", stop_after_an_epoch)
        assert workplace.train().code == StopRequested.exit_code
        (status,) = workplace.output.glob("**/status.json")
        origin = status.parent
        best = np.load(origin / "checkpoints" / "0001.npz")
        asked.append(True)  # in its first step: there is no checkpoint yet
        line = ("--continue-from", origin, "-o", tmp_path / "second", "--set", STILL, "model_parameters.epochs=1")
        assert workplace.train(*line).code == StopRequested.exit_code
    (status,) = (tmp_path / "second").glob("**/status.json")
    origin.rename(tmp_path / "moved")  # what a run starts from is in its own folder
    (run,) = [status.parent]
    result = workplace.train(resume=run)
    assert result.code == 0, result.err
    for number, own in enumerate(weights(run)):
        np.testing.assert_allclose(own, best[f"network_{number}"], atol=1e-6)


def test_more_epochs_of_a_finished_run_are_a_new_run(workplace, tmp_path):
    origin = run_of(tmp_path / "origin", SMALL)
    assert f"--continue-from {origin}" in workplace.train(resume=origin).err
    refused = workplace.train("--set", "model_parameters.epochs=9", resume=origin)
    assert refused.code == 2
    assert f"--continue-from {origin}" in refused.err
