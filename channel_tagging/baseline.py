"""A plain classifier on a few numbers of each sample: what a tagger must beat to have earned its place."""

from __future__ import annotations

import numpy as np

from channel_tagging.volume_numbers import volume_numbers
from python.data.image_set import ImageSet
from python.data.point_events import PointEvents
from python.data.triples import log_energies

OF_VOLUMES = "boosted trees on reconstructed numbers"
OF_POINTS = "boosted trees on energy and neighbours"


def plain_numbers(samples: ImageSet | PointEvents) -> tuple[str, np.ndarray]:
    """The name of the classifier and its numbers (N, K): those of each volume; of clusters that are known by their points alone
    the logarithm of the energy and those of the other clusters of the event.
    """
    if isinstance(samples, PointEvents):
        return OF_POINTS, np.column_stack([log_energies(samples.metadata), samples.neighbours])
    return OF_VOLUMES, volume_numbers(samples)


def tree_scores(
    numbers: np.ndarray, labels: np.ndarray, train_rows: np.ndarray, test_rows: np.ndarray, seed: int
) -> np.ndarray:
    """Train boosted trees on `train_rows` of numbers (N, K) and return their probabilities (len(test_rows), 2) of CC and ES."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    trees = HistGradientBoostingClassifier(max_iter=200, learning_rate=0.05, min_samples_leaf=10, random_state=seed)
    trees.fit(numbers[train_rows], labels[train_rows])
    return trees.predict_proba(numbers[test_rows])
