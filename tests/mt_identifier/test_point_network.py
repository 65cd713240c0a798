"""The network on points: its samples, what it listens to, whole trainings, and data that are too old for it."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from mt_identifier.main import TASK
from mt_identifier.models import simple_cnn
from mt_identifier.models.point_network import ARCHITECTURE
from mt_identifier.schema import SCHEMA
from python.commands import predict, train
from python.config.load import parse_config
from python.data.data_origin import DataFolders
from python.data.neighbours import NAMES, neighbours_of
from python.data.npz import read_npz
from python.data.point_clouds import read_point_file
from python.general_purpose_libs import ConfigError, run_command
from python.training.preparation import configured_data
from tests.data.test_point_clouds import make_points_older

POINTS = {"max_points": 24, "n_point_units": 16, "dense_units": [16]}
SMALL = {
    "task": "mt_identifier",
    "model_name": "point_network",
    "device": "cpu",
    "dataset_parameters": {"train_fraction": 0.5, "val_fraction": 0.25, "test_fraction": 0.25},
    "model_parameters": {"build_parameters": POINTS, "epochs": 2, "batch_size": 32},
    "save_outputs": {"sample_images": 2, "tensorboard": False},
}


@pytest.fixture(scope="module", autouse=True)
def small_runs(request):
    """Runs of these tests draw nothing unless they are asked to."""
    request.getfixturevalue("no_drawing")


def config_of(data, model_name="point_network", **build):
    model = {"build_parameters": build}
    raw = {"model_name": model_name, "model_parameters": model, "data_directories": [str(data)]}
    return parse_config(raw, SCHEMA)


def samples_of(data, step=TASK.read, architecture=ARCHITECTURE, **build):
    name = "point_network" if architecture is ARCHITECTURE else "simple_cnn"
    config = config_of(data, name, **build)
    return step(config, architecture, configured_data(config))


@pytest.fixture
def copied(events, tmp_path):
    """A copy of the events' images of X and points, to be changed."""
    (tmp_path / "data").mkdir()
    for name in ("mixed_00000_planeX.npz", "mixed_00000_points.npz"):
        shutil.copy(events / name, tmp_path / "data")
    return tmp_path / "data"


# ---------------------------------------------------------------------------- samples
def test_every_cluster_of_x_is_a_sample_with_its_own_points(events):
    """Matched or not, the same clusters as networks of images take, each with the points and the numbers of its own."""
    found, images = samples_of(events), samples_of(events, architecture=simple_cnn.ARCHITECTURE)
    cropped = images.metadata["lost_charge"] > 0  # which points do not know
    assert np.array_equal(found.metadata[~cropped], images.metadata[~cropped])
    assert np.array_equal(found.metadata["cluster_energy"], images.metadata["cluster_energy"])
    assert 0 < np.sum(found.metadata["match_id"] < 0) < len(found) / 2
    inside = (found.clouds.column("in_cluster") == 1) & (found.clouds.column("plane") == 2)
    members = np.bincount(found.clouds.owner[inside], minlength=len(found))
    assert np.array_equal(members, found.metadata["n_tps"])
    assert np.array_equal(found.neighbours, neighbours_of(found.metadata))


def test_samples_stay_in_step(events):
    found = samples_of(events, max_points=20)
    rows = np.random.default_rng(1).permutation(len(found))[:40]
    kept = found.keep("some", rows)
    mine, theirs = kept.network_inputs(np.arange(40)), found.network_inputs(rows)
    assert {name: values.shape for name, values in mine.items()} == {
        "points": (40, 20, 10),
        "energy": (40, 1),
        "numbers": (40, len(NAMES)),
    }
    assert all(np.array_equal(mine[name], theirs[name]) for name in theirs)
    assert len(kept.of_plane().pictures(np.arange(40))) == 40
    assert any(step["step"].startswith("at most 20 points") for step in kept.cuts)
    assert set(samples_of(events, with_neighbours=False).network_inputs(rows)) == {"points", "energy"}


def test_images_of_u_and_v_are_not_needed(copied, events):
    ours, theirs = (samples_of(data, TASK.prepare) for data in (copied, events))
    assert np.array_equal(ours.labels, theirs.labels)
    assert len(np.unique(ours.labels)) == 2


