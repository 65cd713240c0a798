"""Charge of isolated deposits against their energy, real and simulated: what recombination makes of electrons that stop.

Deposits of the charged-current file, and of twins of its events, are joined where they lie within 1.5 cm of each other. The
charge is that before the lifetime takes its part. The lengths of steps in `python.simulation.electrons` follow this table.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from benchmarks.compare_simulation import has_wires, read_real
from benchmarks.record import REAL_FILES, save_result
from python.detector.geometry import TICK_US, X, drift_ticks, locate_channel
from python.ingest.sim_deposits import read_sim_deposits
from python.simulation.drift import ENERGY_PER_PAIR_MEV, LIFETIME_US, recombination_factor
from python.simulation.records import Particles
from python.simulation.transport import transport

N_TWINS = 10
NEAR_CM = 1.5
ENERGIES_MEV = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.8, 1.3, 2.0, 4.0, 100.0)


def isolated(event: np.ndarray, position: np.ndarray, energy: np.ndarray, charge: np.ndarray) -> np.ndarray:
    """Join deposits (D,) that are near each other; return energy in MeV and electrons, (2, n)."""
    groups = []
    for number in np.unique(event):
        mine = event == number
        pairs = KDTree(position[mine]).query_pairs(NEAR_CM, output_type="ndarray")
        links = coo_matrix((np.ones(len(pairs)), pairs.T), shape=(mine.sum(),) * 2)
        label = connected_components(links, directed=False)[1]
        groups.append(np.stack([np.bincount(label, weights=each[mine]) for each in (energy, charge)]))
    return np.concatenate(groups, axis=1)


def main() -> None:
    path = REAL_FILES[1]
    recorded = read_sim_deposits(path)
    on_x = locate_channel(recorded.channel).plane == X
    position = recorded.position[on_x]
    charge = recorded.electrons[on_x] * np.exp(drift_ticks(position[:, 0]) * TICK_US / LIFETIME_US)
    real = isolated(recorded.event[on_x], position, recorded.energy[on_x], charge)

    particles = read_real(path).particles
    n_events = int(particles.event.max()) + 1
    twins = Particles.concatenate([particles] * N_TWINS)
    twins.event = twins.event + np.repeat(np.arange(N_TWINS) * n_events, len(particles))
    deposits, _ = transport(twins, np.random.default_rng(0))
    deposits = deposits.take(has_wires(deposits.position))
    charge = deposits.energy / ENERGY_PER_PAIR_MEV * recombination_factor(deposits.energy / deposits.length)
    simulated = isolated(deposits.event, deposits.position, deposits.energy, charge)

    table = {}
    for low, high in pairwise(ENERGIES_MEV):
        row = {}
        for name, (energy, electrons), copies in (("real", real, 1), ("simulated", simulated, N_TWINS)):
            inside = (energy >= low) & (energy < high)
            row[name] = {
                "deposits": round(int(inside.sum()) / copies, 1),
                "median_electrons_per_MeV": round(float(np.median(electrons[inside] / energy[inside]))),
            }
        table[f"{low:g} to {high:g} MeV"] = row
    save_result("isolated_deposits", table)


if __name__ == "__main__":
    main()
