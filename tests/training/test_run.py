import csv
import json
from pathlib import Path

import numpy as np
import pytest

from python.commands.tasks import load_task
from python.commands.train import main
from python.config.load import load_config
from python.data.data_origin import DataFolders
from python.data.image_file import write_image_file
from python.data.image_set import load_images
from python.general_purpose_libs import read_json, run_command, write_json
from python.runs.status import read_status
from python.version import VERSION
from tests.children import run_in
from tests.synthetic import image_file, write_folder, write_old_file
from tests.training.conftest import SMALL, same_weights, weights

EXPECTED = (
    "config.json",
    "args.json",
    "data.json",
    "environment.json",
    "status.json",
    "cuts.json",
    "splits.npz",
    "training_history.json",
    "training_history.csv",
    "metrics.json",
    "val_predictions.npz",
    "test_predictions.npz",
    "report.pdf",
    "logs/train.log",
)


@pytest.fixture(scope="module")
def done(data, no_drawing, tmp_path_factory):
    """The folder of a finished run, with everything drawn."""
    place = tmp_path_factory.mktemp("done")
    write_json(place / "config.json", SMALL)
    line = ["mt_identifier", "-j", place / "config.json", "-d", data, "-o", place / "output"]
    with no_drawing.lifted():
        assert run_command(lambda: main([str(part) for part in line])) == 0
    return run_in(place / "output")


def test_a_run_leaves_everything_and_learns(done):
    assert done.parent.parts[-4:] == ("output", "mt_identifier", "simple_cnn", "plane_X")
    assert [path.name for path in done.glob("*.keras")] == ["simple_cnn.keras"]
    for name in EXPECTED:
        assert (done / name).stat().st_size > 0, name
    assert len(list((done / "samples").glob("*.png"))) == 2
    plots = {path.stem for path in (done / "plots").glob("*.png")}
    assert {"training_history", "confusion_matrix", "roc_curve", "score_distribution", "precision_recall"} <= plots
    assert {"accuracy_vs_energy", "efficiency_vs_energy", "best_and_worst", "against_threshold"} <= plots
    assert {"score_vs_energy", "right_and_wrong", "roc_by_channel", "efficiency_by_channel"} <= plots
    assert read_status(done)["state"] == "done"
    assert read_json(done / "environment.json")["project"] == VERSION
    metrics = read_json(done / "metrics.json")
    assert metrics["accuracy"] > 0.9  # long lines against short ones
    assert metrics["accuracy_low"] <= metrics["accuracy"] <= metrics["accuracy_high"]
    assert {"f1", "auc", "precision_main_track", "recall_background", "baseline_accuracy"} <= set(metrics)


def test_predictions_join_the_data_by_identity(done, workplace):
    images = load_images(DataFolders([workplace.data]), "X")
    known = {(images.sources[row["source"]].name, row["event"], row["is_main_track"]): row for row in images.metadata}
    metrics = read_json(done / "metrics.json")
    for part in ("val", "test"):
        saved = np.load(done / f"{part}_predictions.npz")
        assert saved["class_names"].tolist() == ["background", "main_track"]
        np.testing.assert_allclose(saved["scores"].sum(axis=1), 1, atol=1e-6)
        for number, label in enumerate(saved["labels"]):
            row = known[(str(saved["sources"][saved["source"][number]]), saved["event"][number], label)]
            assert saved["cluster_energy"][number] == row["cluster_energy"]
    right = np.mean(saved["scores"].argmax(axis=1) == saved["labels"])
    assert right == pytest.approx(metrics["accuracy"])


def test_clusters_of_each_channel_are_judged_by_themselves(done):
    metrics, saved = read_json(done / "metrics.json"), np.load(done / "test_predictions.npz")
    right = saved["scores"].argmax(axis=1) == saved["labels"]
    for number, name in enumerate(("cc", "es")):
        mine = saved["event"] % 2 == number  # see tests.synthetic.image_file
        assert metrics[f"{name}_events_accuracy"] == pytest.approx(np.mean(right[mine]))
        assert metrics[f"{name}_events_auc_low"] <= metrics[f"{name}_events_auc"]


def test_a_cut_on_the_energy_stands_beside_the_network(done):
    metrics, saved = read_json(done / "metrics.json"), np.load(done / "test_predictions.npz")
    above, is_main = saved["cluster_energy"] >= 3, saved["labels"] == 1
    is_es = saved["event"] % 2 == 1
    assert metrics["baseline_energy_cut_accuracy"] == pytest.approx(np.mean(above == is_main))
    assert metrics["baseline_energy_cut_es_efficiency"] == pytest.approx(np.mean(above[is_main & is_es]))
    assert metrics["baseline_energy_cut_cc_rejection"] == pytest.approx(np.mean(~above[~is_main & ~is_es]))
    chosen = saved["scores"].argmax(axis=1) == 1
    assert metrics["es_efficiency"] == pytest.approx(np.mean(chosen[is_main & is_es]))
    assert 0 <= metrics["cc_rejection_at_energy_cut_efficiency"] <= 1
    assert (done / "plots" / "efficiency_vs_rejection.png").is_file()


def test_the_split_is_by_event(done):
    split = np.load(done / "splits.npz")
    part_of = {}
    for source, event, part in zip(split["source"], split["event"], split["part"], strict=True):
        assert part_of.setdefault((source, event), part) == part
    test = np.load(done / "test_predictions.npz")
    np.testing.assert_array_equal(np.flatnonzero(split["part"] == 2), test["row"])


