"""From the data that a configuration names to the samples of a direction network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from electron_direction.schema import DirectionConfig, Selection
from python.config.task_schema import Architecture
from python.data.geometry import PLANES, U, V
from python.data.image_set import load_images
from python.data.metadata import UNKNOWN
from python.data.orientation import orient_old_images, to_old_orientation
from python.data.splits import repeated_rows
from python.data.triples import TripleSet, electron_directions, find_point_files, join_planes, read_clouds
from python.general_purpose_libs import DataError, with_progress
from python.reporting.report import cut_table_text
from python.training.preparation import data_folders, limit
from python.training.task import Samples

CHANNELS = {"es": 1, "cc": 0}


def prepare(config: DirectionConfig, architecture: Architecture, skip_bad_files: bool) -> Samples:
    """Matched clusters with a known direction, chosen as the configuration says; labelled 1 ES, 0 CC (or not known)."""
    parameters = config.model_parameters.build_parameters
    inputs = architecture.inputs(parameters)
    folders = data_folders(config)
    triples = _joined(config, folders, skip_bad_files)
    triples = _selected(triples, config.selection)
    triples = triples.keep("with a known direction", np.isfinite(electron_directions(triples.metadata)).all(axis=1))
    triples = triples.keep("without repeated images", ~repeated_rows(triples.metadata, triples.image_keys()))
    triples = limit(triples, _channels(triples), config.dataset_parameters).set
    triples = _with_points(triples, folders, inputs, getattr(parameters, "max_points", 0), skip_bad_files)
    if len(triples) == 0:
        raise DataError(
            f"no sample is left:\n{cut_table_text(triples.cuts)}\nchange selection, or give data that hold such samples"
        )
    if config.dataset_parameters.frame == "old":
        triples.images = tuple(
            to_old_orientation(images, triples.metadata, plane) for plane, images in enumerate(triples.images)
        )
    triples.inputs = inputs
    triples.plane = PLANES.index(config.plane)
    return Samples(triples, _channels(triples))


def _channels(triples: TripleSet) -> np.ndarray:
    return (triples.metadata["is_es_interaction"] == 1).astype(np.int64)


def _joined(config: DirectionConfig, folders: tuple[str, ...], skip_bad_files: bool) -> TripleSet:
    parameters = config.dataset_parameters
    planes = []
    for plane in PLANES:
        images = load_images(
            folders,
            plane,
            pattern=parameters.batch_pattern,
            skip_bad_files=skip_bad_files,
            progress=lambda paths, plane=plane: with_progress(paths, f"reading images of plane {plane}", "files"),
        )
        if parameters.old_flips is not None:
            images.images, images.metadata = orient_old_images(images.images, images.metadata, parameters.old_flips)
        planes.append(images.fit_to(config.model_parameters.input_shape))
    for name, images in zip(PLANES, planes, strict=True):
        orientation = images.metadata["drift_frame"]
        if np.any(orientation == UNKNOWN) and not np.any(orientation == 1):
            raise DataError(
                f"no image of plane {name} is known to be in the drift frame, so directions cannot be learnt: data of older "
                'code need dataset_parameters.old_flips, "none" or "upstream", and match numbers (14 metadata columns or more)'
            )
    triples = join_planes(planes)
    lost = [f"{PLANES[plane]} {_loss_of(planes[plane].cuts)}" for plane in (U, V) if _loss_of(planes[plane].cuts)]
    if lost:  # the table goes on from that of X
        triples.cuts.insert(-1, {"step": "; ".join(lost), "removed": 0, "kept": triples.cuts[0]["kept"]})
    return triples


def _loss_of(cuts: list[dict]) -> str:
    """What fitting the images of a plane to the input's shape says of itself."""
    return next((cut["step"] for cut in cuts if cut["step"].startswith("fit to")), "")


def _selected(triples: TripleSet, selection: Selection) -> TripleSet:
    if selection.complete_match:
        counts = [triples.images[plane].counts for plane in (U, V)]
        triples = triples.keep("complete match on U, V and X", (counts[0] > 0) & (counts[1] > 0))
    if selection.channel != "mixed":
        wanted = triples.metadata["is_es_interaction"] == CHANNELS[selection.channel]
        triples = triples.keep(f"channel {selection.channel}", wanted)
    if selection.main_track:
        triples = triples.keep("main track", triples.metadata["is_main_track"] == 1)
    energy = triples.metadata["cluster_energy"]
    if selection.min_energy is not None:
        triples = triples.keep(
            f"reconstructed energy of {selection.min_energy:g} MeV and more", energy >= selection.min_energy
        )
        energy = triples.metadata["cluster_energy"]
    if selection.max_energy is not None:
        triples = triples.keep(
            f"reconstructed energy up to {selection.max_energy:g} MeV", energy <= selection.max_energy
        )
    return triples


def _with_points(
    triples: TripleSet, folders: tuple[str, ...], inputs: tuple[str, ...], max_points: int, skip_bad_files: bool
) -> TripleSet:
    """The samples with the points around them, where there are any: networks of images need none, their yardstick does."""
    paths = find_point_files(folders)
    if not paths and "points" not in inputs:
        return triples
    clouds, found = read_clouds(triples, paths, folders, skip_bad_files)
    if "points" in inputs or found.all():
        triples = triples.keep("with points around them", found)
        files = [{"file": str(path), "bytes": path.stat().st_size} for path in paths]
        triples = replace(triples, clouds=clouds, max_points=max_points, files=[*triples.files, *files])
    if "points" in inputs:
        longer = int(np.sum(clouds.counts > max_points))
        charge = clouds.column("integral")
        place = np.arange(len(charge)) - np.repeat(clouds.indptr[:-1], clouds.counts)
        lost = 100 * charge[place >= max_points].sum() / max(charge.sum(), 1e-300)
        step = f"at most {max_points} points: {longer} samples have more, {lost:.2f} % of all charge lost"
        triples.cuts.append({"step": step, "removed": 0, "kept": len(triples)})
    return triples
