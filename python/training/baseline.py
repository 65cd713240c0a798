"""A plain classifier on a few numbers of each cluster: what a network must beat to have earned its place."""

from __future__ import annotations

import numpy as np

from python.data.image_set import ImageSet
from python.data.point_events import PointEvents
from python.data.sparse_images import SparseImages
from python.detector.geometry import PITCH_CM, TICK_CM, X

NAMES = ("energy", "ticks", "channels", "pixels", "trigger primitives", "peak ADC")


def cluster_numbers(clusters: ImageSet[SparseImages] | PointEvents) -> np.ndarray:
    """Return (N, 6): cluster energy in MeV, extent in ticks and channels, non-zero pixels, TPs (-1 unknown), peak ADC.

    Of clusters that are known by their points, those of the points on X.
    """
    numbers = _of_points(clusters) if isinstance(clusters, PointEvents) else _of_images(clusters)
    energy, n_tps = clusters.metadata["cluster_energy"], clusters.metadata["n_tps"]
    found = np.stack([energy, *numbers[:3], n_tps, numbers[3]], axis=1)
    return np.nan_to_num(found.astype(float), nan=-1.0)


def _of_images(images: ImageSet[SparseImages]) -> list[np.ndarray]:
    """Extents in ticks and channels, pixels, and peak, each (N,)."""
    store = images.images
    image, row, column = store.pixels()
    n = len(store)
    numbers = []
    for position in (row, column):
        low, high = np.full(n, 0), np.full(n, -1)
        np.maximum.at(high, image, position)
        low[store.counts > 0] = max(store.shape)
        np.minimum.at(low, image, position)
        numbers.append(high - low + 1)
    peak = np.zeros(n)
    np.maximum.at(peak, image, store.data)
    return [*numbers, store.counts, peak]


def _of_points(events: PointEvents) -> list[np.ndarray]:
    """The same of the points of each cluster on X."""
    clouds = events.clouds
    inside = (clouds.column("in_cluster") == 1) & (clouds.column("plane") == X)
    owner, n = clouds.owner[inside], len(events)
    start, end, across, height = (clouds.column(name)[inside] for name in ("start", "end", "across", "height"))
    numbers = []
    for first, last, size in ((start, end, TICK_CM), (across, across, PITCH_CM[X])):
        low, high = np.full(n, np.inf), np.full(n, -np.inf)
        np.minimum.at(low, owner, first)
        np.maximum.at(high, owner, last)
        numbers.append(np.where(low <= high, np.rint((high - low) / size) + 1, 0))
    pixels = np.bincount(owner, weights=np.rint((end - start) / TICK_CM) + 1, minlength=n)
    peak = np.zeros(n)
    np.maximum.at(peak, owner, height)
    return [*numbers, pixels, peak]


def baseline_scores(
    clusters: ImageSet[SparseImages] | PointEvents,
    labels: np.ndarray,
    train_rows: np.ndarray,
    test_rows: np.ndarray,
    n_classes: int,
    seed: int,
) -> np.ndarray:
    """Train a random forest on `train_rows` and return its class probabilities (len(test_rows), n_classes)."""
    from sklearn.ensemble import RandomForestClassifier

    numbers = cluster_numbers(clusters)
    forest = RandomForestClassifier(n_estimators=200, min_samples_leaf=3, random_state=seed % 2**32)
    forest.fit(numbers[train_rows], labels[train_rows])
    scores = np.zeros((len(test_rows), n_classes))
    scores[:, forest.classes_] = forest.predict_proba(numbers[test_rows])
    return scores
