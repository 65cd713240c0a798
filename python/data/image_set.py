"""From folders of image files to one set of images in memory, with an account of everything left out on the way."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic, Self, TypeVar

import numpy as np

from python.data.blips import boxes_of
from python.data.image_file import ImageFile, parse_image_file
from python.data.input_files import Folders, InputFiles, find_files, refuse_or_skip
from python.data.inventory import file_facts
from python.data.merged_planes import PATTERN as MERGED_PLANES
from python.data.merged_planes import read_merged_file
from python.data.npz import read_npz
from python.data.old_images import parse_old_images
from python.data.old_volumes import holds_old_volumes, read_old_volume_file
from python.data.overlaps import without_repeated_sources
from python.data.restricted_pickle import member_types
from python.data.sources import Source, place_of, source_by_place, with_common_sources
from python.data.sparse_images import ImageStore, NetworkInputs
from python.data.streamed_images import StreamedImages
from python.detector.geometry import PLANES
from python.general_purpose_libs import DataError

# How files of images are named: one a source file, or numbered batches, or with all planes in one. Volumes of own files have a
# mark besides, those of older code are told by what they hold.
PATTERNS = ("*_plane{plane}.npz", "*_plane{plane}_batch*.npz", MERGED_PLANES)
VOLUME_MARK = "_volume_"
Images = TypeVar("Images", bound=ImageStore)


@dataclass
class ImageSet(Generic[Images]):
    """Images (N) of clusters or of volumes with their metadata, structured (N,); `metadata["source"]` indexes `sources`.

    Rows are ticks and columns channels of clusters (H, W); volumes have channels in rows and ticks in columns.
    `numbers` float32 (N, K), where there are any, are what a network takes beside each image. `cuts` lists what each step
    removed: {"step", "removed", "kept"}. `files` names what was read, `bad_files` what was not.
    """

    images: Images
    metadata: np.ndarray
    sources: list[Source]
    cuts: list[dict] = field(default_factory=list)
    files: list[dict] = field(default_factory=list)
    bad_files: list[str] = field(default_factory=list)
    kind: str = "clusters"
    numbers: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.metadata)

    def keep(self, step: str, rows: np.ndarray) -> Self:
        """Return the set reduced to `rows` (mask or row numbers), with `step` added to the table of cuts."""
        rows = np.flatnonzero(rows) if np.asarray(rows).dtype == bool else np.asarray(rows)
        cut = {"step": step, "removed": len(self) - len(rows), "kept": len(rows)}
        images = self.images if len(rows) == len(self) else self.images.take(rows)
        numbers = None if self.numbers is None else self.numbers[rows]
        return replace(self, images=images, metadata=self.metadata[rows], numbers=numbers, cuts=[*self.cuts, cut])

    def network_inputs(self, rows: np.ndarray) -> NetworkInputs:
        """Return the images `rows` as a network takes them, (n, H, W, 1) raw ADC; with `numbers` both, by name."""
        images = self.images.dense(rows)[..., None]
        return images if self.numbers is None else {"image": images, "numbers": self.numbers[rows]}

    def of_plane(self) -> ImageSet[Images]:
        """The set itself; of matched planes, the images of one."""
        return self

    def pictures(self, rows: np.ndarray) -> np.ndarray:
        """Return the images `rows` for drawing, (n, ticks, channels) in ADC, of clusters and volumes alike."""
        images = self.images.dense(rows)
        return images.transpose(0, 2, 1) if self.kind == "volumes" else images

    def outlines(self, rows: np.ndarray) -> list[np.ndarray] | None:
        """Return the boxes of the clusters in the pictures of the volumes `rows`, see `boxes_of`; None for single clusters."""
        return boxes_of(self.images.read(rows)) if self.kind == "volumes" else None

    def image_keys(self) -> np.ndarray:
        """Return an integer (N,) for each image, equal exactly where two images have the same pixels."""
        return self.images.keys()

    def fit_to(self, shape: Sequence[int]) -> ImageSet[Images]:
        """Return the set with every image cropped or padded to `shape`; the table of cuts says what that lost."""
        shape = (int(shape[0]), int(shape[1]))
        if shape == self.images.shape:
            return self
        sums = self.images.sums()
        images, lost = self.images.fit_to(shape)
        metadata = self.metadata.copy()
        before = np.nan_to_num(metadata["lost_charge"])
        metadata["lost_charge"] = before + (1 - before) * lost
        cropped = int(np.sum(lost > 0))
        share = 100 * np.sum(lost * sums) / max(sums.sum(), 1e-300)
        step = f"fit to {shape[0]} x {shape[1]}: {cropped} images cropped, {share:.2f} % of all charge lost"
        cut = {"step": step, "removed": 0, "kept": len(self)}
        return replace(self, images=images, metadata=metadata, cuts=[*self.cuts, cut])


def random_rows(n: int, at_most: int | None, seed: int) -> np.ndarray:
    """Row numbers, ascending, of `at_most` of `n` images chosen at random; all of them where that is no fewer, or None."""
    if at_most is None or at_most >= n:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, at_most, replace=False))


def find_image_files(
    directories: Sequence[str | os.PathLike], plane: str, pattern: str | None = None, kind: str = "clusters"
) -> InputFiles:
    """Return the files with images of `plane`, of "clusters" or "volumes", in `directories` and below.

    `pattern` is a file-name pattern in which `{plane}` stands for the plane; None finds all that are named as usual.
    Raises DataError, naming all, when folders are missing, are no folders or have no such file.
    """
    patterns = [text.replace("{plane}", plane) for text in ([pattern] if pattern else PATTERNS)]
    named = find_files(directories, lambda path: any(path.match(text.removeprefix("**/")) for text in patterns))
    found = named if pattern else named.only(lambda path: _holds_volumes(path) == (kind == "volumes"))
    if found.empty:
        other = {folder: path for path, folder in named.folder_of.items()}
        what, option = ("image file", "") if kind == "clusters" else ("file with volumes", " --volumes")
        lines = [
            f"{folder}: no {what} of plane {plane} ({' or '.join(patterns)}"
            f"{f'; {other[folder]} holds the other kind' if folder in other else ''}); "
            f"make some with make_images.sh{option} or simulate.sh{option}, or check the folder and batch_pattern"
            for folder in found.empty
        ]
        raise DataError("\n  ".join([*lines, *found.problems]))
    return found


def _holds_volumes(path: Path) -> bool:
    """Whether a file holds volumes by its name, or is one of older code, whose images are pickled too."""
    try:
        return VOLUME_MARK in path.name or (holds_old_volumes(path) and member_types(path)["images"].hasobject)
    except DataError:
        return False


def read_image_file(path: Path, plane: str, place: tuple[str, str] | None = None, kind: str = "clusters") -> ImageFile:
    """Read one file of "clusters" or "volumes", own or old. Raises DataError that names it and what is wrong with it.

    `place`, see `place_of`, names and identifies its source where the file does not.
    """
    by_place = source_by_place(*place) if place else source_by_place(path.stem, str(path))
    if kind == "volumes" and holds_old_volumes(path):
        return read_old_volume_file(path, plane, by_place)
    if kind == "clusters" and path.match(MERGED_PLANES):
        return read_merged_file(path, plane, by_place)
    arrays = read_npz(path)
    if "format_version" in arrays:
        content = parse_image_file(arrays, path, place[1] if place else None)
        if content.plane != plane:
            raise DataError(f"{path}: holds plane {content.plane}, plane {plane} was asked for")
        if content.kind != kind:
            raise DataError(f"{path}: holds {content.kind}, images of {kind} were asked for; check batch_pattern")
        return content
    return parse_old_images(arrays, path, plane, by_place)


def load_images(
    data: Folders,
    plane: str,
    *,
    kind: str = "clusters",
    every_copy: bool = False,
    progress: Callable[[Sequence[Path]], Iterable[Path]] = lambda paths: paths,
) -> ImageSet:
    """Read all files with images of `plane`, of "clusters" or "volumes", into one sparse set.

    Where they are `streamed` every file is read once and checked, but its images stay on disk; only the project's own files
    allow that. A source that several files hold, since it was converted twice, is read from the first of them, and a warning and
    the table of cuts say so; `every_copy` keeps all. Raises one DataError that names every broken file, unless they are skipped.
    """
    if plane not in PLANES:
        raise ValueError(f"plane must be one of {PLANES}. Received: {plane!r}")
    origin = find_image_files(data.folders, plane, data.pattern, kind)
    origin.tell_of_repeated()
    contents: dict[Path, ImageSet[ImageStore]] = {}
    problems = list(origin.problems)
    for path in progress(origin.paths):
        try:
            content = read_image_file(path, plane, place_of(path, origin.folder_of[path], plane), kind)
            images: ImageStore = StreamedImages.of_file(path, content.images) if data.streamed else content.images
            contents[path] = ImageSet(images, content.metadata, content.sources)
        except DataError as error:
            problems.append(str(error))
    problems += _drop_odd_sizes(contents)
    refuse_or_skip(problems, f"{len(origin) + len(origin.problems)} image files", data.skip_bad_files)
    if not contents:
        raise DataError(f"none of the {len(origin)} image files can be used:\n  " + "\n  ".join(problems))
    found = replace(_join(contents, problems), kind=kind)
    if every_copy:
        return found
    kept, step = without_repeated_sources(found.metadata, found.sources, found.files)
    return found.keep(step, kept) if step else found


def _drop_odd_sizes(contents: dict[Path, ImageSet[ImageStore]]) -> list[str]:
    """Remove files whose images differ in size from those of most files, and say so."""
    sizes = Counter(content.images.shape for content in contents.values())
    if len(sizes) <= 1:
        return []
    usual = sizes.most_common(1)[0][0]
    odd = [path for path, content in contents.items() if content.images.shape != usual]
    return [f"{path}: images of {_by(contents.pop(path).images.shape)}, most files have {_by(usual)}" for path in odd]


def _by(shape: tuple[int, int]) -> str:
    return f"{shape[0]} x {shape[1]}"


def join_image_sets(parts: Sequence[ImageSet[Images]]) -> ImageSet[Images]:
    """Return the images of all `parts`, of one kind and shape, as one set; sources of one identity are one."""
    sources, tables = with_common_sources([(part.sources, part.metadata) for part in parts])
    return ImageSet(
        _concatenated([part.images for part in parts]),
        np.concatenate(tables),
        sources,
        _added([part.cuts for part in parts]),
        [file for part in parts for file in part.files],
        [problem for part in parts for problem in part.bad_files],
        parts[0].kind,
    )


def _concatenated(images: Sequence[Images]) -> Images:
    return type(images[0]).concatenate(images)


def _added(cuts_of_parts: Sequence[list[dict]]) -> list[dict]:
    """The tables of cuts of several parts as one; each goes on from the others' last line, and its first line adds to all."""
    cuts, before = [], 0
    for cuts_of_part in cuts_of_parts:
        added = {"added": cuts_of_part[0]["kept"]} if before else {}
        cuts += [{**cut, "kept": before + cut["kept"]} for cut in cuts_of_part]
        cuts[-len(cuts_of_part)] |= added
        before = cuts[-1]["kept"]
    return cuts


def _join(contents: dict[Path, ImageSet[Images]], problems: list[str]) -> ImageSet[Images]:
    sources, tables = with_common_sources([(content.sources, content.metadata) for content in contents.values()])
    files = [{**file_facts(path), "images": len(content.metadata)} for path, content in contents.items()]
    images = _concatenated([content.images for content in contents.values()])
    cuts = [{"step": f"read from {len(files)} files", "removed": 0, "kept": len(images)}]
    if problems:
        cuts.append({"step": f"{len(problems)} bad files skipped", "removed": 0, "kept": len(images)})
    return ImageSet(images, np.concatenate(tables), sources, cuts, files, problems)
