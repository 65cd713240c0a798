"""Matched clusters known by the points around them alone, for networks that read points: no image is read for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from python.data.metadata import EVENT_KEY, event_columns, group_numbers
from python.data.point_clouds import PointClouds, PointSet
from python.data.sources import Source
from python.data.sparse_images import content_keys
from python.data.triples import log_energies
from python.detector.geometry import PITCH_CM, TICK_CM

PICTURE = (128, 32)  # ticks x channels, as images of clusters have
Mask = Callable[[PointSet], np.ndarray]


@dataclass
class PointEvents:
    """N matched clusters: the `clouds` (N) around them, of which a network takes `max_points`, and the metadata (N,) of their X
    clusters."""

    clouds: PointClouds
    metadata: np.ndarray
    sources: list[Source]
    max_points: int
    cuts: list[dict] = field(default_factory=list)
    files: list[dict] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.metadata)

    def keep(self, step: str, rows: np.ndarray) -> PointEvents:
        """Return the set reduced to `rows` (mask or row numbers), with `step` added to the table of cuts."""
        rows = np.flatnonzero(rows) if np.asarray(rows).dtype == bool else np.asarray(rows)
        cut = {"step": step, "removed": len(self) - len(rows), "kept": len(rows)}
        all_of_them = np.array_equal(rows, np.arange(len(self)))
        clouds = self.clouds if all_of_them else self.clouds.take(rows)
        return replace(self, clouds=clouds, metadata=self.metadata[rows], cuts=[*self.cuts, cut])

    def image_keys(self) -> np.ndarray:
        """Return an integer (N,) for each sample, equal exactly where the points around two are the same."""
        bounds = zip(self.clouds.indptr[:-1], self.clouds.indptr[1:], strict=True)
        return content_keys(self.clouds.points[first:end].tobytes() for first, end in bounds)

    def network_inputs(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Return what the network takes of the samples `rows`, by name: points in cm and ADC, the logarithm of MeV."""
        return {"points": self.clouds.padded(rows, self.max_points), "energy": log_energies(self.metadata[rows])}

    def pictures(self, plane: int, rows: np.ndarray) -> np.ndarray:
        """Draw the points of the matched clusters in a plane for looking at, (n, ticks, channels) in ADC: each a triangle."""
        clouds = self.clouds.take(rows)
        shown = (clouds.column("plane") == plane) & (clouds.column("in_cluster") == 1)
        names = ("start", "peak", "end", "height", "across")
        start, peak, end, height, across = (clouds.column(name)[shown] for name in names)
        ticks = np.rint(np.stack([start, peak, end]) / TICK_CM).astype(int) + PICTURE[0] // 2
        channel = np.rint(across / PITCH_CM[plane]).astype(int) + PICTURE[1] // 2
        pictures = np.zeros((len(rows), *PICTURE), np.float32)
        for row, (first, top, last), column, most in zip(clouds.owner[shown], ticks.T, channel, height, strict=True):
            if not 0 <= column < PICTURE[1]:
                continue
            at = np.arange(max(first, 0), min(last + 1, PICTURE[0]))
            drawn = np.interp(at, [first - 1, top, last + 1], [0, most, 0])
            pictures[row, at, column] = np.maximum(pictures[row, at, column], drawn)
        return pictures


class Chosen:
    """Which clouds of one file after another are wanted: those that all of the `steps` (in words, mask of a PointSet) leave.

    `cuts` is the table of what all files together have lost in each.
    """

    def __init__(self, steps: Sequence[tuple[str, Mask]]) -> None:
        self.steps = steps
        self.read = 0
        self.removed = [0] * len(steps)

    def __call__(self, points: PointSet) -> PointSet:
        self.read += len(points)
        for number, (_, mask) in enumerate(self.steps):
            kept = np.flatnonzero(mask(points))
            self.removed[number] += len(points) - len(kept)
            points = points.take(kept)
        return points

    def cuts(self, n_files: int) -> list[dict]:
        kept = self.read
        table = [{"step": f"read from {n_files} files of points", "removed": 0, "kept": kept}]
        for (step, _), removed in zip(self.steps, self.removed, strict=True):
            kept -= removed
            table.append({"step": step, "removed": removed, "kept": kept})
        return table


def each_match_once(points: PointSet) -> np.ndarray:
    """The first cloud of each match, as row numbers in order."""
    table = points.metadata[[*EVENT_KEY, "match_id"]]
    key = group_numbers(table["match_id"], *event_columns(table))
    return np.sort(np.unique(key, return_index=True)[1])
