"""Whole trainings on simulated events, by the command line: what they leave, what they refuse, and that they go on."""

from pathlib import Path

import numpy as np
import pytest

from python.commands.predict import main as predict
from python.data.data_origin import DataFolders
from python.data.image_set import load_images
from python.data.metadata import vectors
from python.data.npz import read_npz
from python.detector.drift_frame import to_detector_frame, to_drift_frame
from python.directions.electron_energy import resolution
from python.general_purpose_libs import StopRequested, read_json
from python.metrics.directions import opening_angles
from python.runs.status import read_status
from tests.electron_direction.conftest import SMALL, predictions, prepared, with_loss
from tests.training.conftest import same_weights

EXPECTED = (
    *("config.json", "args.json", "data.json", "environment.json", "status.json", "cuts.json", "splits.npz"),
    *("training_history.json", "training_history.csv", "metrics.json", "val_predictions.npz", "test_predictions.npz"),
    *("report.pdf", "logs/train.log", "calibration.json"),
)
PLOTS = {
    *("training_history", "angle_distribution", "cosine_distribution", "containment_vs_energy", "head_tail_vs_energy"),
    *("against_drift_angle", "components", "direction_maps", "best_and_worst", "samples"),
    *("error_map", "error_over_energy"),
    *("uncertainty_calibration", "uncertainty_calibrated", "coverage", "levels"),
}
QUICK = {  # everything that is drawn by chance, so that a run that goes on is put to the test
    "model_parameters": {
        **SMALL["model_parameters"],
        "build_parameters": {**SMALL["model_parameters"]["build_parameters"], "dropout_rate": 0.2},
        "loss": {"name": "mixture"},
        "epochs": 2,
    },
    "dataset_parameters": {
        **SMALL["dataset_parameters"],
        "augmentation": {"symmetries": ["rotation", "mirror_y"], "noise_adc": 16, "energy_scale": 0.1, "mix_up": 0.2},
    },
    "prediction": {"average_over": ["rotation"]},
    "save_outputs": {"sample_images": 3, "tensorboard": False},
}


@pytest.fixture(scope="module", autouse=True)
def few_are_enough():
    """Runs of a few dozen events are calibrated as well as can be."""
    with pytest.MonkeyPatch.context() as during:
        for name in ("recalibration", "electron_energy"):
            during.setattr(f"python.directions.{name}.LEAST_EVENTS", 20)
        yield


@pytest.fixture(scope="module")
def quick(start, no_drawing, tmp_path_factory):
    """The folder of a run of two epochs."""
    output = tmp_path_factory.mktemp("quick")
    with no_drawing.lifted():
        assert start(output=output, **QUICK) == 0
    (folder,) = (output / "electron_direction" / "three_plane_cnn").iterdir()
    return folder


# ---------------------------------------------------------------------------- a whole run
def test_a_run_leaves_everything(quick):
    assert [path.name for path in quick.glob("*.keras")] == ["three_plane_cnn.keras"]
    for name in EXPECTED:
        assert (quick / name).stat().st_size > 0, name
    assert {path.stem for path in (quick / "plots").glob("*.png")} == PLOTS
    assert len(list((quick / "samples").glob("*.png"))) == 3
    assert read_status(quick)["state"] == "done"
    history = read_json(quick / "training_history.json")
    assert {"loss", "angle", "val_loss", "val_angle"} <= set(history)
    assert all(0 < angle < 180 for angle in history["val_angle"])
    metrics = read_json(quick / "metrics.json")
    names = {"containment_68_deg", "median_deg", "head_tail_accuracy", "pull_coverage", "gkvm_containment_68_deg"}
    of_densities = {"negative_log_likelihood", "coverage_68", "coverage_error", "pull_coverage"}
    assert of_densities | {f"{name}_calibrated" for name in of_densities} <= set(metrics)
    assert names | {"gkvm_containment_68_deg_above_5_mev", "gkvm_limit_68_deg_above_5_mev"} <= set(metrics)
    assert 15 < metrics["gkvm_limit_68_deg_above_10_mev"] < metrics["gkvm_limit_68_deg_above_5_mev"] < 40
    named = {Path(file["file"]).name for file in read_json(quick / "data.json")}
    assert named == {"es_00000_planeU.npz", "es_00000_planeV.npz", "es_00000_planeX.npz", "es_00000_points.npz"}


