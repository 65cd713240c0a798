"""From data to samples: what is chosen, what is joined, what stays in step, and what is refused in which words."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from pydantic import Field

from electron_direction.main import TASK
from electron_direction.models.three_plane_cnn import ARCHITECTURE, ThreePlaneCnnParameters
from electron_direction.samples import prepare
from electron_direction.schema import SCHEMA
from python.config.schema import PointParameters
from python.data.data_origin import DataFolders
from python.data.image_file import parse_image_file, write_image_file
from python.data.image_set import load_images
from python.data.old_orientation import to_old_orientation
from python.data.point_clouds import PointSet, read_point_file, write_point_file
from python.detector.drift_frame import to_detector_frame
from python.general_purpose_libs import DataError
from python.training.preparation import configured_data
from tests.electron_direction.conftest import SMALL, config_of, prepared
from tests.synthetic import write_old_file


def test_the_old_frame_turns_images_and_labels(simulated):
    dataset = {**SMALL["dataset_parameters"], "augmentation": {"symmetries": []}}
    keys = {"prediction": {"average_over": []}}
    ours = prepared(simulated, dataset_parameters=dataset, **keys)
    old = prepared(simulated, dataset_parameters={**dataset, "frame": "old"}, **keys)
    table = ours.set.metadata
    for plane in range(3):
        turned = to_old_orientation(ours.set.images[plane], table, plane)
        assert np.array_equal(np.asarray(old.set.images[plane]), np.asarray(turned))
    assert not np.array_equal(np.asarray(old.set.images[2]), np.asarray(ours.set.images[2]))
    targets = {}
    for frame, samples in (("drift", ours), ("old", old)):
        config = config_of(simulated, dataset_parameters={**dataset, "frame": frame}, **keys)
        targets[frame] = TASK.problem_of(config).targets(samples)
    face = table["face"]
    assert {-1, 1} == set(face.tolist())
    assert np.array_equal(targets["old"][:, :3], to_detector_frame(targets["drift"][:, :3], face))
    assert np.array_equal(targets["old"][:, 3], table["true_electron_energy"])
    assert np.all(targets["old"][:, 4] == 1)


# ---------------------------------------------------------------------------- selection
def identities(clusters):
    return clusters.metadata[["source", "event", "match_id"]]


def steps_of(samples):
    return {cut["step"]: cut for cut in samples.set.cuts}


def test_the_table_of_cuts_accounts_for_every_cluster(simulated):
    samples = prepared(simulated, selection={"min_energy": 10, "max_energy": 30})
    kept = len(load_images(DataFolders([simulated]), "X"))
    for cut in samples.set.cuts:
        assert kept - cut["removed"] == cut["kept"]
        kept = cut["kept"]
    assert kept == len(samples.set) == len(samples.labels)
    steps = " | ".join(steps_of(samples))
    for text in (
        "matched",
        "complete match",
        "channel es",
        "main track",
        "10 MeV and more",
        "up to 30 MeV",
        "U fit to",
    ):
        assert text in steps, text
    fits = [step for step in steps_of(samples) if "fit to" in step]
    assert [step[:8] for step in fits] == ["fit to 6", "U fit to"]  # X, whose table this is, and the others together
    assert "X fit to" not in fits[1]
    assert np.all((samples.set.metadata["cluster_energy"] >= 10) & (samples.set.metadata["cluster_energy"] <= 30))
    assert np.all(samples.set.metadata["is_main_track"] == 1)
    assert all(np.all(images.counts > 0) for images in samples.set.images)


def test_less_is_asked_more_is_kept(simulated):
    strict = prepared(simulated)
    partial = prepared(simulated, selection={"complete_match": False})
    every = prepared(simulated, selection={"complete_match": False, "main_track": False, "channel": "mixed"})
    assert len(strict.set) < len(partial.set) < len(every.set)
    assert np.any(partial.set.images[0].counts == 0)
    assert np.all(partial.set.images[2].counts > 0)
    assert not partial.set.offsets[partial.set.images[0].counts == 0, 0].any()
    assert np.any(every.set.metadata["is_main_track"] == 0)


# ---------------------------------------------------------------------------- to predict
def test_what_is_trained_on_is_shown_alike_when_predicting(simulated):
    ours = prepared(simulated, selection={"min_energy": 10})
    config = config_of(simulated, selection={"min_energy": 10})
    every = TASK.read(config, ARCHITECTURE, configured_data(config))
    row_of = {(row["event"], row["match_id"]): number for number, row in enumerate(every.metadata)}
    rows = [row_of[row["event"], row["match_id"]] for row in ours.set.metadata]
    shown, expected = every.network_inputs(np.array(rows)), ours.set.network_inputs(np.arange(len(rows)))
    assert all(np.array_equal(shown[name], expected[name]) for name in expected)
    assert np.any(every.metadata["is_main_track"] == 0)
    assert every.metadata["cluster_energy"].min() >= 10
    assert np.array_equal(TASK.labels(every, ARCHITECTURE), every.metadata["is_es_interaction"])


# ---------------------------------------------------------------------------- points
class PointsParameters(ThreePlaneCnnParameters, PointParameters):
    max_points: int = Field(20, ge=1, description="Points of a cloud.")


TAKES_POINTS = replace(ARCHITECTURE, parameters=PointsParameters, inputs=lambda _parameters: ("points", "energy"))
TAKES_BOTH = replace(TAKES_POINTS, inputs=lambda _parameters: ("offsets", "points", "energy"))


@pytest.fixture
def points_wanted(monkeypatch):
    """There is a network that is declared to take points; its name."""
    monkeypatch.setitem(SCHEMA.architectures, "takes_points", TAKES_POINTS)
    return "takes_points"


@pytest.fixture
def half_the_points(simulated, tmp_path):
    """The images of all events, and the clouds of every second match."""
    shutil.copytree(simulated, tmp_path / "half")
    content = read_point_file(tmp_path / "half" / "es_00000_points.npz")
    rows = np.flatnonzero(content.metadata["match_id"] % 2 == 0)
    half = PointSet(content.clouds.take(rows), content.metadata[rows], content.neighbours[rows], content.sources)
    write_point_file(tmp_path / "half" / "es_00000_points.npz", half)
    return tmp_path / "half"


def test_samples_with_points_stay_in_step(half_the_points, points_wanted):
    samples = prepared(half_the_points, TAKES_BOTH, model_name=points_wanted)
    chosen = samples.set
    assert len(samples.labels) == len(chosen) == len(chosen.clouds) == len(chosen.images[0])
    assert np.all(chosen.metadata["match_id"] % 2 == 0)
    assert steps_of(samples)["with points around them"]["removed"] > 20
    padded = chosen.network_inputs(np.arange(len(chosen)))["points"]
    assert padded.shape == (len(chosen), 20, 9)
    x_in_cluster = (padded[..., 0] == 2) & (padded[..., 7] == 1) & (padded[..., 8] == 1)
    members = x_in_cluster.sum(axis=1)
    assert np.all(members <= chosen.metadata["n_tps"])
    whole = chosen.clouds.counts <= 20
    assert np.array_equal(members[whole], chosen.metadata["n_tps"][whole])
    (step,) = (step for step in steps_of(samples) if step.startswith("at most 20 points"))
    assert f"{np.sum(~whole)} samples have more" in step


def test_networks_of_points_need_no_images(simulated, tmp_path, points_wanted):
    """They get the same clusters, with the same points, as with the images that lie beside them."""
    selection = {"min_energy": 5.0, "max_energy": 40.0}
    beside = prepared(simulated, TAKES_BOTH, model_name=points_wanted, selection=selection)
    for path in simulated.glob("*_points.npz"):
        shutil.copy(path, tmp_path)
    alone = prepared(tmp_path, TAKES_POINTS, model_name=points_wanted, selection=selection)
    assert np.array_equal(identities(alone.set), identities(beside.set))
    assert np.array_equal(alone.labels, beside.labels)
    rows = np.arange(len(alone.set))[::-1]
    for name, values in alone.set.network_inputs(rows).items():
        assert np.array_equal(values, beside.set.network_inputs(rows)[name])
    kept = [cut["kept"] for cut in alone.set.cuts]
    assert kept == sorted(kept, reverse=True)
    assert kept[-1] == len(alone.set)
    shared = {step: cut["kept"] for step, cut in steps_of(alone).items() if step in steps_of(beside)}
    assert len(shared) >= 6
    assert all(steps_of(beside)[step]["kept"] == number for step, number in shared.items() if "match" not in step)


def test_each_cluster_of_points_comes_once(simulated, tmp_path, points_wanted):
    """Also where a file lies in two folders."""
    for folder in ("one", "two"):
        shutil.copytree(simulated, tmp_path / folder)
    once = prepared(tmp_path / "one", TAKES_POINTS, model_name=points_wanted)
    twice = prepared(tmp_path, TAKES_POINTS, model_name=points_wanted)
    assert np.array_equal(identities(twice.set), identities(once.set))
    assert steps_of(twice)["each match once"]["removed"] > 0


def test_points_are_drawn_where_the_pixels_of_the_images_are(simulated, points_wanted):
    """They are as long and as wide, and as bright; images are centred for themselves, points on the cluster of X."""
    whole = {"model_parameters": {**SMALL["model_parameters"], "input_shape": [128, 32, 1]}}
    beside = prepared(simulated, TAKES_BOTH, model_name=points_wanted, **whole).set
    alone = prepared(simulated, TAKES_POINTS, model_name=points_wanted, **whole).set
    rows = np.arange(len(alone))
    drawn, images = alone.pictures(rows, 2), beside.pictures(rows, 2)
    assert drawn.shape == images.shape
    spreads = [[np.std(np.nonzero(picture), axis=1) for picture in pictures] for pictures in (drawn, images)]
    assert np.quantile(np.abs(np.subtract(*spreads)), 0.9, axis=0).max() < 1.5  # long tracks are cut off elsewhere
    assert np.median(drawn.max(axis=(1, 2)) / images.max(axis=(1, 2))) == pytest.approx(1, abs=0.01)


def test_networks_of_images_need_no_points(half_the_points):
    everything = prepared(half_the_points).set
    assert everything.clouds is None
    assert np.any(everything.metadata["match_id"] % 2 == 1)
    (half_the_points / "es_00000_points.npz").write_bytes(b"")
    with pytest.raises(DataError, match="es_00000_points"):
        prepared(half_the_points)
    config = config_of(half_the_points)
    assert len(prepare(config, ARCHITECTURE, configured_data(config, skip_bad_files=True)).set) == len(everything)
    (half_the_points / "es_00000_points.npz").unlink()
    assert len(prepared(half_the_points).set) == len(everything)


def test_points_that_are_not_there_are_asked_for(train, half_the_points, points_wanted):
    (half_the_points / "es_00000_points.npz").unlink()
    result = train("--dry-run", data=half_the_points, model_name=points_wanted)
    assert result.code == 3
    assert "no files of points" in result.err
    assert "make_images.sh or simulate.sh" in result.err


# ---------------------------------------------------------------------------- what cannot be trained
def write_old(folder, columns):
    for plane in "UVX":
        for number in range(3):
            path = folder / plane / f"clusters_plane{plane}_batch{number:04d}.npz"
            write_old_file(path, n=40, columns=columns, plane=plane, seed=number)
    return folder


@pytest.mark.parametrize(("columns", "flips"), [(18, None), (14, None), (13, "upstream")])
def test_old_data_of_unknown_orientation_are_refused(train, tmp_path, columns, flips):
    settings = ["--set", f'dataset_parameters.old_flips="{flips}"'] if flips else []
    result = train("--dry-run", *settings, data=write_old(tmp_path, columns))
    assert result.code == 3
    assert "old_flips" in result.err
    assert "match numbers" in result.err


@pytest.mark.parametrize("flips", ["none", "upstream"])
def test_old_data_of_stated_flips_are_taken(tmp_path, flips):
    dataset = {**SMALL["dataset_parameters"], "old_flips": flips}
    every = {"channel": "mixed", "main_track": False}
    samples = prepared(write_old(tmp_path, 18), dataset_parameters=dataset, selection=every)
    assert len(samples.set) == 60
    assert sorted(np.unique(samples.labels, return_counts=True)[1].tolist()) == [30, 30]
    steps = [cut["step"] for cut in samples.set.cuts]
    assert any(
        "120 brought into the drift frame (120 by the vertex alone), 0 left in raw order" in step for step in steps
    )


def test_data_without_such_events_say_what_took_them(train):
    result = train("--dry-run", selection={"channel": "cc"})
    assert result.code == 3
    assert "no sample is left" in result.err
    assert "channel cc" in result.err
    assert "Traceback" not in result.err


def test_data_without_matches_are_no_samples(train, simulated, tmp_path):
    """Own files with clusters on X alone: nothing about flips, which are not the trouble."""
    for plane in "UVX":
        name = f"es_00000_plane{plane}.npz"
        with np.load(simulated / name) as arrays:
            content = parse_image_file(dict(arrays), name)
        content.metadata["match_id"] = -1
        if plane != "X":
            content.metadata["drift_frame"], content.metadata["face"] = 0, 0
        write_image_file(tmp_path / name, content)
    result = train("--dry-run", data=tmp_path)
    assert result.code == 3
    assert "matched with U or V" in result.err
    assert "old_flips" not in result.err
