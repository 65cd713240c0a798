"""Whole trainings of the channel tagger on a few simulated events."""

import json
import os
import shutil
import threading
import time
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest

from python.commands.train import main
from python.data.data_origin import DataFolders
from python.data.image_file import parse_image_file, write_image_file
from python.data.image_set import load_images
from python.data.npz import read_npz
from python.data.triples import join_planes
from python.detector.geometry import PLANES
from python.general_purpose_libs import run_command
from python.ingest.products import ProductSettings
from python.metrics.tagging import temperature_at_bound
from python.networks.saved import load_network, saved_classes
from python.simulation.backgrounds import NOMINAL_RATES
from python.simulation.production import produce
from python.simulation.settings import SimulationSettings
from tests.commands.conftest import without_truth
from tests.synthetic import old_volume_rows, write_old_volume_file

SMALL = {
    "task": "channel_tagging",
    "model_name": "simple_cnn",
    "device": "cpu",
    "dataset_parameters": {"train_fraction": 0.5, "val_fraction": 0.25, "test_fraction": 0.25},
    "model_parameters": {
        "build_parameters": {"n_filters": 2, "n_dense_units": 4, "input_mode": "resized", "resize_factor": [4, 24]},
        "epochs": 2,
        "batch_size": 16,
    },
    "save_outputs": {"sample_images": 2, "tensorboard": False},
}


@pytest.fixture(scope="module", autouse=True)
def small_runs(request):
    """Runs of these tests draw nothing unless they are asked to."""
    request.getfixturevalue("no_drawing")


@pytest.fixture(scope="session")
def volumes(tmp_path_factory):
    """120 events, ES and CC in turn, without backgrounds: volumes of three planes."""
    folder = tmp_path_factory.mktemp("volumes") / "mixed"
    quiet = dict.fromkeys(NOMINAL_RATES, 0.0)
    produce(SimulationSettings(events=120, background=quiet, products=ProductSettings(volumes=True)), folder)
    return folder


@pytest.fixture
def train(tmp_path, capsys):
    def train(*arguments, **keys):
        (tmp_path / "config.json").write_text(json.dumps({**SMALL, **keys}))
        line = ["channel_tagging", "-j", tmp_path / "config.json", "-o", tmp_path / "output"]
        code = run_command(lambda: main([str(part) for part in (*line, *arguments)]))
        said = capsys.readouterr()
        last = said.out.strip().splitlines()[-1] if said.out.strip() else ""
        return SimpleNamespace(code=code, err=said.err, last=last, folder=tmp_path / last)

    return train


def with_dataset(**more):
    return {**SMALL["dataset_parameters"], **more}


def read(path):
    return json.loads(path.read_text())


@pytest.mark.usefixtures("with_figures")
def test_a_training_leaves_what_a_tagger_is_judged_by(train, volumes):
    run = train("-d", volumes)
    assert run.code == 0, run.err
    metrics = read(run.folder / "metrics.json")
    efficiency = "es_efficiency_at_4_percent_cc_passing"
    for name in ("accuracy", "auc", "baseline_auc", efficiency, "es_efficiency_at_4_percent_cc", "temperature"):
        assert np.isfinite(metrics[name]), name
    assert metrics["temperature_at_bound"] == temperature_at_bound(metrics["temperature"])
    assert metrics["temperature_at_bound"] == ("the bound of its range" in run.err)
    with np.load(run.folder / "test_predictions.npz", allow_pickle=False) as arrays:
        assert arrays["class_names"].tolist() == ["cc", "es"]
        scores, labels, rows = arrays["scores"], arrays["labels"], arrays["row"]
    assert np.allclose(scores.sum(axis=1), 1)
    truth = load_images(DataFolders([volumes]), "X", kind="volumes").metadata["is_es_interaction"]
    assert np.array_equal(labels, truth[rows])  # 1 is ES
    assert {path.stem for path in (run.folder / "plots").iterdir()} >= {
        "efficiency_vs_contamination",
        "selection_vs_energy",
        "temperature",
        "best_and_worst",
    }


RESNET = {"filters": [2, 3], "stem_stride": [8, 40], "dense_units": [4]}


@pytest.mark.parametrize(
    ("name", "build", "numbers", "drawn"),
    [
        ("resnet", RESNET, True, False),
        ("three_plane_resnet", RESNET, False, True),
    ],
)
def test_networks_on_more_than_one_image_train(train, volumes, name, build, numbers, drawn, no_drawing):
    parameters = {**SMALL["model_parameters"], "build_parameters": {**build, "with_numbers": numbers}}
    with no_drawing.lifted("best_and_worst") if drawn else nullcontext():
        run = train("-d", volumes, model_name=name, model_parameters=parameters)
    assert run.code == 0, run.err
    model = load_network(run.folder / f"{name}.keras")
    assert saved_classes(run.folder / f"{name}.keras", model) == ("cc", "es")
    assert ("numbers" in model.input) == numbers
    matched = join_planes([load_images(DataFolders([volumes]), plane, kind="volumes") for plane in PLANES])
    cuts = read(run.folder / "cuts.json")
    steps = [cut for cut in cuts if cut["step"].startswith("matched")]
    if name != "resnet":
        assert [cut["kept"] for cut in steps] == [len(matched)]
        assert 0 < len(matched) < read_kept(cuts, "read from")
    assert (run.folder / "plots" / "best_and_worst.png").exists() == drawn
    assert np.isfinite(read(run.folder / "metrics.json")["baseline_auc"])


