"""Where data come from: files in folders, or products that were made in memory (`python.ingest.products`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from python.data.image_set import ImageSet, load_images
from python.data.point_clouds import PointSet, load_points
from python.general_purpose_libs import with_progress


class DataOrigin(Protocol):
    """Whatever gives images and points; what is made of them is the same, wherever they are from."""

    @property
    def name(self) -> str:
        """How messages call it."""

    def images(self, plane: str, kind: str = "clusters") -> ImageSet:
        """The images of `plane`, of "clusters" or "volumes"."""

    def points(self) -> PointSet | None:
        """The points around clusters, None where there are none."""


@dataclass(frozen=True)
class DataFolders:
    """Files in `folders` and below.

    `pattern`, in which `{plane}` stands for the plane, selects those with images, which stay on disk when they are `streamed`.
    Every broken file is named in one DataError; with `skip_bad_files` they are left out and counted instead.
    """

    folders: tuple[str, ...]
    pattern: str | None = None
    skip_bad_files: bool = False
    streamed: bool = False

    @property
    def name(self) -> str:
        return ", ".join(self.folders)

    def only(self, folders: Sequence[str]) -> DataFolders:
        """The same of other folders."""
        return replace(self, folders=tuple(folders))

    def images(self, plane: str, kind: str = "clusters") -> ImageSet:
        """Read them, see `load_images`."""
        return load_images(
            self.folders,
            plane,
            kind=kind,
            streamed=self.streamed,
            pattern=self.pattern,
            skip_bad_files=self.skip_bad_files,
            progress=lambda paths: with_progress(paths, f"reading {kind} of plane {plane}", "files"),
        )

    def points(self) -> PointSet | None:
        """Read them, see `load_points`."""
        return load_points(self.folders, self.skip_bad_files)