@pytest.mark.parametrize("part", ["val", "test"])
def test_predictions_tell_of_which_event_and_agree_in_both_frames(quick, simulated, part):
    saved = predictions(quick, part)
    images = load_images(DataFolders([simulated]), "X")
    row_of = {(row["event"], row["match_id"]): number for number, row in enumerate(images.metadata)}
    rows = [row_of[key] for key in zip(saved["event"], saved["match_id"], strict=True)]
    table = images.metadata[rows]
    assert len(set(rows)) == len(rows) > 20
    assert saved["sources"].tolist() == [source.name for source in images.sources]
    momentum = vectors(table, "particle_momentum").astype(float)
    truth = momentum / np.linalg.norm(momentum, axis=1, keepdims=True)
    np.testing.assert_allclose(saved["true_direction"], truth, atol=1e-6)
    np.testing.assert_allclose(saved["true_direction_drift_frame"], to_drift_frame(truth, table["face"]), atol=1e-6)
    assert np.array_equal(to_detector_frame(saved["direction_drift_frame"], table["face"]), saved["direction"])
    np.testing.assert_allclose(np.linalg.norm(saved["direction"], axis=1), 1, atol=1e-6)
    for name in ("face", "cluster_energy", "true_electron_energy"):
        assert np.array_equal(saved[name], table[name])
    assert np.all(saved["is_es"] == 1)
    assert str(saved["output_layout"]) == "mixture"
    assert np.all((saved["head_probability"] >= 0.5) & (saved["head_probability"] <= 1))
    assert np.all((saved["predicted_68_deg"] > 0) & (saved["predicted_68_deg"] <= 180))
    np.testing.assert_allclose(saved["calibrated_probability"].sum(axis=1), 1, atol=1e-6)
    axis = saved["calibrated_eta_drift_frame"] @ saved["direction_drift_frame"][..., None]
    length = np.linalg.norm(saved["calibrated_eta_drift_frame"], axis=2)
    np.testing.assert_allclose(np.abs(axis[..., 0]), length, rtol=1e-4)  # a mixture's lobes lie along one axis
    assert np.all((saved["calibrated_68_deg"] > 0) & (saved["calibrated_68_deg"] < 180))
    assert np.all((saved["spread_deg"] >= 0) & (saved["spread_deg"] <= 90))  # of the two views, as of axes
    if part == "test":
        angles = opening_angles(saved["true_direction"], saved["direction"])
        metrics = read_json(quick / "metrics.json")
        assert metrics["n"] == len(angles)
        assert metrics["head_tail_accuracy"] == pytest.approx(np.mean(angles < 90))
        assert metrics["mean_deg"] == pytest.approx(angles.mean(), rel=1e-5)


def test_a_network_of_points_estimates_the_energy_and_says_so_of_other_data(train, simulated, tmp_path):
    sizes = {"max_points": 16, "n_point_units": 4, "dense_units": [4]}
    model = {"build_parameters": sizes, "loss": {"name": "angular"}, "epochs": 1, "batch_size": 64}
    folder = Path(train(model_name="point_network", model_parameters=model).last)
    assert set(read_json(folder / "calibration.json")) == {"answer", "electron_energy"}  # a unit vector says no more
    saved, metrics = predictions(folder), read_json(folder / "metrics.json")
    of_cluster = resolution(saved["cluster_energy"], saved["true_electron_energy"])
    found = resolution(saved["electron_energy"], saved["true_electron_energy"])
    assert (metrics["electron_energy_bias"], metrics["electron_energy_half_width"]) == pytest.approx(found)
    assert found.half_width < 0.7 * of_cluster.half_width
    assert predict(["-m", str(folder), "-d", str(simulated), "-o", str(tmp_path / "all.npz")]) == 0
    answered = read_npz(tmp_path / "all.npz")
    energy = dict(
        zip(zip(answered["event"], answered["match_id"], strict=True), answered["electron_energy"], strict=True)
    )
    again = [energy[key] for key in zip(saved["event"], saved["match_id"], strict=True)]
    np.testing.assert_allclose(again, saved["electron_energy"])


def test_predictions_are_averaged_over_the_symmetry(quick, simulated):
    """The saved network, asked by hand: as it is, and with all columns turned round and the answer turned back."""
    import keras

    network = keras.models.load_model(quick / f"{quick.parent.name}.keras")
    saved = predictions(quick)
    samples = prepared(simulated, **QUICK)
    inputs = samples.set.network_inputs(saved["row"])
    plain = network.predict_on_batch(inputs)
    turned = network.predict_on_batch({name: images[:, :, ::-1] for name, images in inputs.items()}) * [1, -1, -1, 1]
    side = np.sign(np.sum(plain[:, :3] * turned[:, :3], axis=1, keepdims=True))
    expected = (plain + side * turned) / 2  # of a mixture's axis neither end is the first
    sign = np.sign(np.sum(expected[:, :3] * saved["outputs"][:, :3], axis=1, keepdims=True))
    np.testing.assert_allclose(saved["outputs"], expected * sign, atol=1e-5)
    assert np.abs(plain - turned).max() > 1e-4


