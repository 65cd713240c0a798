"""What a network must beat, and what it cannot: the principal axis of the points, and the limit set by multiple scattering."""

from __future__ import annotations

import numpy as np

from python.data.point_clouds import PointClouds
from python.metrics.direction_limit import intrinsic_limit, limit_range
from python.metrics.directions import DirectionResults
from python.metrics.principal_axis import PlanePoints, point_along, principal_axis, towards_blips

LEVELS = {"containment_68_deg": 0.68, "median_deg": 0.5}
LIMIT_LEVEL = 0.68  # of the table of limits


def principal_axis_results(
    clouds: PointClouds, rows: np.ndarray, results: DirectionResults
) -> dict[str, DirectionResults]:
    """The principal axis of matched clusters, of the `rows` of the clouds around them: once with the head known, once with it
    towards the other points.

    `results` are those of the network on the same rows, whose truth is taken. An event without an axis points anywhere.
    """
    clouds = clouds.take(rows)
    across, drift, charge = (clouds.column(name).astype(float) for name in ("across", "peak", "integral"))
    points = PlanePoints(clouds.column("plane").astype(np.int64), across, drift, charge, clouds.owner)
    inside = clouds.column("in_cluster") == 1
    axes = principal_axis(points.take(inside), len(rows))
    axes = np.where(np.isfinite(axes), axes, [1.0, 0.0, 0.0])
    heads = {
        "head known": results.truth,
        "head towards the rest": towards_blips(points, inside, len(rows)),
    }
    return {
        name: DirectionResults(
            results.truth,
            point_along(axes, head),
            results.face,
            results.true_energy,
            results.reconstructed_energy,
            weights=results.weights,
        )
        for name, head in heads.items()
    }


def limit_metrics(energy: np.ndarray, weights: np.ndarray, least_energy: float) -> dict[str, float | None]:
    """Angles in degrees that no tracker of 2 mm points beats on electrons of these kinetic energies (N,) in MeV with head known.

    The angle of each electron is Rayleigh distributed with the 68 % angle of its energy; beyond the ends of the table that of
    the end stands.
    """
    chosen = (energy >= least_energy) & (weights > 0)
    if not chosen.any():
        return dict.fromkeys(LEVELS)
    squared = intrinsic_limit(np.clip(energy[chosen], *limit_range())) ** 2 / -np.log(1 - LIMIT_LEVEL)
    angles = np.linspace(0, 180, 3601)
    within = 1 - np.average(np.exp(-(angles[:, None] ** 2) / squared), axis=1, weights=weights[chosen])
    return {name: float(np.interp(level, within, angles)) for name, level in LEVELS.items()}
