"""Directions from volumes: what is chosen, how half a turn shows, what is seen, a whole training, and what is refused."""

import json

import keras
import numpy as np
import pytest
from scipy import ndimage

from electron_direction.main import TASK
from electron_direction.models import three_plane_volume_cnn, volume_cnn
from electron_direction.schema import SCHEMA
from python.commands import predict, train
from python.config.load import parse_config
from python.data.npz import read_npz
from python.directions.find import losses
from python.general_purpose_libs import ConfigError, run_command
from python.ingest.products import make_products
from python.ingest.readout import PRIMITIVE_COLUMNS, Readout
from tests.electron_direction.conftest import SMALL, prepared
from tests.ingest.root_files import make_tps
from tests.ingest.test_matching import deposit
from tests.synthetic import old_volume_rows, write_old_volume_file

NAMES = ("volume_cnn", "three_plane_volume_cnn")
EVERY = {"channel": "mixed", "main_track": False}
RESIZED = {"n_conv_layers": 1, "n_filters": 2, "n_dense_units": 4, "input_mode": "resized", "resize_factor": [4, 24]}
MODEL = {"build_parameters": RESIZED, "epochs": 1, "batch_size": 32}


def volumes_of(data, name="three_plane_volume_cnn", **keys):
    return prepared(data, TASK.schema.architectures[name], model_name=name, model_parameters=MODEL, **keys).set


def identities(samples):
    return {tuple(row) for row in samples.metadata[["event", "match_id"]].tolist()}


# ---------------------------------------------------------------------------- what is chosen
def test_a_complete_match_is_one_of_clusters_whatever_else_a_volume_shows(events):
    """A plane without a cluster of the match has a volume all the same, which may show other charge."""
    complete = volumes_of(events, selection=EVERY)
    every = volumes_of(events, selection={**EVERY, "complete_match": False})
    clusters = prepared(events, selection=EVERY).set
    assert identities(complete) == identities(every) & identities(clusters)
    assert 0 < len(complete) < len(every)
    lacking = ~np.all([every.matched_on(plane) for plane in range(3)], axis=0)
    assert sum(np.count_nonzero(images.counts[lacking]) for images in every.images) > 2 * lacking.sum()


# ---------------------------------------------------------------------------- half a turn
def seen_of(rows, name):
    """What the network takes of the volume of one event, and how it is shown to it."""
    columns = {column: getattr(make_tps(rows), column) for column in ("event", *PRIMITIVE_COLUMNS)}
    keys = {"prediction": {"average_over": ["rotation"]}}
    config = parse_config({"task": SCHEMA.name, "model_name": name, **keys}, SCHEMA)
    samples = TASK.read(config, TASK.architecture(config), make_products(Readout.of_arrays(columns)))
    return samples.network_inputs(np.arange(1)), TASK.problem_of(config).views()


def blobs(volume):
    """Charge-weighted (channel, tick) of each patch, in the order of time."""
    patches, n = ndimage.label(volume[0, ..., 0], structure=np.ones((3, 3)))
    return sorted(ndimage.center_of_mass(volume[0, ..., 0], patches, range(1, n + 1)), key=lambda place: place[1])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("x", "y", "z"), [(200.0, 300.0, 100.0), (-200.0, 300.0, 350.0), (200.0, -300.0, 350.0)])
def test_a_turned_volume_is_that_of_the_turned_event(name, x, y, z):
    """A blip 6 cm along z, 4 cm along y and 10 cm farther from the wires; half a turn about the drift leaves the drift."""

    def event(sign):
        return deposit(x, y, z, mev=9.0) + deposit(x + np.sign(x) * 10.0, y + sign * 4.0, z + sign * 6.0, mev=1.0)

    (inputs, (_, turned)), (of_turned, _) = seen_of(event(1), name), seen_of(event(-1), name)
    shown = turned.show(inputs)
    assert set(shown) == set(TASK.schema.architectures[name].inputs(None))
    for plane, volume in shown.items():
        assert volume.shape == (1, 208, 1242, 1)
        assert len(blobs(volume)) == 2
        np.testing.assert_allclose(blobs(volume), blobs(of_turned[plane]), atol=2.5)  # whole channels and ticks
        assert not np.allclose(blobs(inputs[plane]), blobs(of_turned[plane]), atol=5)
    assert turned.undo(np.array([[0.1, 0.2, 0.3]])).tolist() == [[0.1, -0.2, -0.3]]


