"""From the data that a configuration names to the samples of a direction network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

import numpy as np

from electron_direction.schema import DirectionConfig, Selection
from python.config.task_schema import Architecture, ImageKind
from python.data.data_origin import DataOrigin, require_points
from python.data.metadata import UNKNOWN
from python.data.old_orientation import to_old_orientation
from python.data.point_clouds import PointClouds
from python.data.point_events import (
    MATCHED,
    Chosen,
    PointEvents,
    TakenOfPoints,
    each_match_once,
    takes_points_alone,
)
from python.data.triples import TripleSet, clouds_around, electron_directions, join_planes, with_points
from python.detector.geometry import PLANES, U, V
from python.general_purpose_libs import DataError
from python.plots.text_lines import cut_table_text
from python.training.preparation import limit, oriented, without_repeated
from python.training.task import Samples, SampleSet

CHANNELS = {"es": 1, "cc": 0}
UNORIENTED = {ImageKind.CLUSTERS: UNKNOWN, ImageKind.VOLUMES: 0}  # what files of older code have as drift_frame
REMEDY = {
    ImageKind.CLUSTERS: "data of older code need dataset_parameters.old_flips (predict.sh: --old-flips), "
    '"none" or "upstream", and match numbers (14 metadata columns or more)',
    ImageKind.VOLUMES: "volumes of older code do not say how they lie; make them again with make_images.sh --volumes",
}
FLIPS = {"drift": None, "old": "upstream", "raw": "none"}  # of older code that images of a frame carry


class MatchedClusters(SampleSet, Protocol):
    """Clusters that are matched on several planes."""

    @property
    def clouds(self) -> PointClouds | None:
        """The points around them, where they were read."""

    def pictures(self, rows: np.ndarray, plane: int) -> np.ndarray:
        """Images of a plane for looking at, (n, ticks, channels) in ADC."""


class Matched(Protocol):
    """Clusters that are to be chosen from."""

    metadata: np.ndarray

    def matched_on(self, plane: int) -> np.ndarray:
        """Which have a cluster of this plane, bool (N,)."""


M = TypeVar("M", bound=MatchedClusters)
Step = tuple[str, Callable[[Matched], np.ndarray]]  # in words, and which are kept


def read(config: DirectionConfig, architecture: Architecture, data: DataOrigin) -> MatchedClusters:
    """Matched clusters as the network takes them, chosen by what is reconstructed alone."""
    steps = _by_reconstruction(config.selection)
    if _takes_points_alone(config, architecture):
        return _points(config, architecture, data, steps)
    return _as_taken(_triples(config, architecture, data, steps), config, architecture, data)


def prepare(config: DirectionConfig, architecture: Architecture, data: DataOrigin) -> Samples[MatchedClusters]:
    """Matched clusters with a known direction, chosen as the configuration says; labelled 1 ES, 0 CC (or not known)."""
    steps = [*_by_reconstruction(config.selection), *_by_truth(config.selection)]
    samples: MatchedClusters
    if _takes_points_alone(config, architecture):
        samples = _limited(_points(config, architecture, data, steps), config)
    else:
        triples = _as_taken(_limited(_triples(config, architecture, data, steps), config), config, architecture, data)
        samples = triples if triples.clouds is not None else _with_points_of_all(triples, data)
    if len(samples) == 0:
        raise DataError(
            f"no sample is left:\n{cut_table_text(samples.cuts)}\nchange selection, or give data that hold such samples"
        )
    return Samples(samples, _channels(samples))


def _limited(samples: M, config: DirectionConfig) -> M:
    samples = without_repeated(samples)
    return limit(samples, _channels(samples), config.dataset_parameters).set


def _takes_points_alone(config: DirectionConfig, architecture: Architecture) -> bool:
    inputs = architecture.inputs(config.model_parameters.build_parameters)
    return takes_points_alone(inputs) and config.dataset_parameters.frame == "drift"


def _channels(samples: SampleSet) -> np.ndarray:
    return (samples.metadata["is_es_interaction"] == 1).astype(np.int64)


# ---------------------------------------------------------------------------- what is kept
def _by_reconstruction(selection: Selection) -> list[Step]:
    steps: list[Step] = []
    least, most = selection.min_energy, selection.max_energy
    if selection.complete_match:
        steps.append(("complete match on U, V and X", lambda found: found.matched_on(U) & found.matched_on(V)))
    if least is not None:
        steps.append(
            (f"reconstructed energy of {least:g} MeV and more", lambda found: found.metadata["cluster_energy"] >= least)
        )
    if most is not None:
        steps.append(
            (f"reconstructed energy up to {most:g} MeV", lambda found: found.metadata["cluster_energy"] <= most)
        )
    return steps


def _by_truth(selection: Selection) -> list[Step]:
    steps: list[Step] = []
    if selection.channel != "mixed":
        wanted = CHANNELS[selection.channel]
        steps.append((f"channel {selection.channel}", lambda found: found.metadata["is_es_interaction"] == wanted))
    if selection.main_track:
        steps.append(("main track", lambda found: found.metadata["is_main_track"] == 1))
    steps.append(("with a known direction", lambda found: np.isfinite(electron_directions(found.metadata)).all(axis=1)))
    return steps


# ---------------------------------------------------------------------------- points
def _points(
    config: DirectionConfig, architecture: Architecture, data: DataOrigin, steps: Sequence[Step]
) -> PointEvents:
    """The clusters by the points around them; images are not read."""
    chosen, parameters = Chosen([MATCHED, *steps]), config.model_parameters.build_parameters
    taken = TakenOfPoints(architecture.inputs(parameters), architecture.points_read(parameters))
    return each_match_once(PointEvents.of(require_points(data, chosen), chosen, taken))


# ---------------------------------------------------------------------------- images
def _triples(config: DirectionConfig, architecture: Architecture, data: DataOrigin, steps: Sequence[Step]) -> TripleSet:
    triples = _joined(config, architecture.images, data)
    for step, kept in steps:
        triples = triples.keep(step, kept(triples))
    return triples


def _as_taken(triples: TripleSet, config: DirectionConfig, architecture: Architecture, data: DataOrigin) -> TripleSet:
    """The samples in the frame of the configuration, with everything that the network takes of them."""
    parameters = config.model_parameters.build_parameters
    inputs = architecture.inputs(parameters)
    if at_most := architecture.points_read(parameters):
        triples = with_points(triples, data, at_most)
    if (flips := FLIPS[config.dataset_parameters.frame]) is not None:
        turned = (
            to_old_orientation(images, triples.metadata, plane, flips) for plane, images in enumerate(triples.images)
        )
        u, v, x = turned
        triples = replace(triples, images=(u, v, x))
    return replace(triples, inputs=inputs, plane=PLANES.index(config.plane))


def _joined(config: DirectionConfig, kind: ImageKind, data: DataOrigin) -> TripleSet:
    shape = config.model_parameters.input_shape
    planes = [oriented(data.images(plane, kind), config).fit_to(shape) for plane in PLANES]
    for name, images in zip(PLANES, planes, strict=True):
        orientation = images.metadata["drift_frame"]
        if np.any(orientation == UNORIENTED[kind]) and not np.any(orientation == 1):
            raise DataError(
                f"no image of plane {name} is known to be in the drift frame, so they tell of no direction: {REMEDY[kind]}"
            )
    triples = join_planes(planes)
    lost = [f"{PLANES[plane]} {_loss_of(planes[plane].cuts)}" for plane in (U, V) if _loss_of(planes[plane].cuts)]
    if lost:  # the table goes on from that of X
        triples.cuts.insert(-1, {"step": "; ".join(lost), "removed": 0, "kept": triples.cuts[0]["kept"]})
    return triples


def _loss_of(cuts: list[dict]) -> str:
    """What fitting the images of a plane to the input's shape says of itself."""
    return next((cut["step"] for cut in cuts if cut["step"].startswith("fit to")), "")


def _with_points_of_all(triples: TripleSet, data: DataOrigin) -> TripleSet:
    """The samples with the points around them where every one has some: networks of images need none, their yardstick does."""
    points = data.points()
    if points is None:
        return triples
    clouds, found = clouds_around(triples, points)
    return replace(triples, clouds=clouds, files=[*triples.files, *points.files]) if found.all() else triples
