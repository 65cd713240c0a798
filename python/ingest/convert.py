"""One file of trigger primitives to image files: reading, clustering, matching, drawing, labelling, writing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from python.data.energy import adc_per_mev
from python.data.geometry import PLANES
from python.data.image_file import ImageFile, write_image_file
from python.data.metadata import empty_metadata
from python.data.sparse_images import SparseImages
from python.general_purpose_libs import log
from python.ingest.clustering import ClusterSettings, make_clusters
from python.ingest.images import Block, cluster_images, legacy_images, volume_images
from python.ingest.legacy_layout import LEGACY_COLUMNS, write_legacy_file
from python.ingest.matching import match_planes
from python.ingest.root_reader import SourceFile, read_source
from python.ingest.truth import EventTruth, event_truth, label_clusters, signal_tps
from python.ingest.volumes import MIN_SOT, SHAPE

EVENTS_AT_A_TIME = 250


@dataclass(frozen=True)
class ConversionSettings:
    """`image_shape` (ticks, channels), the `planes` to write, and how to make the clusters."""

    image_shape: tuple[int, int] = (128, 32)
    planes: tuple[str, ...] = PLANES
    volumes: bool = False
    legacy_layout: bool = False
    energy_calibration: str = "measured"
    clusters: ClusterSettings = field(default_factory=ClusterSettings)


@dataclass
class ConversionSummary:
    """What one source file, or several added together, gave. `clusters` and `mains` count per plane U, V, X."""

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

    def __add__(self, other: ConversionSummary) -> ConversionSummary:
        names = [name for name in vars(self) if name != "name"]
        return ConversionSummary(self.name, **{name: getattr(self, name) + getattr(other, name) for name in names})


def output_names(stem: str, settings: ConversionSettings) -> list[str]:
    """Names of the files that the input `stem`.root becomes."""
    return [_name(stem, kind, plane) for kind, plane in _products(settings)]


def _products(settings: ConversionSettings) -> list[tuple[str, str]]:
    """Kind and plane of each file that is written."""
    kinds = ("clusters", "volumes") if settings.volumes else ("clusters",)
    return [(kind, plane) for kind in kinds for plane in settings.planes]


def _name(stem: str, kind: str, plane: str) -> str:
    return f"{stem}{'_volume' if kind == 'volumes' else ''}_plane{plane}.npz"


def convert(
    path: Path, folder: Path, settings: ConversionSettings, progress: Callable[[int, int], None] | None = None
) -> ConversionSummary:
    """Convert one ROOT file and write its image files into `folder`; `progress(events done, all events)` on the way.

    Raises DataError when the file is not what it should be, OutputError when a file cannot be written. A file appears
    complete or not at all, in place of any older one.
    """
    path, folder = Path(path), Path(folder)
    source = read_source(path, min(MIN_SOT, settings.clusters.tot_cut + 1))
    truth = event_truth(source)
    log.debug("%s: %d events, %d trigger primitives with enough samples", path, len(source.events), len(source.tps))
    if source.tp_truth is None or source.mctruths is None:
        log.info("%s: holds no simulation truth; labels that it would give are recorded as unknown", path)
    summary = ConversionSummary(
        path.name, events=len(source.events), es=int(np.sum(truth.is_es == 1)), cc=int(np.sum(truth.is_es == 0))
    )
    parts: dict[tuple[str, str], list[tuple[SparseImages, np.ndarray]]] = {key: [] for key in _products(settings)}
    for done, block in _blocks(source, truth, settings):
        _count(block, summary)
        for (kind, plane), pieces in parts.items():
            images, table = _draw(block, kind, PLANES.index(plane), settings)
            pieces.append((images, table))
            if kind == "volumes":
                summary.volumes += len(images)
            elif not settings.legacy_layout:
                _count_cropping(table, summary)
        if progress:
            progress(done, len(source.events))
    for (kind, plane), pieces in parts.items():
        _write(folder / _name(path.stem, kind, plane), kind, plane, pieces, source.name, settings)
    return summary


def _blocks(source: SourceFile, truth: EventTruth, settings: ConversionSettings) -> Iterator[tuple[int, Block]]:
    """Yield the number of events done and the clusters of each stretch of events."""
    calibration = adc_per_mev(settings.energy_calibration)
    signal = signal_tps(source)
    matched = 0
    n_events = len(source.events)
    for first in range(0, n_events, EVENTS_AT_A_TIME):
        last = min(first + EVENTS_AT_A_TIME, n_events)
        rows = slice(*np.searchsorted(source.tps.event, [first, last]))
        tps = source.tps.take(rows)
        clusters = make_clusters(tps, settings.clusters, calibration)
        matches = match_planes(clusters, first_id=matched)
        matched = max(matched, int(matches.match_id.max(initial=-1)) + 1)
        is_marley, is_main = label_clusters(clusters, tps.integral, None if signal is None else signal[rows])
        track = None if source.tp_truth is None else source.tp_truth["bt_primary_track_id"][rows]
        yield last, Block(source.events, truth, tps, track, calibration, clusters, matches, is_marley, is_main)


def _draw(block: Block, kind: str, plane: int, settings: ConversionSettings) -> tuple[SparseImages, np.ndarray]:
    if kind == "volumes":
        return volume_images(block, plane)
    draw = legacy_images if settings.legacy_layout else cluster_images
    return draw(block, plane, settings.image_shape)


def _count(block: Block, summary: ConversionSummary) -> None:
    plane = block.clusters.plane
    summary.clusters += np.bincount(plane, minlength=3)
    summary.mains += np.bincount(plane[block.is_main == 1], minlength=3)
    is_x = plane == PLANES.index("X")
    summary.triples += int(np.all(block.matches.partner[is_x] >= 0, axis=1).sum())


def _count_cropping(table: np.ndarray, summary: ConversionSummary) -> None:
    summary.cropped += int(np.sum(table["lost_charge"] > 0))
    summary.drawn_mev += float(np.sum(table["cluster_energy"], dtype=float))
    summary.lost_mev += float(np.sum(table["cluster_energy"] * table["lost_charge"], dtype=float))


def _write(
    path: Path,
    kind: str,
    plane: str,
    pieces: list[tuple[SparseImages, np.ndarray]],
    source: str,
    settings: ConversionSettings,
) -> None:
    shape = SHAPE if kind == "volumes" else settings.image_shape
    images = SparseImages.concatenate([SparseImages.from_pixels([], shape), *(piece[0] for piece in pieces)])
    nothing = np.empty((0, LEGACY_COLUMNS), np.float32) if settings.legacy_layout else empty_metadata(0)
    table = np.concatenate([nothing, *(piece[1] for piece in pieces)])
    if settings.legacy_layout:
        write_legacy_file(path, images, table)
    else:
        write_image_file(path, ImageFile(images, table, [source], plane, kind))
    log.debug("%s: %d images", path, len(images))
