"""Reconstructed numbers of volumes: input of a plain classifier that a network must beat, and of networks beside the images.

The main cluster holds the electron; blips around it are bremsstrahlung, which flies ahead of the electron, or gammas of the
excited nucleus, which fly anywhere. An electron's charge crowds where it stops: the longer tail of its charge is where it began.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial

import numpy as np

from python.data.blips import find_blips
from python.data.image_set import ImageSet
from python.data.sparse_images import SparseImages
from python.detector.calibration import adc_per_mev
from python.detector.geometry import PITCH_CM, TICK_CM

VOLUMES_AT_A_TIME = 2000
LARGEST = 4  # blips that are described one by one
THRESHOLDS_MEV = (0.3, 0.5, 1.0, 2.0)
TINY_CM = 1e-6  # no two things are closer: keeps directions finite


class _Seen:
    """V volumes of one plane, each with charge, in cm and MeV: blips (B), their main clusters (V), the runs of these (R)."""

    def __init__(self, volumes: SparseImages, plane: int) -> None:
        self.n = len(volumes)
        self.pitch = PITCH_CM[plane]
        self.blips = find_blips(volumes)
        self.energy = self.blips.charge / adc_per_mev("measured")[plane]
        self.main = self.blips.indptr[:-1]
        is_main = np.zeros(len(self.blips), bool)
        is_main[self.main] = True
        self.other = np.flatnonzero(~is_main)
        self.volume = self.blips.image[self.other]
        self.other_energy = self.energy[self.other]
        self.rank = self.other - self.main[self.volume] - 1  # 0: the largest but for the main cluster
        self.main_energy = self.energy[self.main]
        self.outside = self.sum(self.other_energy)

        across, along = (
            (centre[self.other] - centre[self.main][self.volume]) * unit
            for centre, unit in ((self.blips.channel, self.pitch), (self.blips.tick, TICK_CM))
        )
        self.distance = np.maximum(np.hypot(across, along), TINY_CM)
        self.towards = np.stack([across, along]) / self.distance  # unit vectors (2, B - V)

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Sum over the blips of each volume outside its main cluster."""
        return np.bincount(self.volume, weights=values, minlength=self.n)

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Energy-weighted mean over the same blips, 0 where there is none."""
        total = self.sum(self.other_energy * values)
        return np.divide(total, self.outside, out=np.zeros(self.n), where=self.outside > 0)

    def of_rank(self, values: np.ndarray, rank: int) -> np.ndarray:
        """The value of the blip with most, second most ... energy, 0 where there are not so many."""
        return self.sum(np.where(self.rank == rank, values, 0.0))

    def extreme(self, reduction: np.ufunc, values: np.ndarray, start: float) -> np.ndarray:
        found = np.full(self.n, start)
        reduction.at(found, self.volume, values)
        return np.where(found == start, 0.0, found)

    @cached_property
    def runs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Volume, charge and place (2, R) in cm from the centre of the runs of main clusters."""
        runs = self.blips.runs
        rows = np.flatnonzero(self.blips.of_run == self.main[runs.image])
        volume = runs.image[rows]
        main = self.main[volume]
        place = [(runs.channel[rows] - self.blips.channel[main]) * self.pitch]
        place += [(runs.tick[rows] - self.blips.tick[main]) * TICK_CM]
        return volume, runs.charge[rows], np.stack(place)

    def moment(self, values: np.ndarray) -> np.ndarray:
        """Charge-weighted mean over the runs of each main cluster."""
        volume, charge, _ = self.runs
        return np.bincount(volume, weights=charge * values) / np.bincount(volume, weights=charge)

    @cached_property
    def variances(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        _, _, (x, y) = self.runs
        return self.moment(x * x), self.moment(y * y), self.moment(x * y)

    @cached_property
    def widths(self) -> tuple[np.ndarray, np.ndarray]:
        """Standard deviation of a main cluster's charge along its principal axis, and across it."""
        xx, yy, xy = self.variances
        half = np.hypot((xx - yy) / 2, xy)
        return np.sqrt((xx + yy) / 2 + half), np.sqrt(np.maximum((xx + yy) / 2 - half, 0.0))

    @cached_property
    def axis(self) -> np.ndarray:
        """Principal axes (2, V) of the main clusters, of length one; of length zero for a cluster of one run."""
        xx, yy, xy = self.variances
        angle = np.arctan2(2 * xy, xx - yy) / 2
        return np.stack([np.cos(angle), np.sin(angle)]) * (self.widths[0] > TINY_CM)

    @cached_property
    def along_axis(self) -> np.ndarray:
        volume, _, place = self.runs
        return np.sum(place * self.axis[:, volume], axis=0)

    @cached_property
    def length(self) -> np.ndarray:
        first = np.searchsorted(self.runs[0], np.arange(self.n))
        return np.maximum.reduceat(self.along_axis, first) - np.minimum.reduceat(self.along_axis, first)

    @cached_property
    def skewness(self) -> np.ndarray:
        """Of the charge along the axis, positive where the longer tail is ahead."""
        return self.moment(self.along_axis**3) / np.maximum(self.widths[0], TINY_CM) ** 3

    @cached_property
    def largest_run(self) -> np.ndarray:
        volume, charge, _ = self.runs
        per_energy = self.main_energy / self.blips.charge[self.main]
        return np.maximum.reduceat(charge, np.searchsorted(volume, np.arange(self.n))) * per_energy

    @cached_property
    def cosine(self) -> np.ndarray:
        """Of the angle between each blip and the axis of the main cluster."""
        return np.sum(self.towards * self.axis[:, self.volume], axis=0)

    @cached_property
    def forward(self) -> np.ndarray:
        """The same, the axis pointing away from the longer tail."""
        sign = np.where(np.abs(self.skewness) > 1e-6, -np.sign(self.skewness), 0.0)
        return self.cosine * sign[self.volume]

    def one_sided(self) -> np.ndarray:
        """Length of the energy-weighted mean of the directions of the blips: 1 where all lie in one direction."""
        return np.hypot(*(self.mean(direction) for direction in self.towards))


def _blip_energy(rank: int, seen: _Seen) -> np.ndarray:
    return seen.of_rank(seen.other_energy, rank)


def _blip_distance(rank: int, seen: _Seen) -> np.ndarray:
    return seen.of_rank(seen.distance, rank)


def _blip_runs(rank: int, seen: _Seen) -> np.ndarray:
    return seen.of_rank(seen.blips.n_runs[seen.other], rank)


def _blip_forward(rank: int, seen: _Seen) -> np.ndarray:
    return seen.of_rank(seen.forward, rank)


def _number_above(threshold: float, seen: _Seen) -> np.ndarray:
    return seen.sum(seen.other_energy > threshold)


def _ranked(what: str, unit: str, function: Callable) -> dict[str, Callable[[_Seen], np.ndarray]]:
    return {f"{what} of blip {rank + 1}{unit}": partial(function, rank) for rank in range(LARGEST)}


# Blips are all clusters but the main one, blip 1 that with most energy.
SIZES: dict[str, Callable[[_Seen], np.ndarray]] = {
    "number of blips": lambda seen: np.diff(seen.blips.indptr) - 1,
    "number of runs": lambda seen: np.bincount(seen.blips.runs.image),
    "energy of the main cluster [MeV]": lambda seen: seen.main_energy,
    "energy of all blips [MeV]": lambda seen: seen.outside,
    "extent in channels [cm]": lambda seen: (
        (seen.blips.last_channel - seen.blips.first_channel + 1)[seen.main] * seen.pitch
    ),
    "extent in ticks [cm]": lambda seen: (seen.blips.last_tick - seen.blips.first_tick + 1)[seen.main] * TICK_CM,
    "runs of the main cluster": lambda seen: seen.blips.n_runs[seen.main],
    "peak of the main cluster [100 ADC]": lambda seen: seen.blips.peak[seen.main] / 100,
    "largest run of the main cluster [MeV]": lambda seen: seen.largest_run,
    "length of the main cluster [cm]": lambda seen: seen.length,
    "width along its axis [cm]": lambda seen: seen.widths[0],
    "width across its axis [cm]": lambda seen: seen.widths[1],
    "energy over length + 1 cm [MeV/cm]": lambda seen: seen.main_energy / (seen.length + 1),
    "skewness of its charge": lambda seen: np.abs(seen.skewness),
    "nearest blip [cm]": lambda seen: seen.extreme(np.minimum, seen.distance, np.inf),
    "mean distance of blip energy [cm]": lambda seen: seen.mean(seen.distance),
    "furthest blip [cm]": lambda seen: seen.extreme(np.maximum, seen.distance, 0.0),
    **{f"blips above {threshold} MeV": partial(_number_above, threshold) for threshold in THRESHOLDS_MEV},
    **_ranked("energy", " [MeV]", _blip_energy),
    **_ranked("distance", " [cm]", _blip_distance),
    **_ranked("runs", "", _blip_runs),
}
SHARES: dict[str, Callable[[_Seen], np.ndarray]] = {
    "share of energy in the main cluster": lambda seen: seen.main_energy / (seen.main_energy + seen.outside),
    "axis of the main cluster along channels": lambda seen: np.abs(seen.axis[0]),
    "one-sidedness of blips": _Seen.one_sided,
    "alignment of blips with the axis": lambda seen: seen.mean(np.abs(seen.cosine)),
    "forwardness of blips": lambda seen: seen.mean(seen.forward),
    **_ranked("forwardness", "", _blip_forward),
}
UNITS = {**dict.fromkeys(SIZES, "log(1 + size)"), **dict.fromkeys(SHARES, "-1 to 1")}
NAMES = tuple(UNITS)


def volume_numbers(volumes: ImageSet) -> np.ndarray:
    """Return the K numbers NAMES of each volume, (N, K), finite and of order one; zeros for a volume without charge.

    SIZES (>= 0, in the unit of their name) are given as log(1 + size), SHARES (-1 to 1) as they are. All are the same for a
    volume and its mirror images, in channels and in time.
    """
    starts = range(0, len(volumes), VOLUMES_AT_A_TIME)
    parts = [_numbers_of(volumes, np.arange(start, min(start + VOLUMES_AT_A_TIME, len(volumes)))) for start in starts]
    return np.concatenate([np.zeros((0, len(NAMES))), *parts])


def _numbers_of(volumes: ImageSet, rows: np.ndarray) -> np.ndarray:
    store = volumes.images.read(rows)
    numbers = np.zeros((len(store), len(NAMES)))
    charged = store.counts > 0
    if charged.any():
        seen = _Seen(store[charged], int(volumes.metadata["plane"][0]))
        sizes = [np.log1p(size(seen)) for size in SIZES.values()]
        numbers[charged] = np.column_stack([*sizes, *(share(seen) for share in SHARES.values())])
    return numbers
