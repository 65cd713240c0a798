"""ES efficiency against CC rejection of a selection of clusters: what a plain cut on the energy of clusters is judged by.

The ES efficiency is the share of the main tracks of ES events that are kept, the CC rejection the share of the clusters of CC
events that are no main track and are left out: photons of the nucleus, bremsstrahlung, radioactive background. Main tracks of CC
events are in neither; they are for a channel tagger. Intervals hold 68.27 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from python.metrics.classification import UNDEFINED, Estimate, Metrics, fraction

ENERGY_CUT_MEV = 3.0  # reconstructed: the usual cut


@dataclass(frozen=True)
class Tracks:
    """Which of N clusters are `wanted`, main tracks of ES events, and which `unwanted`, the rest of CC events; both (N,) bool."""

    wanted: np.ndarray
    unwanted: np.ndarray

    @classmethod
    def of(cls, is_main: np.ndarray, is_es: np.ndarray) -> Tracks:
        """By whether clusters are main tracks (N,), and their events ES: 1, CC: 0, or not known: -1, (N,)."""
        return cls(is_main & (is_es == 1), ~is_main & (is_es == 0))

    def efficiency(self, kept: np.ndarray) -> Estimate:
        """The ES efficiency where the clusters of a mask (N,) are kept."""
        return fraction(int(np.sum(kept & self.wanted)), int(np.sum(self.wanted)))

    def rejection(self, kept: np.ndarray) -> Estimate:
        """The CC rejection of the same."""
        return fraction(int(np.sum(~kept & self.unwanted)), int(np.sum(self.unwanted)))

    def rejection_keeping(self, score: np.ndarray, efficiency: float) -> Estimate:
        """The greatest CC rejection of a cut on the score (N,) that keeps at least this share of the wanted clusters."""
        ordered = np.sort(score[self.wanted])[::-1]
        if len(ordered) == 0 or np.isnan(efficiency):
            return UNDEFINED
        needed = int(np.ceil(efficiency * len(ordered) - 1e-9))
        return self.rejection(score >= ordered[max(needed, 1) - 1] if needed else np.zeros(len(score), bool))


def selection_metrics(tracks: Tracks, score: np.ndarray, kept: np.ndarray, energy: np.ndarray) -> dict[str, Metrics]:
    """ES efficiency and CC rejection, of three selections by name: what a network decides to keep (N,), its score (N,) with a cut
    that keeps as many ES main tracks as the cut on the reconstructed energy (N,) in MeV does, and that one.
    """
    above = energy >= ENERGY_CUT_MEV
    efficiency = tracks.efficiency(above)
    return {
        "network": _as_metrics(tracks.efficiency(kept), tracks.rejection(kept)),
        "network, same ES efficiency": _as_metrics(efficiency, tracks.rejection_keeping(score, efficiency.value)),
        cut_in_words(): _as_metrics(efficiency, tracks.rejection(above)),
    }


def cut_in_words() -> str:
    return f"energy above {ENERGY_CUT_MEV:g} MeV"


def _as_metrics(efficiency: Estimate, rejection: Estimate) -> Metrics:
    named = {"es_efficiency": efficiency, "cc_rejection": rejection}
    flat = {
        name + end: value
        for name, found in named.items()
        for end, value in zip(("", "_low", "_high"), found, strict=True)
    }
    return {name: float(value) if np.isfinite(value) else None for name, value in flat.items()}
