"""Which ionisation comes to lie near clusters: the rest is in no image, volume or point cloud.

These show what is within half a metre of an X cluster, along the drift and across the wires of a plane. Most radioactive decays
are nowhere near one, as wires are metres long and the window lasts longer than the drift; to follow them would take most of the
time. A cluster needs enough electrons close together in the projection of its plane. So they are added up in cells of 2.4 cm
x 2.4 cm; where four neighbours hold enough, what lies in them is a seed, and all cells within REACH of it are marked, in the
projection of each plane.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from python.detector.calibration import adc_per_mev
from python.detector.geometry import (
    APA_BORDER_Z_CM,
    APA_PITCH_Z_CM,
    MAX_Z_CM,
    N_APAS,
    PITCH_CM,
    PLANES,
    TICK_US,
    TICKS_PER_WINDOW,
    WRAP,
    U,
    X,
    drift_ticks,
)
from python.ingest.products import ProductSettings
from python.physics.compiled import kernel
from python.simulation.drift import ENERGY_PER_PAIR_MEV, MIN_DEDX_MEV_CM, arriving_share, induction_wire
from python.simulation.records import ALPHA, Deposits, Particles
from python.simulation.response import response_kernels

CELL_CHANNELS, CELL_TICKS = 5, 30
REACH = 22  # cells; 51 cm across the wires and 53 cm along the drift at least
ROWS = TICKS_PER_WINDOW // CELL_TICKS
COLUMNS = np.array([WRAP // CELL_CHANNELS] * 2 + [int(MAX_Z_CM / (CELL_CHANNELS * PITCH_CM[X])) + 1])
FIRST_CELL = np.concatenate([[0], np.cumsum(N_APAS * COLUMNS * ROWS)])  # of each plane, and their number
NOWHERE = -1
PAINTED = 2  # a mark that says so of all around as well

ALPHA_SHARE = 0.05  # of an alpha of several MeV is seen, as most of its dense charge recombines, of that of an electron


class Places(NamedTuple):
    """Where ionisation is (N,): event, position (N, 3) cm, and when how many of its `electrons` arrive, in ticks."""

    event: np.ndarray
    position: np.ndarray
    tick: np.ndarray
    electrons: np.ndarray

    @classmethod
    def concatenate(cls, parts: list[Places]) -> Places:
        """All places of the parts, at least one."""
        return cls(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def places_of_deposits(deposits: Deposits) -> Places:
    """Where deposits are."""
    return _places(deposits, deposits.energy / deposits.length, np.ones(len(deposits)))


def places_of_particles(particles: Particles) -> Places:
    """Where charged particles begin; that is not far from where they end."""
    seen = np.where(particles.pdg == ALPHA, ALPHA_SHARE, 1.0)
    return _places(particles, np.full(len(particles), MIN_DEDX_MEV_CM), seen)


def _places(records: Deposits | Particles, dedx: np.ndarray, seen: np.ndarray) -> Places:
    x = records.position[:, 0]
    electrons = seen * records.energy / ENERGY_PER_PAIR_MEV * arriving_share(dedx, x)
    return Places(records.event, records.position, drift_ticks(x) + records.time / TICK_US, electrons)


@dataclass(frozen=True)
class NearClusters:
    """`marks` (E, cells) of each event's planes: not 0 near what may become a cluster."""

    marks: np.ndarray

    def planes(self, places: Places) -> np.ndarray:
        """Tell on which planes U, V, X each of N places lies near a cluster, bool (N, 3)."""
        return _look_up(self.marks, places)


def least_electrons(settings: ProductSettings) -> float:
    """Electrons without which no cluster of these settings comes about: what X, with the wires beside, would need of them.

    U and V need more, as part of what they see cancels. In 7408 clusters of decays, on all planes, none had fewer.
    """
    adc_per_electron = np.maximum(response_kernels().taps[X], 0).sum(axis=1) @ [1, 2]
    return float(settings.clusters.energy_cut * adc_per_mev(settings.energy_calibration)[X] / adc_per_electron)


def near_clusters(places: Places, n_events: int, least: float) -> NearClusters:
    """Mark what is near places, in any order, that may be part of a cluster: those with `least` electrons close together."""
    order = np.argsort(places.event, kind="stable")
    borders = np.searchsorted(places.event[order], np.arange(n_events + 1))
    marks = np.zeros((n_events, FIRST_CELL[-1]), np.uint8)
    _mark(places, order, borders, least, marks)
    return NearClusters(marks)


