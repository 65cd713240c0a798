"""Searches through the command line; most with trials in closed form, as the loop around them is what is tested."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from python.commands import predict
from python.commands.tasks import load_task
from python.commands.train import main
from python.config.load import dump_config, load_config, parse_config
from python.config.search_space import misfits_of_network, read_space
from python.data.data_origin import DataFolders
from python.general_purpose_libs import TrainingError, read_json, run_command
from python.runs.status import read_status
from python.tasks import TASKS
from python.training import preparation
from python.training.search.loop import search
from tests.training.conftest import SMALL, same_weights
from tests.training.search.closed_form import SPACE, asking, jobs, table, trial, trials_of

FEW_POINTS = {"n_filters": [4, 8], "n_conv_layers": [1, 2]}


# ---------------------------------------------------------------------------- with networks
@pytest.fixture(scope="module")
def searched(tmp_path_factory, no_drawing, data):
    """The run folder of a search with networks: two trials in processes of their own."""
    place = tmp_path_factory.mktemp("searched")
    config = {**SMALL, "model_name": "hyperopt_simple_cnn", "save_outputs": {"sample_images": 0}}
    (place / "config.json").write_text(json.dumps(config))
    line = ["mt_identifier", "-j", str(place / "config.json"), "-d", str(data), "-o", str(place / "output")]
    space = {"n_filters": [2, 4], "learning_rate": [0.001, 0.1], "loss": ["binary_crossentropy", "focal"]}
    with no_drawing.lifted("search_trials", "search_parameters", "roc_curve"):
        assert run_command(lambda: main([*line, *asking(2, space)])) == 0
    (status,) = place.glob("output/*/*/*/*/status.json")
    return status.parent


def test_a_search_leaves_trials_and_the_network_of_the_best(searched):
    trials = trials_of(searched)
    assert [(each["number"], each["status"], each["epochs"]) for each in trials] == [(1, "done", 3), (2, "done", 3)]
    with open(searched / "trials.csv") as file:
        assert [float(row["loss"]) for row in csv.DictReader(file)] == [each["loss"] for each in trials]
    assert {"search_trials", "search_parameters", "roc_curve"} <= {path.stem for path in searched.glob("plots/*.png")}
    assert [path.name for path in searched.glob("*.keras")] == ["hyperopt_simple_cnn.keras"]
    assert searched.parents[1].name == "hyperopt_simple_cnn"
    assert read_status(searched)["state"] == "done"
    assert not (searched / "search").exists()
    best = min(trials, key=lambda each: each["loss"])
    assert read_json(searched / "training_history.json")["val_loss"] == best["curve"]
    sessions = {path.parent.name for path in searched.glob("logs/tensorboard/hparams/*/events*")}
    assert sessions == {"trial_0001", "trial_0002"}


def test_the_winning_configuration_trains_the_plain_network_again(searched, workplace):
    config = load_config(searched / "best_config.json", load_task("mt_identifier").schema)
    best = min(trials_of(searched), key=lambda each: each["loss"])
    assert config.model_name == "simple_cnn"
    assert not config.search_requested
    found = config.model_parameters
    assert {name: getattr(found.build_parameters, name) for name in ("n_filters", "learning_rate")} == {
        name: best["values"][name] for name in ("n_filters", "learning_rate")
    }
    assert found.loss.name == best["values"]["loss"]
    again = workplace.train(json=searched / "best_config.json")
    assert again.code == 0, again.err
    assert same_weights(searched, Path(again.last))


def test_the_network_of_a_search_answers_for_other_data(searched, data, tmp_path):
    line = ["-m", str(searched), "-d", str(data), "-o", str(tmp_path / "answers.npz")]
    assert run_command(lambda: predict.main(line)) == 0
    scores = []
    for path in (searched / "test_predictions.npz", tmp_path / "answers.npz"):
        with np.load(path) as saved:
            names = zip(saved["sources"][saved["source"]], saved["event"], saved["labels"], strict=True)
            scores.append(dict(zip(names, saved["scores"], strict=True)))
    of_the_run, answered = scores
    assert of_the_run
    for name, expected in of_the_run.items():
        np.testing.assert_array_equal(answered[name], expected)


def test_two_workers_train_networks(workplace, monkeypatch):
    monkeypatch.setattr("python.training.run._fit_and_evaluate", lambda *_: None)
    result = workplace.train(*asking(2, search__workers=2, model_parameters__epochs=1))
    assert result.code == 0, result.err
    trials = trials_of(result.last)
    assert sorted((each["number"], each["status"], each["epochs"]) for each in trials) == [
        (1, "done", 1),
        (2, "done", 1),
    ]


# ---------------------------------------------------------------------------- what a search is told, and what comes of it
@pytest.mark.usefixtures("quick")
class TestOneWorker:
    def test_one_line_a_trial_and_the_best_so_far_wins(self, workplace):
        result = workplace.train(*asking(12))
        assert result.code == 0, result.err
        trials = trials_of(result.last)
        assert [each["number"] for each in trials] == list(range(1, 13))
        lines = [line.split() for line in result.err.splitlines() if line.endswith(" MB") or "hopeless" in line]
        assert [line[0] for line in lines] == [str(each["number"]) for each in trials]
        best = min(trials, key=lambda each: each["loss"])
        assert f"best of 12 trials: number {best['number']}, val_loss {best['metric']:.5g}" in result.err
        found = read_json(Path(result.last) / "best_config.json")["model_parameters"]["build_parameters"]
        assert {name: found[name] for name in SPACE} == best["values"]

    def test_the_same_seed_gives_the_same_trials_and_another_others(self, workplace):
        first, second = (table(workplace.train(*asking(3)).last) for _ in range(2))
        assert first == second
        assert table(workplace.train(*asking(3, dataset_parameters__random_seed=7)).last) != first

    def test_a_larger_accuracy_is_better(self, workplace):
        result = workplace.train(*asking(6, search__objective="val_accuracy", search__pruning=None))
        trials = trials_of(result.last)
        best = max(trials, key=lambda each: each["metric"])
        assert best["loss"] == min(each["loss"] for each in trials)
        assert f"number {best['number']}, val_accuracy" in result.err

    def test_epochs_and_samples_of_a_trial_are_its_own(self, workplace, tmp_path):
        account = tmp_path / "account"
        limits = {"search__epochs_per_trial": 2, "search__max_samples_per_trial": 30}
        result = workplace.train(*asking(1, notes={"account": str(account)}, **limits))
        (job,) = jobs(account)
        assert (job["config"]["model_parameters"]["epochs"], job["max_samples"]) == (2, 30)
        assert read_json(Path(result.last) / "best_config.json")["model_parameters"]["epochs"] == 3
        workplace.train(*asking(1, notes={"account": str(account)}))
        assert (jobs(account)[1]["config"]["model_parameters"]["epochs"], jobs(account)[1]["max_samples"]) == (3, None)

    def test_an_ensemble_is_for_the_network_that_won(self, workplace, tmp_path):
        result = workplace.train(*asking(1, notes={"account": str(tmp_path / "account")}, ensemble={"members": 2}))
        assert jobs(tmp_path / "account")[0]["config"]["ensemble"] is None
        assert read_json(Path(result.last) / "best_config.json")["ensemble"]["members"] == 2

    def test_parameters_of_a_loss_go_with_it(self, workplace, tmp_path):
        space = {"loss": ["focal", "binary_crossentropy"], "gamma": {"uniform": [1.0, 3.0]}, "batch_size": [8, 16]}
        space["aug_coefficient"] = [2, 3]
        configured = {"name": "focal", "alpha": 0.4}
        notes = {"account": str(tmp_path / "account")}
        result = workplace.train(*asking(8, space, notes, model_parameters__loss=configured))
        losses = set()
        for each, job in zip(trials_of(result.last), jobs(tmp_path / "account"), strict=True):
            model, values = job["config"]["model_parameters"], each["values"]
            losses.add(values["loss"])
            kept = {"gamma": values["gamma"], "alpha": 0.4} if values["loss"] == "focal" else {}
            assert model["loss"] == {"name": values["loss"], **kept}
            assert model["batch_size"] == values["batch_size"]
            assert job["config"]["dataset_parameters"]["aug_coefficient"] == values["aug_coefficient"]
        assert losses == {"focal", "binary_crossentropy"}

    def test_hopeless_trials_stand_in_the_table_as_pruned(self, workplace):
        pruning = {"warmup_epochs": 1, "startup_trials": 2}
        result = workplace.train(*asking(12, search__pruning=pruning))
        trials = trials_of(result.last)
        pruned = [each for each in trials if each["status"] == "pruned"]
        assert pruned
        assert all(each["epochs"] == 2 and each["number"] > 2 for each in pruned)
        for each in pruned:
            (line,) = [line for line in result.err.splitlines() if line.split()[:1] == [str(each["number"])]]
            assert line.endswith("pruned: hopeless after epoch 2")
        never = workplace.train(*asking(12, search__pruning=None))
        assert {each["status"] for each in trials_of(never.last)} == {"done"}

    def test_failed_trials_are_recorded_and_the_search_goes_on(self, workplace):
        result = workplace.train(*asking(3, notes={"failing": [1, 3]}))
        assert result.code == 0, result.err
        assert [each["status"] for each in trials_of(result.last)] == ["failed", "done", "failed"]
        assert result.err.count("failed: MemoryError: so many filters do not fit") == 2

    def test_nothing_but_failed_trials_is_a_failure(self, workplace):
        result = workplace.train(*asking(2, notes={"failing": [1, 2]}))
        assert result.code == 4
        assert "none of 2 trials was done" in result.err
        assert "trial 2: MemoryError: so many filters do not fit" in result.err
        (folder,) = workplace.output.glob("mt_identifier/*/*/*")
        assert [each["status"] for each in trials_of(folder)] == ["failed", "failed"]
        assert not (folder / "best_config.json").exists()
        assert read_status(folder)["state"] == "failed"
        assert workplace.train(resume=folder).code == 4
        assert len(trials_of(folder)) == 2

    def test_patience_ends_a_search(self, workplace):
        result = workplace.train(*asking(100, search__patience=3))
        losses = [each["loss"] for each in trials_of(result.last)]
        assert len(losses) == losses.index(min(losses)) + 1 + 3
        assert "3 trials in a row brought nothing better" in result.err
        in_vain = workplace.train(*asking(100, search__patience=2, notes={"failing": [1, 2, 3]}))
        assert in_vain.code == 4
        assert "none of 2 trials" in in_vain.err

    def test_a_time_budget_ends_a_search(self, workplace):
        result = workplace.train(*asking(100, notes={"seconds": 0.4}, search__time_budget_minutes=0.01))
        assert result.code == 0, result.err
        assert 1 <= len(trials_of(result.last)) <= 2
        assert "the time budget of 0.01 minutes is spent" in result.err

    def test_a_space_that_was_all_tried_ends_a_search(self, workplace):
        result = workplace.train(*asking(20, FEW_POINTS))
        assert result.code == 0, result.err
        tried = [tuple(each["values"].values()) for each in trials_of(result.last)]
        assert sorted(tried) == [(4, 1), (4, 2), (8, 1), (8, 2)]
        assert result.err.count("hardly a point of the space is left that was not tried") == 1

    def test_a_search_that_has_chosen_chooses_no_other_when_it_goes_on(self, workplace, monkeypatch):
        def fail(*_):
            raise TrainingError("the network does not fit")

        with monkeypatch.context() as patch:
            patch.setattr("python.training.run._fit_and_evaluate", fail)
            budget = asking(100, notes={"seconds": 0.4}, search__time_budget_minutes=0.005)
            assert workplace.train(*budget).code == 4
        (folder,) = workplace.output.glob("mt_identifier/*/*/*")
        before, best = table(folder), (folder / "best_config.json").read_text()
        assert (
            workplace.train(resume=folder).code == 0
        )  # the trials claim to have taken no time: there would be budget left
        assert (table(folder), (folder / "best_config.json").read_text()) == (before, best)

    def test_the_network_of_the_best_gets_the_data_that_it_takes(self, workplace, monkeypatch):
        prepared, trained = [], []

        def prepare(task, config, data):
            prepared.append((config.model_parameters.batch_size, preparation.prepared(task, config, data)))
            return prepared[-1][1]

        monkeypatch.setattr("python.training.run.prepared", prepare)
        monkeypatch.setattr("python.training.run._fit_and_evaluate", lambda *given: trained.append(given))
        result = workplace.train(*asking(2, {"batch_size": [8, 64], "learning_rate": [0.001, 0.1]}))
        [(training, _, _, figures, _)] = trained
        config = training.config
        best = min(trials_of(result.last), key=lambda each: each["loss"])
        assert [size for size, _ in prepared] == [16, best["values"]["batch_size"]]
        assert prepared[-1][1] is training
        assert (config.model_name, config.model_parameters.batch_size) == ("simple_cnn", best["values"]["batch_size"])
        assert set(figures) == {"search_trials", "search_parameters"}


# ---------------------------------------------------------------------------- refused before anything runs
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (asking(2, {"n_filtres": [4, 8]}), 'did you mean "n_filters"?'),
        (asking(2, search__objective="val_acuracy"), 'search.objective: must be one of "val_loss", "val_accuracy"'),
        (asking(2, search__engine="condor"), "search.engine"),
        (asking(2, {"gamma": [1.0, 2.0]}), "nothing of this name can be searched"),
    ],
)
def test_mistakes_are_told_before_anything_runs(workplace, arguments, words):
    result = workplace.train(*arguments)
    assert result.code == 2
    assert words in result.err
    assert not workplace.output.exists()


def test_batch_workers_without_a_batch_system(workplace, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    result = workplace.train(*asking(2, search__engine="htcondor"))
    assert result.code == 2
    assert "condor_submit" in result.err
    assert not workplace.output.exists()


@pytest.mark.usefixtures("quick")
def test_another_space_is_another_search(workplace):
    result = workplace.train(*asking(1))
    changed = {**SPACE, "n_filters": [4, 8]}
    refused = workplace.train("--set", f"model_parameters.space_options={json.dumps(changed)}", resume=result.last)
    assert refused.code == 2
    assert "model_parameters.space_options.n_filters" in refused.err


@pytest.mark.parametrize(
    ("engine", "words"), [("htcondor", "queue 3"), ("slurm", "--array=1-3"), ("local", "3 at a time")]
)
def test_a_dry_run_shows_what_would_be_searched(workplace, engine, words):
    result = workplace.train("--dry-run", *asking(7, search__engine=engine, search__workers=3))
    assert result.code == 0, result.err
    assert words in result.out
    for line in ("search: 7 trials", "n_filters: quniform [4, 16, 1]", "learning_rate: loguniform [0.0001, 0.1]"):
        assert line in result.out
    assert not workplace.output.exists()


# ---------------------------------------------------------------------------- all tasks and networks
def other_values(default):
    """Values that may do in place of a default."""
    if isinstance(default, bool):
        return [not default]
    if isinstance(default, int):
        return [default - 1, default + 1]
    if isinstance(default, float):
        return [default / 2, default + 0.1]
    return [list(default[:1]), list(default) * 2] if isinstance(default, tuple) else []


def everything(config, task):
    """A space of all that can be searched in the network of the configuration."""
    architecture, model = task.architecture(config), config.model_parameters
    wanted = {name: getattr(model.build_parameters, name) for name in type(model.build_parameters).model_fields}
    wanted |= {"batch_size": 32, "loss": model.loss.name, "aug_coefficient": 1, "prob_per_flip": 0.5}
    wanted |= {name: getattr(model.loss, name) for name in type(model.loss).model_fields if name != "name"}
    space = {}
    for name, default in wanted.items():
        plain = list(default) if isinstance(default, tuple) else default
        space[name] = {"choice": [plain]}
        for value in other_values(default):
            more = {"choice": [plain, value]}
            if not read_space({name: more}, config, architecture)[1] and not any(
                misfits_of_network(read_space({name: more}, config, architecture)[0], config, architecture)
            ):
                space[name] = more
    return space


@pytest.mark.parametrize(
    ("task_name", "model_name"), [(task, model) for task in TASKS for model in load_task(task).schema.architectures]
)
def test_everything_of_every_network_can_be_searched(task_name, model_name, tmp_path, monkeypatch):
    monkeypatch.setattr("python.training.search.loop.run_trial_process", trial)
    task = load_task(task_name)
    asked = {"hp_max_evals": 5, "space_options": {"learning_rate": [0.001, 0.01]}}
    raw = {"model_name": model_name, "model_parameters": asked, "save_outputs": {"tensorboard": False}}
    space = everything(parse_config(raw, task.schema), task)
    asked["space_options"] = space
    config = parse_config(raw, task.schema)
    assert len(space) >= 8
    assert sum(len(each["choice"]) for each in space.values()) > 1.5 * len(space)
    best, figures = search(task, config, tmp_path, DataFolders([]))
    trials = trials_of(tmp_path)
    assert [each["status"] for each in trials] == ["done"] * 5, [each["reason"] for each in trials]
    assert dump_config(best) == read_json(tmp_path / "best_config.json")
    assert len(figures) == 2
