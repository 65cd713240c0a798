"""The network on points needs files of points alone: which clusters it takes, what is said of them, and a whole training."""

import json
import shutil

import numpy as np
import pytest

from channel_tagging.baseline import plain_numbers
from channel_tagging.main import TASK
from channel_tagging.schema import SCHEMA
from python.commands import predict, train
from python.config.load import parse_config
from python.data import neighbours
from python.data.data_origin import DataFolders
from python.data.image_set import load_images
from python.data.npz import read_npz
from python.data.point_clouds import read_point_file, write_point_file
from python.data.triples import join_planes
from python.detector.geometry import PLANES
from python.general_purpose_libs import DataError, run_command
from python.training.description import described
from python.training.preparation import configured_data
from tests.data.test_point_clouds import make_points_older

POINTS = "mixed_00000_points.npz"
BUILD = {"n_point_units": 8, "dense_units": [8], "max_points": 16}


@pytest.fixture(scope="module", autouse=True)
def small_runs(request):
    """Runs of these tests draw nothing unless they are asked to."""
    request.getfixturevalue("no_drawing")


@pytest.fixture
def alone(events, tmp_path):
    """The events' points, in a folder of their own, to be changed."""
    (tmp_path / "alone").mkdir()
    shutil.copy(events / POINTS, tmp_path / "alone")
    return tmp_path / "alone"


def samples_of(step=TASK.prepare, build=None, **keys):
    model = {"build_parameters": {**BUILD, **(build or {})}}
    config = parse_config({"model_name": "point_network", "model_parameters": model, **keys}, SCHEMA)
    return step(config, TASK.architecture(config), configured_data(config))


def of(folder):
    return {"data_directories": [str(folder)]}


def places(table):
    return table[["event", "match_id", "apa", "first_tick", "first_channel"]].tolist()


def part_of(events, folder, chosen):
    """The points of those events whose metadata are `chosen`, written to a folder."""
    points = read_point_file(events / POINTS)
    folder.mkdir(exist_ok=True)
    write_point_file(folder / f"{folder.name}_points.npz", points.take(np.flatnonzero(chosen(points.metadata))))
    return str(folder)


# ---------------------------------------------------------------------------- samples
def test_every_matched_cluster_is_asked_about_once(events, alone):
    points = read_point_file(events / POINTS)
    write_point_file(alone / POINTS, points.take(np.arange(len(points)).repeat(2)))
    found = samples_of(TASK.read, **of(alone))
    matched = join_planes([load_images(DataFolders([str(events)]), plane) for plane in PLANES])
    assert places(found.metadata) == places(matched.metadata)
    assert 0 < len(found) < len(points)
    rows = np.arange(3)
    taken = found.network_inputs(rows)
    assert {name: values.shape for name, values in taken.items()} == {
        "points": (3, 16, 9),
        "energy": (3, 1),
        "numbers": (3, len(neighbours.NAMES)),
    }
    without = samples_of(TASK.read, {"with_numbers": False}, **of(alone))
    assert set(without.network_inputs(rows)) == {"points", "energy"}


def test_numbers_are_those_of_all_clusters_of_the_event(events, alone):
    found, points = samples_of(TASK.read, **of(alone)), read_point_file(events / POINTS)
    row_of = {place: row for row, place in enumerate(places(points.metadata))}
    rows = [row_of[place] for place in places(found.metadata)]
    taken = found.network_inputs(np.arange(len(found)))["numbers"]
    assert np.array_equal(taken, neighbours.neighbours_of(points.metadata)[rows])


def test_main_tracks_of_known_channel_are_trained_on(alone):
    content = read_point_file(alone / POINTS)
    content.metadata["is_es_interaction"][content.metadata["event"] == content.metadata["event"].max()] = -1
    write_point_file(alone / POINTS, content)
    samples = samples_of(**of(alone))
    table = samples.set.metadata
    wanted = (content.metadata["is_main_track"] == 1) & (content.metadata["match_id"] >= 0)
    wanted &= content.metadata["is_es_interaction"] >= 0
    assert sorted(places(table)) == sorted(places(content.metadata[wanted]))
    assert np.array_equal(samples.labels, table["is_es_interaction"])
    assert len(np.unique(samples.labels)) == 2
    assert samples.set.cuts[0]["kept"] == len(content)
    for before, cut in zip(samples.set.cuts, samples.set.cuts[1:], strict=False):
        assert cut["kept"] == before["kept"] - cut["removed"]


