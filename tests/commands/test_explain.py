"""explain.sh, from the command line: what networks look at, and that what they do not look at changes nothing."""

from dataclasses import replace

import numpy as np
import pytest

from python.commands.explain import main
from python.commands.tasks import load_task
from python.general_purpose_libs import read_json, run_command
from python.runs.shipped import network_folder
from python.training.explaining import chosen_rows, explained_sample, planes_that_matter
from python.training.trained import Trained
from tests.commands.conftest import without_truth


@pytest.fixture
def explain(tmp_path, capsys):
    def explain(run, data, *more, output=tmp_path / "explained"):
        capsys.readouterr()
        line = ["-m", run, "-d", data, "-o", output, "-n", 2, *more]
        code = run_command(lambda: main([str(part) for part in line]))
        return code, capsys.readouterr(), output

    return explain


class LooksLeft:
    """A network on images of which the half of the lower channels decides: above 2000 ADC the cluster is a main track."""

    width = 1

    def __init__(self, inputs):
        self.inputs = inputs

    def predict_on_batch(self, images):
        charge = images[:, :, : images.shape[2] // 2].sum(axis=(1, 2, 3))
        return (1 / (1 + np.exp((2000 - charge) / 2000)))[:, None].astype(np.float32)


def test_what_is_not_looked_at_changes_nothing(untrained_track_run, tracks):
    loaded = Trained.load(load_task("mt_identifier"), untrained_track_run)
    trained = replace(loaded, network=LooksLeft(loaded.network.inputs))
    samples = trained.known([tracks])
    whole = trained.answers_of(samples, np.arange(len(samples.set)))
    row = int(np.flatnonzero(samples.labels == 1)[0])  # a long line about the middle
    found = explained_sample(trained, samples, whole, row)
    half = samples.set.images.shape[1] // 2
    left = np.array([region.where[1].stop <= half for region in found.regions])
    charge = np.array([found.inputs["image"][(0, *region.where)].sum() for region in found.regions])
    assert np.all(charge > 0)
    assert charge.sum() == pytest.approx(found.inputs["image"].sum(), rel=1e-5)  # all of the charge, each pixel once
    answered = whole.scores[row].argmax()
    assert np.all(found.changes[~left] == 0)
    assert np.all(found.changes[left] * (1 if answered else -1) > 0)
    merits = planes_that_matter(trained, samples, whole, seed=0)
    assert list(merits) == ["", "X"]
    blank = np.mean(samples.labels == 0)  # no charge: never a main track
    assert merits["X"].value.value == pytest.approx(blank)
    assert merits["X"].change.value == pytest.approx(blank - merits[""].value.value)


def test_of_a_sample_without_charge_nothing_can_be_hidden(untrained_track_run, tracks):
    trained = Trained.load(load_task("mt_identifier"), untrained_track_run)
    samples = trained.known([tracks])
    samples.set.images.data[:] = 0
    whole = trained.answers_of(samples, np.arange(len(samples.set)))
    found = explained_sample(trained, samples, whole, 0)
    assert (found.regions, len(found.changes)) == ([], 0)


def test_samples_are_drawn_in_turn_from_the_classes(untrained_track_run, tracks):
    samples = Trained.load(load_task("mt_identifier"), untrained_track_run).known([tracks])
    rows = chosen_rows(samples, 6, seed=1)
    assert samples.labels[rows].tolist() == [0, 1] * 3
    assert len(set(rows.tolist())) == 6
    assert len(chosen_rows(samples, 10**6, seed=1)) == len(samples.set)


def test_a_network_on_one_image_is_explained(explain, untrained_track_run, tracks):
    code, said, folder = explain(untrained_track_run, tracks)
    assert code == 0, said.err
    assert said.out.splitlines()[-1] == str(folder)
    assert {path.name for path in folder.iterdir()} == {"explain.json", "plots", "report.pdf"}
    assert {path.stem for path in (folder / "plots").iterdir()} == {"planes", "sample_000", "sample_001"}
    told = read_json(folder / "explain.json")
    assert told["network"] == str(untrained_track_run)
    value, change = told["accuracy"], told["hidden_planes"]["X"]["change"]
    assert change[0] == pytest.approx(told["hidden_planes"]["X"]["accuracy"][0] - value[0])
    assert change[1] <= change[0] <= change[2]
    assert all(part["hidden"] for part in told["samples_explained"])


def test_volumes_are_hidden_in_patches_too(explain, volume_run, events):
    code, said, folder = explain(volume_run, events, "-n", 1)
    assert code == 0, said.err
    told = read_json(folder / "explain.json")
    (sample,) = told["samples_explained"]
    assert (
        max(part["rows"][1] for part in sample["hidden"]) <= 208 < max(part["columns"][1] for part in sample["hidden"])
    )


def test_planes_of_images_are_hidden_one_by_one(explain, direction_run, events):
    code, said, folder = explain(direction_run, events, "-n", 0)
    assert code == 0, said.err
    told = read_json(folder / "explain.json")
    assert list(told["hidden_planes"]) == ["U", "V", "X"]
    for plane in told["hidden_planes"].values():
        assert 0 < plane["containment_68_deg"][0] < 180
    assert told["samples_explained"] == []


def test_points_are_hidden_with_their_neighbours(events):
    trained = Trained.load(load_task("electron_direction"), network_folder(None, "electron_direction"))
    samples = trained.known([events])
    whole = trained.answers_of(samples, np.arange(len(samples.set)))
    found = explained_sample(trained, samples, whole, 0)
    points = found.inputs["points"][0]
    hidden = np.concatenate([region.where for region in found.regions])
    assert sorted(hidden.tolist()) == np.flatnonzero(points[:, -1] == 1).tolist()
    assert np.all(found.changes >= 0)
    assert found.changes.max() > 1  # degrees: some of the points decide
    for region in found.regions:
        assert len(set(points[region.where, 0])) == 1  # of one plane


def test_without_truth_nothing_is_left_and_a_foreign_folder_stays(explain, untrained_track_run, tracks, tmp_path):
    code, said, folder = explain(untrained_track_run, without_truth(tracks, tmp_path / "detector"))
    assert code == 3
    assert "no sample of known truth" in said.err
    assert not folder.exists()
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    code, said, _ = explain(untrained_track_run, tracks, "--force")
    assert (code, "not from explain.sh" in said.err) == (2, True)
    with pytest.raises(SystemExit) as ended:
        explain(untrained_track_run, tracks, "-n", -1, output=tmp_path / "none")
    assert ended.value.code == 2
