"""The documented way in to figures of merit and plots of a direction regressor, for notebooks and scripts.

    from python import regression_libs as rl

    results = rl.read_predictions("RUN/test_predictions.npz", rl.DirectionPredictions).results()
    print(rl.direction_metrics(results))
    rl.plot_angle_distribution(results).savefig("angles.png")

What is offered is documented in `python.metrics.directions`, `python.metrics.coverage`, `python.metrics.spectrum_weights`,
`python.runs.predictions` and `python.plots`.
"""

from python.metrics.coverage import DensityResults, coverage, coverage_error, density_metrics
from python.metrics.directions import (
    Calibration,
    DirectionBins,
    DirectionResults,
    calibration,
    direction_in_bins,
    direction_metrics,
    direction_statistics,
    opening_angles,
    pull_coverage,
)
from python.metrics.spectrum_weights import elastic_scattering_spectrum, spectrum_weights
from python.plots.direction_coverage import plot_coverage, plot_levels
from python.plots.direction_error import plot_error_map, plot_error_over_energy
from python.plots.direction_maps import plot_direction_maps
from python.plots.directions import (
    plot_angle_distribution,
    plot_components,
    plot_cosine_distribution,
    plot_uncertainty_calibration,
)
from python.plots.directions_by_energy import (
    plot_against_drift_angle,
    plot_containment_vs_energy,
    plot_head_tail_vs_energy,
)
from python.runs.predictions import DirectionPredictions, read_predictions

__all__ = [
    "Calibration",
    "DensityResults",
    "DirectionBins",
    "DirectionPredictions",
    "DirectionResults",
    "calibration",
    "coverage",
    "coverage_error",
    "density_metrics",
    "direction_in_bins",
    "direction_metrics",
    "direction_statistics",
    "elastic_scattering_spectrum",
    "opening_angles",
    "plot_against_drift_angle",
    "plot_angle_distribution",
    "plot_components",
    "plot_containment_vs_energy",
    "plot_cosine_distribution",
    "plot_coverage",
    "plot_direction_maps",
    "plot_error_map",
    "plot_error_over_energy",
    "plot_head_tail_vs_energy",
    "plot_levels",
    "plot_uncertainty_calibration",
    "pull_coverage",
    "read_predictions",
    "spectrum_weights",
]
