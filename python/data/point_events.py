"""Clusters known by the points around them alone, for networks that read points: no image is read for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from python.data.data_origin import REMEDY
from python.data.metadata import EVENT_KEY, event_columns, group_numbers
from python.data.point_clouds import POINT_COLUMNS, PointClouds, PointSet
from python.data.sources import Source
from python.data.sparse_images import content_keys
from python.data.triples import log_energies
from python.detector.geometry import PITCH_CM, TICK_CM, X
from python.general_purpose_libs import DataError

OF_POINTS = {"points", "energy", "numbers"}  # inputs that files of points tell alone
PICTURE = (128, 32)  # ticks x channels, as images of clusters have
Mask = Callable[[PointSet], np.ndarray]


@dataclass(frozen=True)
class TakenOfPoints:
    """What a network takes of the points around a cluster: `inputs`, some of OF_POINTS, and of the points `max_points`, with so
    many of their columns.
    """

    inputs: tuple[str, ...]
    max_points: int
    columns: Sequence[str] = POINT_COLUMNS

    def needs_every_cluster(self) -> bool:
        """Whether clouds that say nothing of the other clusters of their events do not do."""
        return "numbers" in self.inputs or len(self.columns) > len(POINT_COLUMNS)


@dataclass
class PointEvents:
    """N clusters on X: the `clouds` (N) around them, their metadata (N,), and the `neighbours` float32 (N, K).

    These are numbers of the other clusters of their events (`python.data.neighbours`), NaN where files of older code do not tell
    them. `taken` is what a network takes of all that.
    """

    clouds: PointClouds
    metadata: np.ndarray
    neighbours: np.ndarray
    sources: list[Source]
    taken: TakenOfPoints
    cuts: list[dict] = field(default_factory=list)
    files: list[dict] = field(default_factory=list)

    kind: ClassVar[str] = "points"

    @classmethod
    def of(cls, points: PointSet, chosen: Chosen, taken: TakenOfPoints) -> PointEvents:
        """The clouds that were `chosen`. Raises DataError where the network takes what older files do not tell."""
        older = np.isnan(points.neighbours).any(axis=1)
        if taken.needs_every_cluster() and older.any():
            raise DataError(
                f"{points.sources[points.metadata['source'][older][0]].name}: {older.sum()} of {len(points)} clouds of points "
                "are of an older release, which made none around clusters without a match and did not record in which cluster "
                f"a point is; this network needs both: {REMEDY}"
            )
        cuts, lost = chosen.cuts(len(points.files)), points.clouds.beyond(taken.max_points)
        cuts.append({"step": lost, "removed": 0, "kept": len(points)})
        return cls(points.clouds, points.metadata, points.neighbours, points.sources, taken, cuts, points.files)

    def __len__(self) -> int:
        return len(self.metadata)

    def keep(self, step: str, rows: np.ndarray) -> PointEvents:
        """Return the set reduced to `rows` (mask or row numbers), with `step` added to the table of cuts."""
        rows = np.flatnonzero(rows) if np.asarray(rows).dtype == bool else np.asarray(rows)
        cut = {"step": step, "removed": len(self) - len(rows), "kept": len(rows)}
        all_of_them = np.array_equal(rows, np.arange(len(self)))
        clouds = self.clouds if all_of_them else self.clouds.take(rows)
        return replace(
            self, clouds=clouds, metadata=self.metadata[rows], neighbours=self.neighbours[rows], cuts=[*self.cuts, cut]
        )

    def image_keys(self) -> np.ndarray:
        """Return an integer (N,) for each sample, equal exactly where the points around two are the same."""
        bounds = zip(self.clouds.indptr[:-1], self.clouds.indptr[1:], strict=True)
        return content_keys(self.clouds.points[first:end].tobytes() for first, end in bounds)

    def network_inputs(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Return what the network takes of the samples `rows`, by name: points in cm, ADC and MeV, the logarithm of MeV, and the
        numbers of the neighbours.
        """
        found = {"energy": log_energies(self.metadata[rows]), "numbers": self.neighbours[rows]}
        found["points"] = self.clouds.padded(rows, self.taken.max_points, len(self.taken.columns))
        return {name: found[name] for name in self.taken.inputs}

    def of_plane(self) -> PointEvents:
        """The set itself, whose pictures are of X unless another plane is asked for."""
        return self

    def outlines(self, _rows: np.ndarray) -> None:
        """Pictures show one cluster: there are none."""

    def pictures(self, rows: np.ndarray, plane: int = X) -> np.ndarray:
        """Draw the points of the clusters in a plane for looking at, (n, ticks, channels) in ADC: each a triangle."""
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


def is_matched(found: PointSet) -> np.ndarray:
    """Which clusters are matched with one of U or V, in the drift frame, bool (N,)."""
    return (found.metadata["match_id"] >= 0) & (found.metadata["drift_frame"] == 1)


MATCHED = ("matched with U or V, in the drift frame", is_matched)


def takes_points_alone(inputs: Iterable[str]) -> bool:
    """Whether a network of these inputs needs nothing but files of points."""
    return "points" in inputs and OF_POINTS.issuperset(inputs)


def each_match_once(events: PointEvents) -> PointEvents:
    """The first cluster of each match."""
    table = events.metadata[[*EVENT_KEY, "match_id"]]
    key = group_numbers(table["match_id"], *event_columns(table))
    return events.keep("each match once", np.sort(np.unique(key, return_index=True)[1]))
