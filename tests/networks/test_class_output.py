"""A saved classifier knows its classes."""

import keras
import numpy as np
import pytest

from python.networks.class_output import ClassProbabilities, class_names
from python.networks.saved import load_network


def classifier(classes):
    return keras.Sequential([keras.Input((3,)), ClassProbabilities(classes)])


@pytest.mark.parametrize("classes", [("cc", "es"), ("a", "b", "c")])
def test_classes_are_saved_with_the_network(classes, tmp_path):
    model = classifier(classes)
    model.save(tmp_path / "model.keras")
    loaded = load_network(tmp_path / "model.keras")
    assert class_names(loaded) == classes
    features = np.ones((2, 3), "float32")
    assert np.array_equal(loaded.predict_on_batch(features), model.predict_on_batch(features))


def test_classes_of_an_ensemble():
    entry = keras.Input((3,))
    answers = [classifier(("cc", "es"))(entry) for _ in range(2)]
    assert class_names(keras.Model(entry, keras.layers.Concatenate()(answers))) == ("cc", "es")


def test_a_network_without_or_with_several_sets_of_classes_is_refused():
    with pytest.raises(ValueError, match="which classes"):
        class_names(keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]))
    entry = keras.Input((3,))
    answers = [classifier(classes)(entry) for classes in (("cc", "es"), ("es", "cc"))]
    with pytest.raises(ValueError, match="which classes"):
        class_names(keras.Model(entry, keras.layers.Concatenate()(answers)))
