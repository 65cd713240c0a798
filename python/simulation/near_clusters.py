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
from functools import cache
from typing import NamedTuple

import numpy as np

from python.detector.calibration import adc_per_mev
from python.detector.geometry import (
    APA_PITCH_Z_CM,
    DUNE_1X2X2,
    MAX_X_CM,
    MAX_Y_CM,
    PITCH_CM,
    PLANES,
    TICK_US,
    TICKS_PER_WINDOW,
    WIRE_PLANE_X_CM,
    WRAP,
    Geometry,
    U,
    V,
    X,
    drift_ticks,
)
from python.ingest.products import ProductSettings
from python.physics.compiled import kernel
from python.simulation.drift import ENERGY_PER_PAIR_MEV, MIN_DEDX_MEV_CM, arriving_share, induction_wire, row_at
from python.simulation.records import ALPHA, Deposits, Particles
from python.simulation.response import response_kernels

NOWHERE = -1
X_SIDES = 4  # two halves in y with two faces each, all the rows along
REACH = 11  # marked cells; 51 cm across the wires and 53 cm along the drift at least
PAINTED = 2  # a mark that says so of all around as well


class Grid(NamedTuple):
    """Cells of the planes of an event: side (APA; on X half of the APAs and face), then column, then row.

    A cell is `channels` x `ticks` large; a plane has `columns` (3,) on each side and begins with cell `first` (3,) of `size`.
    There are `apa_rows` of APAs.
    """

    channels: int
    ticks: int
    rows: int
    columns: np.ndarray
    first: np.ndarray
    size: int
    apa_rows: int

    @classmethod
    def of(cls, channels: int, ticks: int, geometry: Geometry) -> Grid:
        rows = TICKS_PER_WINDOW // ticks
        columns = np.array([WRAP // channels] * 2 + [int(geometry.max_z_cm / (channels * PITCH_CM[X])) + 1])
        sides = np.array([geometry.n_apas, geometry.n_apas, X_SIDES])
        borders = np.concatenate([[0], np.cumsum(sides * columns * rows)])
        return cls(channels, ticks, rows, columns, borders[:-1], int(borders[-1]), geometry.rows)


@cache
def added_up(geometry: Geometry) -> Grid:
    """Cells of 2.4 cm x 2.4 cm, in which electrons are added up."""
    return Grid.of(5, 30, geometry)


@cache
def marked(geometry: Geometry) -> Grid:
    """Cells of 4.7 cm x 4.8 cm, which are marked."""
    return Grid.of(10, 60, geometry)


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
    tick = drift_ticks(x) + records.time / TICK_US
    return Places(records.event, records.position, tick, seen * electrons_of(records.energy, dedx, x))


def electrons_of(energy: np.ndarray, dedx: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Electrons that arrive of deposits of `energy` MeV at x in cm, on average."""
    return energy / ENERGY_PER_PAIR_MEV * arriving_share(dedx, x)


@dataclass(frozen=True)
class NearClusters:
    """`marks` (E, cells) of each event's planes, in a `geometry`: not 0 near what may become a cluster."""

    marks: np.ndarray
    geometry: Geometry

    def planes(self, places: Places) -> np.ndarray:
        """Tell on which planes U, V, X each of N places lies near a cluster, bool (N, 3)."""
        return _look_up(self.marks, places, marked(self.geometry))

    def draw(
        self, counts: np.ndarray, margin: float, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw so many places an event as `counts` (E,) says, evenly in the argon and the window; keep those near clusters.

        Returns their event, position (N, 3) and the tick at which their charge arrives, within `margin` ticks of the window.
        """
        found = _draw(self.marks, counts, margin, marked(self.geometry), self.geometry.max_z_cm, rng)
        return found[:, 0].astype(np.int64), found[:, 1:4].copy(), found[:, 4].copy()


def least_electrons(settings: ProductSettings, energy: float | None = None) -> float:
    """Electrons without which no cluster of these settings, or of so many MeV, comes about: what X, with the wires beside, would
    need of them.

    U and V need more, as part of what they see cancels. Of 7339 clusters of decays, on all planes, two had fewer.
    """
    adc_per_electron = np.maximum(response_kernels().taps[X], 0).sum(axis=1) @ [1, 2]
    least = settings.clusters.energy_cut if energy is None else energy
    return float(least * adc_per_mev(settings.energy_calibration)[X] / adc_per_electron)


def near_clusters(places: Places, n_events: int, least: float, geometry: Geometry = DUNE_1X2X2) -> NearClusters:
    """Mark what is near places, in any order, that may be part of a cluster: those with `least` electrons close together."""
    order = np.argsort(places.event, kind="stable")
    borders = np.searchsorted(places.event[order], np.arange(n_events + 1))
    grids = added_up(geometry), marked(geometry)
    marks = np.zeros((n_events, grids[1].size), np.uint8)
    _mark(places, order, borders, least, grids, marks)
    return NearClusters(marks, geometry)


def may_have_clusters(places: Places, n_events: int, least: float, geometry: Geometry = DUNE_1X2X2) -> np.ndarray:
    """Whether a cluster on X may come about in each event, (E,): whether `least` electrons come close together on that plane."""
    order = np.argsort(places.event, kind="stable")
    borders = np.searchsorted(places.event[order], np.arange(n_events + 1))
    return _has_seed_on_x(places, order, borders, least, added_up(geometry))


@kernel
def _cells(grid, position, tick):
    """The cells of a place on U, V and X; NOWHERE when its charge arrives long before or after the window."""
    row = math.floor(tick / grid.ticks)
    if row < -1 or row > grid.rows:
        return NOWHERE, NOWHERE, NOWHERE
    row = min(max(row, 0), grid.rows - 1)
    x, y, z = position
    odd, right, apa_row = int(y > 0), int(x > 0), min(row_at(z), grid.apa_rows - 1)
    turns_u = induction_wire(U, odd, right, y, z - apa_row * APA_PITCH_Z_CM) / WRAP
    turns_v = induction_wire(V, odd, right, y, z - apa_row * APA_PITCH_Z_CM) / WRAP
    apa = 2 * apa_row + odd
    return (
        _cell(grid, U, apa, (turns_u - math.floor(turns_u)) * WRAP, row),
        _cell(grid, V, apa, (turns_v - math.floor(turns_v)) * WRAP, row),
        _cell(grid, X, 2 * odd + right, z / PITCH_CM[X], row),
    )


@kernel
def _cell(grid, plane, side, wire, row):
    column = min(max(int(wire / grid.channels), 0), grid.columns[plane] - 1)
    return grid.first[plane] + (side * grid.columns[plane] + column) * grid.rows + row


@kernel
def _beside(grid, plane, cell, columns, rows):
    """The cell that is so many columns and rows away; NOWHERE beyond the window and the ends of X. U and V go round."""
    place, row = divmod(cell - grid.first[plane], grid.rows)
    side, column = divmod(place, grid.columns[plane])
    row += rows
    column += columns
    if plane != X:
        column %= grid.columns[plane]
    if not (0 <= row < grid.rows and 0 <= column < grid.columns[plane]):
        return NOWHERE
    return grid.first[plane] + (side * grid.columns[plane] + column) * grid.rows + row


@kernel
def _is_full(grid, plane, cell, electrons, least):
    """Whether a block of two by two cells, of which `cell` is one, holds at least `least`."""
    for low_column in (-1, 0):
        for low_row in (-1, 0):
            total = 0.0
            for column in (low_column, low_column + 1):
                for row in (low_row, low_row + 1):
                    other = _beside(grid, plane, cell, column, row)
                    if other != NOWHERE:
                        total += electrons[other]
            if total >= least:
                return True
    return False


@kernel
def _paint(grid, plane, cell, marks):
    """Mark all cells within REACH of `cell`."""
    row = (cell - grid.first[plane]) % grid.rows
    before, after = min(row, REACH), min(grid.rows - 1 - row, REACH)
    for columns in range(-REACH, REACH + 1):
        other = _beside(grid, plane, cell, columns, 0)
        if other != NOWHERE:
            for near in range(other - before, other + after + 1):
                marks[near] = max(marks[near], np.uint8(1))
    marks[cell] = PAINTED


@kernel
def _mark(places, order, borders, least, grids, marks):
    """Mark the cells (E, cells) that are near seeds; the places of event e are `order[borders[e]:borders[e + 1]]`."""
    fine, coarse = grids
    electrons = np.zeros(fine.size)
    full = np.zeros(fine.size, np.int8)  # 1 or -1 once it is known
    cells = np.empty((len(order), len(PLANES)), np.int64)
    for event in range(len(borders) - 1):
        mine = order[borders[event] : borders[event + 1]]
        for i in mine:
            cells[i, U], cells[i, V], cells[i, X] = _cells(fine, _place(places.position, i), places.tick[i])
            if cells[i, X] != NOWHERE:
                for plane in range(len(PLANES)):
                    electrons[cells[i, plane]] += places.electrons[i]
        for i in mine:
            if cells[i, X] == NOWHERE:
                continue
            is_seed = False
            for plane in range(len(PLANES)):
                cell = cells[i, plane]
                if full[cell] == 0:
                    full[cell] = 1 if _is_full(fine, plane, cell, electrons, least) else -1
                is_seed |= full[cell] == 1
            if is_seed:
                u, v, x = _cells(coarse, _place(places.position, i), places.tick[i])
                for plane, cell in ((U, u), (V, v), (X, x)):
                    if marks[event, cell] != PAINTED:
                        _paint(coarse, plane, cell, marks[event])
        for i in mine:
            if cells[i, X] != NOWHERE:
                for plane in range(len(PLANES)):
                    electrons[cells[i, plane]] = 0.0
                    full[cells[i, plane]] = 0


@kernel
def _has_seed_on_x(places, order, borders, least, grid):
    electrons = np.zeros(grid.size)
    cells = np.empty(len(order), np.int64)
    found = np.zeros(len(borders) - 1, np.bool_)
    for event in range(len(borders) - 1):
        mine = order[borders[event] : borders[event + 1]]
        for i in mine:
            cells[i] = _cells(grid, _place(places.position, i), places.tick[i])[X]
            if cells[i] != NOWHERE:
                electrons[cells[i]] += places.electrons[i]
        for i in mine:
            if cells[i] != NOWHERE and not found[event]:
                found[event] = _is_full(grid, X, cells[i], electrons, least)
        for i in mine:
            if cells[i] != NOWHERE:
                electrons[cells[i]] = 0.0
    return found


@kernel
def _place(position, i):
    return position[i, 0], position[i, 1], position[i, 2]


@kernel
def _look_up(marks, places, grid):
    """Whether places (N,) are marked on each plane, (N, 3)."""
    near = np.zeros((len(places.event), len(PLANES)), np.bool_)
    for i in range(len(places.event)):
        u, v, x = _cells(grid, _place(places.position, i), places.tick[i])
        if x != NOWHERE:
            mine = marks[places.event[i]]
            near[i, U], near[i, V], near[i, X] = mine[u] > 0, mine[v] > 0, mine[x] > 0
    return near


@kernel
def _draw(marks, counts, margin, grid, max_z, rng):
    """Rows (N, 5) of event, position and tick of those of `counts` (E,) places that are marked on some plane."""
    found, n_found = np.empty((64, 5)), 0
    for event in range(len(counts)):
        mine = marks[event]
        for _ in range(counts[event]):
            x, y, z = 2 * rng.random() - 1, MAX_Y_CM * (2 * rng.random() - 1), max_z * rng.random()
            x = math.copysign(WIRE_PLANE_X_CM, x) + x * (MAX_X_CM - WIRE_PLANE_X_CM)
            tick = rng.random() * (TICKS_PER_WINDOW + 2 * margin) - margin
            on_u, on_v, on_x = _cells(grid, (x, y, z), tick)
            if on_x != NOWHERE and mine[on_u] + mine[on_v] + mine[on_x] > 0:
                if n_found == len(found):
                    found = np.concatenate((found, np.empty_like(found)))
                row = found[n_found]
                row[0], row[1], row[2], row[3], row[4] = event, x, y, z, tick
                n_found += 1
    return found[:n_found]
