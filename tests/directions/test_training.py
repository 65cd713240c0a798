"""The losses that a configuration names: their parameters, and a compiled network that is saved and loaded."""

import keras
import numpy as np
import pytest
from pydantic import ValidationError

from python.directions.answers.direction import FocalAngularParameters
from python.directions.find import losses
from python.directions.training import direction_loss

LOSSES = losses()
UNUSUAL = {
    "focal_angular": {"gamma": 0.5, "energy_weights": [2.0, 1.0, 0.5]},
    "hybrid": {"alpha": 0.2},
    "multi_task": {"energy_weight": 0.7, "channel_weight": 0.3},
}


def batch():
    rng = np.random.default_rng(0)
    direction = rng.normal(size=(64, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    features = np.concatenate([direction + 0.1 * rng.normal(size=(64, 3)), rng.normal(size=(64, 5))], axis=1)
    truth = np.column_stack([direction, rng.uniform(5, 60, 64), rng.integers(0, 2, 64)])
    return features.astype(np.float32), truth.astype(np.float32)


def compiled(name, loss):
    keras.utils.set_random_seed(1)
    features = keras.Input((8,))
    model = keras.Model(features, LOSSES[name].answer.head(features))
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss=loss, run_eagerly=True)  # of few steps: faster so
    return model


def fit(model, features, truth, epochs=1):
    return model.fit(features, truth, epochs=epochs, batch_size=32, shuffle=False, verbose=0).history["loss"]


@pytest.mark.parametrize("name", LOSSES)
def test_defaults_of_the_configuration_are_those_of_the_functions(name):
    _, truth = batch()
    output = np.random.default_rng(1).normal(size=(64, len(LOSSES[name].answer.columns))).astype(np.float32)
    expected = np.mean(LOSSES[name].function(truth, output))
    assert float(direction_loss(name, LOSSES[name].parameters())(truth, output)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_a_saved_network_trains_on_with_its_loss(name, tmp_path):
    features, truth = batch()
    parameters = LOSSES[name].parameters.model_validate({"name": name, **UNUSUAL.get(name, {})})
    model = compiled(name, direction_loss(name, parameters))
    history = fit(model, features, truth, epochs=5)
    assert history[-1] < history[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    loaded.run_eagerly = True
    assert loaded.loss.get_config() == model.loss.get_config()
    assert fit(loaded, features, truth) == fit(model, features, truth)


@pytest.mark.parametrize("weights", [[1.0, 2.0], [1.0, 2.0, -1.0], "equal"])
def test_energy_weights_are_three_numbers_not_below_zero(weights):
    with pytest.raises(ValidationError):
        FocalAngularParameters(energy_weights=weights)
