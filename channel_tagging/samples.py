"""From the data that a configuration names to the volumes of a channel tagger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from channel_tagging.network_parameters import CLASSES
from channel_tagging.schema import TaggingConfig
from channel_tagging.volume_numbers import volume_numbers
from python.config.task_schema import Architecture
from python.data.data_origin import DataFolders, DataOrigin
from python.data.image_set import ImageSet, join_image_sets, random_rows
from python.data.metadata import UNKNOWN, event_numbers
from python.data.overlaps import shortened
from python.data.triples import TripleSet, join_planes, with_points
from python.detector.geometry import PLANES
from python.general_purpose_libs import DataError
from python.plots.text_lines import cut_table_text
from python.training.preparation import limit, read_plane_images, without_repeated
from python.training.task import PicturedSamples, S, Samples, SampleSet

CC, ES = (CLASSES.index(name) for name in ("cc", "es"))


def read(config: TaggingConfig, architecture: Architecture, data: DataOrigin) -> PicturedSamples:
    """Volumes as the network takes them, whether their channel is known or not."""
    planes = [read_plane_images(config, data, plane, "volumes") for plane in _planes(config, architecture)]
    return _as_taken(_joined(planes), config, architecture, data)


def prepare(config: TaggingConfig, architecture: Architecture, data: DataFolders) -> Samples[PicturedSamples]:
    """Volumes of one plane or three, each once, labelled 0 CC and 1 ES; those whose channel is not known are cut."""
    if config.es_directories and config.cc_directories:
        of_channel = {ES: data.only(config.es_directories), CC: data.only(config.cc_directories)}
        planes = [_of_both(config, plane, of_channel) for plane in _planes(config, architecture)]
    else:
        planes = [read_plane_images(config, data, plane, "volumes") for plane in _planes(config, architecture)]
    volumes = without_repeated(_joined(planes))
    volumes = volumes.keep("with a known channel", volumes.metadata["is_es_interaction"] != UNKNOWN)
    if len(volumes) == 0:
        raise DataError(
            f"no volume is left:\n{cut_table_text(volumes.cuts)}\ngive volumes of which the channel is known, or name their "
            "folders in es_directories and cc_directories"
        )
    volumes = _limit_classes(volumes, config)
    volumes = limit(volumes, channels(volumes), config.dataset_parameters).set
    taken = _as_taken(volumes, config, architecture, data)
    return Samples(taken, channels(taken))


def channels(volumes: SampleSet) -> np.ndarray:
    """The class of each volume, int64 (N,)."""
    return np.where(volumes.metadata["is_es_interaction"] == 1, ES, CC)


def _planes(config: TaggingConfig, architecture: Architecture) -> Sequence[str]:
    """The planes whose volumes are needed."""
    inputs = architecture.inputs(config.model_parameters.build_parameters)
    return (config.plane,) if "image" in inputs else PLANES


def _of_both(config: TaggingConfig, plane: str, data_of: Mapping[int, DataFolders]) -> ImageSet:
    """The volumes of one plane from the folders of each channel."""
    parts = {channel: read_plane_images(config, data, plane, "volumes") for channel, data in data_of.items()}
    for channel, part in parts.items():
        _check_channel(part, channel)
        part.metadata["is_es_interaction"] = int(channel == ES)
        part.files = [{**file, "channel": CLASSES[channel]} for file in part.files]
    joined = join_image_sets(list(parts.values()))
    _check_apart(joined, np.repeat([0, 1], [len(part) for part in parts.values()]))
    return joined


def _joined(planes: Sequence[ImageSet]) -> ImageSet | TripleSet:
    """The only plane as it is, or the three planes of matched clusters together."""
    if len(planes) == 1:
        return planes[0]
    volumes = join_planes(planes)
    if len(volumes) == 0:
        raise DataError(
            f"no volume is matched on three planes in the drift frame:\n{cut_table_text(volumes.cuts)}\nvolumes of older code "
            "never are; make them again with make_images.sh --volumes, or take a network on one plane"
        )
    return volumes


def _as_taken(
    volumes: ImageSet | TripleSet, config: TaggingConfig, architecture: Architecture, data: DataOrigin
) -> ImageSet | TripleSet:
    """The volumes with everything else that the network takes."""
    parameters = config.model_parameters.build_parameters
    inputs = architecture.inputs(parameters)
    if isinstance(volumes, TripleSet):
        if at_most := architecture.points_read(parameters):
            volumes = with_points(volumes, data, at_most)
        volumes = replace(volumes, inputs=inputs)
    if "numbers" not in inputs:
        return volumes
    return replace(volumes, numbers=volume_numbers(volumes.of_plane()).astype(np.float32))


def _check_channel(part: ImageSet, channel: int) -> None:
    """Raise DataError when volumes of one channel's folders say of themselves that they are of the other."""
    told = part.metadata["is_es_interaction"]
    own = part.metadata["drift_frame"] == 1  # older code called some CC volumes ES: there the folder is right
    wrong = np.flatnonzero(own & (told != UNKNOWN) & (told != int(channel == ES)))
    if len(wrong):
        name = CLASSES[channel]
        source = part.sources[part.metadata["source"][wrong[0]]].name
        raise DataError(
            f"{name}_directories: {len(wrong)} of {len(part)} volumes are of the other channel, the first from {source}; "
            "sort the folders, or name them all in data_directories"
        )


def _check_apart(joined: ImageSet, part: np.ndarray) -> None:
    """Raise DataError when the folders of both channels hold the same event."""
    event = event_numbers(joined.metadata)
    both = (part == 1) & np.isin(event, event[part == 0])
    if both.any():
        names = [joined.sources[number].name for number in np.unique(joined.metadata["source"][both])]
        raise DataError(
            f"es_directories and cc_directories both hold {both.sum()} volumes of the same events "
            f"({', '.join(shortened(names))}); sort the folders, each event belongs to one channel"
        )


def _limit_classes(volumes: S, config: TaggingConfig) -> S:
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