def test_an_interrupted_run_goes_on_to_the_same_end(quick, train, tmp_path, monkeypatch):
    steps = -(-len(np.flatnonzero(np.load(quick / "splits.npz")["part"] == 0)) // 64)
    seen = []

    def stop():
        seen.append(1)
        if len(seen) > steps:
            raise StopRequested("asked to stop")

    with monkeypatch.context() as during:
        during.setattr("python.training.callbacks.raise_if_stop_requested", stop)
        stopped = train(output=tmp_path, **QUICK)
    assert stopped.code == 85
    (folder,) = (tmp_path / "electron_direction" / "three_plane_cnn").iterdir()
    assert not (folder / "metrics.json").exists()
    result = train(resume=folder)
    assert result.code == 0, result.err
    assert "going on after epoch 1" in result.err
    assert same_weights(quick, folder)
    ours, theirs = predictions(quick), predictions(folder)
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


# ---------------------------------------------------------------------------- each loss, and what goes with it
def test_the_old_frame_is_learnt_in_detector_axes_and_evaluated_in_either(train):
    dataset = {**SMALL["dataset_parameters"], "frame": "old", "augmentation": {"symmetries": []}}
    result = train(dataset_parameters=dataset, model_parameters=with_loss("angular"), prediction={"average_over": []})
    assert result.code == 0, result.err
    saved = predictions(Path(result.last))
    np.testing.assert_allclose(saved["direction"], saved["outputs"], atol=1e-6)
    assert "spread_deg" not in saved  # of one view
    assert np.array_equal(to_drift_frame(saved["direction"], saved["face"]), saved["direction_drift_frame"])
    true = to_drift_frame(saved["true_direction"], saved["face"])
    np.testing.assert_allclose(true, saved["true_direction_drift_frame"], atol=1e-6)
    angles = opening_angles(saved["true_direction"], saved["direction"])
    assert read_json(Path(result.last) / "metrics.json")["mean_deg"] == pytest.approx(angles.mean(), rel=1e-5)


def test_one_plane_alone(train):
    result = train("--plane", "V", model_name="single_plane_cnn", model_parameters=with_loss("cosine_similarity"))
    assert result.code == 0, result.err
    assert Path(result.last).parent.name == "plane_V"
    assert np.all(np.isfinite(predictions(Path(result.last))["direction"]))


def test_energies_and_their_uncertainty(train):
    dataset = {**SMALL["dataset_parameters"], "augmentation": {"energy_scale": 0.2}}
    result = train(
        model_name="three_plane_energy",
        model_parameters=with_loss("uncertainty_aware"),
        dataset_parameters=dataset,
        selection={"min_energy": 8, "max_energy": 40},
    )
    assert result.code == 0, result.err
    saved = predictions(Path(result.last))
    assert np.all((saved["cluster_energy"] >= 8) & (saved["cluster_energy"] <= 40))
    assert np.all(saved["predicted_68_deg"] > 0)


@pytest.mark.parametrize(
    ("loss", "dataset", "build"),
    [
        ({"name": "focal_angular", "energy_weights": [2, 1, 0.5]}, {"augmentation": {"mix_up": 0.4}}, {}),
        (
            {"name": "hybrid", "alpha": 0.5},
            {"augmentation": {"symmetries": ["rotation", "mirror_x"]}},
            {"use_offsets": True},
        ),
        ({"name": "von_mises_fisher"}, {"max_samples": 60, "augmentation": {"noise_adc": 16}}, {}),
    ],
)
def test_other_losses_train(train, loss, dataset, build):
    parameters = SMALL["model_parameters"]
    result = train(
        model_parameters={**parameters, "loss": loss, "build_parameters": {**parameters["build_parameters"], **build}},
        dataset_parameters={**SMALL["dataset_parameters"], **dataset},
        prediction={"average_over": ["rotation", "mirror_x", "mirror_y"]},
    )
    assert result.code == 0, result.err
    folder = Path(result.last)
    assert np.all(np.isfinite(predictions(folder)["outputs"]))
    assert ("kappa" in predictions(folder)) == (loss["name"] == "von_mises_fisher")
    assert not (folder / "calibration.json").exists()
    if "max_samples" in dataset:
        assert len(np.load(folder / "splits.npz")["part"]) == 60
        assert "answers are not calibrated: 15 events of known direction are too few" in result.err


def test_several_tasks_at_once(train):
    result = train(model_name="three_plane_multi_task", model_parameters=with_loss("multi_task", energy_weight=0.5))
    assert result.code == 0, result.err
    saved = predictions(Path(result.last))
    np.testing.assert_allclose(saved["electron_energy"], np.exp(saved["outputs"][:, 3]), rtol=1e-5)
    assert np.all(np.isfinite(saved["es_logit"]))


def test_rules_are_told_before_data_are_read(train, tmp_path):
    result = train("--plane", "U", data=tmp_path / "nothing")
    assert result.code == 2
    assert "takes all three planes" in result.err
