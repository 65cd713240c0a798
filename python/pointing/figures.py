"""What likelihood tables look like beside the events that they were fitted to, and beside those that were held out."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from python.plots.likelihood import (
    LEVELS,
    Bin,
    plot_agreement,
    plot_angles_against_energy,
    plot_cosines,
    plot_densities,
)
from python.pointing.angles import Angles
from python.pointing.building import OF_CHANNEL, Built
from python.pointing.likelihood import COSINES, Key

POINTS = 60  # of energy


def figures_of(built: Built, topology: str, target: str, fitted: Angles, held_out: Angles) -> dict[str, Figure]:
    """Plots of the tables of one topology and one target by reconstructed energy, by their names."""
    tables = {
        key.estimator: table
        for key, table in built.tables.items()
        if key[:4] == (topology, target, "reconstructed", "all")
    }
    if not tables:
        return {}
    groups = built.bins[Key(topology, target, "reconstructed", "all", next(iter(tables)))]
    cosine, energy = getattr(fitted, target), fitted.reconstructed
    bins = [
        Bin(
            f"{energy[rows].min():.0f} to {energy[rows].max():.0f} MeV",
            cosine[rows],
            {name: table.densities[number] for name, table in tables.items()},
        )
        for number, rows in enumerate(groups)
    ]
    chosen = np.concatenate(groups)
    edges = [float(energy[rows].min()) for rows in groups] + [float(energy[groups[-1]].max()) + 1e-6]
    grid = np.geomspace(edges[0], edges[-1], POINTS)
    angles = {name: np.array([table.angle_of(level, grid) for level in LEVELS]) for name, table in tables.items()}
    unseen = np.isin(held_out.is_es, OF_CHANNEL[topology]) & np.isfinite(getattr(held_out, target))
    unseen &= np.nan_to_num(held_out.reconstructed) >= edges[0]
    mine, of_energy = getattr(held_out, target)[unseen], held_out.reconstructed[unseen]
    return {
        "densities": plot_densities(bins, COSINES, target, logarithmic=False),
        "densities_logarithmic": plot_densities(bins, COSINES, target, logarithmic=True),
        "cosine": plot_cosines(cosine[chosen], target),
        "angles_against_energy": plot_angles_against_energy(grid, angles, cosine[chosen], energy[chosen], edges),
        "agreement": plot_agreement({name: table.share_within(mine, of_energy) for name, table in tables.items()}),
    }
