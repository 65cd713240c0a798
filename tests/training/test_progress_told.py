"""How far a training is, as its status and the queue tell it, also while a restarted one is not further yet."""

from types import SimpleNamespace

import pytest

from python.commands.tasks import load_schema
from python.config.load import parse_config
from python.general_purpose_libs import read_json, write_json
from python.runs.status import RunStatus
from python.training.checkpoint_files import Moment
from python.training.checkpoints import Announcement
from python.training.run_folder import alive
from tests.training.conftest import SMALL

FAR = {"epoch": 3, "epochs": 9, "best": {"name": "val_loss", "value": 0.25}}


@pytest.mark.parametrize(("member", "place"), [(None, "."), (2, "members/02")])
def test_a_restarted_run_is_as_far_as_it_was(tmp_path, member, place):
    config = parse_config({**SMALL, "output_folder": str(tmp_path / "elsewhere")}, load_schema("mt_identifier"))
    write_json(tmp_path / "config.json", {"task": "mt_identifier"})
    write_json(tmp_path / "status.json", {"state": "submitted"})
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    RunStatus(tmp_path / place, **FAR, stage="evaluation").update("interrupted", message="evicted")
    with alive(tmp_path, config, member):
        status = read_json(tmp_path / place / "status.json")
    assert status["state"] == "running"
    assert {name: status[name] for name in FAR} == FAR
    assert not {"message", "stage"} & set(status)


def test_the_status_and_the_queue_hear_it_when_the_training_goes_on_and_after_each_epoch(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr("python.training.checkpoints.progress.tell", lambda *values: told.append(values))
    configuration = {"model_parameters": {"epochs": 9}}
    checkpoints = SimpleNamespace(begin=Moment(3), configuration=configuration, monitor="val_loss", best_value=0.25)
    announcement = Announcement(RunStatus(tmp_path), checkpoints)
    announcement.on_train_begin()
    assert {name: read_json(tmp_path / "status.json")[name] for name in FAR} == FAR
    checkpoints.best_value = 0.125
    announcement.on_epoch_end(3)
    assert told == [(3, 9, "val_loss", 0.25), (4, 9, "val_loss", 0.125)]
