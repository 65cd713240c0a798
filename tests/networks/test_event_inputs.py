"""Numbers of the event enter a network scaled, each with its own centre and width."""

import keras
import numpy as np
import pytest

from python.networks.event_inputs import event_features, event_input


@pytest.mark.parametrize(
    ("name", "raw", "scaled"),
    [("energy", [2.5 + 0.9], [1.0]), ("energy", [2.5], [0.0]), ("offsets", [0.4, -0.8, 3.0], [1.0, -2.0, 2.0])],
)
def test_typical_values_become_numbers_of_order_one(name, raw, scaled):
    entry = event_input(name)
    model = keras.Model(entry, event_features(entry, name))
    inner = keras.Model(entry, model.get_layer(f"scaled_{name}").output)
    np.testing.assert_allclose(inner.predict_on_batch(np.array([raw], "float32")), [scaled], atol=1e-5)
