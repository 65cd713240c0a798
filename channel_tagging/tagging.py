"""Training and evaluating a channel tagger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from channel_tagging.baseline import count_scores, plain_numbers, tree_scores
from python.general_purpose_libs import log
from python.metrics.tagging import (
    HEADLINE,
    calibration_error,
    fit_temperature,
    tagging_metrics,
    temperature_at_bound,
)
from python.runs.predictions import ClassPredictions
from python.training.classification import BASELINE, Classification, Plain
from python.training.task import Evaluation, PicturedSamples

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class ChannelTagging(Classification[PicturedSamples]):
    """Classification of events, judged by the ES events that it keeps for pointing."""

    columns = ("accuracy", "auc", "f1", HEADLINE, "es_efficiency_at_4_percent_cc")

    def plain_methods(self, evaluation: Evaluation[PicturedSamples, ClassPredictions]) -> list[Plain]:
        if evaluation.learnt is None:
            return []
        labels, taught, test, seed = (
            evaluation.samples.labels,
            evaluation.learnt.rows,
            evaluation.test_rows,
            evaluation.seed,
        )
        found = plain_numbers(evaluation.samples.set.of_plane())
        methods = [Plain(BASELINE, found.trees, tree_scores(found.numbers, labels, taught, test, seed))]
        if found.clusters is None:
            return methods
        if np.isnan(found.clusters).any():
            log.info("files of an older release do not tell how many clusters an event has: no network is judged by it")
            return methods
        return [
            *methods,
            Plain("baseline_cluster_number", found.counted, count_scores(found.clusters, labels, taught, test)),
        ]

    def figures_of_merit(self, predictions: ClassPredictions) -> dict[str, Any]:
        labels, scores, energy = predictions.labels, predictions.scores, predictions.clusters.cluster_energy
        return {**super().figures_of_merit(predictions), **tagging_metrics(labels, scores, energy)}

    def calibration(self, predictions: ClassPredictions) -> dict[str, Any] | None:
        if lacking := self._lacking(predictions.labels):  # of one class alone no sharpness is too much
            log.warning("scores are not calibrated: the validation part has %s", lacking)
            return None
        temperature = fit_temperature(predictions.labels, predictions.scores)
        if temperature_at_bound(temperature):
            log.warning(
                "the temperature went to the bound of its range, %.3g: the %d validation events do not tell it (one channel "
                "alone, channels without overlap, or scores that say nothing); take calibrated scores for no probabilities",
                temperature,
                len(predictions),
            )
        return {**(super().calibration(predictions) or {}), "temperature": temperature}

    def evaluate(
        self, evaluation: Evaluation[PicturedSamples, ClassPredictions]
    ) -> tuple[dict[str, Any], list[list[str]], dict[str, Figure]]:
        from python.plots.tagging import plot_temperature_calibration

        metrics, table, figures = super().evaluate(evaluation)
        labels, scores = evaluation.predictions.labels, evaluation.predictions.scores
        temperature, calibrated = evaluation.predictions.temperature, evaluation.predictions.calibrated_scores
        if temperature is None or calibrated is None:
            return {**metrics, "temperature": None, "expected_calibration_error_calibrated": None}, table, figures
        metrics |= {
            "temperature": temperature,
            "temperature_at_bound": temperature_at_bound(temperature),
            "expected_calibration_error_calibrated": calibration_error(labels, calibrated),
        }
        figures["temperature"] = plot_temperature_calibration(labels, scores, temperature)
        return metrics, table, figures

    def figures(self, evaluation: Evaluation[PicturedSamples, ClassPredictions]) -> dict[str, Figure]:
        from python.plots import tagging as plots

        labels, scores = evaluation.predictions.labels, evaluation.predictions.scores
        electron = evaluation.samples.set.metadata["true_electron_energy"][evaluation.test_rows]
        return {
            **super().figures(evaluation),
            "efficiency_vs_cc_passing": plots.plot_efficiency_vs_passing(labels, scores, evaluation.seed),
            "efficiency_vs_contamination": plots.plot_efficiency_vs_contamination(labels, scores, seed=evaluation.seed),
            "selection_vs_energy": plots.plot_selection_vs_energy(
                labels, scores, electron, "true kinetic energy of the electron [MeV]"
            ),
        }

    def headlines(self) -> tuple[str, ...]:
        return (*super().headlines(), HEADLINE)
