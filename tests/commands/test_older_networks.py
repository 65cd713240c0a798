"""predict.sh, evaluate.sh and compare_runs.sh with networks of older code, which Keras has saved in the test itself."""

import json
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from python.commands import analyze_by_energy, compare_runs, evaluate
from python.data.data_origin import DataFolders
from python.data.image_file import parse_image_file, write_image_file
from python.data.image_set import load_images
from python.data.npz import read_npz
from python.general_purpose_libs import read_json, run_command
from tests.commands.conftest import TRAINED_DIRECTIONS, untrained
from tests.synthetic import old_metadata, write_old_file

ADC_UNIT = 500.0
TRACKS = ("-t", "mt_identifier", "--trained-values", "adc", "--trained-planes", "X")
DIRECTIONS = ("-t", "electron_direction", "--trained-values", "adc")
CHANNELS = ("-t", "channel_tagging", "--trained-values", "largest", "--trained-classes", "es", "cc")


@pytest.fixture(scope="module")
def keras():
    import keras

    keras.utils.set_random_seed(5)
    return keras


def saved(keras, path, model):
    """The file of the network, compiled with a loss that nobody but its training knows."""

    def angular_loss(truth, answers):
        return keras.ops.sum(truth * answers, axis=-1)

    path.parent.mkdir(parents=True, exist_ok=True)
    model.compile(loss=angular_loss, metrics=["mae"])
    model.save(path)
    return path


def network(keras, shape, units, activation, names=("",)):
    """Of images of one plane, or of several, with a branch for each."""
    layers = keras.layers
    inputs = [keras.Input(shape, name=f"input_{name}" if name else None) for name in names]
    maps = [layers.Conv2D(3, (5, 3), activation="relu")(layers.Rescaling(1 / ADC_UNIT)(each)) for each in inputs]
    flat = [layers.Flatten()(layers.AveragePooling2D((4, 2))(each)) for each in maps]
    features = flat[0] if len(flat) == 1 else layers.Concatenate()(flat)
    return keras.Model(inputs, layers.Dense(units, activation=activation)(features))


@pytest.fixture(scope="module")
def track_model(keras):
    return network(keras, (128, 32, 1), 1, "sigmoid")


@pytest.fixture(scope="module")
def direction_model(keras):
    return network(keras, (128, 32, 1), 3, None, ("v_plane", "u_plane", "x_plane"))


@pytest.fixture(scope="module")
def folders(keras, tmp_path_factory, track_model, direction_model):
    """Run folders as older code left them."""
    folder = tmp_path_factory.mktemp("older")
    saved(keras, folder / "tracks" / "simple_cnn.h5", track_model)
    saved(keras, folder / "directions" / "checkpoints" / "best_model.keras", direction_model)
    config = {"model": {"name": "three_plane_v12_100k", "architecture": "three_plane_cnn"}, "training": {"epochs": 1}}
    (folder / "directions" / "results.json").write_text(json.dumps({"config": config}))
    (folder / "tracks" / "results.json").write_text('{"history": {"val_loss": [0.3, NaN')  # as it was left
    return folder


@pytest.fixture(scope="module")
def few(events, tmp_path_factory):
    """The first thirty of the events."""
    folder = tmp_path_factory.mktemp("few")
    for path in events.rglob("*_plane*.npz"):
        content = parse_image_file(read_npz(path), path)
        rows = np.flatnonzero(content.metadata["event"] < 30)
        part = replace(content, images=content.images.take(rows), metadata=content.metadata[rows])
        write_image_file(folder / path.name, part)
    return folder


def images_of(folder, plane, kind="clusters"):
    found = load_images(DataFolders([folder]), plane, kind=kind)
    return found.images.dense(np.arange(len(found))), found.metadata


def by_identity(found, values):
    """Values by the event and the match of each row."""
    return dict(zip(zip(found["event"].tolist(), found["match_id"].tolist(), strict=True), values, strict=True))


def in_channels_as_numbered(images, table, plane):
    """Images of the drift frame whose columns grow with the channel number: U lies the other way round on even APAs where x > 0
    and on odd ones where x < 0, V on the others, X never."""
    backwards = (table["apa"] % 2 == 0) == (table["face"] > 0)
    turn = {"U": backwards, "V": ~backwards, "X": np.zeros(len(table), bool)}[plane]
    return np.where(turn[:, None, None], images[:, :, ::-1], images)