def test_folders_of_each_channel_give_the_same_samples_and_are_told_apart(events, alone, tmp_path):
    es, cc = (
        part_of(events, tmp_path / name, lambda table, is_es=is_es: table["is_es_interaction"] == is_es)
        for name, is_es in (("es", 1), ("cc", 0))
    )
    apart, together = samples_of(es_directories=[es], cc_directories=[cc]), samples_of(**of(alone))
    assert sorted(places(apart.set.metadata)) == sorted(places(together.set.metadata))
    assert sorted(apart.labels) == sorted(together.labels)
    assert {file["channel"] for file in apart.set.files} == {"es", "cc"}
    with pytest.raises(DataError, match=r"cc_directories: .* are of the other channel"):
        samples_of(es_directories=[es], cc_directories=[es])
    unknown = read_point_file(tmp_path / "es" / "es_points.npz")
    unknown.metadata["is_es_interaction"] = -1
    for name in ("es", "cc"):
        write_point_file(tmp_path / name / f"{name}_points.npz", unknown)
    with pytest.raises(DataError, match="es_directories and cc_directories both hold"):
        samples_of(es_directories=[es], cc_directories=[cc])
    with pytest.raises(DataError, match=r"(?s)no sample is left.*main track.*with a known channel"):
        samples_of(**of(es))


def test_points_of_older_code_do_where_no_numbers_of_neighbours_are_asked_for(alone):
    make_points_older(alone / POINTS)
    with pytest.raises(DataError, match="are of an older release"):
        samples_of(**of(alone))
    samples = samples_of(build={"with_numbers": False}, **of(alone))
    found = plain_numbers(samples.set)
    assert found.trees == "boosted trees on energy and neighbours"
    assert np.isfinite(found.numbers[:, 0]).all()
    assert np.isnan(found.numbers[:, 1:]).all()
    assert np.isnan(found.clusters).all()


def test_numbers_are_told_as_what_they_are(tmp_path):
    (tmp_path / "network").touch()

    def columns(name, **build):
        raw = {"model_name": name, "model_parameters": {"build_parameters": {"with_numbers": True, **build}}}
        told = described(TASK, parse_config(raw, SCHEMA), tmp_path / "network")
        return next(tensor.columns for tensor in told.inputs if tensor.name == "numbers")

    assert columns("point_network", **BUILD) == tuple(neighbours.UNITS.items())
    assert len(columns("resnet")) == 42


# ---------------------------------------------------------------------------- a whole training
def test_a_training_on_points_alone_leaves_what_a_tagger_is_judged_by(alone, no_drawing, tmp_path, capsys):
    config = {
        "task": "channel_tagging",
        "model_name": "point_network",
        "device": "cpu",
        "data_directories": [str(alone)],
        "dataset_parameters": {"train_fraction": 0.5, "val_fraction": 0.25, "test_fraction": 0.25},
        "model_parameters": {"build_parameters": BUILD, "epochs": 2, "batch_size": 16},
        "save_outputs": {"sample_images": 2, "tensorboard": False},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    line = ["channel_tagging", "-j", str(tmp_path / "config.json"), "-o", str(tmp_path / "output")]
    with no_drawing.lifted("best_and_worst", "efficiency_vs_cc_passing"):
        assert run_command(lambda: train.main(line)) == 0
    said = capsys.readouterr()
    folder = said.out.strip().splitlines()[-1]
    run = tmp_path / folder
    assert {path.stem for path in (run / "plots").iterdir()} == {"best_and_worst", "efficiency_vs_cc_passing"}
    metrics = json.loads((run / "metrics.json").read_text())
    efficiency = "es_efficiency_at_4_percent_cc_passing"
    for name in (efficiency, "es_efficiency_at_4_percent_cc", "baseline_auc", f"baseline_cluster_number_{efficiency}"):
        assert np.isfinite(metrics[name]), name
    assert "es_efficiency_at_4_percent_cc_passing_3_to_10_mev" in metrics
    saved = read_npz(run / "test_predictions.npz")
    line = ["-m", str(run), "-d", str(alone), "-o", str(tmp_path / "answers.npz")]
    assert run_command(lambda: predict.main(line)) == 0
    answers = read_npz(tmp_path / "answers.npz")
    row_of = {match: row for row, match in enumerate(answers["match_id"].tolist())}
    rows = [row_of[match] for match in saved["match_id"].tolist()]
    assert len(answers["event"]) > len(rows) > 10
    np.testing.assert_allclose(answers["scores"][rows], saved["scores"], atol=1e-6)
