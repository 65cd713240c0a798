"""predict.sh, from the command line: data that do not fit, runs that cannot be asked, files that cannot be written."""

import errno
import os

import numpy as np
import pytest

from python.general_purpose_libs import read_json, write_json
from tests.commands.conftest import TRACKS, untrained, without_truth
from tests.synthetic import write_folder, write_old_file


# ---------------------------------------------------------------------------- data that do not fit
def test_points_that_the_network_takes_are_asked_for(predict, events, tmp_path):
    run = untrained(tmp_path / "run", {"task": "electron_direction", "model_name": "point_network", "device": "cpu"})
    assert predict(run, events).code == 0
    result = predict(run, without_truth(events, tmp_path / "images"))
    assert result.code == 3
    assert "no files of points" in result.err
    assert "make_images.sh or simulate.sh" in result.err


def test_broken_points_matter_only_to_networks_that_take_them(predict, direction_run, events, tmp_path):
    data = without_truth(events, tmp_path / "data")
    (data / "broken_points.npz").write_bytes(b"")
    assert predict(direction_run, data).code == 0


def test_images_of_another_kind_or_plane_are_no_answer(predict, volume_run, untrained_track_run, tracks, tmp_path):
    result = predict(volume_run, tracks)
    assert result.code == 3
    assert "no file with volumes of plane X" in result.err
    assert "--volumes" in result.err
    result = predict(untrained_track_run, write_folder(tmp_path / "v", plane="V"))
    assert result.code == 3
    assert "no image file of plane X" in result.err


def test_the_user_states_how_old_images_are_flipped(predict, direction_run, tmp_path):
    for plane in "UVX":
        write_old_file(tmp_path / "old" / plane / f"a_plane{plane}.npz", n=40, plane=plane)
    result = predict(direction_run, tmp_path / "old")
    assert result.code == 3
    assert "--old-flips" in result.err
    answers = [
        predict(direction_run, tmp_path / "old", more=("--force", "--old-flips", flips))
        for flips in ("none", "upstream")
    ]
    assert [each.code for each in answers] == [0, 0]
    assert not np.array_equal(answers[0].found["direction"], answers[1].found["direction"])


def test_broken_files_are_named_or_skipped(predict, untrained_track_run, tmp_path):
    write_folder(tmp_path / "data")
    (tmp_path / "data" / "broken_planeX.npz").write_bytes(b"PK")
    result = predict(untrained_track_run, tmp_path / "data")
    assert result.code == 3
    assert "broken_planeX.npz" in result.err
    assert "--skip-bad-files" in result.err
    result = predict(untrained_track_run, tmp_path / "data", more=("--skip-bad-files",))
    assert result.code == 0
    assert "1 bad files skipped" in result.err
    assert len(result.found["scores"]) == 40


def test_metadata_that_are_no_table_are_named_or_skipped(predict, untrained_track_run, tmp_path):
    data = write_folder(tmp_path / "data")
    arrays = dict(np.load(data / "file0_planeX.npz"))
    for name, metadata in {
        "records": np.zeros(40, [("event", "i8"), ("energy", "f4")]),
        "dictionaries": np.array([{"event": 1}] * 40),
        "one": np.array({"event": 1}, object),
    }.items():
        np.savez(data / f"{name}_planeX.npz", **{**arrays, "metadata": metadata})
        np.savez(data / f"old_{name}_planeX.npz", images=np.ones((40, 128, 32), np.float32), metadata=metadata)
    (data / "gone_planeX.npz").symlink_to("/nowhere")
    result = predict(untrained_track_run, data)
    assert result.code == 3
    assert "error: 7 of 8 image files cannot be used:" in result.err
    result = predict(untrained_track_run, data, more=("--skip-bad-files",))
    assert result.code == 0
    assert "7 bad files skipped" in result.err
    assert len(result.found["scores"]) == 40


# ---------------------------------------------------------------------------- runs that cannot be asked
def copied(run, folder):
    folder.mkdir()
    for path in run.iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture
def run(untrained_track_run, tmp_path):
    return copied(untrained_track_run, tmp_path / "run")


def assert_refused(result, *texts):
    assert result.code == 2
    assert "Traceback" not in result.err
    assert len(result.err.strip().splitlines()) == 1
    for text in texts:
        assert text in result.err


def test_folders_that_are_no_runs(predict, tracks, tmp_path):
    assert_refused(predict(tmp_path / "gone", tracks), "no such folder")
    assert_refused(predict(tracks, tracks), "is no run folder", "status.json")