def read_kept(cuts, start):
    return next(cut["kept"] for cut in cuts if cut["step"].startswith(start))


def test_streamed_volumes_train_the_same_network(train, volumes):
    histories = [
        read(train("-d", volumes, dataset_parameters=with_dataset(loading=loading)).folder / "training_history.json")
        for loading in ("memory", "streaming")
    ]
    assert histories[0] == histories[1]


def test_a_file_cut_short_while_it_is_streamed_ends_the_training_in_words(train, volumes, tmp_path):
    data = shutil.copytree(volumes, tmp_path / "data")
    (path,) = data.glob("*_volume_planeX.npz")

    def cut_short_after_the_first_epoch():
        while not list(tmp_path.glob("output/**/checkpoints/*.npz")):
            time.sleep(0.05)
        os.truncate(path, 10_000)

    threading.Thread(target=cut_short_after_the_first_epoch, daemon=True).start()
    parameters = {**SMALL["model_parameters"], "epochs": 300, "early_stopping": None}
    run = train("-d", data, dataset_parameters=with_dataset(loading="streaming"), model_parameters=parameters)
    assert run.code == 3
    assert "has become shorter while it was in use" in run.err
    assert "Traceback" not in run.err


def test_folders_of_each_channel_label_what_does_not_know_its_own(train, tmp_path):
    rng = np.random.default_rng(1)
    for channel in ("es", "cc"):
        images = [rng.poisson(0.001, (208, 1242)).astype(np.float32) * 100 for _ in range(16)]
        rows = [{**row, "interaction_type": "UNKNOWN"} for row in old_volume_rows(16, seed=len(images))]
        write_old_volume_file(tmp_path / channel / "a_volume_planeX.npz", images, rows)
    run = train(es_directories=[str(tmp_path / "es")], cc_directories=[str(tmp_path / "cc")])
    assert run.code == 0, run.err
    labels = np.concatenate([np.load(run.folder / f"{part}_predictions.npz")["labels"] for part in ("val", "test")])
    sources = np.load(run.folder / "test_predictions.npz")["sources"].tolist()
    assert "embedded" not in run.err
    shares = [float(line.split()[-2]) for line in run.err.splitlines() if line.endswith(" %")]
    assert shares[0] == 50
    assert max(shares) == 100
    assert sorted(sources) == ["cc/a_volume", "es/a_volume"]
    assert set(labels) == {0, 1}


def test_networks_on_three_planes_say_why_old_volumes_do_not_do(train, tmp_path):
    image = np.zeros((208, 1242), np.float32)
    image[104, 600:610] = 500
    for plane in PLANES:
        path = tmp_path / "old" / f"a_volume_plane{plane}.npz"
        write_old_volume_file(path, [image] * 4, old_volume_rows(4, plane))
    run = train("-d", tmp_path / "old", model_name="three_plane_resnet", model_parameters={})
    assert run.code == 3
    assert "older code" in run.err
    assert "make_images.sh --volumes" in run.err


def test_own_volumes_in_the_folder_of_the_other_channel_are_an_error(train, volumes):
    run = train(es_directories=[str(volumes)], cc_directories=[str(volumes)])
    assert run.code == 3
    assert "es_directories" in run.err
    assert "of the other channel" in run.err


def test_one_event_in_the_folders_of_both_channels_is_an_error(train, volumes, tmp_path):
    folders = [str(without_truth(volumes, tmp_path / channel)) for channel in ("es", "cc")]
    run = train(es_directories=folders[:1], cc_directories=folders[1:])
    assert run.code == 3
    assert "es_directories and cc_directories both hold" in run.err
    assert "of the same events (" in run.err


def test_each_class_can_be_limited(train, volumes):
    run = train("-d", volumes, dataset_parameters=with_dataset(max_samples_per_class=20))
    assert run.code == 0, run.err
    cuts = read(run.folder / "cuts.json")
    assert [cut["kept"] for cut in cuts if "max_samples_per_class" in cut["step"]] == [40]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"es_directories": ["e"]}, ["es_directories", "cc_directories"]),
        ({"es_directories": ["e"], "cc_directories": ["c"], "data_directories": ["d"]}, ["data_directories", "null"]),
        ({"dataset_parameters": with_dataset(old_flips="none")}, ["old_flips"]),
        ({"model_name": "three_plane_resnet", "model_parameters": {}, "plane": "V"}, ["plane", "all three planes"]),
        (
            {
                "model_name": "point_network",
                "model_parameters": {},
                "dataset_parameters": with_dataset(loading="streaming"),
            },
            ["loading", "one plane"],
        ),
        ({"dataset_parameters": with_dataset(loading="stream")}, ["loading", "streaming"]),
    ],
)
def test_what_does_not_go_together_is_named(train, keys, words):
    run = train(**keys)
    assert run.code == 2
    assert all(word in run.err for word in words)


def test_data_without_volumes_say_how_to_make_them(train, tmp_path):
    (tmp_path / "empty").mkdir()
    run = train("-d", tmp_path / "empty")
    assert run.code == 3
    assert "--volumes" in run.err


def test_volumes_without_a_known_channel_are_cut(train, volumes, tmp_path):
    (path,) = volumes.glob("*_volume_planeX.npz")
    content = parse_image_file(read_npz(path), path)
    content.metadata["is_es_interaction"] = -1
    write_image_file(tmp_path / "unknown" / "a_volume_planeX.npz", content)
    run = train("-d", tmp_path / "unknown")
    assert run.code == 3
    assert "with a known channel" in run.err