@kernel
def _cell(plane, position, tick):
    """The cell of a place on a plane; NOWHERE when its charge arrives long before or after the window."""
    row = math.floor(tick / CELL_TICKS)
    if row < -1 or row > ROWS:
        return NOWHERE
    row = min(max(row, 0), ROWS - 1)
    x, y, z = position
    odd, right, upper = int(y > 0), int(x > 0), int(z > APA_BORDER_Z_CM)
    if plane == X:
        side, wire = 2 * odd + right, z / PITCH_CM[X]
    else:
        side, wire = 2 * upper + odd, induction_wire(plane, odd, right, y, z - upper * APA_PITCH_Z_CM) % WRAP
    column = min(max(int(wire) // CELL_CHANNELS, 0), COLUMNS[plane] - 1)
    return FIRST_CELL[plane] + (side * COLUMNS[plane] + column) * ROWS + row


@kernel
def _beside(plane, cell, columns, rows):
    """The cell that is so many columns and rows away; NOWHERE beyond the window and the ends of X. U and V go round."""
    place, row = divmod(cell - FIRST_CELL[plane], ROWS)
    side, column = divmod(place, COLUMNS[plane])
    row += rows
    column += columns
    if plane != X:
        column %= COLUMNS[plane]
    if not (0 <= row < ROWS and 0 <= column < COLUMNS[plane]):
        return NOWHERE
    return FIRST_CELL[plane] + (side * COLUMNS[plane] + column) * ROWS + row


@kernel
def _is_full(plane, cell, electrons, least):
    """Whether a block of two by two cells, of which `cell` is one, holds at least `least`."""
    for low_column in (-1, 0):
        for low_row in (-1, 0):
            total = 0.0
            for column in (low_column, low_column + 1):
                for row in (low_row, low_row + 1):
                    other = _beside(plane, cell, column, row)
                    if other != NOWHERE:
                        total += electrons[other]
            if total >= least:
                return True
    return False


@kernel
def _paint(plane, cell, marks):
    """Mark all cells within REACH of `cell`."""
    if marks[cell] == PAINTED:
        return
    for columns in range(-REACH, REACH + 1):
        for rows in range(-REACH, REACH + 1):
            other = _beside(plane, cell, columns, rows)
            if other != NOWHERE and marks[other] == 0:
                marks[other] = 1
    marks[cell] = PAINTED


@kernel
def _mark(places, order, borders, least, marks):
    """Mark the cells (E, cells) that are near seeds; the places of event e are `order[borders[e]:borders[e + 1]]`."""
    electrons = np.zeros(FIRST_CELL[-1])
    full = np.zeros(FIRST_CELL[-1], np.int8)
    cells = np.empty((len(order), len(PLANES)), np.int64)
    for event in range(len(borders) - 1):
        mine = order[borders[event] : borders[event + 1]]
        for i in mine:
            for plane in range(len(PLANES)):
                cells[i, plane] = _cell(plane, places.position[i], places.tick[i])
                if cells[i, plane] != NOWHERE:
                    electrons[cells[i, plane]] += places.electrons[i]
        for i in mine:
            if cells[i, U] == NOWHERE:
                continue
            is_seed = False
            for plane in range(len(PLANES)):
                cell = cells[i, plane]
                if full[cell] == 0:
                    full[cell] = 1 if _is_full(plane, cell, electrons, least) else -1
                is_seed |= full[cell] == 1
            if is_seed:
                for plane in range(len(PLANES)):
                    _paint(plane, cells[i, plane], marks[event])
        for i in mine:
            for plane in range(len(PLANES)):
                if cells[i, plane] != NOWHERE:
                    electrons[cells[i, plane]] = 0.0
                    full[cells[i, plane]] = 0


@kernel
def _look_up(marks, places):
    near = np.zeros((len(places.event), len(PLANES)), np.bool_)
    for i in range(len(places.event)):
        for plane in range(len(PLANES)):
            cell = _cell(plane, places.position[i], places.tick[i])
            near[i, plane] = cell != NOWHERE and marks[places.event[i], cell] > 0
    return near