# ---------------------------------------------------------------------------- the same answers as Keras
@pytest.mark.parametrize("flips", ["none", "upstream"])
def test_tracks(predict, folders, track_model, few, flips):
    result = predict(folders / "tracks", few, more=("--force", *TRACKS, "--trained-flips", flips))
    assert result.code == 0, result.err
    images, table = images_of(few, "X")
    if flips == "upstream":  # which reversed the time of X where the sign of x, wrong on odd APAs, is +1
        turn = np.where(table["apa"] % 2 == 1, -table["face"], table["face"]) > 0
        assert 0 < turn.sum() < len(turn)
        images = np.where(turn[:, None, None], images[:, ::-1], images)
    expected = track_model.predict(images[..., None], verbose=0)[:, 0]
    assert len(np.unique(expected)) > 20
    np.testing.assert_allclose(result.found["scores"][:, 1], expected, atol=1e-5)
    assert result.found["class_names"].tolist() == ["background", "main_track"]
    assert np.array_equal(result.found["labels"], table["is_main_track"])


def test_directions_in_detector_axes(predict, folders, direction_model, few):
    result = predict(folders / "directions", few, more=("--force", *DIRECTIONS, "--trained-flips", "none"))
    assert result.code == 0, result.err
    found, seen = result.found, {}
    for plane in "UVX":
        images, table = images_of(few, plane)
        matched = table["match_id"] >= 0
        raw = in_channels_as_numbered(images[matched], table[matched], plane)
        seen[plane] = by_identity(table[matched], raw[..., None])
    keys = list(by_identity(found, found["event"]))
    assert len(keys) > 10
    answers = direction_model.predict([np.array([seen[plane][key] for key in keys]) for plane in "VUX"], verbose=0)
    expected = answers / np.linalg.norm(answers, axis=1, keepdims=True)
    np.testing.assert_allclose(found["direction"], expected, atol=1e-4)
    assert found["version"] == "three_plane_v12_100k"
    frame = expected * np.stack([found["face"], found["face"], np.ones(len(keys))], axis=1)
    np.testing.assert_allclose(found["direction_drift_frame"], frame, atol=1e-4)


def test_planes_behind_each_other_with_upstream_flips(keras, predict, tmp_path, few):
    model = network(keras, (128, 32, 3), 3, None)
    path = saved(keras, tmp_path / "stacked.h5", model)
    more = ("--force", *DIRECTIONS, "--trained-flips", "upstream")
    assert "--trained-planes U V X" in predict(path, few, more=more).err
    answers = [
        predict(path, few, more=(*more, "--trained-planes", *order)).found["direction"] for order in ("UVX", "XVU")
    ]
    assert np.abs(answers[0] - answers[1]).max() > 1e-3


@pytest.mark.parametrize("exchanged", [False, True])
def test_volumes_divided_by_their_largest_value(keras, predict, tmp_path, few, exchanged):
    window = (100, 600)
    shape = (1242, 208, 1) if exchanged else (*window, 1)
    pooled = keras.layers.AveragePooling2D((6, 20))
    model = keras.Sequential([keras.Input(shape), pooled, keras.layers.Flatten(), keras.layers.Dense(2, "softmax")])
    path = saved(keras, tmp_path / "run" / "model_best.keras", model)
    (tmp_path / "run" / "args.json").write_text('{"plane": "U"}')
    result = predict(path, few, more=("--force", *CHANNELS))
    assert result.code == 0, result.err
    images, table = images_of(few, "U", "volumes")
    kept = images.any(axis=(1, 2))
    images, table = images[kept], table[kept]
    seen = in_channels_as_numbered(images.transpose(0, 2, 1), table, "U").transpose(0, 2, 1)
    seen = seen.transpose(0, 2, 1) if exchanged else seen[:, 54:154, 321:921]
    seen = seen / np.maximum(seen.max(axis=(1, 2), keepdims=True), 1)
    expected = model.predict(seen[..., None], verbose=0)
    assert result.found["class_names"].tolist() == ["cc", "es"]
    np.testing.assert_allclose(result.found["scores"], expected[:, ::-1], atol=1e-5)


