"""Point clouds: the trigger primitives around a cluster as points, held without padding, and their own files.

A file `<source>_points.npz` holds the clouds of one source and the metadata of the X cluster that each is built around:
`format_version`, `kind` "points", `sources`, `source_ids`, `source_geometries`, `indptr` (N + 1,), `points` float32 (K, C) with
`point_columns` and `point_units`, and the metadata arrays of `python.data.metadata`. The same input gives the same bytes.

Files of older code hold clouds around matched clusters alone, and do not say in which cluster a point is: their column
`cluster_energy` and the `neighbours` of their clusters are NaN.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from python.data.array_rules import ArrayRule, checked
from python.data.image_file import FORMAT_VERSION, REMEDY, checked_version
from python.data.input_files import Folders, InputFiles, find_files, refuse_or_skip
from python.data.inventory import file_facts
from python.data.metadata import (
    EVENT_KEY,
    TABLE_RULES,
    UNKNOWN,
    empty_metadata,
    event_columns,
    group_numbers,
    metadata_arrays,
    metadata_from_arrays,
    rules_of_file,
)
from python.data.neighbours import neighbours_of
from python.data.npz import read_npz, write_npz
from python.data.sources import (
    Source,
    geometry_arrays,
    place_of,
    source_arrays,
    sources_from_arrays,
    with_common_sources,
)
from python.data.sparse_images import gather
from python.detector.geometry import PLANES, X
from python.general_purpose_libs import DataError

# Coordinates are relative to the place of the X cluster, in the drift frame: `across` the plane's wires (z' on X,
# cos a z' - sin a y' on U, cos a z' + sin a y' on V, a = 35.71 degrees), `start`, `peak` and `end` along the drift.
POINT_UNITS = {
    "plane": "0: U, 1: V, 2: X",
    "across": "cm",
    "start": "cm",
    "peak": "cm",
    "end": "cm",
    "integral": "ADC tick",
    "height": "ADC",
    "in_cluster": "1: in the cluster that the cloud is around, or in one that is matched with it",
    "cluster_energy": "MeV, of the cluster that the point is in; 0: it is in none",
}
STORED_COLUMNS = tuple(POINT_UNITS)
POINT_COLUMNS = STORED_COLUMNS[:-1]  # of what is around a matched cluster
POINT_RULES = (
    ArrayRule("kind", "U", allowed=("points",)),
    ArrayRule("indptr", "iu", ("n+1",), "i8", offsets_of="k"),
    ArrayRule("points", "fiu", ("k", "c"), "f4", finite=True),
    ArrayRule("point_columns", "U", ("c",), names=POINT_COLUMNS),  # and, unless the file is older, the one more
    *TABLE_RULES,
)


@dataclass
class PointClouds:
    """N clouds: the points of cloud i are `points[indptr[i]:indptr[i + 1]]`, float32 (K, 9), the ones worth most first.

    Columns are the STORED_COLUMNS.
    """

    indptr: np.ndarray
    points: np.ndarray

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def counts(self) -> np.ndarray:
        """Number of points of each cloud (N,)."""
        return np.diff(self.indptr)

    @property
    def owner(self) -> np.ndarray:
        """Cloud number of every point (K,)."""
        return np.repeat(np.arange(len(self)), self.counts)

    def column(self, name: str) -> np.ndarray:
        """One column of all points (K,)."""
        return self.points[:, STORED_COLUMNS.index(name)]

    def take(self, rows: np.ndarray) -> PointClouds:
        """Return the clouds `rows`, in that order."""
        counts, positions = gather(self.indptr, np.asarray(rows))
        return PointClouds(np.concatenate([[0], np.cumsum(counts)]), self.points[positions])

    def padded(self, rows: np.ndarray, size: int, n_columns: int = len(POINT_COLUMNS)) -> np.ndarray:
        """Return the first `size` points of each of `rows`, float32 (n, size, n_columns + 1): so many of the columns, and 1 where
        there is a point.
        """
        counts, positions = gather(self.indptr, np.asarray(rows), size)
        padded = np.zeros((len(counts), size, n_columns + 1), np.float32)
        cloud = np.repeat(np.arange(len(counts)), counts)
        place = np.arange(len(cloud)) - np.repeat(np.cumsum(counts) - counts, counts)
        padded[cloud, place, :-1] = self.points[positions, :n_columns]
        padded[cloud, place, -1] = 1
        return padded

    def beyond(self, size: int) -> str:
        """What a network that reads the first `size` points of each cloud does not see, for a table of cuts."""
        charge = self.column("integral")
        place = np.arange(len(charge)) - np.repeat(self.indptr[:-1], self.counts)
        lost = 100 * float(charge[place >= size].sum()) / max(float(charge.sum()), 1e-300)
        longer = int(np.sum(self.counts > size))
        return f"at most {size} points: {longer} samples have more, {lost:.2f} % of all charge lost"

    @classmethod
    def concatenate(cls, parts: Sequence[PointClouds]) -> PointClouds:
        counts = np.concatenate([np.empty(0, np.int64), *(part.counts for part in parts)])
        points = [np.empty((0, len(STORED_COLUMNS)), np.float32), *(part.points for part in parts)]
        return cls(np.concatenate([[0], np.cumsum(counts)]), np.concatenate(points))


@dataclass
class PointSet:
    """Clouds (N) with the metadata, structured (N,), of the X clusters that they are around; `sources` is what these index.

    `neighbours` float32 (N, K) are the numbers of `python.data.neighbours`, NaN where a file of older code does not tell them.
    `files` names what was read.
    """

    clouds: PointClouds
    metadata: np.ndarray
    neighbours: np.ndarray
    sources: list[Source]
    files: list[dict] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.clouds)

    def rows_around(self, table: np.ndarray, sources: list[Source], columns: Sequence[str]) -> np.ndarray:
        """The cloud (N,) around each cluster of a table of metadata: of its event, and alike in `columns`; -1 where none is."""
        _, tables = with_common_sources([(sources, table), (self.sources, self.metadata)])
        both = np.concatenate([each[[*EVENT_KEY, *columns]] for each in tables])
        key = group_numbers(*(both[name] for name in columns), *event_columns(both))
        cloud_of = np.full(int(key.max(initial=-1)) + 1, UNKNOWN)
        cloud_of[key[len(table) :][::-1]] = np.arange(len(self))[::-1]  # the first of several wins
        return cloud_of[key[: len(table)]]

    def take(self, rows: np.ndarray) -> PointSet:
        """Return the clouds `rows` with what is known of them; itself where these are all."""
        if np.array_equal(rows, np.arange(len(self))):
            return self
        table, neighbours = self.metadata[rows], self.neighbours[rows]
        return replace(self, clouds=self.clouds.take(rows), metadata=table, neighbours=neighbours)

    def matched_on(self, plane: int) -> np.ndarray:
        """Which of the clusters are matched with one in `plane`, bool (N,)."""
        there = (self.clouds.column("plane") == plane) & (self.clouds.column("in_cluster") == 1)
        return np.bincount(self.clouds.owner[there], minlength=len(self)) > 0

    @classmethod
    def concatenate(cls, parts: Sequence[PointSet]) -> PointSet:
        """The clouds of all parts, in order."""
        sources, tables = with_common_sources([(part.sources, part.metadata) for part in parts])
        return cls(
            PointClouds.concatenate([part.clouds for part in parts]),
            np.concatenate([empty_metadata(0), *tables]),
            np.concatenate([neighbours_of(empty_metadata(0)), *(part.neighbours for part in parts)]),
            sources,
            [file for part in parts for file in part.files],
        )


def write_point_file(path: str | os.PathLike, content: PointSet) -> None:
    """Write `content` to `path` (an .npz), atomically. Raises OutputError when that is not possible."""
    arrays: dict[str, Any] = {
        "format_version": np.int64(FORMAT_VERSION),
        "kind": np.str_("points"),
        **source_arrays(content.sources),
        **geometry_arrays(content.sources),
        "indptr": content.clouds.indptr.astype(np.int64),
        "points": np.asfortranarray(content.clouds.points),  # columns compress better than rows
        "point_columns": np.array(STORED_COLUMNS),
        "point_units": np.array(list(POINT_UNITS.values())),
        **metadata_arrays(content.metadata),
    }
    write_npz(path, arrays)


def read_point_file(path: str | os.PathLike, place: str | None = None) -> PointSet:
    """Read one file; `place` as in `parse_image_file`. Raises DataError that names the file and what is wrong with it."""
    arrays = read_npz(path)
    version = checked_version(arrays, path)
    found = checked(arrays, rules_of_file(POINT_RULES, version, arrays), path, REMEDY)
    columns = found["point_columns"].tolist()
    stored = [columns.index(name) for name in STORED_COLUMNS if name in columns]
    points, older = found["points"][:, stored], len(stored) < len(STORED_COLUMNS)
    if older:
        points = np.pad(points, ((0, 0), (0, 1)), constant_values=np.nan)
    clouds = PointClouds(found["indptr"], np.ascontiguousarray(points))
    if not np.all(np.isin(clouds.column("plane"), range(len(PLANES)))):
        raise DataError(f"{path}: holds points of planes that there are not; {REMEDY}")
    table = metadata_from_arrays(found, len(clouds), X)
    neighbours = neighbours_of(table)
    if older:
        neighbours[:] = np.nan
    return PointSet(clouds, table, neighbours, sources_from_arrays(found, place or str(path)))


def find_point_files(folders: Sequence[str | os.PathLike]) -> InputFiles:
    """All files of points in the folders and below."""
    return find_files(folders, lambda path: path.match("*_points.npz"))


ShowPaths = Callable[[Sequence[Path]], Iterable[Path]]
Reduced = Callable[[PointSet], PointSet]


def load_points(
    folders: Folders, reduced: Reduced = lambda points: points, progress: ShowPaths = iter
) -> PointSet | None:
    """Read all files of points in the folders and below; None when there are none, as with data of older code.

    Of each file only what `reduced` leaves of it is kept. Raises one DataError that names every broken file, unless these are
    skipped.
    """
    found = find_point_files(folders.folders)
    if not found and not found.problems:
        return None
    found.tell_of_repeated()
    parts, problems = [], list(found.problems)
    for path in progress(found.paths):
        try:
            parts.append(reduced(read_point_file(path, place_of(path, found.folder_of[path])[1])))
        except DataError as error:
            problems.append(str(error))
    refuse_or_skip(problems, f"{len(found) + len(found.problems)} files of points", folders.skip_bad_files)
    return replace(PointSet.concatenate(parts), files=[file_facts(path) for path in found.paths])
