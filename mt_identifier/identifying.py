"""Evaluating a main-track identifier: as any classifier, for ES and CC events apart, and beside a plain cut on the energy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from python.metrics.classification import decisions
from python.metrics.rejection import ENERGY_CUT_MEV, Tracks, cut_in_words, selection_metrics
from python.plots.text_lines import beneath, metrics_table
from python.runs.predictions import ClassPredictions
from python.training.classification import BASELINE, TRUE, Classification, Plain
from python.training.task import Evaluation, PicturedSamples

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ENERGY_CUT = f"{BASELINE}_energy_cut"
CHANNELS = {"ES": 1, "CC": 0}
Evaluated = Evaluation[PicturedSamples, ClassPredictions]


class TrackIdentification(Classification[PicturedSamples]):
    """Classification of clusters, judged for each interaction channel too: their electrons and their backgrounds differ."""

    def parts(self, evaluation: Evaluated) -> Mapping[str, np.ndarray]:
        of_channel = _channels(evaluation)
        return {f"{name} events": np.flatnonzero(of_channel == value) for name, value in CHANNELS.items()}

    def plain_methods(self, evaluation: Evaluated) -> list[Plain]:
        methods = super().plain_methods(evaluation)
        if len(self.classes) > 2:  # a cut on the energy does not tell main tracks of ES from those of CC
            return methods
        energy = np.nan_to_num(evaluation.predictions.clusters.cluster_energy).clip(0)  # unknown: none passes
        passed = energy / (energy + ENERGY_CUT_MEV)  # grows with the energy, and is a half at the cut
        return [*methods, Plain(ENERGY_CUT, cut_in_words(), np.stack([1 - passed, passed], axis=1))]

    def evaluate(self, evaluation: Evaluated) -> tuple[dict[str, Any], list[list[str]], dict[str, Figure]]:
        metrics, table, figures = super().evaluate(evaluation)
        scores, energy = evaluation.predictions.scores, evaluation.predictions.clusters.cluster_energy
        found = selection_metrics(_tracks(evaluation), -scores[:, 0], decisions(scores) > 0, energy)
        network, as_efficient, cut = found.values()
        metrics |= network | {f"{ENERGY_CUT}_{name}": value for name, value in cut.items()}
        rejection = {name: value for name, value in as_efficient.items() if name.startswith("cc_rejection")}
        metrics |= {
            name.replace("cc_rejection", "cc_rejection_at_energy_cut_efficiency"): value
            for name, value in rejection.items()
        }
        return metrics, beneath(table, metrics_table(found, ("es_efficiency", "cc_rejection"))), figures

    def figures(self, evaluation: Evaluated) -> dict[str, Figure]:
        from python.plots.classifier import plot_roc_curves
        from python.plots.classifier_by_energy import plot_right_decisions
        from python.plots.rejection import plot_efficiency_vs_rejection

        labels, scores = evaluation.predictions.labels, evaluation.predictions.scores
        is_main, of_channel = labels > 0, _channels(evaluation)  # of three classes two are main tracks
        mine = {name: of_channel == value for name, value in CHANNELS.items()}
        curves = {f"main tracks of {name} events": (is_main[rows], -scores[rows, 0]) for name, rows in mine.items()}
        tracks = {f"main tracks of {name} events": rows & is_main for name, rows in mine.items()}
        electron = evaluation.samples.set.metadata["true_electron_energy"][evaluation.test_rows]
        right, energy = decisions(scores) == labels, evaluation.predictions.clusters.cluster_energy
        kept = {"network": decisions(scores) > 0, cut_in_words(): energy >= ENERGY_CUT_MEV}
        return {
            **super().figures(evaluation),
            "roc_by_channel": plot_roc_curves(curves, "Main tracks among the clusters of ES and of CC events"),
            "efficiency_vs_rejection": plot_efficiency_vs_rejection(
                _tracks(evaluation), {"network": -scores[:, 0], "energy": np.nan_to_num(energy)}, kept
            ),
            "efficiency_by_channel": plot_right_decisions("Efficiency", tracks, right, electron, TRUE),
        }


def _channels(evaluation: Evaluated) -> np.ndarray:
    """1 for clusters of ES events, 0 of CC events, -1 where it is not known; (N,) of the tested samples."""
    return evaluation.samples.set.metadata["is_es_interaction"][evaluation.test_rows]


def _tracks(evaluation: Evaluated) -> Tracks:
    return Tracks.of(evaluation.predictions.labels > 0, _channels(evaluation))