def test_a_file_of_keras_2(keras, predict, tmp_path, few):
    model = keras.Sequential([keras.Input((128, 32, 1)), keras.layers.Flatten(), keras.layers.Dense(1, "sigmoid")])
    path = saved(keras, tmp_path / "keras2.h5", model)
    drawn = {"class_name": "GlorotUniform", "config": {"seed": None}}
    dense = {"units": 1, "activation": "sigmoid", "use_bias": True, "kernel_initializer": drawn}
    layers = [
        ("InputLayer", "input_1", {"batch_input_shape": [None, 128, 32, 1], "sparse": False, "ragged": False}, []),
        ("Flatten", "flatten", {"trainable": True, "data_format": "channels_last"}, [[["input_1", 0, 0, {}]]]),
        ("Dense", model.layers[-1].name, {"trainable": True, **dense}, [[["flatten", 0, 0, {}]]]),
    ]
    described = [
        {"class_name": kind, "config": {"name": name, "dtype": "float32", **more}, "name": name, "inbound_nodes": nodes}
        for kind, name, more, nodes in layers
    ]
    ends = {"input_layers": [["input_1", 0, 0]], "output_layers": [[model.layers[-1].name, 0, 0]]}
    with h5py.File(path, "a") as file:
        config = {"name": "model", "trainable": True, "layers": described, **ends}
        file.attrs["model_config"] = json.dumps({"class_name": "Functional", "config": config})
        file.attrs["keras_version"] = "2.15.0"
        weights = file["model_weights"]
        weights.attrs["layer_names"] = [name.encode() for _, name, *_ in layers]
        for name in ("input_1", "flatten"):
            (weights[name] if name in weights else weights.create_group(name)).attrs["weight_names"] = []
    result = predict(path, few, more=("--force", *TRACKS, "--trained-flips", "none"))
    assert result.code == 0, result.err
    images, _ = images_of(few, "X")
    expected = model.predict(images[..., None], verbose=0)[:, 0]
    np.testing.assert_allclose(result.found["scores"][:, 1], expected, atol=1e-5)


# ---------------------------------------------------------------------------- data of older code too
def test_images_of_older_code_stay_as_they_are_where_they_lie_as_those_of_the_training(
    predict, folders, track_model, tmp_path
):
    write_old_file(tmp_path / "old" / "one_planeX.npz", 30, columns=12)
    more = ("--force", *TRACKS, "--trained-flips", "upstream")
    refused = predict(folders / "tracks", tmp_path / "old", more=more)
    assert (refused.code, "--old-flips" in refused.err) == (2, True)
    images = np.load(tmp_path / "old" / "one_planeX.npz")["images"]
    expected = track_model.predict(images[..., None], verbose=0)[:, 0]
    found = predict(folders / "tracks", tmp_path / "old", more=(*more, "--old-flips", "upstream")).found
    np.testing.assert_allclose(found["scores"][:, 1], expected, atol=1e-5)
    metadata = old_metadata(30, 12)
    metadata[:20, 3:6] = 0  # no vertex
    np.savez(tmp_path / "old" / "one_planeX.npz", images=images, metadata=metadata)
    assert (
        len(predict(folders / "tracks", tmp_path / "old", more=(*more, "--old-flips", "upstream")).found["scores"])
        == 30
    )
    turned = predict(folders / "tracks", tmp_path / "old", more=(*more, "--old-flips", "none"))
    assert len(turned.found["scores"]) == 10
    assert "cannot be turned" in turned.err


# ---------------------------------------------------------------------------- what is refused
@pytest.mark.parametrize("ending", [".h5", ".keras"])
def test_code_in_a_file_is_not_run(keras, predict, tmp_path, few, ending):
    trace = str(tmp_path / "was_run")
    layer = keras.layers.Lambda(lambda images: [open(trace, "w").close(), images][1], name="harmless")
    model = keras.Sequential(
        [keras.Input((128, 32, 1)), layer, keras.layers.Flatten(), keras.layers.Dense(1, "sigmoid")]
    )
    path = saved(keras, tmp_path / f"evil{ending}", model)
    Path(trace).unlink(missing_ok=True)
    result = predict(path, few, more=("--force", *TRACKS, "--trained-flips", "none"))
    assert result.code == 2
    assert "'harmless' (Lambda) holds code" in result.err
    assert not Path(trace).exists()


@pytest.mark.parametrize("ending", [".h5", ".keras"])
def test_a_layer_that_nobody_knows_is_named(keras, predict, tmp_path, few, ending):
    class SpatialAttention(keras.layers.Layer):
        def call(self, images):
            return 2 * images

    parts = [keras.Input((128, 32, 1)), SpatialAttention(), keras.layers.Flatten(), keras.layers.Dense(1, "sigmoid")]
    path = saved(keras, tmp_path / f"attention{ending}", keras.Sequential(parts))
    result = predict(path, few, more=("--force", *TRACKS, "--trained-flips", "none"))
    assert result.code == 2
    assert "needs SpatialAttention" in result.err
    assert "Traceback" not in result.err


