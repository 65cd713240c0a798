"""Where data come from: files in folders, or products that were made in memory (`python.ingest.products`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from python.data.image_set import ImageSet, load_images
from python.data.input_files import Folders
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


class DataFolders(Folders):
    """Files in folders, see `Folders`."""

    @property
    def name(self) -> str:
        return ", ".join(map(str, self.folders))

    def only(self, folders: Sequence[str]) -> DataFolders:
        """The same of other folders."""
        return replace(self, folders=tuple(folders))

    def images(self, plane: str, kind: str = "clusters") -> ImageSet:
        """Read them, see `load_images`."""

        def progress(paths: Sequence[Path]) -> Iterable[Path]:
            return with_progress(paths, f"reading {kind} of plane {plane}", "files")

        return load_images(self, plane, kind=kind, progress=progress)

    def points(self) -> PointSet | None:
        """Read them, see `load_points`."""
        return load_points(self.folders, self.skip_bad_files)