# ---------------------------------------------------------------------------- the network
def test_what_lies_around_and_what_else_the_event_holds_are_listened_to(events):
    keras.utils.set_random_seed(3)
    model = ARCHITECTURE.build((1, 1, 1), ARCHITECTURE.classes, ARCHITECTURE.parameters(**POINTS))
    found = samples_of(events, max_points=POINTS["max_points"])
    rows = np.flatnonzero(found.clouds.counts > found.metadata["n_tps"] * 3)[:8]
    batch = found.network_inputs(rows)

    def answers(**changed):
        return keras.ops.convert_to_numpy(model({**batch, **changed}, training=False))

    before = answers()
    around = batch["points"].copy()
    around[(around[..., 7] == 0) & (around[..., -1] == 1), 8] += 9.0  # in a cluster of so many MeV more
    assert np.any(answers(points=around) != before)
    assert np.all(answers(numbers=batch["numbers"] + 1) != before)
    assert np.all(answers(energy=batch["energy"] + 1) != before)
    np.testing.assert_allclose(answers(points=batch["points"][:, ::-1]), before, rtol=1e-4)


def test_only_clusters_of_x_have_points():
    raw = {"model_name": "point_network", "plane": "V"}
    with pytest.raises(ConfigError, match=r"plane: is V, but this network takes the points around clusters of X"):
        parse_config(raw, SCHEMA)
    assert parse_config({**raw, "model_name": "simple_cnn"}, SCHEMA).plane == "V"


# ---------------------------------------------------------------------------- whole trainings
@pytest.fixture
def trained(tmp_path, capsys, events):
    """`trained(...)` trains by the command line and tells how it went."""

    def trained(*arguments, data=events, **keys):
        (tmp_path / "config.json").write_text(json.dumps({**SMALL, **keys}))
        line = ["mt_identifier", "-j", tmp_path / "config.json", "-o", tmp_path / "output", "-d", data, *arguments]
        code = run_command(lambda: train.main([str(part) for part in line]))
        said = capsys.readouterr()
        return SimpleNamespace(code=code, err=said.err, last=said.out.strip().splitlines()[-1:])

    return trained


def test_a_training_leaves_what_a_network_is_judged_by_and_answers_again(trained, no_drawing, events, tmp_path):
    with no_drawing.lifted("best_and_worst"):
        run = trained()
    assert run.code == 0, run.err
    (folder,) = run.last
    of_no_plane = tmp_path / "output" / "mt_identifier" / "point_network"
    assert Path(folder).parent == of_no_plane
    metrics = json.loads((tmp_path / folder / "metrics.json").read_text())
    assert metrics["auc"] > metrics["baseline_auc"] > 0.5
    saved = read_npz(tmp_path / folder / "test_predictions.npz")
    line = ["-m", folder, "-d", str(events), "-o", str(tmp_path / "answers.npz")]
    assert run_command(lambda: predict.main(line)) == 0
    answers = read_npz(tmp_path / "answers.npz")
    names = ("event", "first_tick", "first_channel")
    row_of = {key: row for row, key in enumerate(zip(*(answers[name].tolist() for name in names), strict=True))}
    rows = [row_of[key] for key in zip(*(saved[name].tolist() for name in names), strict=True)]
    assert len(rows) > 20
    np.testing.assert_allclose(answers["scores"][rows], saved["scores"], atol=1e-6)


# ---------------------------------------------------------------------------- data that it cannot take
def test_points_of_older_code_are_refused_and_say_where_to_get_others(trained, copied):
    make_points_older(copied / "mixed_00000_points.npz")
    refused = trained("--dry-run", data=copied)
    assert refused.code == 3
    n = len(read_point_file(copied / "mixed_00000_points.npz"))
    assert f"{n} of {n} clouds of points are of an older release" in refused.err
    assert "make_images.sh or simulate.sh" in refused.err
    assert "Traceback" not in refused.err
    assert len(samples_of(copied, architecture=simple_cnn.ARCHITECTURE)) == n  # the images are as good as ever


def test_data_without_points_are_refused(trained, copied):
    (copied / "mixed_00000_points.npz").unlink()
    refused = trained("--dry-run", data=copied)
    assert refused.code == 3
    assert "no files of points" in refused.err
    assert DataFolders((str(copied),)).points() is None
