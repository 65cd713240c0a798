"""A plain classifier on a few numbers of each cluster: what a network must beat to have earned its place."""

from __future__ import annotations

import numpy as np

from python.data.image_set import ImageSet
from python.data.sparse_images import SparseImages

NAMES = ("energy", "ticks", "channels", "pixels", "trigger primitives", "peak ADC")


def cluster_numbers(images: ImageSet[SparseImages]) -> np.ndarray:
    """Return (N, 6): cluster energy in MeV, extent in ticks and channels, non-zero pixels, TPs (-1 unknown), peak ADC."""
    store = images.images
    image, row, column = store.pixels()
    n = len(store)
    numbers = [images.metadata["cluster_energy"]]
    for position in (row, column):
        low, high = np.full(n, 0), np.full(n, -1)
        np.maximum.at(high, image, position)
        low[store.counts > 0] = max(store.shape)
        np.minimum.at(low, image, position)
        numbers.append(high - low + 1)
    peak = np.zeros(n)
    np.maximum.at(peak, image, store.data)
    numbers += [store.counts, images.metadata["n_tps"], peak]
    return np.nan_to_num(np.stack(numbers, axis=1).astype(float), nan=-1.0)


def baseline_scores(
    images: ImageSet[SparseImages],
    labels: np.ndarray,
    train_rows: np.ndarray,
    test_rows: np.ndarray,
    n_classes: int,
    seed: int,
) -> np.ndarray:
    """Train a random forest on `train_rows` and return its class probabilities (len(test_rows), n_classes)."""
    from sklearn.ensemble import RandomForestClassifier

    numbers = cluster_numbers(images)
    forest = RandomForestClassifier(n_estimators=200, min_samples_leaf=3, random_state=seed % 2**32)
    forest.fit(numbers[train_rows], labels[train_rows])
    scores = np.zeros((len(test_rows), n_classes))
    scores[:, forest.classes_] = forest.predict_proba(numbers[test_rows])
    return scores
