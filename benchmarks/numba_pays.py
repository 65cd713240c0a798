"""What numba brings to the transport of electrons: the same histories in its kernel and in vectorised numpy.

Both follow electrons of 15 MeV to rest with the physics of a step of `follow_electron`: loss with its fluctuation, single and
multiple scattering, hits on electrons and radiation; what is knocked on and radiated is taken off the electron, not followed.
numpy moves all electrons by a step together, as long as one of them is left.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from benchmarks.record import ROOT, save_result, seconds
from python.detector.geometry import DUNE_1X2X2
from python.physics.constants import ELECTRON_MASS_MEV
from python.physics.materials import (
    COLLISION_SCALE,
    DELTA_CUT_MEV,
    DELTA_RATE,
    GRID_POINTS,
    GRID_START_MEV,
    GRID_STEP,
    PHOTON_CUT_MEV,
    PHOTON_RATE,
    SOFT_LOSS,
    electron_table,
)
from python.simulation import electrons
from python.simulation.electrons import follow_electron
from python.simulation.tracks import DEPOSIT_COLUMNS, ENERGY, MAX_Z, TRACK_COLUMNS, Deposited, Stack, W

MANY_ELECTRONS, ELECTRONS_OF_A_BLOCK = 20_000, 250
ENERGY_MEV = 15.0
START = (180.0, 0.0, 230.0)
END_CM = DUNE_1X2X2.max_z_cm


@njit
def compiled(count: int, table: np.ndarray, rng: np.random.Generator) -> float:
    """Mean energy that the electrons deposited themselves, in MeV."""
    tracks, deposits, track = (
        np.empty((5000, TRACK_COLUMNS)),
        np.empty((5000, DEPOSIT_COLUMNS)),
        np.zeros(TRACK_COLUMNS),
    )
    total = 0.0
    for _ in range(count):
        track[:] = 0.0
        track[0], track[1], track[2], track[W], track[ENERGY] = START[0], START[1], START[2], 1.0, ENERGY_MEV
        track[MAX_Z] = END_CM
        stack, deposited = Stack(tracks, np.int64(0)), Deposited(deposits, np.int64(0))
        _, (deposits, written), _ = follow_electron(track, 0, stack, deposited, table, rng)
        total += deposits[:written, 3].sum()
    return total / count


def lookup(table: np.ndarray, column: int, energy: np.ndarray) -> np.ndarray:
    position = np.clip(np.log(energy / GRID_START_MEV) / GRID_STEP, 0.0, GRID_POINTS - 1.000001)
    row = position.astype(np.int64)
    fraction = position - row
    return (1 - fraction) * table[row, column] + fraction * table[row + 1, column]


def turned(direction: np.ndarray, versine: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Directions (N, 3) turned by angles of 1 - cos = versine (N,), about azimuths drawn uniformly."""
    azimuth = 2 * np.pi * rng.random(len(versine))
    helper = np.where(np.abs(direction[:, 2:]) < 0.9, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]])
    first = np.cross(direction, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(direction, first)
    sine = np.sqrt(np.maximum(versine * (2 - versine), 0))
    side = np.cos(azimuth)[:, None] * first + np.sin(azimuth)[:, None] * second
    return (1 - versine)[:, None] * direction + sine[:, None] * side


def scattered(direction: np.ndarray, energy: np.ndarray, length: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    momentum2 = energy * (energy + 2 * ELECTRON_MASS_MEV)
    beta2 = momentum2 / (energy + ELECTRON_MASS_MEV) ** 2
    a = 0.25 * electrons.SCREENING_MEV2 * (1 + electrons.BORN / beta2) / momentum2
    number = electrons.SCATTERING_MEV2_CM / (momentum2 * beta2) * length / (a * (1 + a))
    single = np.minimum(number, electrons.SINGLE_SCATTERINGS)
    cut = a * (number - single) / (number * a + single)
    mean_mu = np.maximum(number * a * (1 + a) * (np.log1p(cut / a) - cut / (cut + a)), 1e-12)
    cosine = np.exp(-2 * mean_mu)
    concentration = cosine * (3 - cosine**2) / -np.expm1(-4 * mean_mu)
    versine = -np.log1p(rng.random(len(energy)) * np.expm1(-2 * concentration)) / concentration
    direction = turned(direction, versine, rng)
    left = rng.poisson(single)
    while (rows := np.flatnonzero(left > 0)).size:
        share = rng.random(rows.size)
        low, screen = cut[rows], a[rows]
        mu = (low * (1 + screen) + share * screen * (1 - low)) / (1 + screen - share * (1 - low))
        mu = np.where(rng.random(rows.size) > beta2[rows] * mu, mu, 0.0)
        direction[rows] = turned(direction[rows], 2 * mu, rng)
        left[rows] -= 1
    return direction


def soft_losses(energy: np.ndarray, length: np.ndarray, table: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    middle = np.maximum(energy - 0.5 * length * lookup(table, SOFT_LOSS, energy), 0.5 * energy)
    mean = length * lookup(table, SOFT_LOSS, middle)
    beta2 = 1 - (1 + middle / ELECTRON_MASS_MEV) ** -2
    hardest = np.minimum(DELTA_CUT_MEV, 0.5 * middle)
    variance = COLLISION_SCALE * length * hardest * (1 / beta2 - 0.5 * hardest / middle)
    return np.minimum(variance / mean * rng.standard_gamma(mean**2 / variance), energy)


def knocked_on(energy: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    gamma = 1 + energy / ELECTRON_MASS_MEV
    a, b, low = ((gamma - 1) / gamma) ** 2, (2 * gamma - 1) / gamma**2, DELTA_CUT_MEV / energy
    result, rows = np.zeros(len(energy)), np.arange(len(energy))
    while rows.size:
        share = 0.5 * low[rows] / (0.5 - rng.random(rows.size) * (0.5 - low[rows]))
        other = share / (1 - share)
        weight = 1 - b[rows] * share + a[rows] * share**2 + other**2 - b[rows] * share * other
        taken = rng.random(rows.size) * (2 - b[rows] + 0.25 * a[rows]) < weight
        result[rows[taken]] = (share * energy[rows])[taken]
        rows = rows[~taken]
    return result


def radiated(energy: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    result, rows = np.zeros(len(energy)), np.arange(len(energy))
    while rows.size:
        y = (PHOTON_CUT_MEV / energy[rows]) ** rng.random(rows.size)
        taken = rng.random(rows.size) < 1 - y + 0.75 * y**2
        result[rows[taken]] = (y * energy[rows])[taken]
        rows = rows[~taken]
    return result


def vectorised(count: int, table: np.ndarray, rng: np.random.Generator) -> float:
    """Mean energy that the electrons deposited themselves, in MeV."""
    energy, total = np.full(count, ENERGY_MEV), 0.0
    position, direction = np.tile(START, (count, 1)), np.tile([0.0, 0.0, 1.0], (count, 1))
    while len(energy):
        delta_rate, photon_rate = (lookup(table, column, energy) for column in (DELTA_RATE, PHOTON_RATE))
        length = np.full(len(energy), electrons.STEP_CM)
        position += 0.5 * length[:, None] * direction
        loss = soft_losses(energy, length, table, rng)
        total += loss.sum()
        direction = scattered(direction, energy - 0.5 * loss, length, rng)
        position += 0.5 * length[:, None] * direction
        energy = energy - loss
        event = (rng.random(len(energy)) < (delta_rate + photon_rate) * length) & (energy > electrons.STOP_MEV)
        hit = event & (rng.random(len(energy)) * (delta_rate + photon_rate) < delta_rate)
        event &= ~hit
        hit &= energy > 2 * DELTA_CUT_MEV
        energy[hit] -= knocked_on(energy[hit], rng)
        energy[event] -= radiated(energy[event], rng)
        going = energy > electrons.STOP_MEV
        total += energy[~going].sum()
        energy, position, direction = energy[going], position[going], direction[going]
    return total / count


START_UP = """
import time; start = time.perf_counter()
import numpy as np
from python.simulation.records import Particles
from python.simulation.transport import transport
imported = time.perf_counter()
one = np.ones(1)
particles = Particles(np.zeros(1, int), np.full(1, 11), one, np.full((1, 3), 90.0), np.eye(3)[:1], one, one > 0)
transport(particles, np.random.default_rng(0))
print(imported - start, time.perf_counter() - imported)
"""


def start_up(cache: str) -> dict[str, float]:
    """Seconds for import and for the first event of the whole transport, in a fresh process with kernels kept in `cache`."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    command = [sys.executable, "-c", START_UP]
    output = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
    return dict(zip(("import_s", "first_event_s"), map(float, output.split()), strict=True))


def measure() -> dict:
    """Electrons per second of both, in the batches that suit numpy best and in those of one block of events."""
    table = electron_table()
    result: dict[str, Any] = {"energy_MeV": ENERGY_MEV}
    compiled(1, table, np.random.default_rng(0))
    for count in (MANY_ELECTRONS, ELECTRONS_OF_A_BLOCK):
        figures: dict[str, float] = {}
        for name, run in (("numba", compiled), ("numpy", vectorised)):

            def once(run: Callable[..., float] = run, count: int = count) -> None:
                run(count, table, np.random.default_rng(1))

            taken = seconds(once)
            figures[f"{name}_per_second"] = round(count / taken)
            figures[f"{name}_mean_deposited_MeV"] = round(run(count, table, np.random.default_rng(2)), 3)
        result[f"{count}_electrons"] = figures | {"ratio": figures["numba_per_second"] / figures["numpy_per_second"]}
    with tempfile.TemporaryDirectory() as cache:
        result["start_up_compiling"] = start_up(cache)
        result["start_up_from_disk"] = start_up(cache)
    return result


if __name__ == "__main__":
    save_result("numba_pays", measure())
