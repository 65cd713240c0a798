"""Learning rates that follow from the step or the epoch: their closed forms, in runs, and from the middle of an epoch on."""

import math
from pathlib import Path
from types import SimpleNamespace

import pytest

from mt_identifier.schema import SCHEMA
from python.config.load import parse_config
from python.general_purpose_libs import ConfigError, read_json
from python.training.learning_rate import ScheduledRate, scheduled_rate
from tests.training.conftest import same_weights

STEPS = -(-120 // 16)  # of an epoch of the workplace
DECAY = ("model_parameters.build_parameters.decay_rate=0.5", "model_parameters.optimizer.decay_steps=10")


def parameters(**model):
    return parse_config({"model_name": "simple_cnn", "model_parameters": model}, SCHEMA).model_parameters


def rates_of(rate, first_epoch, first_step, epochs=4, steps=5):
    """The rate of every step, as a training sets it that begins with a step of an epoch."""
    optimizer, seen = SimpleNamespace(learning_rate=None), []
    callback = ScheduledRate(rate, steps, first_step)
    callback.set_model(SimpleNamespace(optimizer=optimizer))
    for epoch in range(first_epoch, epochs):
        callback.on_epoch_begin(epoch)
        begin = first_step if epoch == first_epoch else 0
        for batch in range(steps - begin):
            callback.on_train_batch_begin(batch)
            seen.append(optimizer.learning_rate)
    return seen


def test_a_decay_over_steps_is_the_power_of_their_share():
    chosen = parameters(build_parameters={"learning_rate": 0.1, "decay_rate": 0.5}, optimizer={"decay_steps": 10})
    rates = rates_of(scheduled_rate(chosen), 0, 0)
    assert rates == pytest.approx([0.1 * 0.5 ** (step / 10) for step in range(20)])


def test_the_older_decay_over_ten_thousand_steps_leaves_most_of_the_rate():
    chosen = parameters(build_parameters={"learning_rate": 1.0, "decay_rate": 0.95}, optimizer={"decay_steps": 10000})
    assert scheduled_rate(chosen)(50, 50 * 300) == pytest.approx(0.95**1.5)


def test_annealing_falls_along_half_a_cosine_and_starts_anew():
    annealing = {"period": 2, "period_factor": 2.0, "min_lr": 0.01}
    chosen = parameters(
        build_parameters={"learning_rate": 0.11, "decay_rate": 1.0}, optimizer={"cosine_annealing": annealing}
    )
    rate = scheduled_rate(chosen)
    falls = [0.11, 0.06, *(0.01 + 0.05 * (1 + math.cos(math.pi * t / 4)) for t in range(4)), 0.11]
    assert [rate(epoch, 0) for epoch in range(7)] == pytest.approx(falls)


@pytest.mark.parametrize(("epoch", "step"), [(0, 3), (1, 0), (2, 4)])
def test_the_rates_of_a_training_that_goes_on_are_those_of_one_that_was_never_interrupted(epoch, step):
    chosen = parameters(build_parameters={"decay_rate": 0.5}, optimizer={"decay_steps": 7})
    rate = scheduled_rate(chosen)
    assert rates_of(rate, epoch, step) == rates_of(rate, 0, 0)[5 * epoch + step :]


def test_a_run_that_was_stopped_goes_on_exactly(workplace):
    options = ("--set", *DECAY, "model_parameters.checkpoint_steps=3")
    straight = workplace.train(*options)
    assert straight.code == 0, straight.err
    history = read_json(f"{straight.last}/training_history.json")
    expected = [0.01 * 0.5 ** (epoch * STEPS / 10) for epoch in range(3)]
    assert history["learning_rate"] == pytest.approx(expected, rel=1e-6)
    stopped = workplace.train(*options, "--stop-after", "0.001")
    assert stopped.code == 85
    (folder,) = (
        path.parent for path in workplace.output.rglob("status.json") if not (path.parent / "metrics.json").exists()
    )
    resumed = workplace.train(resume=folder)
    assert resumed.code == 0, resumed.err
    assert read_json(f"{resumed.last}/training_history.json") == history
    assert same_weights(Path(straight.last), Path(resumed.last))


@pytest.mark.parametrize(
    ("model", "named"),
    [
        ({"optimizer": {"decay_steps": 5}, "reduce_lr": {}}, "reduce_lr"),
        ({"optimizer": {"cosine_annealing": {}}}, "decay_rate"),
        (
            {"optimizer": {"cosine_annealing": {}, "decay_steps": 5}, "build_parameters": {"decay_rate": 1.0}},
            "decay_steps",
        ),
    ],
)
def test_one_rule_says_the_learning_rate(model, named):
    with pytest.raises(ConfigError, match=named):
        parameters(**model)
