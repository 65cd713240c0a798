"""The documented way in to figures of merit and plots of a classifier, for notebooks and scripts.

    from python import classification_libs as cl

    found = cl.read_predictions("RUN/test_predictions.npz", cl.ClassPredictions)
    print(cl.classification_metrics(found.labels, found.scores, found.class_names))
    cl.plot_roc_curve(found.labels, found.scores, found.class_names).savefig("roc.png")

What is offered is documented in `python.metrics.classification`, `python.runs.predictions` and `python.plots.classifier`.
"""

from python.metrics.classification import (
    CalibrationBins,
    Estimate,
    area_under_roc,
    binomial_interval,
    calibration_bins,
    classification_metrics,
    confusion_counts,
    decisions,
    fraction,
    ranking,
)
from python.plots.classifier import (
    plot_against_threshold,
    plot_calibration,
    plot_confusion_matrix,
    plot_precision_recall,
    plot_roc_curve,
    plot_score_distribution,
)
from python.plots.classifier_by_energy import (
    plot_accuracy_vs_energy,
    plot_efficiency_vs_energy,
    plot_right_and_wrong,
    plot_score_vs_energy,
)
from python.runs.predictions import ClassPredictions, read_predictions

__all__ = [
    "CalibrationBins",
    "ClassPredictions",
    "Estimate",
    "area_under_roc",
    "binomial_interval",
    "calibration_bins",
    "classification_metrics",
    "confusion_counts",
    "decisions",
    "fraction",
    "plot_accuracy_vs_energy",
    "plot_against_threshold",
    "plot_calibration",
    "plot_confusion_matrix",
    "plot_efficiency_vs_energy",
    "plot_precision_recall",
    "plot_right_and_wrong",
    "plot_roc_curve",
    "plot_score_distribution",
    "plot_score_vs_energy",
    "ranking",
    "read_predictions",
]
