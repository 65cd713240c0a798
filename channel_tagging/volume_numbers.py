"""A plain classifier on reconstructed numbers of each volume: what a network must beat to have earned its place."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from python.data.energy import adc_per_mev
from python.data.geometry import PITCH_CM, TICK_CM
from python.data.image_set import ImageSet

RINGS_CM = (3.0, 6.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0)  # about the main cluster
BLIP_MEV = 0.3  # of a pixel column's charge that counts as a blip
VOLUMES_AT_A_TIME = 2000


def volume_numbers(volumes: ImageSet) -> np.ndarray:
    """Return (N, 4 + 3 R): energy of the main cluster, energy around it, TPs and pixels with charge; for each of R rings its
    energy (MeV), its blips, and the largest of these (MeV). All are reconstructed; energy of the main cluster may be NaN.
    """
    table = volumes.metadata
    parts = [
        _numbers_of_pixels(volumes, np.arange(start, min(start + VOLUMES_AT_A_TIME, len(volumes))))
        for start in range(0, len(volumes), VOLUMES_AT_A_TIME)
    ]
    pixels = np.concatenate(parts)
    main = table["cluster_energy"]
    return np.column_stack([main, pixels[:, 0] - np.nan_to_num(main), table["n_tps"], pixels[:, 1:]])


def baseline_scores(
    volumes: ImageSet, labels: np.ndarray, train_rows: np.ndarray, test_rows: np.ndarray, seed: int
) -> np.ndarray:
    """Train boosted trees on `train_rows` and return their probabilities (len(test_rows), 2) of CC and ES."""
    numbers = volume_numbers(volumes)
    trees = HistGradientBoostingClassifier(max_iter=200, learning_rate=0.05, min_samples_leaf=10, random_state=seed)
    trees.fit(numbers[train_rows], labels[train_rows])
    return trees.predict_proba(numbers[test_rows])


def _numbers_of_pixels(volumes: ImageSet, rows: np.ndarray) -> np.ndarray:
    """For the volumes `rows`: total energy, pixels, and for each ring energy, blips and the largest blip."""
    store = volumes.images.read(rows)
    plane = int(volumes.metadata["plane"][0])
    image, channel, tick = store.pixels()
    n, n_channels, n_ticks = len(store), *store.shape
    energy = store.data / adc_per_mev("measured")[plane]
    distance = np.hypot((channel - n_channels / 2) * PITCH_CM[plane], (tick - n_ticks / 2) * TICK_CM)
    ring = np.searchsorted(RINGS_CM, distance)
    inside = ring < len(RINGS_CM)
    # the charge of one channel in one ring is one blip, or part of a track
    place = (image * len(RINGS_CM) + ring)[inside] * n_channels + channel[inside]
    places, blip = np.unique(place, return_inverse=True)
    blips = np.bincount(blip, weights=energy[inside])
    of_ring = places // n_channels
    rings = np.zeros((3, n * len(RINGS_CM)))
    np.add.at(rings[0], of_ring, blips)
    np.add.at(rings[1], of_ring[blips > BLIP_MEV], 1)
    np.maximum.at(rings[2], of_ring, blips)
    total = np.bincount(image, weights=energy, minlength=n)
    return np.column_stack([total, store.counts, *rings.reshape(3, n, len(RINGS_CM))])
