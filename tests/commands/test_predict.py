"""predict.sh, from the command line: what networks of runs, trained or not, answer for data with and without truth."""

import numpy as np
from scipy.special import expit, logit

from python.commands.tasks import load_task
from python.config.load import parse_config
from python.data.data_origin import DataFolders
from python.data.image_file import write_image_file
from python.data.image_set import load_images
from python.data.npz import read_npz
from tests.commands.conftest import TRACKS, VOLUMES, network, rows_in, untrained, without_truth
from tests.synthetic import image_file, named_source


# ---------------------------------------------------------------------------- the same answers as the run
def assert_same_answers(found, saved, answers):
    rows = rows_in(found, saved)
    assert len(rows) > 10
    for name in saved:
        if name in ("row", "source", "sources", "source_ids"):
            continue
        if saved[name].shape[:1] == rows.shape and name in found:
            assert np.array_equal(found[name][rows], saved[name], equal_nan=saved[name].dtype.kind == "f"), name
            answers = [other for other in answers if other != name]
    assert not answers


def test_tracks_are_answered_as_in_the_run(predict, track_run, tracks):
    result = predict(track_run, tracks)
    assert result.code == 0, result.err
    saved = read_npz(track_run / "test_predictions.npz")
    assert_same_answers(result.found, saved, ["scores", "labels", "cluster_energy", "plane", "apa", "face"])
    assert np.array_equal(result.found["class_names"], saved["class_names"])
    assert set(saved) - set(result.found) == {"row", "true_nu_energy"}  # of which nothing is known in these data
    assert len(result.found["scores"]) == 200


def test_directions_are_answered_as_in_the_run(predict, direction_run, events):
    result = predict(direction_run, events)
    assert result.code == 0, result.err
    saved = read_npz(direction_run / "test_predictions.npz")
    answers = ["direction", "direction_drift_frame", "true_direction", "predicted_68_deg", "outputs", "is_es", "face"]
    assert_same_answers(result.found, saved, answers)
    assert set(saved) - set(result.found) == {"row"}


def test_what_is_chosen_by_truth_is_answered_too_what_is_reconstructed_is_not(predict, direction_run, events):
    found = predict(direction_run, events).found
    assert set(found["is_es"].tolist()) == {0, 1}
    assert found["cluster_energy"].min() >= 8
    main = load_images(DataFolders([events]), "X").metadata
    main = main[(main["is_main_track"] == 1) & (main["cluster_energy"] >= 8)]
    assert len(found["is_es"]) > len(main)
    assert "main track" not in predict(direction_run, events).err


def test_every_image_is_answered_also_repeated_ones_and_beyond_limits(predict, tmp_path):
    dataset = {**TRACKS["dataset_parameters"], "max_samples": 20}
    run = untrained(tmp_path / "run", {**TRACKS, "dataset_parameters": dataset})
    content = image_file(60)
    write_image_file(tmp_path / "twice" / "a_planeX.npz", content)
    content.sources = [named_source("two.root")]
    write_image_file(tmp_path / "twice" / "b_planeX.npz", content)
    found = predict(run, tmp_path / "twice").found
    assert found["sources"][found["source"]].tolist() == ["one.root"] * 60 + ["two.root"] * 60
    assert found["source_ids"].tolist() == [named_source(name).id for name in ("one.root", "two.root")]
    assert set(found["run"]) == {1}
    assert set(found["subrun"]) == {0}
    assert np.array_equal(found["scores"][:60], found["scores"][60:])
    assert len(np.unique(found["scores"])) > 30


def test_the_same_question_gives_the_same_bytes(predict, untrained_track_run, tracks, tmp_path):
    files = [tmp_path / name for name in ("one.npz", "two.npz")]
    for file in files:
        result = predict(untrained_track_run, tracks, output=file, more=())
        assert result.out.splitlines()[-1] == str(file)
    assert files[0].read_bytes() == files[1].read_bytes()
    facts = {
        name: result.found[name].item() for name in ("task", "model_name", "run_folder", "format_version", "version")
    }
    assert facts == {
        "task": "mt_identifier",
        "model_name": "simple_cnn",
        "run_folder": "run",
        "format_version": 2,
        "version": "",
    }


def test_files_of_other_names_than_those_of_the_training_are_found(predict, untrained_track_run, tracks, tmp_path):
    dataset = {**TRACKS["dataset_parameters"], "batch_pattern": "clusters_plane{plane}_batch*.npz"}
    run = untrained(tmp_path / "run", {**TRACKS, "dataset_parameters": dataset})
    result = predict(run, tracks)
    assert result.code == 0, result.err
    assert "is named clusters_plane{plane}_batch*.npz" in result.err
    assert np.array_equal(result.found["scores"], predict(untrained_track_run, tracks).found["scores"])
    asked_for = ("--set", "dataset_parameters.batch_pattern=other_plane{plane}.npz")
    assert predict(run, tracks, more=("--force", *asked_for)).code == 3
    named = ("--set", "dataset_parameters.batch_pattern=file1_plane{plane}.npz")
    assert len(predict(run, tracks, more=("--force", *named)).found["scores"]) == 100


