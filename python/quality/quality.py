"""Are the images of some folders what training takes them for?

A check fails where training would learn something wrong or cannot use the data. It warns of what the user should know, such as
repeated images, which training leaves out, or old files, whose orientation has to be stated. The checks themselves are in
`truth`, `energies` and `images`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from python.data.image_set import find_image_files, load_images
from python.data.input_files import Folders
from python.detector.geometry import PLANES
from python.general_purpose_libs import DataError
from python.quality import energies, images, truth
from python.quality.check import FAIL, OK, SKIPPED, WARN, Check, Sample

__all__ = ["FAIL", "OK", "SKIPPED", "WARN", "Check", "Quality", "check_folders"]

CHECKS: tuple[Callable[[Sample], Check], ...] = (
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


@dataclass
class Quality:
    """All results: those of each plane, then those between planes, and the number of images of each plane."""

    checks: list[Check] = field(default_factory=list)
    images: dict[str, int] = field(default_factory=dict)

    def count(self, status: str) -> int:
        return sum(check.status == status for check in self.checks)

    def of(self, plane: str) -> list[Check]:
        return [check for check in self.checks if check.plane == plane]


def check_folders(
    folders: Sequence[str | os.PathLike],
    planes: Sequence[str] = PLANES,
    progress: Callable[[Sequence[Path], str], Iterable[Path]] = lambda paths, _plane: paths,
) -> Quality:
    """Check all cluster images of `planes` in the folders, own files and old ones.

    Broken files are results too, the rest is checked without them. `progress` takes the files of a plane and its name and
    iterates over the files. Raises DataError when a folder is missing or holds no image of any of the planes.
    """
    quality, samples = Quality(), []
    for plane, holding in _folders_by_plane(folders, planes).items():
        sample, readable = _read(holding, plane, lambda paths, plane=plane: progress(paths, plane))
        quality.checks.append(readable)
        quality.images[plane] = len(sample.found) if sample else 0
        if sample and len(sample.found):
            samples.append(sample)
            quality.checks += [check(sample) for check in CHECKS]
    if len(samples) > 1:
        quality.checks += [images.planes_of_sources(samples), *images.matches(samples)]
    return quality


def _folders_by_plane(folders: Sequence[str | os.PathLike], planes: Sequence[str]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {plane: [] for plane in planes}
    for folder in map(Path, folders):
        errors = []
        for plane in planes:
            try:
                find_image_files([folder], plane)
                found[plane].append(folder)
            except DataError as error:
                errors.append(error)
        if len(errors) == len(planes):
            raise errors[-1]
    return {plane: holding for plane, holding in found.items() if holding}


def _read(folders: list[Path], plane: str, progress: Callable) -> tuple[Sample | None, Check]:
    """Read what can be read of one plane, and say which files cannot."""
    try:
        found = load_images(Folders(folders, skip_bad_files=True), plane, every_copy=True, progress=progress)
    except DataError as error:  # not one file can be used
        broken = [line.strip() for line in str(error).splitlines()[1:]]
        return None, _readable(plane, broken, len(broken), 0)
    return Sample(plane, found), _readable(plane, found.bad_files, len(found.bad_files) + len(found.files), len(found))


def _readable(plane: str, broken: Sequence[str], n_files: int, n_images: int) -> Check:
    finding = f"{n_files} read" if n_images else f"{n_files} read, and no image is in them"
    if broken:
        finding = "\n".join([f"{len(broken)} of {n_files} cannot be used:", *broken])
    remedy = "make these files again, or remove them"
    status = FAIL if broken else OK if n_images else WARN
    return Check("files", plane, status, 0, n_images, finding, remedy, {"files": n_files, "broken": len(broken)})
