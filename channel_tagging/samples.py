"""From the data that a configuration names to the volumes of a channel tagger."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from channel_tagging.image_parameters import CLASSES
from channel_tagging.schema import TaggingConfig
from python.config.task_schema import Architecture
from python.data.image_set import ImageSet, join_image_sets, random_rows
from python.data.metadata import UNKNOWN
from python.general_purpose_libs import DataError
from python.reporting.report import cut_table_text
from python.training.preparation import data_folders, limit, load_plane_images
from python.training.task import Samples

CC, ES = (CLASSES.index(name) for name in ("cc", "es"))


def prepare(config: TaggingConfig, _architecture: Architecture, skip_bad_files: bool) -> Samples:
    """Volumes of one plane, labelled 0 CC and 1 ES; those whose channel is not known are cut."""
    if config.es_directories and config.cc_directories:
        parts = {
            channel: _load(config, folders, skip_bad_files)
            for channel, folders in ((ES, config.es_directories), (CC, config.cc_directories))
        }
        for channel, part in parts.items():
            _check_channel(part, channel)
            part.metadata["is_es_interaction"] = int(channel == ES)
        volumes = join_image_sets(list(parts.values()))
    else:
        volumes = _load(config, data_folders(config), skip_bad_files)
    volumes = volumes.keep("with a known channel", volumes.metadata["is_es_interaction"] != UNKNOWN)
    if len(volumes) == 0:
        raise DataError(
            f"no volume is left:\n{cut_table_text(volumes.cuts)}\ngive volumes of which the channel is known, or name their "
            "folders in es_directories and cc_directories"
        )
    volumes = _limit_classes(volumes, config)
    return limit(volumes, channels(volumes), config.dataset_parameters)


def channels(volumes: ImageSet) -> np.ndarray:
    """The class of each volume, int64 (N,)."""
    return np.where(volumes.metadata["is_es_interaction"] == 1, ES, CC)


def _load(config: TaggingConfig, folders: Sequence[str], skip_bad_files: bool) -> ImageSet:
    return load_plane_images(config, folders, skip_bad_files, kind="volumes")


def _check_channel(part: ImageSet, channel: int) -> None:
    """Raise DataError when volumes of one channel's folders say of themselves that they are of the other."""
    told = part.metadata["is_es_interaction"]
    own = part.metadata["drift_frame"] == 1  # older code called some CC volumes ES: there the folder is right
    wrong = np.flatnonzero(own & (told != UNKNOWN) & (told != int(channel == ES)))
    if len(wrong):
        name = CLASSES[channel]
        source = part.sources[part.metadata["source"][wrong[0]]]
        raise DataError(
            f"{name}_directories: {len(wrong)} of {len(part)} volumes are of the other channel, the first from {source}; "
            "sort the folders, or name them all in data_directories"
        )


def _limit_classes(volumes: ImageSet, config: TaggingConfig) -> ImageSet:
    parameters = config.dataset_parameters
    at_most = parameters.max_samples_per_class
    if at_most is None:
        return volumes
    labels = channels(volumes)
    rows = []
    for channel in range(len(CLASSES)):
        mine = np.flatnonzero(labels == channel)
        rows.append(mine[random_rows(len(mine), at_most, parameters.random_seed)])
    return volumes.keep(f"at most {at_most} of each class (max_samples_per_class)", np.sort(np.concatenate(rows)))