def test_training_volumes_are_turned_with_their_labels(events):
    dataset = {**SMALL["dataset_parameters"], "prob_per_flip": 1.0, "augmentation": {"symmetries": ["rotation"]}}
    raw = {"task": SCHEMA.name, "model_name": "three_plane_volume_cnn", "dataset_parameters": dataset}
    config = parse_config(raw, SCHEMA)
    inputs = volumes_of(events).network_inputs(np.arange(3))
    truth = np.array([[0.0, 0.6, 0.8, 20.0, 1.0]] * 3, np.float32)
    shown, targets = TASK.problem_of(config).augmentation()(inputs, truth, np.random.default_rng(1))
    for plane in "uvx":
        assert inputs[plane].any()
        assert np.array_equal(shown[plane], inputs[plane][:, ::-1])
    assert targets[:, :3].tolist() == (truth[:, :3] * [1, -1, -1]).tolist()


# ---------------------------------------------------------------------------- the networks
def built(module, shape, **options):
    declared = module.ARCHITECTURE
    return declared.build(shape, losses()["angular"].answer, declared.parameters(**options))


def test_sizes_counted_by_hand():
    """Convolutions that double with their normalisation, an average over each map, dense layers, three components."""

    def branch(filters):
        below, weights = 1, 0
        for above in filters:
            weights += 9 * below * above + above + 4 * above
            below = above
        return weights

    three = built(three_plane_volume_cnn, (208, 1242, 1))
    dense = (3 * 512 + 1) * 256 + 257 * 256 + 257 * 3
    assert three.count_params() == 3 * branch([32, 64, 128, 256, 512]) + dense
    places = built(volume_cnn, (208, 1242, 1), global_pooling=False, n_dense_units=2)
    assert places.count_params() == branch([32, 64, 128, 256]) + (13 * 77 * 256 + 1) * 2 + 3 * 3


def test_what_lies_around_the_window_is_not_seen():
    model = built(
        three_plane_volume_cnn, (32, 48, 1), n_conv_layers=2, n_filters=2, input_mode="cropped", crop_shape=(16, 24)
    )
    volumes = np.random.default_rng(2).uniform(0, 900, (2, 32, 48, 1)).astype("float32")
    around = volumes.copy()
    around[:, 8:24, 12:36] = 0
    taken, outside = (dict.fromkeys("uvx", images) for images in (volumes, volumes + 900 * (around > 0)))
    assert np.array_equal(*(keras.ops.convert_to_numpy(model(each)) for each in (taken, outside)))
    assert "larger than the images" in volume_cnn.check(
        (32, 48, 1), volume_cnn.VolumeCnnParameters(input_mode="cropped")
    )


# ---------------------------------------------------------------------------- a whole training
def test_a_training_on_volumes_answers_as_it_was_tested(events, tmp_path, capsys):
    keys = {
        **SMALL,
        "model_name": "three_plane_volume_cnn",
        "model_parameters": MODEL,
        "dataset_parameters": {**SMALL["dataset_parameters"], "max_samples": 80},
        "selection": {"channel": "mixed"},
    }
    (tmp_path / "config.json").write_text(json.dumps(keys))
    line = ["electron_direction", "-j", tmp_path / "config.json", "-d", events, "-o", tmp_path / "output"]
    assert run_command(lambda: train.main([str(part) for part in line])) == 0
    run = capsys.readouterr().out.splitlines()[-1]
    line = ["-m", run, "-d", events, "-o", tmp_path / "answers.npz"]
    assert run_command(lambda: predict.main([str(part) for part in line])) == 0
    tested, asked = read_npz(f"{run}/test_predictions.npz"), read_npz(tmp_path / "answers.npz")
    row_of = {event: row for row, event in enumerate(asked["event"].tolist())}
    rows = [row_of[event] for event in tested["event"].tolist()]
    assert len(rows) > 10
    np.testing.assert_allclose(asked["direction"][rows], tested["direction"], atol=1e-5)


# ---------------------------------------------------------------------------- what is refused
@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        ({"frame": "old", "augmentation": {"symmetries": []}}, "volumes are there in the drift frame only"),
        ({"old_flips": "none"}, "old_flips: is of images of clusters"),
    ],
)
def test_volumes_are_known_in_the_drift_frame_alone(dataset, said):
    raw = {"model_name": "volume_cnn", "dataset_parameters": dataset, "prediction": {"average_over": []}}
    with pytest.raises(ConfigError, match=said):
        parse_config(raw, SCHEMA)


def test_volumes_of_older_code_are_to_be_made_again(train, tmp_path):
    image = np.zeros((208, 1242), np.float32)
    image[104, 600:610] = 500
    for plane in "UVX":
        write_old_volume_file(tmp_path / f"es_plane{plane}.npz", [image] * 4, old_volume_rows(4, plane))
    result = train("--dry-run", data=tmp_path, model_name="volume_cnn", model_parameters=MODEL)
    assert result.code == 3
    assert "make them again with make_images.sh --volumes" in result.err
