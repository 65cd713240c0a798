"""Files of products: the images, volumes and points of a readout, written as they are in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from python.data.image_file import ImageFile, write_image_file
from python.data.metadata import empty_metadata
from python.data.point_clouds import PointSet, write_point_file
from python.data.sparse_images import SparseImages
from python.detector.geometry import PLANES
from python.general_purpose_libs import log
from python.ingest.images import legacy_images
from python.ingest.legacy_layout import LEGACY_DTYPE, write_legacy_file
from python.ingest.legacy_volumes import legacy_volumes, write_legacy_volumes
from python.ingest.products import Products, ProductSettings, make_products
from python.ingest.readout import Readout
from python.ingest.reconstruction import Reconstruction
from python.ingest.volumes import SHAPE

EVENTS_AT_A_TIME = 250


@dataclass
class ProductSummary:
    """What one source, or several added together, gave. `clusters` and `mains` count per plane U, V, X."""

    name: str
    events: int = 0
    es: int = 0
    cc: int = 0
    clusters: np.ndarray = field(default_factory=lambda: np.zeros(3, np.int64))
    mains: np.ndarray = field(default_factory=lambda: np.zeros(3, np.int64))
    triples: int = 0
    volumes: int = 0
    cropped: int = 0
    drawn_mev: float = 0.0
    lost_mev: float = 0.0  # cropped away

    def __add__(self, other: ProductSummary) -> ProductSummary:
        names = [name for name in vars(self) if name != "name"]
        return ProductSummary(self.name, **{name: getattr(self, name) + getattr(other, name) for name in names})


def output_names(stem: str, settings: ProductSettings) -> list[str]:
    """Names of the files that the source `stem` becomes."""
    points = [_points_name(stem)] if settings.points else []
    return [_name(stem, kind, plane) for kind, plane in _products(settings)] + points


def write_products(
    readout: Readout,
    settings: ProductSettings,
    folder: Path,
    stem: str,
    progress: Callable[[int, int], None] | None = None,
) -> ProductSummary:
    """Make the products of a readout, some events at a time, and write the files `stem`... into `folder`.

    Each is complete or not at all, in place of any older one. `progress(events done, all events)` is called on the way. Raises
    OutputError when a file cannot be written.
    """
    files, done, matches = _ProductFiles(readout, settings), 0, 0
    for part in readout.stretches(EVENTS_AT_A_TIME):
        products = make_products(part, settings, matches)
        matches = max(matches, int(products.matches.match_id.max(initial=-1)) + 1)
        files.add(products)
        done = min(done + EVENTS_AT_A_TIME, len(readout))
        if progress:
            progress(done, len(readout))
    return files.write(Path(folder), stem)


def write_reconstruction(found: Reconstruction, settings: ProductSettings, folder: Path, stem: str) -> ProductSummary:
    """The same of what was clustered elsewhere, in one go."""
    files = _ProductFiles(found.readout, settings)
    files.add(Products(found, settings.image_shape))
    return files.write(Path(folder), stem)


def _products(settings: ProductSettings) -> list[tuple[str, str]]:
    """Kind and plane of each file that is written."""
    kinds = ("clusters", "volumes") if settings.volumes else ("clusters",)
    return [(kind, plane) for kind in kinds for plane in settings.planes]


def _name(stem: str, kind: str, plane: str) -> str:
    return f"{stem}{'_volume' if kind == 'volumes' else ''}_plane{plane}.npz"


def _points_name(stem: str) -> str:
    return f"{stem}_points.npz"


class _ProductFiles:
    """Takes the products of a readout, stretch by stretch, and writes its files at the end."""

    def __init__(self, readout: Readout, settings: ProductSettings) -> None:
        self.sources, self.settings = readout.sources, settings
        self.pieces: dict[tuple[str, str], list[tuple[SparseImages, np.ndarray]]]
        self.pieces = {product: [] for product in _products(settings)}
        self.points: list[PointSet] = []
        is_es = readout.truth.is_es
        self.summary = ProductSummary(
            readout.sources[0].name, len(readout), int(np.sum(is_es == 1)), int(np.sum(is_es == 0))
        )

    def add(self, products: Products) -> None:
        self._count(products)
        for (kind, plane), pieces in self.pieces.items():
            images, table = self._draw(products, kind, plane)
            pieces.append((images, table))
            if kind == "volumes":
                self.summary.volumes += len(images)
            elif not self.settings.legacy_layout:
                self._count_cropping(table)
        if self.settings.points:
            self.points.append(products.points())

    def write(self, folder: Path, stem: str) -> ProductSummary:
        for (kind, plane), pieces in self.pieces.items():
            self._write(folder / _name(stem, kind, plane), kind, plane, pieces)
        if self.settings.points:
            points = replace(PointSet.concatenate(self.points), sources=self.sources)
            write_point_file(folder / _points_name(stem), points)
        return self.summary

    def _draw(self, products: Products, kind: str, plane: str) -> tuple[SparseImages, np.ndarray]:
        if self.settings.legacy_layout:
            number = PLANES.index(plane)
            if kind == "volumes":
                return legacy_volumes(products.found, number)
            return legacy_images(products.found, number, self.settings.image_shape)
        found = products.images(plane, kind)
        return found.images, found.metadata

    def _count(self, products: Products) -> None:
        plane, summary = products.clusters.plane, self.summary
        summary.clusters += np.bincount(plane, minlength=3)
        summary.mains += np.bincount(plane[products.found.is_main == 1], minlength=3)
        is_x = plane == PLANES.index("X")
        summary.triples += int(np.all(products.matches.partner[is_x] >= 0, axis=1).sum())

    def _count_cropping(self, table: np.ndarray) -> None:
        self.summary.cropped += int(np.sum(table["lost_charge"] > 0))
        self.summary.drawn_mev += float(np.sum(table["cluster_energy"], dtype=float))
        self.summary.lost_mev += float(np.sum(table["cluster_energy"] * table["lost_charge"], dtype=float))

    def _write(self, path: Path, kind: str, plane: str, pieces: list[tuple[SparseImages, np.ndarray]]) -> None:
        shape = SHAPE if kind == "volumes" else self.settings.image_shape
        images = SparseImages.concatenate([SparseImages.from_pixels([], shape), *(piece[0] for piece in pieces)])
        tables = [piece[1] for piece in pieces]
        if not self.settings.legacy_layout:
            table = np.concatenate([empty_metadata(0), *tables])
            write_image_file(path, ImageFile(images, table, self.sources, plane, kind))
        elif kind == "volumes":
            write_legacy_volumes(path, images, np.concatenate([np.empty(0, object), *tables]))
        else:
            write_legacy_file(path, images, np.concatenate([np.empty(0, LEGACY_DTYPE), *tables]))
        log.debug("%s: %d images", path, len(images))
