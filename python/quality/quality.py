"""Are the images and points of some folders what training takes them for?

A check fails where training would learn something wrong or cannot use the data. It warns of what the user should know, such as
repeated images, which training leaves out, or old files, whose orientation has to be stated. The checks themselves are in
`contents`, `truth`, `energies` and `images`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from python.data.image_set import ImageSet, find_image_files, load_images
from python.data.input_files import Folders
from python.data.point_clouds import PointSet, find_point_files, read_point_file
from python.data.sources import place_of
from python.detector.geometry import PLANES
from python.general_purpose_libs import DataError
from python.quality import contents, energies, images, truth
from python.quality.check import FAIL, OK, SKIPPED, WARN, Check, Labelled, Sample, title_of

__all__ = ["FAIL", "OK", "SKIPPED", "WARN", "Check", "Quality", "check_folders"]

POINTS = "points"
CLUSTER_CHECKS: tuple[Callable[[Sample], Check], ...] = (
    truth.flags,
    truth.main_tracks,
    truth.momentum_size,
    truth.momentum_known,
    energies.energies,
    energies.momentum_against_recorded,
    energies.reconstructed_energy,
    energies.energy_per_primitive,
    energies.calibration,
    truth.vertices,
    truth.face_and_apa,
    truth.orientation,
    images.empty_images,
    images.cropped_charge,
    images.repeated_images,
    images.repeated_clusters,
    images.events_in_files,
    images.merged_event_numbers,
)
VOLUME_CHECKS: tuple[Callable[[Sample], Check], ...] = (
    contents.volumes,
    truth.flags,
    truth.main_tracks,
    truth.momentum_size,
    truth.momentum_known,
    truth.vertices,
    truth.face_and_apa,
    images.empty_images,
    images.repeated_images,
    images.repeated_clusters,
    images.events_in_files,
)
CHECKS_OF = {"clusters": CLUSTER_CHECKS, "volumes": VOLUME_CHECKS}
POINT_CHECKS: tuple[Callable[[Labelled], Check], ...] = (
    truth.flags,
    truth.main_tracks,
    truth.momentum_size,
    truth.momentum_known,
    energies.energies,
    energies.reconstructed_energy,
    energies.energy_per_primitive,
    truth.vertices,
    truth.face_and_apa,
    images.repeated_clusters,
)


@dataclass
class Quality:
    """All results: those of each plane, then those between planes; and the number of images of each, by `Check.plane`."""

    checks: list[Check] = field(default_factory=list)
    images: dict[str, int] = field(default_factory=dict)

    def count(self, status: str) -> int:
        return sum(check.status == status for check in self.checks)

    def of(self, plane: str) -> list[Check]:
        return [check for check in self.checks if check.plane == plane]


def check_folders(
    folders: Sequence[str | os.PathLike],
    planes: Sequence[str] = PLANES,
    progress: Callable[[Sequence[Path], str], Iterable[Path]] = lambda paths, _title: paths,
) -> Quality:
    """Check all images of `planes` in the folders, of clusters and volumes, own files and old ones, and all points.

    Broken files are results too, the rest is checked without them. `progress` takes files and what they hold, as `Check.plane`
    says it, and iterates over the files. Raises DataError when a folder is missing or holds nothing of these.
    """
    quality, samples = Quality(), []
    holding = _holding(folders, planes)
    for kind, checks in CHECKS_OF.items():
        for plane in [plane for plane in planes if holding[title_of(plane, kind)]]:
            title = title_of(plane, kind)
            found, readable = _images(holding[title], plane, kind, lambda paths, title=title: progress(paths, title))
            quality.checks.append(readable)
            quality.images[title] = len(found) if found else 0
            if found:
                sample = Sample.of(plane, found)
                samples += [sample] if kind == "clusters" else []
                quality.checks += [check(sample) for check in checks]
    if holding[POINTS]:
        points, readable = _points(holding[POINTS], lambda paths: progress(paths, POINTS))
        quality.checks.append(readable)
        quality.images[POINTS] = len(points)
        if len(points):
            quality.checks.append(contents.points(points, POINTS))
            quality.checks += [check(Labelled(POINTS, points.metadata, points.sources)) for check in POINT_CHECKS]
    if len(samples) > 1:
        quality.checks += [images.planes_of_sources(samples), *images.matches(samples)]
    return quality


def _holding(folders: Sequence[str | os.PathLike], planes: Sequence[str]) -> dict[str, list[Path]]:
    """Which of the folders hold images of each plane and kind, and points."""
    looked_for = [(plane, kind) for kind in CHECKS_OF for plane in planes]
    found: dict[str, list[Path]] = {title: [] for title in [*(title_of(*each) for each in looked_for), POINTS]}
    for folder in map(Path, folders):
        errors = []
        for plane, kind in looked_for:
            try:
                find_image_files([folder], plane, kind=kind)
                found[title_of(plane, kind)].append(folder)
            except DataError as error:
                errors.append(error)
        points = find_point_files([folder])
        if points or points.problems:
            found[POINTS].append(folder)
        elif len(errors) == len(looked_for):
            raise errors[0]
    return found


def _images(folders: list[Path], plane: str, kind: str, progress: Callable) -> tuple[ImageSet | None, Check]:
    """Read what can be read of one plane, None where that is no image, and say which files cannot."""
    title = title_of(plane, kind)
    try:
        found = load_images(Folders(folders, skip_bad_files=True), plane, kind=kind, every_copy=True, progress=progress)
    except DataError as error:  # not one file can be used
        broken = [line.strip() for line in str(error).splitlines()[1:]]
        return None, _readable(title, broken, len(broken), 0)
    readable = _readable(title, found.bad_files, len(found.bad_files) + len(found.files), len(found))
    return found if len(found) else None, readable


def _points(folders: list[Path], progress: Callable) -> tuple[PointSet, Check]:
    """Read what can be read of the points, and say which files cannot."""
    files, parts = find_point_files(folders), []
    broken = list(files.problems)
    for path in progress(files.paths):
        try:
            parts.append(read_point_file(path, place_of(path, files.folder_of[path])[1]))
        except DataError as error:
            broken.append(str(error))
    found = PointSet.concatenate(parts)
    return found, _readable(POINTS, broken, len(files) + len(files.problems), len(found))


def _readable(title: str, broken: Sequence[str], n_files: int, n_images: int) -> Check:
    finding = f"{n_files} read" if n_images else f"{n_files} read, and nothing is in them"
    if broken:
        finding = "\n".join([f"{len(broken)} of {n_files} cannot be used:", *broken])
    remedy = "make these files again, or remove them"
    status = FAIL if broken else OK if n_images else WARN
    return Check("files", title, status, 0, n_images, finding, remedy, {"files": n_files, "broken": len(broken)})