@pytest.mark.parametrize(
    ("state", "remedy"),
    [
        ({"state": "interrupted"}, "--resume"),
        ({"state": "failed"}, "--resume"),
        ({"state": "running", "heartbeat": "2999-01-01T00:00:00+00:00", "host": "", "pid": 0}, "wait for it"),
        ({"state": "running", "heartbeat": "2020-01-01T00:00:00+00:00", "host": "", "pid": 0}, "--resume"),
    ],
)
def test_runs_that_are_not_done(predict, run, tracks, state, remedy):
    write_json(run / "status.json", state)
    assert_refused(predict(run, tracks), "not done", remedy)


def test_a_task_that_does_not_exist(predict, run, tracks):
    write_json(run / "config.json", {**read_json(run / "config.json"), "task": "tagging"})
    assert_refused(predict(run, tracks), "'tagging'", "channel_tagging")


def test_a_run_has_one_network(predict, run, tracks):
    (network,) = run.glob("*.keras")
    network.rename(run / "first.keras")
    (run / "second.keras").write_bytes(b"")
    assert_refused(predict(run, tracks), "first.keras, second.keras")
    for path in run.glob("*.keras"):
        path.unlink()
    assert_refused(predict(run, tracks), "there is none")


def test_a_damaged_network(predict, run, tracks):
    (network,) = run.glob("*.keras")
    network.write_bytes(network.read_bytes()[:2000])
    assert_refused(predict(run, tracks), "simple_cnn.keras", "damaged")


def test_a_network_with_code_of_its_own_is_not_loaded(predict, run, tracks):
    import keras

    class_layer = keras.layers.Lambda(lambda images: images)
    keras.Sequential([keras.Input((64, 16, 1)), class_layer]).save(run / "simple_cnn.keras")
    assert_refused(predict(run, tracks), "cannot be used")


def test_a_network_of_other_classes(predict, run, tracks, tmp_path):
    keys = {
        **TRACKS,
        "model_name": "hyperopt_simple_cnn_multiclass",
        "model_parameters": {"hp_max_evals": 1, "space_options": {"n_filters": [4]}, "input_shape": [64, 16, 1]},
    }
    other = untrained(tmp_path / "other", keys)
    (network,) = other.glob("*.keras")
    (run / "simple_cnn.keras").write_bytes(network.read_bytes())
    assert_refused(predict(run, tracks), "es_main_track", "background, main_track")


def test_a_network_of_other_images(predict, run, tracks):
    config = read_json(run / "config.json")
    config["model_parameters"]["input_shape"] = [64, 24, 1]
    write_json(run / "config.json", config)
    result = predict(run, tracks)
    assert result.code == 2
    assert "(64, 16, 1)" in result.err
    assert "(64, 24, 1)" in result.err


# ---------------------------------------------------------------------------- the file of answers
def test_an_existing_file_is_replaced_only_when_asked(predict, untrained_track_run, tracks, tmp_path):
    output = tmp_path / "answers.npz"
    output.write_text("precious")
    assert_refused(predict(untrained_track_run, tracks, more=()), "answers.npz", "--force")
    assert output.read_text() == "precious"
    assert predict(untrained_track_run, tracks).code == 0


def test_names_that_are_no_files_of_answers(predict, untrained_track_run, tracks, tmp_path):
    assert_refused(predict(untrained_track_run, tracks, output=tmp_path / "answers.csv"), ".npz")
    (tmp_path / "folder.npz").mkdir()
    assert_refused(predict(untrained_track_run, tracks, output=tmp_path / "folder.npz"), "is a folder")


def test_a_folder_that_cannot_be_written_is_found_out_before_anything_is_read(predict, untrained_track_run, tmp_path):
    (tmp_path / "file").write_text("")
    result = predict(untrained_track_run, tmp_path / "gone", output=tmp_path / "file" / "answers.npz")
    assert result.code == 5
    assert "cannot write" in result.err


def test_a_full_disk_leaves_nothing_behind(predict, untrained_track_run, tracks, tmp_path, monkeypatch):
    def full(file, *_, **__):
        file.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("numpy.lib.format.write_array", full)
    result = predict(untrained_track_run, tracks, output=tmp_path / "new" / "answers.npz")
    assert result.code == 5
    assert "No space left" in result.err
    assert list((tmp_path / "new").iterdir()) == []
