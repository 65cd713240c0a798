"""The main-track identifier: is a cluster the main electron track of its event?"""

from __future__ import annotations

from mt_identifier.schema import SCHEMA
from python.config.schema import RunConfig
from python.config.task_schema import Architecture
from python.data_loader import extract_labels_for_mt_identification
from python.training.classification import Classification
from python.training.preparation import data_folders, limit, load_plane_images
from python.training.task import Samples, Task


def prepare(config: RunConfig, architecture: Architecture, skip_bad_files: bool) -> Samples:
    """Cluster images of one plane, labelled by the architecture's classes; those that cannot be labelled are cut."""
    images = load_plane_images(config, data_folders(config), skip_bad_files)
    labels = extract_labels_for_mt_identification(images.metadata, multiclass=len(architecture.classes) > 2)
    images = images.keep("with a known label", labels >= 0)
    return limit(images, labels[labels >= 0], config.dataset_parameters)


TASK = Task(schema=SCHEMA, prepare=prepare, problem=Classification)
