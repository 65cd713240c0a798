"""What likelihood tables look like beside the events that they were fitted to, and beside those that were held out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from python.plots.likelihood import (
    LEVELS,
    Bin,
    Seen,
    plot_angles_against_energy,
    plot_cosines,
    plot_coverage,
    plot_densities,
    plot_probability_transforms,
)
from python.pointing.angles import Angles
from python.pointing.building import Built, in_words, rows_of
from python.pointing.likelihood import TOPOLOGIES
from python.pointing.table import COSINES, Table

POINTS = 60  # of energy
LEAST_EVENTS = 20  # of a bin whose held-out angles are shown
BY, QUALITY = "reconstructed", "all"  # of the tables that are drawn


def drawn_topologies(built: Built) -> list[str]:
    """Those whose tables are worth a look: `all` only where it is not the same as the only one."""
    there = [name for name in TOPOLOGIES if any(key.topology == name for key in built.tables)]
    return [name for name in there if name != "all" or len(there) != 2]


def figures_of(built: Built, topology: str, target: str, fitted: Angles, held_out: Angles) -> dict[str, Figure]:
    """Plots of the tables of one topology and one target by reconstructed energy, by their names."""
    wanted = (topology, target, BY, QUALITY)
    tables = {key.estimator: table for key, table in built.tables.items() if key[:4] == wanted}
    if not tables:
        return {}
    groups, edges = built.bins[wanted].rows, built.bins[wanted].edges
    titles = [in_words(*each) for each in edges]
    bins = [
        Bin(title, getattr(fitted, target)[rows], _said_of(tables, fitted.reconstructed[rows]))
        for title, rows in zip(titles, groups, strict=True)
    ]
    unseen = rows_of(held_out, wanted, built.thirds)
    unseen = unseen[held_out.reconstructed[unseen] >= edges[0, 0]]
    cosine, energy = getattr(held_out, target)[unseen], held_out.reconstructed[unseen]
    members = [(energy >= low) & (energy < high) for low, high in edges]
    shares = {name: table.share_within(cosine, energy) for name, table in tables.items()}
    by_bin = {
        title: {name: share[mine] for name, share in shares.items()}
        for title, mine in [("all energies", np.ones(len(energy), bool)), *zip(titles, members, strict=True)]
        if mine.any()
    }
    grid = np.geomspace(edges[0, 0], max(fitted.reconstructed[rows].max() for rows in groups), POINTS)
    angles = {name: np.array([table.angle_of(level, grid) for level in LEVELS]) for name, table in tables.items()}
    events = "all events" if topology == "all" else topology.upper()
    what = f"angle from the {target}, {events}"
    return {
        "densities": plot_densities(bins, COSINES, what, logarithmic=False),
        "densities_logarithmic": plot_densities(bins, COSINES, what, logarithmic=True),
        "cosine": plot_cosines(cosine, what),
        "angles_against_energy": plot_angles_against_energy(grid, angles, _seen(cosine, energy, members), what),
        "probability_transforms": plot_probability_transforms(by_bin, what),
        "coverage": plot_coverage(by_bin, what),
    }


def _said_of(tables: Mapping[str, Table], energy: np.ndarray) -> dict[str, np.ndarray]:
    """What each table says (C,) of all events of these energies together."""
    return {name: table.nearness(energy).mean(axis=0) @ table.densities for name, table in tables.items()}


def _seen(cosine: np.ndarray, energy: np.ndarray, members: list[np.ndarray]) -> Seen:
    """The angles that hold LEVELS of the events of each bin that has enough; how sure they are, by order statistics."""
    rows = [np.flatnonzero(mine) for mine in members if mine.sum() >= LEAST_EVENTS]
    angles = [np.degrees(np.arccos(np.clip(cosine[mine], -1, 1))) for mine in rows]

    def at(sigmas: int) -> np.ndarray:
        found = [
            [
                np.quantile(angle, np.clip(level + sigmas * np.sqrt(level * (1 - level) / len(angle)), 0, 1))
                for angle in angles
            ]
            for level in LEVELS
        ]
        return np.array(found).reshape(len(LEVELS), len(rows))

    of_rows = [energy[mine] for mine in rows]
    mean, low, high = (np.array([of(each) for each in of_rows]) for of in (_log_mean, np.min, np.max))
    return Seen(mean, low, high, at(0), at(-1), at(1))


def _log_mean(energy: np.ndarray) -> float:
    return float(np.exp(np.mean(np.log(energy))))
