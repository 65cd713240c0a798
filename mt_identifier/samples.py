"""From the data that a configuration names to the clusters of a main-track identifier."""

from __future__ import annotations

import numpy as np

from python.config.classification import ClassifierConfig
from python.config.task_schema import Architecture
from python.data.data_origin import DataOrigin, require_points
from python.data.point_clouds import STORED_COLUMNS
from python.data.point_events import Chosen, PointEvents, TakenOfPoints
from python.data_loader import extract_labels_for_mt_identification
from python.training.preparation import limit, read_plane_images, without_repeated
from python.training.task import PicturedSamples, Samples


def read(config: ClassifierConfig, architecture: Architecture, data: DataOrigin) -> PicturedSamples:
    """Clusters of one plane as the network takes them: images, or the points around each cluster of X, matched or not."""
    parameters = config.model_parameters.build_parameters
    at_most = architecture.points_read(parameters)
    if not at_most:
        return read_plane_images(config, data, config.plane)
    chosen, taken = Chosen([]), TakenOfPoints(architecture.inputs(parameters), at_most, STORED_COLUMNS)
    return PointEvents.of(require_points(data, chosen), chosen, taken)


def labels(clusters: PicturedSamples, architecture: Architecture) -> np.ndarray:
    """The architecture's class of each cluster, int64 (N,); -1 where it is not known."""
    return extract_labels_for_mt_identification(clusters.metadata, multiclass=len(architecture.classes) > 2)


def prepare(config: ClassifierConfig, architecture: Architecture, data: DataOrigin) -> Samples[PicturedSamples]:
    """Clusters of one plane, each once, labelled by the architecture's classes; those that cannot be labelled are cut."""
    clusters = without_repeated(read(config, architecture, data))
    clusters = clusters.keep("with a known label", labels(clusters, architecture) >= 0)
    return limit(clusters, labels(clusters, architecture), config.dataset_parameters)