def test_the_resolved_configuration_trains_the_same_run_again(done, workplace):
    result = workplace.train(json=done / "config.json")
    again = Path(result.last)
    assert result.code == 0
    assert again != done
    assert same_weights(done, again)
    assert (done / "training_history.csv").read_text() == (again / "training_history.csv").read_text()
    other = workplace.train("--set", "dataset_parameters.random_seed=7")
    assert not same_weights(done, Path(other.last))


def test_learning_rate_decays_per_epoch_and_the_best_epoch_is_kept(workplace):
    result = workplace.train("--set", "model_parameters.build_parameters.decay_rate=0.5")
    with open(Path(result.last) / "training_history.csv") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["learning_rate"]) for row in rows] == pytest.approx([0.01, 0.005, 0.0025])
    import keras

    best = min(range(3), key=lambda epoch: float(rows[epoch]["val_loss"]))
    model = keras.models.load_model(Path(result.last) / "simple_cnn.keras")
    assert model.optimizer.iterations == (best + 1) * -(-120 // 16)


def test_early_stopping_and_plateau(workplace):
    result = workplace.train(
        "--set",
        "model_parameters.epochs=40",
        "model_parameters.early_stopping.patience=3",
        "model_parameters.early_stopping.min_delta=10",  # nothing ever counts as an improvement
        'model_parameters.reduce_lr={"patience": 1, "factor": 0.1}',
        "model_parameters.build_parameters.decay_rate=1.0",
    )
    history = read_json(Path(result.last) / "training_history.json")
    assert len(history["loss"]) == 4
    assert history["learning_rate"][0] == pytest.approx(0.01)
    assert history["learning_rate"][-1] < 0.01


def other_optimizer(name):
    loss, optimizer = {"name": "focal", "gamma": 1.5}, {"name": name, "clipnorm": 1.0}
    return [f"model_parameters.loss={json.dumps(loss)}", f"model_parameters.optimizer={json.dumps(optimizer)}"]


def test_focal_loss_and_another_optimizer(workplace):
    result = workplace.train("--set", *other_optimizer("adamw"), "model_parameters.epochs=1")
    assert result.code == 0, result.err
    assert np.all([np.all(np.isfinite(array)) for array in weights(Path(result.last))])


@pytest.mark.parametrize("name", ["sgd", "rmsprop"])
def test_other_optimizers_take_a_step(workplace, name):
    from python.training.fitting import build_model

    task = load_task("mt_identifier")
    model = build_model(task, load_config(workplace.config, task.schema, other_optimizer(name)))
    before, model.run_eagerly = model.get_weights(), True
    images, labels = np.random.default_rng(0).normal(size=(16, *model.input_shape[1:])), np.arange(16)[:, None] % 2
    assert np.isfinite(model.train_on_batch(images, labels, return_dict=True)["loss"])
    moved = [
        np.all(np.isfinite(new)) and np.any(new != old) for new, old in zip(model.get_weights(), before, strict=True)
    ]
    assert all(moved)


def test_balance_and_augmentation_are_recorded(workplace):
    result = workplace.train(
        "--set",
        "dataset_parameters.balance_data=true",
        "dataset_parameters.aug_coefficient=2",
        "model_parameters.epochs=1",
        "--max-samples",
        "90",
    )
    folder = Path(result.last)
    steps = [cut["step"] for cut in read_json(folder / "cuts.json")]
    assert any("balanced (undersample)" in step for step in steps)
    assert any("at most 90" in step for step in steps)
    assert read_json(folder / "config.json")["dataset_parameters"]["max_samples"] == 90


def test_old_dense_files_train(workplace, tmp_path):
    for number in range(3):
        write_old_file(tmp_path / "old" / f"clusters_planeX_batch{number:04d}.npz", n=40, seed=number)
    result = workplace.train("--set", "model_parameters.epochs=1", data=tmp_path / "old")
    assert result.code == 0, result.err


def test_other_planes(workplace, tmp_path):
    write_folder(tmp_path / "v", n=100, plane="V")
    result = workplace.train("--plane", "V", "--set", "model_parameters.epochs=1", data=tmp_path / "v")
    assert result.code == 0, result.err
    assert Path(result.last).parent.name == "plane_V"
    assert workplace.train("--plane", "U").code == 3


def test_dry_run_shows_and_trains_nothing(workplace):
    result = workplace.train("--dry-run")
    assert result.code == 0
    assert '"epochs": 3' in result.out
    assert "max_pooling2d" in result.out
    assert "split by event" in result.out
    assert not workplace.output.exists()


def test_three_classes(workplace, no_drawing):
    of_classes = ("confusion_matrix", "roc_curve", "score_distribution", "precision_recall")
    with no_drawing.lifted(*of_classes):
        result = workplace.train(
            "--set",
            "model_name=simple_cnn_multiclass",
            "model_parameters.epochs=4",
            "dataset_parameters.balance_data=true",
            "dataset_parameters.balance_method=oversample",
        )
    assert result.code == 0, result.err
    folder = Path(result.last)
    assert {path.stem for path in (folder / "plots").iterdir()} == set(of_classes)
    metrics = read_json(folder / "metrics.json")
    assert {"recall_es_main_track", "auc_cc_main_track", "precision_background"} <= set(metrics)
    with np.load(folder / "test_predictions.npz") as saved:
        scores, labels = saved["scores"], saved["labels"]
    assert scores.shape[1] == 3
    assert np.mean((scores.argmax(axis=1) == 0) == (labels == 0)) > 0.9


def test_repeated_images_are_cut(workplace, tmp_path):
    for name in ("a", "b"):
        write_image_file(tmp_path / "twice" / f"{name}_planeX.npz", image_file(100, source=f"{name}.root"))
    result = workplace.train("--dry-run", data=tmp_path / "twice")
    line = next(line for line in result.out.splitlines() if line.startswith("without repeated"))
    assert line.split()[3:5] == ["100", "100"]
