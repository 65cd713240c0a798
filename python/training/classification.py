"""Training, predicting and evaluating a classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from python.classification_libs import classification_metrics
from python.config.schema import RunConfig
from python.config.task_schema import Architecture
from python.general_purpose_libs import DataError
from python.reporting import classifier_plots as plots
from python.reporting.history_plot import plot_training_history
from python.reporting.image_plots import plot_best_and_worst
from python.reporting.report import metrics_table
from python.training.baseline import baseline_scores
from python.training.task import Evaluation, Samples

COLUMNS = ("accuracy", "precision", "recall", "f1", "auc")


class Classification:
    """The classes are those of the architecture; two of them share one output, the probability of the second."""

    def n_outputs(self, architecture: Architecture) -> int:
        n_classes = len(architecture.classes)
        return 1 if n_classes == 2 else n_classes

    def check_training_labels(self, labels: np.ndarray, architecture: Architecture) -> None:
        missing = [name for number, name in enumerate(architecture.classes) if not np.any(labels == number)]
        if missing:
            raise DataError(
                f"the training part has no {' and no '.join(missing)}; give more data or raise train_fraction"
            )

    def targets(self, samples: Samples, architecture: Architecture) -> np.ndarray:
        if self.n_outputs(architecture) == 1:
            return samples.labels[:, None].astype(np.float32)
        return np.eye(len(architecture.classes), dtype=np.float32)[samples.labels]

    def loss(self, config: RunConfig) -> Any:
        from python.networks.classification_losses import classification_loss

        parameters = config.model_parameters.loss
        return classification_loss(parameters.name, parameters)

    def metrics(self, architecture: Architecture) -> list:
        import keras

        binary = self.n_outputs(architecture) == 1
        accuracy = keras.metrics.BinaryAccuracy if binary else keras.metrics.CategoricalAccuracy
        auc = keras.metrics.AUC(name="auc") if binary else keras.metrics.AUC(name="auc", multi_label=True)
        return [accuracy(name="accuracy"), auc]

    def predictions(self, outputs: np.ndarray, samples: Samples, architecture: Architecture) -> dict[str, np.ndarray]:
        scores = np.concatenate([1 - outputs, outputs], axis=1) if outputs.shape[1] == 1 else outputs
        return {"scores": scores, "labels": samples.labels, "class_names": np.array(architecture.classes)}

    def evaluate(self, evaluation: Evaluation) -> tuple[dict[str, Any], list[list[str]], dict[str, Figure]]:
        names = evaluation.architecture.classes
        samples, rows = evaluation.samples, evaluation.test_rows
        scores, labels = evaluation.predictions["scores"], evaluation.predictions["labels"]
        forest = baseline_scores(samples.set, samples.labels, evaluation.train_rows, rows, len(names), evaluation.seed)
        network = classification_metrics(labels, scores, names)
        baseline = classification_metrics(labels, forest, names)
        metrics = {**network, **{f"baseline_{name}": value for name, value in baseline.items()}}
        methods = {"network": network, "random forest on cluster numbers": baseline}
        for name in names:
            methods[f"network, {name} alone"] = _of_class(network, name)
        return metrics, metrics_table(methods, COLUMNS), self._figures(evaluation, names)

    @staticmethod
    def _figures(evaluation: Evaluation, names: tuple[str, ...]) -> dict[str, Figure]:
        scores, labels = evaluation.predictions["scores"], evaluation.predictions["labels"]
        store = evaluation.samples.set.images.take(evaluation.test_rows)
        metadata = evaluation.samples.set.metadata[evaluation.test_rows]
        reconstructed, electron = metadata["cluster_energy"], metadata["true_electron_energy"]
        return {
            "training_history": plot_training_history(evaluation.history),
            "confusion_matrix": plots.plot_confusion_matrix(labels, scores, names),
            "roc_curve": plots.plot_roc_curve(labels, scores, names),
            "precision_recall": plots.plot_precision_recall(labels, scores, names),
            "score_distribution": plots.plot_score_distribution(labels, scores, names),
            "accuracy_vs_energy": plots.plot_accuracy_vs_energy(
                labels, scores, names, reconstructed, "reconstructed cluster energy [MeV]"
            ),
            "efficiency_vs_energy": plots.plot_efficiency_vs_energy(
                labels, scores, names, electron, "true kinetic energy of the electron [MeV]"
            ),
            "calibration": plots.plot_calibration(labels, scores, names),
            "best_and_worst": plot_best_and_worst(store.dense, labels, scores, names, reconstructed),
        }


def _of_class(metrics: dict[str, Any], name: str) -> dict[str, Any]:
    """The metrics of one class under the names of the metrics of all."""
    return {column + end: metrics.get(f"{column}_{name}{end}") for column in COLUMNS for end in ("", "_low", "_high")}
