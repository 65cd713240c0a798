"""The project's own image files: sparse, pickle-free, self-describing NPZ.

Arrays: `format_version`, `kind` ("clusters" or "volumes"), `plane` ("U", "V", "X"), `image_shape` (2,), the sparse images
`indptr`, `indices`, `data`; `metadata` float32 (N, C) with `metadata_columns` (C,) and `metadata_units` (C,); each integer
column of `python.data.metadata` as an array of its own; `sources` (S,) names and `source_ids` (S,) digests of what the images
come from. Nothing in a file depends on time, host or process, so the same input gives the same bytes.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass

import numpy as np

from python.data.geometry import PLANES
from python.data.metadata import SINCE_VERSION_3, metadata_arrays, metadata_from_arrays
from python.data.sources import Source, source_arrays, sources_from_arrays
from python.data.sparse_images import SparseImages
from python.general_purpose_libs import DataError, atomic_path, log

FORMAT_VERSION = 3  # 2: with arrival and channel of every cluster; 3: with run, subrun and digests of the sources
OLDEST_VERSION = 2
KINDS = ("clusters", "volumes")


@dataclass
class ImageFile:
    """Content of one file: `images` (N), `metadata` structured (N,), `sources` that `metadata["source"]` indexes."""

    images: SparseImages
    metadata: np.ndarray
    sources: list[Source]
    plane: str
    kind: str = "clusters"


def write_image_file(path: str | os.PathLike, content: ImageFile) -> None:
    """Write `content` to `path` (an .npz), atomically. Raises OutputError when that is not possible."""
    images, table = content.images, content.metadata
    arrays = {
        "format_version": np.int64(FORMAT_VERSION),
        "kind": np.str_(content.kind),
        "plane": np.str_(content.plane),
        **source_arrays(content.sources),
        "image_shape": np.array(images.shape, np.int64),
        "indptr": images.indptr.astype(np.int64),
        "indices": images.indices,
        "data": images.data.astype(np.float32),
        **metadata_arrays(table),
    }
    with atomic_path(path) as temporary:
        np.savez(temporary, **arrays)


def parse_image_file(arrays: dict[str, np.ndarray], path: str | os.PathLike, place: str | None = None) -> ImageFile:
    """Check the arrays read from an own file and return its content. Raises DataError that says what does not fit.

    `place` is by what its sources are known where it does not record that, the path when left out.
    """
    if "points" in arrays:
        raise DataError(f"{path}: holds points, images were asked for; check batch_pattern")
    try:
        lacking = arrays_lacking(arrays, path)
        images = SparseImages(arrays["indptr"], arrays["indices"], arrays["data"], arrays["image_shape"])
        plane, kind = str(arrays["plane"]), str(arrays["kind"])
        table = metadata_from_arrays(arrays, len(images), PLANES.index(plane), lacking)
        content = ImageFile(images, table, sources_from_arrays(arrays, place or str(path), lacking), plane, kind)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise DataError(f"{path}: not a valid image file ({error}); make it again with make_images.sh") from error
    _check(content, path)
    return content


def arrays_lacking(arrays: dict[str, np.ndarray], path: str | os.PathLike) -> tuple[str, ...]:
    """Which arrays an own file lacks as one of its version. Raises DataError for a version that this release does not read."""
    version = int(arrays["format_version"])
    if version > FORMAT_VERSION:
        raise DataError(
            f"{path}: has format version {version}, this release reads {FORMAT_VERSION}; update the project"
        )
    if version < OLDEST_VERSION:
        raise DataError(
            f"{path}: has format version {version} of an older release, this one reads {OLDEST_VERSION} to {FORMAT_VERSION}; "
            "make it again with make_images.sh or simulate.sh"
        )
    if version == FORMAT_VERSION:
        return ()
    _tell_of_older_files(version)
    return SINCE_VERSION_3


@functools.cache  # once, not for each file
def _tell_of_older_files(version: int) -> None:
    log.info(
        "files of format version %d do not record run and subrun, nor the content of their sources, which are told apart by "
        "where the files are; make them again to have these",
        version,
    )


def _check(content: ImageFile, path: str | os.PathLike) -> None:
    images, table = content.images, content.metadata
    size = images.shape[0] * images.shape[1]
    problems = []
    if content.kind not in KINDS:
        problems.append(f"kind is {content.kind!r}, not one of {KINDS}")
    if images.indptr[0] != 0 or images.indptr[-1] != len(images.data) or np.any(images.counts < 0):
        problems.append("the image offsets do not fit the pixel arrays")
    if len(images.indices) != len(images.data):
        problems.append("pixel indices and values differ in number")
    if len(images.indices) and images.indices.max() >= size:
        problems.append(f"a pixel lies outside the {images.shape[0]} x {images.shape[1]} image")
    if not np.all(np.isfinite(images.data)):
        problems.append("ADC values are not finite")
    elif len(images.data) and images.data.min() < 0:
        problems.append(f"negative ADC ({images.data.min():g})")
    if len(table) and (table["source"].min() < 0 or table["source"].max() >= len(content.sources)):
        problems.append("source numbers do not fit the list of sources")
    if problems:
        raise DataError(f"{path}: {'; '.join(problems)}; make it again with make_images.sh")
