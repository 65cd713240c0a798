"""Training, predicting and evaluating a classifier. What draws is imported where it draws: a prediction needs none of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np

from python.config.classification import ClassifierConfig
from python.config.task_schema import Architecture
from python.detector.geometry import PLANES
from python.general_purpose_libs import DataError, log
from python.metrics.classification import classification_metrics
from python.metrics.likelihood_ratio import LikelihoodRatio
from python.plots.text_lines import metrics_table
from python.runs.predictions import ClassPredictions, Clusters
from python.samples.augmentation import RandomFlips
from python.training.baseline import baseline_scores
from python.training.task import Evaluation, PicturedSamples, Samples, View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Pictured = TypeVar("Pictured", bound=PicturedSamples)
LIKELIHOOD_RATIO = "likelihood_ratio"  # of a calibration
BASELINE = "baseline"
ENDS = ("", "_low", "_high")  # of a metric and of its interval
RECONSTRUCTED, TRUE = "reconstructed cluster energy [MeV]", "true kinetic energy of the electron [MeV]"


class Plain(NamedTuple):
    """A plain method beside the network: what its metrics begin with, its name, and its scores (N, C) of the tested samples."""

    key: str
    name: str
    scores: np.ndarray


class Classification(Generic[Pictured]):
    """The classes are those of the architecture; two of them share one output, the probability of the second."""

    columns: tuple[str, ...] = ("accuracy", "precision", "recall", "f1", "auc")  # of the report's table

    def __init__(self, config: ClassifierConfig, architecture: Architecture) -> None:
        self.config = config
        self.classes = architecture.classes
        self.images = architecture.images

    def outputs(self) -> tuple[str, ...]:
        return self.classes

    def check_training_labels(self, labels: np.ndarray) -> None:
        if lacking := self._lacking(labels):
            raise DataError(f"the training part has {lacking}; give more data or raise train_fraction")

    def undefined(self, labels: np.ndarray) -> dict[str, str]:
        """The area under the ROC curve needs samples of each class and of others; Keras calls it 0 without."""
        lacking = self._lacking(labels)
        return {"auc": lacking} if lacking else {}

    def _lacking(self, labels: np.ndarray) -> str:
        missing = [name for number, name in enumerate(self.classes) if not np.any(labels == number)]
        return f"no {' and no '.join(missing)}" if missing else ""

    def targets(self, samples: Samples[Pictured]) -> np.ndarray:
        if len(self.classes) == 2:
            return samples.labels[:, None].astype(np.float32)
        return np.eye(len(self.classes), dtype=np.float32)[samples.labels]

    def augmentation(self) -> RandomFlips:
        parameters = self.config.dataset_parameters
        return RandomFlips(parameters.augmentation.flips, parameters.prob_per_flip, self.images)

    def loss(self) -> Any:
        from python.networks.classification_losses import classification_loss

        parameters = self.config.model_parameters.loss
        return classification_loss(parameters.name, parameters)

    def metrics(self) -> list:
        import keras

        binary = len(self.classes) == 2
        accuracy = keras.metrics.BinaryAccuracy if binary else keras.metrics.CategoricalAccuracy
        labels = {} if binary else {"multi_label": True, "num_labels": len(self.classes)}
        return [accuracy(name="accuracy"), keras.metrics.AUC(name="auc", **labels)]

    def views(self) -> list[View]:
        return [View()]

    def predictions(self, outputs: np.ndarray, samples: Samples[Pictured], rows: np.ndarray) -> ClassPredictions:
        mean = outputs.mean(axis=0)
        scores = np.concatenate([1 - mean, mean], axis=1) if mean.shape[1] == 1 else mean
        return ClassPredictions(
            Clusters.of(samples.set.metadata, samples.set.sources, rows),
            scores=scores,
            labels=samples.labels[rows],
            class_names=np.array(self.classes),
        )

    def calibration(self, predictions: ClassPredictions) -> dict[str, Any] | None:
        if len(self.classes) != 2:
            return None
        second = predictions.labels == 1
        try:
            found = LikelihoodRatio.fit(second, predictions.scores[:, 1], predictions.clusters.cluster_energy)
        except DataError as error:
            log.warning("scores are not calibrated: %s", error)
            return None
        return {LIKELIHOOD_RATIO: found.described()}

    def calibrated(self, predictions: ClassPredictions, calibration: Mapping[str, Any]) -> ClassPredictions:
        if LIKELIHOOD_RATIO in calibration:
            known = LikelihoodRatio.of(calibration[LIKELIHOOD_RATIO])
            ratio = known.log_ratio(predictions.scores[:, 1], predictions.clusters.cluster_energy)
            predictions = replace(predictions, log_likelihood_ratio=ratio)
        temperature = calibration.get("temperature")
        if temperature is None and LIKELIHOOD_RATIO in calibration:
            return predictions
        if not isinstance(temperature, int | float):
            raise ValueError("has no temperature")
        return predictions.calibrated(temperature)

    def evaluate(
        self, evaluation: Evaluation[Pictured, ClassPredictions]
    ) -> tuple[dict[str, Any], list[list[str]], dict[str, Figure]]:
        network = self.figures_of_merit(evaluation.predictions)
        metrics, methods = dict(network), {"network": network}
        for plain in self.plain_methods(evaluation):
            found = self.figures_of_merit(replace(evaluation.predictions, scores=plain.scores))
            methods[plain.name] = found
            metrics |= {f"{plain.key}_{name}": value for name, value in self._told(plain, found).items()}
        for name in self.classes:
            methods[f"network, {name} alone"] = self._of_class(network, name)
        for name, rows in self.parts(evaluation).items():
            found = self.figures_of_merit(_taken(evaluation.predictions, rows))
            methods[f"network, {name}"] = found
            metrics |= {f"{name.lower().replace(' ', '_')}_{key}": value for key, value in self._shown(found).items()}
        return metrics, metrics_table(methods, self.columns), self.figures(evaluation)

    def parts(self, _evaluation: Evaluation[Pictured, ClassPredictions]) -> Mapping[str, np.ndarray]:
        """Parts of the tested samples that are judged by themselves too: their names, and the rows of their predictions."""
        return {}

    def figures_of_merit(self, predictions: ClassPredictions) -> dict[str, Any]:
        return classification_metrics(predictions.labels, predictions.scores, self.classes)

    def plain_methods(self, evaluation: Evaluation[Pictured, ClassPredictions]) -> list[Plain]:
        """The plain methods that the network must beat; those that learn do so from the samples that the network learnt from."""
        if evaluation.learnt is None:
            return []
        samples, rows, taught = evaluation.samples, evaluation.test_rows, evaluation.learnt.rows
        found = baseline_scores(
            samples.set.of_plane(), samples.labels, taught, rows, len(self.classes), evaluation.seed
        )
        return [Plain(BASELINE, "random forest on cluster numbers", found)]

    def sample_figures(self, samples: Samples[Pictured], number: int) -> tuple[dict[str, Figure], Figure]:
        """Draw `number` images, the classes in turn, each for itself and as one figure."""
        from python.plots.images import MAX_SAMPLES_ON_A_PAGE, plot_sample, plot_samples

        names = self.classes
        by_class = [np.flatnonzero(samples.labels == value) for value in range(len(names))]
        in_turn = [row for turn in zip_longest(*by_class) for row in turn if row is not None]
        rows = np.array(in_turn[:number], dtype=np.int64)
        images, outlines = samples.set.of_plane().pictures(rows), samples.set.of_plane().outlines(rows)
        classes = [names[samples.labels[row]] for row in rows]
        singles = {}
        for place, (row, name) in enumerate(zip(rows, classes, strict=True)):
            table = samples.set.metadata[row]
            title = f"{name}, plane {PLANES[table['plane']]}, event {table['event']}, {table['cluster_energy']:.1f} MeV"
            singles[f"sample_{place:03d}_{name}"] = plot_sample(
                images[place], title, None if outlines is None else outlines[place]
            )
        shown = slice(MAX_SAMPLES_ON_A_PAGE)
        return singles, plot_samples(images[shown], classes[shown], outlines and outlines[shown])

    def headlines(self) -> tuple[str, ...]:
        return ("accuracy", "f1", "auc", "baseline_accuracy", "baseline_auc")

    def figures(self, evaluation: Evaluation[Pictured, ClassPredictions]) -> dict[str, Figure]:
        """The plots of the test part, by name."""
        from python.plots import classifier as plots
        from python.plots import classifier_by_energy as by_energy
        from python.plots.images import plot_best_and_worst

        names = self.classes
        scores, labels = evaluation.predictions.scores, evaluation.predictions.labels
        images, rows = evaluation.samples.set.of_plane(), evaluation.test_rows
        metadata = evaluation.samples.set.metadata[rows]

        def outlines(chosen: np.ndarray) -> list[np.ndarray]:
            return images.outlines(rows[chosen]) or []

        reconstructed, electron = metadata["cluster_energy"], metadata["true_electron_energy"]
        return {
            "confusion_matrix": plots.plot_confusion_matrix(labels, scores, names),
            "roc_curve": plots.plot_roc_curve(labels, scores, names),
            "precision_recall": plots.plot_precision_recall(labels, scores, names),
            "score_distribution": plots.plot_score_distribution(labels, scores, names),
            "against_threshold": plots.plot_against_threshold(labels, scores, names),
            "accuracy_vs_energy": by_energy.plot_accuracy_vs_energy(
                labels, scores, names, reconstructed, RECONSTRUCTED
            ),
            "efficiency_vs_energy": by_energy.plot_efficiency_vs_energy(labels, scores, names, electron, TRUE),
            "score_vs_energy": by_energy.plot_score_vs_energy(labels, scores, names, reconstructed, RECONSTRUCTED),
            "right_and_wrong": by_energy.plot_right_and_wrong(labels, scores, names, reconstructed, RECONSTRUCTED),
            "calibration": plots.plot_calibration(labels, scores, names),
            "best_and_worst": plot_best_and_worst(
                lambda chosen: images.pictures(rows[chosen]),
                labels,
                scores,
                names,
                reconstructed,
                outlines if images.kind == "volumes" else None,
            ),
        }

    def _of_class(self, metrics: dict[str, Any], name: str) -> dict[str, Any]:
        """The metrics of one class under the names of the metrics of all."""
        return {column + end: metrics.get(f"{column}_{name}{end}") for column in self.columns for end in ENDS}

    def _told(self, plain: Plain, found: dict[str, Any]) -> dict[str, Any]:
        """All metrics of the baseline; of a cut on one number, whose scores are no probabilities, those of the table."""
        return found if plain.key == BASELINE else self._shown(found)

    def _shown(self, metrics: dict[str, Any]) -> dict[str, Any]:
        """Those that the report's table shows, with the ends of their intervals where they have such."""
        names = [column + end for column in self.columns for end in ENDS]
        return {name: metrics[name] for name in names if name in metrics}


def _taken(predictions: ClassPredictions, rows: np.ndarray) -> ClassPredictions:
    """Scores and labels of some rows."""
    return ClassPredictions(
        predictions.clusters.take(rows),
        scores=predictions.scores[rows],
        labels=predictions.labels[rows],
        class_names=predictions.class_names,
    )
