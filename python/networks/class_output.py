"""The last layer of a classifier. It carries the names of the classes, so a saved network says itself what it answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import keras


@keras.saving.register_keras_serializable(package="pointing")
class ClassProbabilities(keras.layers.Dense):
    """Features (N, n) to the probability of each of `classes`, (N, C); where there are two, of the second alone, (N, 1)."""

    def __init__(self, classes: Sequence[str], **kwargs: Any) -> None:
        two = len(classes) == 2
        super().__init__(
            **{"units": 1 if two else len(classes), "activation": "sigmoid" if two else "softmax", **kwargs}
        )
        self.classes = tuple(classes)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "classes": list(self.classes)}


def class_names(model: keras.Model) -> tuple[str, ...]:
    """The classes of a saved classifier, or ensemble of classifiers, in the order of its answers.

    Raises ValueError where the network is no classifier of this project, or its members disagree.
    """
    found = set(_class_names(model))
    if len(found) != 1:
        raise ValueError("the network does not say which classes it tells apart")
    return found.pop()


def _class_names(model: keras.Model) -> Iterator[tuple[str, ...]]:
    for layer in model.layers:
        if isinstance(layer, ClassProbabilities):
            yield layer.classes
        elif isinstance(layer, keras.Model):
            yield from _class_names(layer)