def test_all_that_must_be_said_is_asked_for_at_once(predict, folders, few):
    result = predict(folders / "tracks", few, more=("-t", "mt_identifier"))
    assert result.code == 2
    for option in ("--trained-planes", "--trained-flips", "--trained-values"):
        assert option in result.err
    assert "-t" in predict(folders / "tracks", few, more=()).err


def test_channels_are_tagged_by_clusters_too(predict, folders, few):
    said = ("-t", "channel_tagging", "--trained-values", "adc", "--trained-planes", "X", "--trained-flips", "none")
    assert predict(folders / "tracks", few, more=(*said, "--trained-classes", "es", "cc")).code == 0


@pytest.mark.parametrize(
    ("task", "more", "reason"),
    [
        ("electron_direction", (), "answers with 1 numbers"),
        ("mt_identifier", ("--trained-classes", "es", "cc"), "background, main_track"),
        ("mt_identifier", ("--trained-planes", "U", "V"), "takes 1 planes"),
        ("mt_identifier", ("--runtime", "onnx"), "only Keras"),
    ],
)
def test_networks_of_other_questions(predict, folders, few, task, more, reason):
    said = ("-t", task, "--trained-values", "adc", "--trained-planes", "X", "--trained-flips", "none")
    result = predict(folders / "tracks", few, more=(*said, *more))
    assert result.code == 2
    assert reason in result.err


def test_answers_that_are_no_probabilities(keras, predict, tmp_path, few):
    path = saved(keras, tmp_path / "logits.h5", network(keras, (128, 32, 1), 1, None))
    result = predict(path, few, more=(*TRACKS, "--trained-flips", "none"))
    assert result.code == 2
    assert "no probabilities" in result.err


def test_files_that_hold_no_network(keras, predict, tmp_path, few, track_model):
    track_model.save_weights(tmp_path / "some.weights.h5")
    (tmp_path / "broken.keras").write_bytes(b"PK")
    nan = network(keras, (128, 32, 1), 1, "sigmoid")
    nan.set_weights([np.full_like(values, np.nan) for values in nan.get_weights()])
    saved(keras, tmp_path / "nan.keras", nan)
    for name, reason in {
        "some.weights.h5": "weights alone",
        "broken.keras": "damaged",
        "nan.keras": "not finite",
    }.items():
        result = predict(tmp_path / name, few, more=(*TRACKS, "--trained-flips", "none"))
        assert (result.code, reason in result.err, "Traceback" in result.err) == (2, True, False), result.err


def test_which_network_of_a_folder(keras, predict, tmp_path, few, track_model, untrained_track_run):
    for name in ("model_best.keras", "model_final.keras"):
        saved(keras, tmp_path / "run" / name, track_model)
    assert "model_best.keras, model_final.keras" in predict(tmp_path / "run", few, more=TRACKS).err
    (file,) = untrained_track_run.glob("*.keras")
    assert f"name its folder, {untrained_track_run}" in predict(file, few, more=TRACKS).err
    assert "--trained-values" in predict(untrained_track_run, few, more=("--trained-values", "adc")).err


# ---------------------------------------------------------------------------- judged and compared
def test_it_is_judged_and_compared_like_a_run(folders, few, tmp_path, capsys):
    asked = {
        "older": ("-m", folders / "directions", *DIRECTIONS, "--trained-flips", "upstream"),
        "today": ("-m", untrained(tmp_path / "run", {**TRAINED_DIRECTIONS, "prediction": {"average_over": []}})),
    }
    for name, network_options in asked.items():
        line = [*network_options, "-d", few, "-o", tmp_path / name, "--set", "selection.min_energy=8"]
        assert run_command(lambda line=line: evaluate.main([str(part) for part in line])) == 0
    judged = [str(tmp_path / name) for name in asked]
    assert read_json(tmp_path / "older" / "config.json")["model_name"] == "three_plane_cnn"
    assert len(read_npz(tmp_path / "older" / "test_predictions.npz")["event"]) > 5
    assert run_command(lambda: compare_runs.main([*judged, "-o", str(tmp_path / "compared")])) == 0
    compared = read_json(tmp_path / "compared" / "comparison.json")
    assert compared["ranked"]
    assert run_command(lambda: analyze_by_energy.main([*judged, "-o", str(tmp_path / "energy")])) == 0
    capsys.readouterr()
    assert run_command(lambda: compare_runs.main([str(folders / "directions"), judged[1]])) == 2
    assert "evaluate.sh -m" in capsys.readouterr().err
