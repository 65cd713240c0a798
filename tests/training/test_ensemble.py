"""Ensembles: what members train on, one saved model, the mean of the answers, and going on after an interruption."""

import numpy as np
import pytest

from python.config.schema import Ensemble
from python.general_purpose_libs import read_json
from tests.training.conftest import weights

MEMBERS = 3
SETTINGS = ("--set", f"ensemble.members={MEMBERS}", "model_parameters.epochs=2")


def rows_of(resampling, members=5, n=40, seed=7):
    from python.training.ensemble import member_rows

    ensemble = Ensemble(members=members, resampling=resampling)
    return [member_rows(np.arange(100, 100 + n), ensemble, number, seed) for number in range(members)]


def test_bootstrap_draws_with_replacement_and_differently():
    drawn = rows_of("bootstrap")
    assert all(len(rows) == 40 and set(rows) < set(range(100, 140)) for rows in drawn)
    assert all(len(np.unique(rows)) < 40 for rows in drawn)
    assert len({tuple(rows) for rows in drawn}) == len(drawn)


def test_folds_leave_every_sample_out_once():
    drawn = rows_of("cross_validation")
    left_out = np.concatenate([np.setdiff1d(np.arange(100, 140), rows) for rows in drawn])
    assert sorted(left_out) == list(range(100, 140))
    assert {len(rows) for rows in drawn} == {32}


def test_without_resampling_all_members_see_the_training_part():
    assert all(np.array_equal(rows, np.arange(100, 140)) for rows in rows_of("none"))


@pytest.fixture(scope="module")
def network_of():
    """The answers of a saved model on images of zeros but for one pixel."""
    from python.networks.saved import load_network

    images = np.zeros((4, 64, 16, 1), np.float32)
    images[np.arange(4), 10 * np.arange(4), 3] = 400

    def answers(path):
        return np.asarray(load_network(path).predict_on_batch(images))

    return answers


def test_an_ensemble_is_one_model_that_gives_the_answer_of_each_member(workplace, network_of):
    result = workplace.train(*SETTINGS)
    assert result.code == 0, result.err
    from pathlib import Path

    folder = Path(result.last)
    (together,) = folder.glob("*.keras")
    members = sorted(folder.glob("members/*/*.keras"))
    assert len(members) == MEMBERS
    answers = network_of(together)
    assert answers.shape == (4, MEMBERS, 1)
    for number, member in enumerate(members):
        np.testing.assert_allclose(answers[:, number], network_of(member), rtol=1e-5)
    assert len({answers[0, number, 0] for number in range(MEMBERS)}) == MEMBERS
    history = read_json(folder / "training_history.json")["val_loss"]
    each = [read_json(member.parent / "training_history.json")["val_loss"] for member in members]
    np.testing.assert_allclose(history, np.mean(each, axis=0))


def test_an_ensemble_goes_on_where_it_was_interrupted_with_data_that_were_moved(workplace, monkeypatch, tmp_path):
    import shutil
    from pathlib import Path

    from python.general_purpose_libs import StopRequested
    from python.training import callbacks

    straight = Path(workplace.train(*SETTINGS, "-o", workplace.path / "straight").last)
    calls = []

    def stop_in_the_second_member():
        calls.append(1)
        if any(workplace.output.glob("**/members/02/checkpoints/0001.json")):
            raise StopRequested("asked to stop")

    monkeypatch.setattr(callbacks, "raise_if_stop_requested", stop_in_the_second_member)
    shutil.copytree(workplace.data, tmp_path / "here")
    assert workplace.train(*SETTINGS, data=tmp_path / "here").code == StopRequested.exit_code
    monkeypatch.undo()
    (folder,) = (path.parent for path in workplace.output.glob("**/status.json"))
    shutil.move(tmp_path / "here", tmp_path / "there")
    result = workplace.train("-d", tmp_path / "there", resume=folder)
    assert result.code == 0, result.err
    assert calls
    for one, other in zip(weights(straight), weights(folder), strict=True):
        np.testing.assert_array_equal(one, other)
