"""From the data that a configuration names to the volumes, the images of clusters, or the points, of a channel tagger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

import numpy as np

from channel_tagging.network_parameters import CLASSES
from channel_tagging.schema import TaggingConfig
from channel_tagging.volume_numbers import volume_numbers
from python.config.task_schema import Architecture, ImageKind
from python.data.data_origin import DataFolders, DataOrigin, Located, require_points
from python.data.image_set import ImageSet, join_image_sets, random_rows
from python.data.metadata import UNKNOWN, event_numbers
from python.data.overlaps import shortened
from python.data.point_clouds import PointSet
from python.data.point_events import (
    MATCHED,
    Chosen,
    PointEvents,
    TakenOfPoints,
    each_match_once,
    takes_points_alone,
)
from python.data.triples import TripleSet, join_planes, with_points
from python.detector.geometry import PLANES
from python.general_purpose_libs import DataError
from python.plots.text_lines import cut_table_text
from python.training.preparation import limit, read_plane_images, without_repeated
from python.training.task import PicturedSamples, S, Samples, SampleSet

MAIN_TRACK = ("main track", lambda found: found.metadata["is_main_track"] == 1)
CC, ES = (CLASSES.index(name) for name in ("cc", "es"))


def read(config: TaggingConfig, architecture: Architecture, data: DataOrigin) -> PicturedSamples:
    """Volumes, images of clusters, or matched clusters by the points around them, as the network takes them.

    Their channel may be known or not.
    """
    if _takes_points_alone(config, architecture):
        chosen = Chosen([MATCHED])
        return _events(require_points(data, chosen), chosen, config, architecture)
    planes = [read_plane_images(config, data, plane, architecture.images) for plane in _planes(config, architecture)]
    return _as_taken(_joined(planes), config, architecture, data)


def prepare(config: TaggingConfig, architecture: Architecture, data: DataFolders) -> Samples[PicturedSamples]:
    """Volumes of one plane or three, or main tracks by their images or points, each once, labelled 0 CC and 1 ES.

    Those of unknown channel are cut.
    """
    folders = {ES: config.es_directories, CC: config.cc_directories}
    of_channel = {channel: data.only(named) for channel, named in folders.items() if named}
    taken: PicturedSamples
    if _takes_points_alone(config, architecture):
        taken = _limited(_main_tracks(config, architecture, data, of_channel), config)
    else:
        planes = [
            _of_both(config, architecture, plane, of_channel)
            if of_channel
            else read_plane_images(config, data, plane, architecture.images)
            for plane in _planes(config, architecture)
        ]
        taken = _as_taken(_limited(_chosen(_joined(planes), config, architecture), config), config, architecture, data)
    return Samples(taken, channels(taken))


def channels(samples: SampleSet) -> np.ndarray:
    """The class of each sample, int64 (N,)."""
    return np.where(samples.metadata["is_es_interaction"] == 1, ES, CC)


def _limited(samples: S, config: TaggingConfig) -> S:
    """Those of a known channel, each once, and no more than the configuration wants."""
    samples = without_repeated(samples)
    samples = samples.keep("with a known channel", samples.metadata["is_es_interaction"] != UNKNOWN)
    if len(samples) == 0:
        raise DataError(
            f"no sample is left:\n{cut_table_text(samples.cuts)}\ngive data of which the channel is known, or name their "
            "folders in es_directories and cc_directories"
        )
    samples = _limit_classes(samples, config)
    return limit(samples, channels(samples), config.dataset_parameters).set


# ---------------------------------------------------------------------------- points
def _takes_points_alone(config: TaggingConfig, architecture: Architecture) -> bool:
    return takes_points_alone(architecture.inputs(config.model_parameters.build_parameters))


def _events(points: PointSet, chosen: Chosen, config: TaggingConfig, architecture: Architecture) -> PointEvents:
    parameters = config.model_parameters.build_parameters
    taken = TakenOfPoints(architecture.inputs(parameters), architecture.points_read(parameters))
    return each_match_once(PointEvents.of(points, chosen, taken))


def _main_tracks(
    config: TaggingConfig, architecture: Architecture, data: DataFolders, of_channel: Mapping[int, DataFolders]
) -> PointEvents:
    """The matched clusters that are chosen of data, or of the folders of each channel where there are such."""
    chosen = Chosen([MATCHED, *([MAIN_TRACK] if config.selection.main_track else [])])
    if not of_channel:
        return _events(require_points(data, chosen), chosen, config, architecture)

    def labelled(channel: int, points: PointSet) -> PointSet:
        _tell_channel(points, channel)
        return chosen(points)

    parts = {channel: require_points(folders, partial(labelled, channel)) for channel, folders in of_channel.items()}
    points = PointSet.concatenate([replace(part, files=_of_channel(part, channel)) for channel, part in parts.items()])
    _check_apart(points, np.repeat([0, 1], [len(part) for part in parts.values()]))
    return _events(points, chosen, config, architecture)


# ---------------------------------------------------------------------------- images
def _planes(config: TaggingConfig, architecture: Architecture) -> Sequence[str]:
    """The planes whose images are needed."""
    inputs = architecture.inputs(config.model_parameters.build_parameters)
    return (config.plane,) if "image" in inputs else PLANES


def _of_both(
    config: TaggingConfig, architecture: Architecture, plane: str, data_of: Mapping[int, DataFolders]
) -> ImageSet:
    """The images of one plane from the folders of each channel."""
    parts = {channel: read_plane_images(config, data, plane, architecture.images) for channel, data in data_of.items()}
    for channel, part in parts.items():
        _tell_channel(part, channel)
        part.files = _of_channel(part, channel)
    joined = join_image_sets(list(parts.values()))
    _check_apart(joined, np.repeat([0, 1], [len(part) for part in parts.values()]))
    return joined


def _chosen(images: ImageSet | TripleSet, config: TaggingConfig, architecture: Architecture) -> ImageSet | TripleSet:
    """The clusters to learn from; of volumes there is one an event."""
    if architecture.images == ImageKind.VOLUMES or not config.selection.main_track:
        return images
    step, kept = MAIN_TRACK
    return images.keep(step, kept(images))


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


# ---------------------------------------------------------------------------- folders of each channel
class _OfFolders(Located, Protocol):
    """Samples, and the files that they are from."""

    files: list[dict]


def _of_channel(part: _OfFolders, channel: int) -> list[dict]:
    return [{**file, "channel": CLASSES[channel]} for file in part.files]


def _tell_channel(part: Located, channel: int) -> None:
    """Label what is from the folders of a channel. Raises DataError when it says of itself that it is of the other."""
    told = part.metadata["is_es_interaction"]
    own = part.metadata["drift_frame"] == 1  # older code called some CC volumes ES: there the folder is right
    wrong = np.flatnonzero(own & (told != UNKNOWN) & (told != int(channel == ES)))
    if len(wrong):
        name = CLASSES[channel]
        source = part.sources[part.metadata["source"][wrong[0]]].name
        raise DataError(
            f"{name}_directories: {len(wrong)} of {len(part)} samples are of the other channel, the first from {source}; "
            "sort the folders, or name them all in data_directories"
        )
    part.metadata["is_es_interaction"] = int(channel == ES)


def _check_apart(joined: Located, part: np.ndarray) -> None:
    """Raise DataError when the folders of both channels hold the same event."""
    event = event_numbers(joined.metadata)
    both = (part == 1) & np.isin(event, event[part == 0])
    if both.any():
        names = [joined.sources[number].name for number in np.unique(joined.metadata["source"][both])]
        raise DataError(
            f"es_directories and cc_directories both hold {both.sum()} samples of the same events "
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
