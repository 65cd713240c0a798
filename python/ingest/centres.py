"""Around which clusters volumes and points are made. All rules here see what is reconstructed, never the truth."""

from __future__ import annotations

import numpy as np

from python.data.metadata import UNKNOWN
from python.detector.geometry import PLANES, X
from python.ingest.clustering import Clusters
from python.ingest.matching import Matches


def leading_x_clusters(clusters: Clusters) -> np.ndarray:
    """Number of the most energetic X cluster of each event that has one, by reconstructed energy."""
    x = np.flatnonzero(clusters.plane == X)
    order = np.lexsort((-clusters.energy[x], clusters.event[x]))
    _, first = np.unique(clusters.event[x][order], return_index=True)
    return x[order][first]


def x_clusters_above(clusters: Clusters, energy: float) -> np.ndarray:
    """Numbers of all X clusters of a reconstructed energy of `energy` MeV and more."""
    return np.flatnonzero((clusters.plane == X) & (clusters.energy >= energy))


def centres_of(clusters: Clusters, matches: Matches, chosen: np.ndarray) -> np.ndarray:
    """Numbers of the X clusters that the clusters `chosen` (mask or numbers) are or are matched with, each once, in order.

    Raises ValueError when a cluster of U or V is matched with none: which face of the APA saw it is not known then.
    """
    chosen = np.asarray(chosen)
    chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.int64)
    x_clusters = np.where(clusters.plane[chosen] == X, chosen, matches.partner[chosen, X])
    lost = chosen[x_clusters == UNKNOWN]
    if len(lost):
        raise ValueError(
            f"{len(lost)} of {len(chosen)} clusters are of an induction plane and not matched with X, the first is {lost[0]} of "
            f"{PLANES[clusters.plane[lost[0]]]}; choose X clusters, or such as have a match"
        )
    return np.unique(x_clusters)
