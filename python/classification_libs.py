"""The documented way in to figures of merit and plots of a classifier, for notebooks and scripts.

    from python import classification_libs as cl

    print(cl.classification_metrics(labels, scores, ["background", "main track"]))
    cl.plot_roc_curve(labels, scores, ["background", "main track"]).savefig("roc.png")

What is offered is documented in `python.metrics.classification` and `python.plots.classifier`.
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
    plot_accuracy_vs_energy,
    plot_calibration,
    plot_confusion_matrix,
    plot_efficiency_vs_energy,
    plot_precision_recall,
    plot_roc_curve,
    plot_score_distribution,
)

__all__ = [
    "CalibrationBins",
    "Estimate",
    "area_under_roc",
    "binomial_interval",
    "calibration_bins",
    "classification_metrics",
    "confusion_counts",
    "decisions",
    "fraction",
    "plot_accuracy_vs_energy",
    "plot_calibration",
    "plot_confusion_matrix",
    "plot_efficiency_vs_energy",
    "plot_precision_recall",
    "plot_roc_curve",
    "plot_score_distribution",
    "ranking",
]
