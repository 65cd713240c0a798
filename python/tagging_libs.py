"""The documented way in to figures of merit and plots of a channel tagger, for notebooks and scripts.

    from python import tagging_libs as tl

    print(tl.tagging_metrics(labels, scores, cc_per_es=10))
    print(tl.best_cut(labels, scores, contamination=0.04))

What is offered is documented in `python.metrics.tagging` and `python.plots.tagging`.
"""

from python.metrics.tagging import (
    CLASSES,
    Cut,
    best_cut,
    calibration_error,
    es_efficiencies,
    fit_temperature,
    tagging_metrics,
    with_temperature,
)
from python.plots.tagging import (
    plot_efficiency_vs_contamination,
    plot_selection_vs_energy,
    plot_temperature_calibration,
)

__all__ = [
    "CLASSES",
    "Cut",
    "best_cut",
    "calibration_error",
    "es_efficiencies",
    "fit_temperature",
    "plot_efficiency_vs_contamination",
    "plot_selection_vs_energy",
    "plot_temperature_calibration",
    "tagging_metrics",
    "with_temperature",
]
