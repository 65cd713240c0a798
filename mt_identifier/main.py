"""The main-track identifier: is a cluster the main electron track of its event?"""

from __future__ import annotations

import numpy as np

from mt_identifier.schema import SCHEMA
from python.config.classification import ClassifierConfig
from python.config.task_schema import Architecture
from python.data.data_origin import DataOrigin
from python.data.image_set import ImageSet
from python.data_loader import extract_labels_for_mt_identification
from python.training.classification import Classification
from python.training.preparation import limit, read_plane_images, without_repeated
from python.training.task import Samples, Task


def read(config: ClassifierConfig, _architecture: Architecture, data: DataOrigin) -> ImageSet:
    """Cluster images of one plane."""
    return read_plane_images(config, data, config.plane)


def labels(images: ImageSet, architecture: Architecture) -> np.ndarray:
    """The architecture's class of each image, int64 (N,); -1 where it is not known."""
    return extract_labels_for_mt_identification(images.metadata, multiclass=len(architecture.classes) > 2)


def prepare(config: ClassifierConfig, architecture: Architecture, data: DataOrigin) -> Samples[ImageSet]:
    """Cluster images of one plane, each once, labelled by the architecture's classes; those that cannot be labelled are cut."""
    images = without_repeated(read(config, architecture, data))
    images = images.keep("with a known label", labels(images, architecture) >= 0)
    return limit(images, labels(images, architecture), config.dataset_parameters)


TASK = Task(schema=SCHEMA, read=read, prepare=prepare, problem=Classification, labels=labels)
