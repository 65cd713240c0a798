"""From the data that a configuration names to the samples of a direction network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from electron_direction.schema import DirectionConfig, Selection
from python.config.task_schema import Architecture
from python.data.data_origin import DataOrigin
from python.data.metadata import UNKNOWN
from python.data.old_orientation import to_old_orientation
from python.data.triples import TripleSet, clouds_around, electron_directions, join_planes, with_points
from python.detector.geometry import PLANES, U, V
from python.general_purpose_libs import DataError
from python.plots.text_lines import cut_table_text
from python.training.preparation import limit, oriented, without_repeated
from python.training.task import Samples

CHANNELS = {"es": 1, "cc": 0}


def read(config: DirectionConfig, architecture: Architecture, data: DataOrigin) -> TripleSet:
    """Matched clusters as the network takes them, chosen by what is reconstructed alone."""
    return _as_taken(_matched(config, data), config, architecture, data)


def prepare(config: DirectionConfig, architecture: Architecture, data: DataOrigin) -> Samples[TripleSet]:
    """Matched clusters with a known direction, chosen as the configuration says; labelled 1 ES, 0 CC (or not known)."""
    triples = _selected_by_truth(_matched(config, data), config.selection)
    triples = triples.keep("with a known direction", np.isfinite(electron_directions(triples.metadata)).all(axis=1))
    triples = without_repeated(triples)
    triples = limit(triples, _channels(triples), config.dataset_parameters).set
    triples = _as_taken(triples, config, architecture, data)
    if len(triples) == 0:
        raise DataError(
            f"no sample is left:\n{cut_table_text(triples.cuts)}\nchange selection, or give data that hold such samples"
        )
    if triples.clouds is None:
        triples = _with_points_of_all(triples, data)
    return Samples(triples, _channels(triples))


def _matched(config: DirectionConfig, data: DataOrigin) -> TripleSet:
    return _selected_by_reconstruction(_joined(config, data), config.selection)


def _as_taken(triples: TripleSet, config: DirectionConfig, architecture: Architecture, data: DataOrigin) -> TripleSet:
    """The samples in the frame of the configuration, with everything that the network takes of them."""
    parameters = config.model_parameters.build_parameters
    inputs = architecture.inputs(parameters)
    if at_most := architecture.points_read(parameters):
        triples = with_points(triples, data, at_most)
    if config.dataset_parameters.frame == "old":
        u, v, x = (to_old_orientation(images, triples.metadata, plane) for plane, images in enumerate(triples.images))
        triples = replace(triples, images=(u, v, x))
    return replace(triples, inputs=inputs, plane=PLANES.index(config.plane))


def _channels(triples: TripleSet) -> np.ndarray:
    return (triples.metadata["is_es_interaction"] == 1).astype(np.int64)


def _joined(config: DirectionConfig, data: DataOrigin) -> TripleSet:
    shape = config.model_parameters.input_shape
    planes = [oriented(data.images(plane), config).fit_to(shape) for plane in PLANES]
    for name, images in zip(PLANES, planes, strict=True):
        orientation = images.metadata["drift_frame"]
        if np.any(orientation == UNKNOWN) and not np.any(orientation == 1):
            raise DataError(
                f"no image of plane {name} is known to be in the drift frame, so they tell of no direction: data of older "
                'code need dataset_parameters.old_flips (predict.sh: --old-flips), "none" or "upstream", and match numbers (14 '
                "metadata columns or more)"
            )
    triples = join_planes(planes)
    lost = [f"{PLANES[plane]} {_loss_of(planes[plane].cuts)}" for plane in (U, V) if _loss_of(planes[plane].cuts)]
    if lost:  # the table goes on from that of X
        triples.cuts.insert(-1, {"step": "; ".join(lost), "removed": 0, "kept": triples.cuts[0]["kept"]})
    return triples


def _loss_of(cuts: list[dict]) -> str:
    """What fitting the images of a plane to the input's shape says of itself."""
    return next((cut["step"] for cut in cuts if cut["step"].startswith("fit to")), "")


def _selected_by_reconstruction(triples: TripleSet, selection: Selection) -> TripleSet:
    if selection.complete_match:
        counts = [triples.images[plane].counts for plane in (U, V)]
        triples = triples.keep("complete match on U, V and X", (counts[0] > 0) & (counts[1] > 0))
    if selection.min_energy is not None:
        enough = triples.metadata["cluster_energy"] >= selection.min_energy
        triples = triples.keep(f"reconstructed energy of {selection.min_energy:g} MeV and more", enough)
    if selection.max_energy is not None:
        low_enough = triples.metadata["cluster_energy"] <= selection.max_energy
        triples = triples.keep(f"reconstructed energy up to {selection.max_energy:g} MeV", low_enough)
    return triples


def _selected_by_truth(triples: TripleSet, selection: Selection) -> TripleSet:
    if selection.channel != "mixed":
        wanted = triples.metadata["is_es_interaction"] == CHANNELS[selection.channel]
        triples = triples.keep(f"channel {selection.channel}", wanted)
    if selection.main_track:
        triples = triples.keep("main track", triples.metadata["is_main_track"] == 1)
    return triples


def _with_points_of_all(triples: TripleSet, data: DataOrigin) -> TripleSet:
    """The samples with the points around them where every one has some: networks of images need none, their yardstick does."""
    points = data.points()
    if points is None:
        return triples
    clouds, found = clouds_around(triples, points)
    return replace(triples, clouds=clouds, files=[*triples.files, *points.files]) if found.all() else triples
