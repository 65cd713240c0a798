"""Purity and efficiency of matching U and V clusters to X clusters, by wires and time and by time alone, against truth.

A match is right when the true centres of charge of the two clusters lie within 5 cm; purity is right over matched, efficiency
right over X clusters that have a right partner at all. Both induction planes count, on the real files in ../shared/data.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import uproot

from benchmarks.record import REAL_FILES, save_result
from python.detector.calibration import adc_per_mev
from python.detector.geometry import U, V, X
from python.ingest.clustering import Clusters, ClusterSettings, make_clusters
from python.ingest.matching import match_planes
from python.ingest.root_reader import read_source
from python.ingest.trigger_primitives import TriggerPrimitives

TP_TREE = "triggerAnaDumpTPs/TriggerPrimitives/tpmakerTPC__TriggerAnaTree1x2x2"
SAME_DEPOSIT_CM = 5.0
Rule = Callable[[Clusters, TriggerPrimitives], np.ndarray]


def true_positions(path: Path, clusters: Clusters) -> np.ndarray:
    """Position (C, 3) in cm of each cluster's charge, energy-weighted over its primitives."""
    with uproot.open(path) as file:
        truth = file[TP_TREE].arrays(library="np")
    keep = truth["samples_over_threshold"] >= 2
    truth = {name: column[keep] for name, column in truth.items() if column.dtype != object}
    order = np.lexsort((truth["channel"], truth["time_start"], truth["Event"]))
    weight = np.maximum(truth["bt_edep"], 0)[order][clusters.members]
    owner = clusters.cluster_of_member
    total = np.bincount(owner, weights=weight)
    axes = [np.bincount(owner, weights=weight * truth[f"bt_{a}"][order][clusters.members]) / total for a in "xyz"]
    return np.stack(axes, axis=-1)


def by_time_alone(clusters: Clusters, tps: TriggerPrimitives) -> np.ndarray:
    """The toolkit's rule for each X cluster: the first U and V of its event and APA that overlap within ten ticks.

    As there, a cluster ends with the start of its last primitive (its samples are counted in the wrong unit).
    """
    last_start = np.maximum.reduceat(tps.start[clusters.members], clusters.indptr[:-1])
    partner = np.full((len(clusters), 3), -1)
    for x in np.flatnonzero(clusters.plane == X):
        for plane in (U, V):
            same = (clusters.event == clusters.event[x]) & (clusters.plane == plane) & (clusters.apa == clusters.apa[x])
            same &= (clusters.start <= last_start[x] + 10) & (last_start >= clusters.start[x] - 10)
            found = np.flatnonzero(same)
            if len(found):
                partner[x, plane] = found[np.argmin(clusters.start[found])]
    return partner


def by_time_and_wires(clusters: Clusters, _tps: TriggerPrimitives) -> np.ndarray:
    return match_planes(clusters).partner


def quality(path: Path, rule: Rule) -> np.ndarray:
    """Counts over X clusters and both induction planes: (matched, matched rightly, possible)."""
    source = read_source(path)
    clusters = make_clusters(source.tps, ClusterSettings(), adc_per_mev("measured"))
    position = true_positions(path, clusters)
    partner = rule(clusters, source.tps)
    found = right = possible = 0
    for x in np.flatnonzero(clusters.plane == X):
        for plane in (U, V):
            others = np.flatnonzero((clusters.event == clusters.event[x]) & (clusters.plane == plane))
            distance = np.linalg.norm(position[others] - position[x], axis=1)
            possible += bool(np.any(distance < SAME_DEPOSIT_CM))
            if partner[x, plane] >= 0:
                found += 1
                right += bool(distance[others == partner[x, plane]][0] < SAME_DEPOSIT_CM)
    return np.array([found, right, possible])


def main() -> None:
    rules = {"time and wires": by_time_and_wires, "time alone": by_time_alone}
    result = {}
    for name, rule in rules.items():
        matched, right, possible = np.sum([quality(path, rule) for path in REAL_FILES], axis=0).tolist()
        result[name] = {
            "matched": matched,
            "right": right,
            "possible": possible,
            "purity": round(right / matched, 3),
            "efficiency": round(right / possible, 3),
        }
    save_result("plane_matching", {"rules": result})


if __name__ == "__main__":
    main()
