"""What else an event holds beside a cluster: numbers of its other X clusters, from what is reconstructed of them.

A neutrino's clusters lie within the reach of photons, radioactive ones anywhere; and an event has one main track. So the others
tell much about a cluster. Absolute places and times are not among the numbers: a network would learn when and where the
simulation lets neutrinos interact.
"""

from __future__ import annotations

import numpy as np

from python.data.metadata import UNKNOWN, event_numbers
from python.detector.geometry import TICK_CM, z_of_x_channel

LARGEST = 4  # others that are described one by one
ELSEWHERE_CM = 1000.0  # the distance to a cluster in another drift volume
NAMES = (
    "others",
    "others of more energy",
    "energy of all others [MeV]",
    *(f"{what} of other {rank + 1}" for rank in range(LARGEST) for what in ("energy [MeV]", "distance [cm]", "match")),
)
UNITS = dict.fromkeys(NAMES, "log(1 + number)")


def neighbours_of(table: np.ndarray) -> np.ndarray:
    """Return the K numbers NAMES of each X cluster, float32 (N, K), from the metadata (N,) of all X clusters of the events.

    Each is given as log(1 + number), so of order one. Other 1 is the one with most energy; where there are not so many others,
    its numbers are 0. Match is 1 where the other is matched with a cluster of U or V. Distances are those in z and along the
    drift. Clusters may stand in any order, and none of the numbers changes when an axis is turned round.
    """
    event = event_numbers(table)
    energy = np.maximum(np.nan_to_num(table["cluster_energy"].astype(np.float64), posinf=0.0), 0.0)
    order = np.lexsort((-energy, event))  # event by event, the most energetic cluster first
    size = np.bincount(event)
    first, size = (np.cumsum(size) - size)[event], size[event]
    rank = np.empty(len(table), np.int64)
    rank[order] = np.arange(len(table)) - first[order]
    total = np.bincount(event, weights=energy)[event]
    numbers = [size - 1, rank, np.maximum(total - energy, 0.0)]
    for number in range(LARGEST):
        there = number < size - 1
        other = order[np.where(there, first + number + (number >= rank), 0)]
        values = energy[other], _distance(table, other), table["match_id"][other] != UNKNOWN
        numbers += [np.where(there, value, 0.0) for value in values]
    return np.log1p(np.stack(numbers, axis=1)).astype(np.float32)


def _distance(table: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Distance (N,) in cm of each cluster from the one in row `other` (N,), in z and along the drift."""
    half, face = table["apa"] % 2, table["face"]
    together = (half == half[other]) & (face == face[other])
    with np.errstate(invalid="ignore", over="ignore"):  # files may hold what is no place
        z, along = z_of_x_channel(table["apa"], table["channel"]), table["arrival"] * TICK_CM
        distance = np.where(together, np.hypot(z - z[other], along - along[other]), ELSEWHERE_CM)
    return np.nan_to_num(distance, nan=ELSEWHERE_CM, posinf=ELSEWHERE_CM)
