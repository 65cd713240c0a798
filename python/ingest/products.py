"""From the trigger primitives of some events, of whatever origin, to image files: cluster, match, label, draw, write."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from python.data.image_file import ImageFile, write_image_file
from python.data.metadata import empty_metadata
from python.data.point_clouds import PointClouds, PointFile, write_point_file
from python.data.sources import Source
from python.data.sparse_images import SparseImages
from python.detector.calibration import adc_per_mev
from python.detector.geometry import PLANES
from python.general_purpose_libs import log
from python.ingest.clustering import ClusterSettings, make_clusters
from python.ingest.images import Block, cluster_images, legacy_images, metadata_of, volume_images
from python.ingest.legacy_layout import LEGACY_COLUMNS, write_legacy_file
from python.ingest.matching import match_planes
from python.ingest.points import make_points
from python.ingest.surroundings import MIN_SOT
from python.ingest.trigger_primitives import TriggerPrimitives
from python.ingest.truth import EventTruth, label_clusters
from python.ingest.volumes import SHAPE

EVENTS_AT_A_TIME = 250


@dataclass(frozen=True)
class ProductSettings:
    """`image_shape` (ticks, channels), the `planes` to write, and how to make the clusters."""

    image_shape: tuple[int, int] = (128, 32)
    planes: tuple[str, ...] = PLANES
    volumes: bool = False
    legacy_layout: bool = False
    energy_calibration: str = "measured"
    clusters: ClusterSettings = field(default_factory=ClusterSettings)

    @property
    def points(self) -> bool:
        """Whether points are written too: with the images of all planes, in the project's own files."""
        return not self.legacy_layout and set(self.planes) == set(PLANES)

    @property
    def min_sot(self) -> int:
        """Samples over threshold that a trigger primitive needs to enter any product."""
        return min(MIN_SOT, self.clusters.tot_cut + 1)


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


def _products(settings: ProductSettings) -> list[tuple[str, str]]:
    """Kind and plane of each file that is written."""
    kinds = ("clusters", "volumes") if settings.volumes else ("clusters",)
    return [(kind, plane) for kind in kinds for plane in settings.planes]


def _name(stem: str, kind: str, plane: str) -> str:
    return f"{stem}{'_volume' if kind == 'volumes' else ''}_plane{plane}.npz"


def _points_name(stem: str) -> str:
    return f"{stem}_points.npz"


class ProductWriter:
    """Takes the events of one source, stretch by stretch, and writes the source's image files at the end.

    `events` (E,) of `EVENT_DTYPE`, whose `source` indexes `sources`, and `truth` are those of all its events.
    """

    def __init__(self, sources: list[Source], events: np.ndarray, truth: EventTruth, settings: ProductSettings) -> None:
        self.sources, self.events, self.truth, self.settings = sources, events, truth, settings
        self.adc_per_mev = adc_per_mev(settings.energy_calibration)
        self.matches = 0
        self.pieces: dict[tuple[str, str], list[tuple[SparseImages, np.ndarray]]]
        self.pieces = {product: [] for product in _products(settings)}
        self.points: list[tuple[PointClouds, np.ndarray]] = []
        self.summary = ProductSummary(
            sources[0].name, events=len(events), es=int(np.sum(truth.is_es == 1)), cc=int(np.sum(truth.is_es == 0))
        )

    def add(self, tps: TriggerPrimitives, signal: np.ndarray | None, track: np.ndarray | None = None) -> None:
        """Make the images of some events. All their trigger primitives have to come in one call, events in order.

        `signal` (N,) marks the primitives that hold charge of the neutrino interaction and `track` (N,) numbers their true
        particles; None where there is no truth.
        """
        block = self._block(tps, signal, track)
        self._count(block)
        for (kind, plane), pieces in self.pieces.items():
            images, table = self._draw(block, kind, PLANES.index(plane))
            pieces.append((images, table))
            if kind == "volumes":
                self.summary.volumes += len(images)
            elif not self.settings.legacy_layout:
                self._count_cropping(table)
        if self.settings.points:
            clouds, x_clusters = make_points(block.tps, block.clusters, block.matches)
            table = metadata_of(block, x_clusters)
            table["lost_charge"], table["drift_frame"] = 0.0, 1
            self.points.append((clouds, table))

    def write(self, folder: Path, stem: str) -> ProductSummary:
        """Write the files `stem`... into `folder`, each complete or not at all, in place of any older one."""
        for (kind, plane), pieces in self.pieces.items():
            self._write(Path(folder) / _name(stem, kind, plane), kind, plane, pieces)
        if self.settings.points:
            clouds = PointClouds.concatenate([clouds for clouds, _ in self.points])
            table = np.concatenate([empty_metadata(0), *(table for _, table in self.points)])
            write_point_file(Path(folder) / _points_name(stem), PointFile(clouds, table, self.sources))
        return self.summary

    def _block(self, tps: TriggerPrimitives, signal: np.ndarray | None, track: np.ndarray | None) -> Block:
        clusters = make_clusters(tps, self.settings.clusters, self.adc_per_mev)
        matches = match_planes(clusters, first_id=self.matches)
        self.matches = max(self.matches, int(matches.match_id.max(initial=-1)) + 1)
        labels = label_clusters(clusters, tps.integral, signal)
        return Block(self.events, self.truth, tps, track, self.adc_per_mev, clusters, matches, *labels)

    def _draw(self, block: Block, kind: str, plane: int) -> tuple[SparseImages, np.ndarray]:
        if kind == "volumes":
            return volume_images(block, plane)
        draw = legacy_images if self.settings.legacy_layout else cluster_images
        return draw(block, plane, self.settings.image_shape)

    def _count(self, block: Block) -> None:
        plane, summary = block.clusters.plane, self.summary
        summary.clusters += np.bincount(plane, minlength=3)
        summary.mains += np.bincount(plane[block.is_main == 1], minlength=3)
        is_x = plane == PLANES.index("X")
        summary.triples += int(np.all(block.matches.partner[is_x] >= 0, axis=1).sum())

    def _count_cropping(self, table: np.ndarray) -> None:
        self.summary.cropped += int(np.sum(table["lost_charge"] > 0))
        self.summary.drawn_mev += float(np.sum(table["cluster_energy"], dtype=float))
        self.summary.lost_mev += float(np.sum(table["cluster_energy"] * table["lost_charge"], dtype=float))

    def _write(self, path: Path, kind: str, plane: str, pieces: list[tuple[SparseImages, np.ndarray]]) -> None:
        shape = SHAPE if kind == "volumes" else self.settings.image_shape
        images = SparseImages.concatenate([SparseImages.from_pixels([], shape), *(piece[0] for piece in pieces)])
        legacy = self.settings.legacy_layout
        nothing = np.empty((0, LEGACY_COLUMNS), np.float32) if legacy else empty_metadata(0)
        table = np.concatenate([nothing, *(piece[1] for piece in pieces)])
        if legacy:
            write_legacy_file(path, images, table)
        else:
            write_image_file(path, ImageFile(images, table, self.sources, plane, kind))
        log.debug("%s: %d images", path, len(images))
