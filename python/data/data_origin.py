"""Where data come from: files in folders, or products that were made in memory (`python.ingest.products`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from python.data.image_set import ImageSet, load_images
from python.data.input_files import Folders, find_files
from python.data.point_clouds import PointSet, Reduced, load_points
from python.data.sources import Source
from python.detector.geometry import PLANES
from python.general_purpose_libs import DataError, with_progress

REMEDY = "make the data again with make_images.sh or simulate.sh"


class DataOrigin(Protocol):
    """Whatever gives images and points; what is made of them is the same, wherever they are from."""

    @property
    def name(self) -> str:
        """How messages call it."""

    def images(self, plane: str, kind: str = "clusters") -> ImageSet:
        """The images of `plane`, of "clusters" or "volumes"."""

    def points(self, reduced: Reduced = lambda points: points) -> PointSet | None:
        """What `reduced` leaves of the points around clusters, file by file; None where there are none."""


class Located(Protocol):
    """Samples, of which the metadata (N,) tell where they are."""

    metadata: np.ndarray
    sources: list[Source]

    def __len__(self) -> int: ...


def points_around(samples: Located, data: DataOrigin, columns: Sequence[str]) -> tuple[PointSet, np.ndarray]:
    """The points of the data, and which cloud of them is around each sample, (N,), see `PointSet.rows_around`.

    Raises DataError when the data hold no points, or none around any sample.
    """
    points = require_points(data)
    found = points.rows_around(samples.metadata, samples.sources, columns)
    if len(samples) and not np.any(found >= 0):
        raise DataError(
            f"{data.name}: none of {len(samples)} samples has points around it in the {len(points.files)} files of points; are "
            f"these files damaged, or of other events? {REMEDY}"
        )
    return points, found


def require_points(data: DataOrigin, reduced: Reduced = lambda points: points) -> PointSet:
    """What `reduced` leaves of the points of the data. Raises DataError when these hold none."""
    points = data.points(reduced)
    if points is None:
        raise DataError(f"{data.name}: no files of points (*_points.npz), which this network takes; {REMEDY}")
    return points


class DataFolders(Folders):
    """Files in folders, see `Folders`."""

    @property
    def name(self) -> str:
        return ", ".join(map(str, self.folders))

    def only(self, folders: Sequence[str]) -> DataFolders:
        """The same of other folders."""
        return replace(self, folders=tuple(folders))

    def has_files(self) -> bool:
        """Whether the `pattern` finds any file, of whichever plane."""
        wanted = (self.pattern or "*").replace("{plane}", f"[{''.join(PLANES)}]")
        return bool(len(find_files(self.folders, lambda path: path.match(wanted))))

    def images(self, plane: str, kind: str = "clusters") -> ImageSet:
        """Read them, see `load_images`."""

        return load_images(self, plane, kind=kind, progress=_progress(f"reading {kind} of plane {plane}"))

    def points(self, reduced: Reduced = lambda points: points) -> PointSet | None:
        """Read them, see `load_points`."""
        return load_points(self, reduced, _progress("reading points"))


def _progress(title: str) -> Callable[[Sequence[Path]], Iterable[Path]]:
    return lambda paths: with_progress(paths, title, "files")
