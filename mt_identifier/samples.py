"""From the data that a configuration names to the clusters of a main-track identifier."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from python.config.classification import ClassifierConfig
from python.config.task_schema import Architecture
from python.data.data_origin import REMEDY, DataOrigin, points_around
from python.data.image_set import ImageSet
from python.data.point_clouds import STORED_COLUMNS, PointClouds
from python.data.sparse_images import SparseImages
from python.data.triples import log_energies
from python.data_loader import extract_labels_for_mt_identification
from python.general_purpose_libs import DataError
from python.training.preparation import limit, read_plane_images, without_repeated
from python.training.task import Samples

PLACE = ("apa", "face", "first_tick", "first_channel")  # what tells a cluster from the others of its event and plane


@dataclass(kw_only=True)
class ClustersWithPoints(ImageSet[SparseImages]):
    """Images (N) of clusters on X, and the `clouds` (N) around them that a network takes in their place, `max_points` of each.

    `numbers`, where it takes these too, are those of `python.data.neighbours`.
    """

    clouds: PointClouds
    max_points: int

    def keep(self, step: str, rows: np.ndarray) -> Self:
        rows = np.flatnonzero(rows) if np.asarray(rows).dtype == bool else np.asarray(rows)
        return replace(super().keep(step, rows), clouds=self.clouds.take(rows))

    def network_inputs(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Return what the network takes of the samples `rows`, by name: points in cm, ADC and MeV, the logarithm of MeV."""
        points = self.clouds.padded(rows, self.max_points, len(STORED_COLUMNS))
        taken = {"points": points, "energy": log_energies(self.metadata[rows])}
        return taken if self.numbers is None else {**taken, "numbers": self.numbers[rows]}


def read(config: ClassifierConfig, architecture: Architecture, data: DataOrigin) -> ImageSet:
    """Clusters of one plane as the network takes them: images, or the points around each."""
    images = read_plane_images(config, data, config.plane)
    parameters = config.model_parameters.build_parameters
    at_most = architecture.points_read(parameters)
    if not at_most:
        return images
    clusters = _with_points(images, data, at_most)
    return clusters if "numbers" in architecture.inputs(parameters) else replace(clusters, numbers=None)


def labels(images: ImageSet, architecture: Architecture) -> np.ndarray:
    """The architecture's class of each image, int64 (N,); -1 where it is not known."""
    return extract_labels_for_mt_identification(images.metadata, multiclass=len(architecture.classes) > 2)


def prepare(config: ClassifierConfig, architecture: Architecture, data: DataOrigin) -> Samples[ImageSet]:
    """Clusters of one plane, each once, labelled by the architecture's classes; those that cannot be labelled are cut."""
    images = without_repeated(read(config, architecture, data))
    images = images.keep("with a known label", labels(images, architecture) >= 0)
    return limit(images, labels(images, architecture), config.dataset_parameters)


def _with_points(images: ImageSet[SparseImages], data: DataOrigin, max_points: int) -> ClustersWithPoints:
    """The clusters that have points around them, with these. Raises DataError when the data hold none, or too little of them."""
    points, found = points_around(images, data, PLACE)
    older = np.isnan(points.neighbours).any(axis=1)
    if older.any():
        raise DataError(
            f"{data.name}: {older.sum()} of {len(points)} clouds of points are of an older release, which made none around "
            "clusters without a match and did not record in which cluster a point is; this network needs both: "
            f"{REMEDY}"
        )
    images = images.keep("with points around them", found >= 0)
    found = found[found >= 0]
    clouds = points.clouds.take(found)
    images.cuts.append({"step": clouds.beyond(max_points), "removed": 0, "kept": len(images)})
    images = replace(images, numbers=points.neighbours[found], files=[*images.files, *points.files])
    return ClustersWithPoints(**vars(images), clouds=clouds, max_points=max_points)
