"""A plain classifier on a few numbers of each sample: what a tagger must beat to have earned its place."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from channel_tagging.volume_numbers import NAMES, volume_numbers
from python.data import neighbours
from python.data.image_set import ImageSet
from python.data.point_events import PointEvents
from python.data.triples import log_energies
from python.training.baseline import cluster_numbers

BLIPS = NAMES.index("number of blips")
OTHERS = neighbours.NAMES.index("others")


class PlainNumbers(NamedTuple):
    """What is reconstructed of N samples: `numbers` (N, K) for `trees`, and how many `clusters` (N,) were `counted`, in words.

    The number of clusters is NaN where files of an older release do not tell it, and None where a sample is one cluster.
    """

    trees: str
    numbers: np.ndarray
    counted: str = ""
    clusters: np.ndarray | None = None


def plain_numbers(samples: ImageSet | PointEvents) -> PlainNumbers:
    """Those of each volume, or of the image of each cluster; of clusters that are known by their points alone the logarithm of
    the energy and those of the other clusters of the event.
    """
    if isinstance(samples, PointEvents):
        found = samples.neighbours
        numbers = np.column_stack([log_energies(samples.metadata), found])
        clusters = np.rint(np.expm1(found[:, OTHERS])) + 1
        return PlainNumbers("boosted trees on energy and neighbours", numbers, "clusters of the event", clusters)
    if samples.kind == "clusters":
        return PlainNumbers("boosted trees on cluster numbers", cluster_numbers(samples))
    numbers = volume_numbers(samples)
    clusters = np.rint(np.expm1(numbers[:, BLIPS])) + 1
    return PlainNumbers("boosted trees on reconstructed numbers", numbers, "clusters of the volume", clusters)


def count_scores(clusters: np.ndarray, labels: np.ndarray, train_rows: np.ndarray, test_rows: np.ndarray) -> np.ndarray:
    """Probabilities (len(test_rows), 2) of CC and ES by the number of clusters (N,) alone: a logistic function of its
    logarithm, fitted to `train_rows`. A cut on such a score is one on the number.
    """
    from sklearn.linear_model import LogisticRegression

    number = np.log(clusters)[:, None]
    return LogisticRegression().fit(number[train_rows], labels[train_rows]).predict_proba(number[test_rows])


def tree_scores(
    numbers: np.ndarray, labels: np.ndarray, train_rows: np.ndarray, test_rows: np.ndarray, seed: int
) -> np.ndarray:
    """Train boosted trees on `train_rows` of numbers (N, K) and return their probabilities (len(test_rows), 2) of CC and ES."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    trees = HistGradientBoostingClassifier(max_iter=200, learning_rate=0.05, min_samples_leaf=10, random_state=seed)
    trees.fit(numbers[train_rows], labels[train_rows])
    return trees.predict_proba(numbers[test_rows])
