"""Evaluating a main-track identifier: as any classifier, and for the clusters of ES and of CC events apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from python.metrics.classification import decisions
from python.runs.predictions import ClassPredictions
from python.training.classification import TRUE, Classification
from python.training.task import Evaluation, PicturedSamples

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHANNELS = {"ES": 1, "CC": 0}
Evaluated = Evaluation[PicturedSamples, ClassPredictions]


class TrackIdentification(Classification[PicturedSamples]):
    """Classification of clusters, judged for each interaction channel too: their electrons and their backgrounds differ."""

    def parts(self, evaluation: Evaluated) -> Mapping[str, np.ndarray]:
        of_channel = _channels(evaluation)
        return {f"{name} events": np.flatnonzero(of_channel == value) for name, value in CHANNELS.items()}

    def figures(self, evaluation: Evaluated) -> dict[str, Figure]:
        from python.plots.classifier import plot_roc_curves
        from python.plots.classifier_by_energy import plot_right_decisions

        labels, scores = evaluation.predictions.labels, evaluation.predictions.scores
        is_main, of_channel = labels > 0, _channels(evaluation)  # of three classes two are main tracks
        mine = {name: of_channel == value for name, value in CHANNELS.items()}
        curves = {f"main tracks of {name} events": (is_main[rows], -scores[rows, 0]) for name, rows in mine.items()}
        tracks = {f"main tracks of {name} events": rows & is_main for name, rows in mine.items()}
        electron = evaluation.samples.set.metadata["true_electron_energy"][evaluation.test_rows]
        right = decisions(scores) == labels
        return {
            **super().figures(evaluation),
            "roc_by_channel": plot_roc_curves(curves, "Main tracks among the clusters of ES and of CC events"),
            "efficiency_by_channel": plot_right_decisions("Efficiency", tracks, right, electron, TRUE),
        }


def _channels(evaluation: Evaluated) -> np.ndarray:
    """1 for clusters of ES events, 0 of CC events, -1 where it is not known; (N,) of the tested samples."""
    return evaluation.samples.set.metadata["is_es_interaction"][evaluation.test_rows]
