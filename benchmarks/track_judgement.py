"""What is kept of scores of clusters: how well main tracks are told from others, event by event, and by energy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from python.data.metadata import event_numbers
from python.metrics.classification import Estimate, area_under_roc, binomial_interval, classification_metrics, fraction

CLASSES = ("background", "main_track")
EFFICIENCY = 0.95  # of main tracks, at which the background that is left is counted
ENERGIES = (3.0, 5.0)  # reconstructed MeV, above which it is counted
ENERGY_BINS = ((2, 3), (3, 4), (4, 5), (5, 7), (7, 10), (10, 100))
POTASSIUM_BINS = ((2, 2.5), (2.5, 3), (3, 3.5))  # within which energies say little; the end point is 3.5 MeV
ELECTRON_MEV = 5.0  # true kinetic energy of the ES electrons whose cluster is to be found
RESAMPLES = 200


@dataclass(frozen=True)
class Scored:
    """Clusters by their metadata (N,), and the `score` (N,) of each for being a main track."""

    table: np.ndarray
    score: np.ndarray

    @property
    def is_main(self) -> np.ndarray:
        return self.table["is_main_track"] == 1

    def only(self, rows: np.ndarray) -> Scored:
        return Scored(self.table[rows], self.score[rows])

    def above(self, energy: float) -> Scored:
        return self.between(energy, np.inf)

    def between(self, low: float, high: float) -> Scored:
        """Those of a reconstructed energy from `low` to `high` MeV."""
        energy = self.table["cluster_energy"]
        return self.only((energy >= low) & (energy < high))


def rounded(estimate: Estimate) -> list[float]:
    """The value and the ends of its interval, 68 %."""
    return [float(f"{value:.4g}") for value in estimate if np.isfinite(value)]


def of_clusters(found: Scored) -> dict[str, Any]:
    """Accuracy, F1 and AUC; the interval of F1 by resampling events."""
    scores = np.stack([1 - found.score, found.score], axis=1)
    metrics = classification_metrics(found.is_main.astype(np.int64), scores, CLASSES)
    ends = ("", "_low", "_high")
    table = {
        name: [round(value, 4) for end in ends if (value := metrics[name + end]) is not None]
        for name in ("accuracy", "auc")
    }
    return {"clusters": len(found.score), **table, "f1": rounded(_f1(found))}


def _f1(found: Scored) -> Estimate:
    event, decided = event_numbers(found.table), found.score >= 0.5
    both, either = (
        np.bincount(event, weights=marks) for marks in (decided & found.is_main, decided * 1 + found.is_main)
    )
    draws = np.random.default_rng(1).poisson(1.0, (RESAMPLES, len(both)))  # bootstrap
    values = 2 * (draws @ both) / (draws @ either)
    low, high = np.percentile(values, (15.87, 84.13))
    return Estimate(float(2 * both.sum() / either.sum()), float(low), float(high))


def right_cluster(found: Scored, electrons: np.ndarray) -> dict[str, Any]:
    """Of the events whose main track is matched and one of `electrons` (N,) bool: in how many it has the highest score of all
    matched clusters.
    """
    matched = found.table["match_id"] >= 0
    event = event_numbers(found.table)
    wanted = np.unique(event[found.is_main & matched & electrons])
    order = np.lexsort((-found.score, event))
    order = order[matched[order] & np.isin(event[order], wanted)]
    _, first = np.unique(event[order], return_index=True)
    right = int(found.is_main[order[first]].sum())
    return {"events": len(wanted), "right": rounded(fraction(right, len(wanted)))}


def es_electrons(table: np.ndarray) -> np.ndarray:
    return (table["is_es_interaction"] == 1) & (table["true_electron_energy"] > ELECTRON_MEV)


def background_left(tracks: Scored, windows: Scored, n_windows: int) -> dict[str, Any]:
    """Clusters of windows without a neutrino that pass the cut which keeps EFFICIENCY of the main tracks, by energy."""
    table = {}
    for energy in ENERGIES:
        mains, others = tracks.above(energy), windows.above(energy)
        cut = np.quantile(mains.score[mains.is_main], 1 - EFFICIENCY)
        left = int(np.sum(others.score >= cut))
        low, high = binomial_interval(left, len(others.score))
        table[f"above_{energy:g}_mev"] = {
            "clusters": len(others.score),
            "left_of_1000": [round(1000 * value, 2) for value in (left / len(others.score), float(low), float(high))],
            "left_in_1000_windows": round(1000 * left / n_windows, 2),
        }
    return table


def by_energy(tracks: Scored, windows: Scored) -> dict[str, Any]:
    """Main tracks of ES against clusters of about the same energy: all others of their events, and those of windows without a
    neutrino.
    """
    es = tracks.only(tracks.table["is_es_interaction"] == 1)
    table = {}
    for low, high in ENERGY_BINS:
        mine = es.between(low, high)
        mains, others = mine.only(mine.is_main), mine.only(~mine.is_main)
        table[f"{low:g} to {high:g} MeV"] = {
            "main_tracks": len(mains.score),
            "accuracy": rounded(fraction(int(np.sum((mine.score >= 0.5) == mine.is_main)), len(mine.score))),
            "others_of_their_events": _apart(mains, others),
            "windows": _apart(mains, windows.between(low, high)),
        }
    return table


def from_potassium(tracks: Scored, potassium: Scored) -> dict[str, Any]:
    """Main tracks of ES against electrons of 42K, the daughter of 42Ar, of the same energy."""
    mains = tracks.only(tracks.is_main & (tracks.table["is_es_interaction"] == 1))
    return {
        f"{low:g} to {high:g} MeV": {
            "main_tracks": len(mains.between(low, high).score),
            **_apart(mains.between(low, high), potassium.between(low, high)),
        }
        for low, high in POTASSIUM_BINS
    }


def _apart(mains: Scored, others: Scored) -> dict[str, Any]:
    """The AUC of the scores, and that of the energies alone."""
    is_main = np.arange(len(mains.score) + len(others.score)) < len(mains.score)
    energy, score = (
        np.concatenate(pair)
        for pair in ((mains.table["cluster_energy"], others.table["cluster_energy"]), (mains.score, others.score))
    )
    return {
        "clusters": len(others.score),
        "auc": rounded(area_under_roc(is_main, score)),
        "auc_of_energy": rounded(area_under_roc(is_main, energy)),
    }