# ---------------------------------------------------------------------------- without truth
def test_tracks_without_truth(predict, untrained_track_run, tracks, tmp_path):
    known = predict(untrained_track_run, tracks).found
    blind = predict(untrained_track_run, without_truth(tracks, tmp_path / "blind")).found
    assert set(known) - set(blind) == {"labels", "true_electron_energy"}
    assert np.array_equal(blind["scores"], known["scores"])
    partly = predict(untrained_track_run, without_truth(tracks, tmp_path / "partly", slice(1, None, 2))).found
    expected = np.where(np.arange(200) % 2 == 1, -1, known["labels"])
    assert np.array_equal(partly["labels"], expected)


def test_directions_without_truth(predict, direction_run, events, tmp_path):
    known = predict(direction_run, events).found
    blind = predict(direction_run, without_truth(events, tmp_path / "blind"))
    assert blind.code == 0, blind.err
    lost = {"is_es", "true_direction", "true_direction_drift_frame", "true_electron_energy", "true_nu_energy"}
    assert set(known) - set(blind.found) == lost
    assert np.array_equal(blind.found["direction"], known["direction"])


def test_volumes_without_truth(predict, volume_run, events, tmp_path):
    known = predict(volume_run, events).found
    blind = predict(volume_run, without_truth(events, tmp_path / "blind")).found
    assert set(known["labels"].tolist()) == {0, 1}
    assert known["class_names"].tolist() == ["cc", "es"]
    assert "labels" not in blind
    assert np.array_equal(blind["scores"], known["scores"])


def test_a_tagger_answers_with_its_temperature(predict, volume_run, events):
    found = predict(volume_run, events).found
    assert found["temperature"] == 2.0
    expected = expit(logit(found["scores"][:, 1].astype(float)) / 2)
    np.testing.assert_allclose(found["calibrated_scores"][:, 1], expected, atol=1e-5)
    np.testing.assert_allclose(found["calibrated_scores"].sum(axis=1), 1, atol=1e-6)


def test_volumes_that_stay_on_disk_are_answered_alike(predict, volume_run, events, tmp_path):
    run = untrained(tmp_path / "run", {**VOLUMES, "dataset_parameters": {"loading": "streaming"}})
    assert np.array_equal(predict(run, events).found["scores"], predict(volume_run, events).found["scores"])


def test_a_tagger_is_asked_about_the_data_that_are_named(predict, events, tmp_path):
    run = untrained(tmp_path / "run", {**VOLUMES, "es_directories": ["gone"], "cc_directories": ["gone"]})
    result = predict(run, events)
    assert result.code == 0, result.err
    assert len(result.found["scores"]) == len(load_images(DataFolders([events]), "X", kind="volumes"))


# ---------------------------------------------------------------------------- more than one network, other sizes
def test_the_members_of_an_ensemble_are_asked_and_averaged(predict, tracks, tmp_path):
    run = untrained(tmp_path / "run", {**TRACKS, "ensemble": {"members": 2}})
    result = predict(run, tracks)
    assert result.code == 0, result.err
    task = load_task("mt_identifier")
    config = parse_config(TRACKS, task.schema)
    images = task.read(config, task.architecture(config), DataFolders((str(tracks),)))
    inputs = images.network_inputs(np.arange(200))
    answers = [network(config, seed).predict_on_batch(inputs) for seed in (0, 1)]
    assert np.abs(answers[0] - answers[1]).max() > 1e-3
    np.testing.assert_allclose(result.found["scores"][:, 1:], np.mean(answers, axis=0), atol=1e-6)


def test_larger_images_are_cropped_and_the_table_says_what_is_lost(predict, untrained_track_run, tmp_path):
    content = image_file(20, shape=(256, 64))
    pixels = content.images
    pixels.data[pixels.indptr[0]] = 0.5  # a pixel that is far from the charge
    pixels.indices[pixels.indptr[0]] = 0
    write_image_file(tmp_path / "wide" / "a_planeX.npz", content)
    result = predict(untrained_track_run, tmp_path / "wide")
    assert result.code == 0
    assert "fit to 64 x 16: 1 images cropped" in result.err
    assert len(result.found["scores"]) == 20


def test_empty_images_are_not_answered(predict, untrained_track_run, tmp_path):
    content = image_file(20)
    content.images = content.images.take(np.arange(20))
    counts = content.images.counts.copy()
    keep = np.repeat(np.arange(20) >= 5, counts)
    counts[:5] = 0
    content.images.indptr = np.concatenate([[0], np.cumsum(counts)])
    content.images.indices, content.images.data = content.images.indices[keep], content.images.data[keep]
    write_image_file(tmp_path / "some" / "a_planeX.npz", content)
    assert len(predict(untrained_track_run, tmp_path / "some").found["scores"]) == 15
    content.images = content.images.take(np.zeros(20, int))
    write_image_file(tmp_path / "none" / "a_planeX.npz", content)
    result = predict(untrained_track_run, tmp_path / "none")
    assert result.code == 3
    assert "no sample is left" in result.err
