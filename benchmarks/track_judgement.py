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
        return self.only(self.table["cluster_energy"] >= energy)


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


def by_energy(tracks: Scored, windows: Scored, potassium: Scored) -> dict[str, Any]:
    """Main tracks of ES against clusters of the same reconstructed energy: all others of their events, those of windows without
    a neutrino, and electrons of 42K, the daughter of 42Ar, alone.
    """
    table = {}
    es = tracks.only(tracks.table["is_es_interaction"] == 1)
    for low, high in ENERGY_BINS:
        mine, quiet, lone = (
            part.only((part.table["cluster_energy"] >= low) & (part.table["cluster_energy"] < high))
            for part in (es, windows, potassium)
        )
        mains = mine.score[mine.is_main]
        against = {"others of their events": mine.score[~mine.is_main], "windows": quiet.score, "42K": lone.score}
        table[f"{low} to {high} MeV"] = {
            "main_tracks": len(mains),
            "accuracy": rounded(fraction(int(np.sum((mine.score >= 0.5) == mine.is_main)), len(mine.score))),
            "auc_against": {
                name: {"clusters": len(scores), "auc": rounded(_auc(mains, scores))} for name, scores in against.items()
            },
        }
    return table


def _auc(mains: np.ndarray, others: np.ndarray) -> Estimate:
    return area_under_roc(np.arange(len(mains) + len(others)) < len(mains), np.concatenate([mains, others]))
