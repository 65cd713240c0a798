"""The project's own image files: sparse, pickle-free, self-describing NPZ.

Arrays: `format_version`, `kind` ("clusters" or "volumes"), `plane` ("U", "V", "X"), `image_shape` (2,), the sparse images
`indptr`, `indices`, `data`; `metadata` float32 (N, C) with `metadata_columns` (C,) and `metadata_units` (C,); each integer
column of `python.data.metadata` as an array of its own; `sources` (S,) names, `source_ids` (S,) digests and `source_geometries`
(S,) names of the geometries of what the images come from. Nothing in a file depends on time, host or process, so the same input
gives the same bytes.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from python.data.array_rules import ArrayRule, checked
from python.data.metadata import SINCE_VERSION, TABLE_RULES, metadata_arrays, metadata_from_arrays, rules_of_file
from python.data.npz import write_npz
from python.data.sources import Source, geometry_arrays, source_arrays, sources_from_arrays
from python.data.sparse_images import SparseImages, index_dtype
from python.detector.geometry import PLANES
from python.general_purpose_libs import DataError, log

FORMAT_VERSION = (
    4  # 2: with arrival and channel of every cluster; 3: with run, subrun and digests of the sources; 4: with times
)
OLDEST_VERSION = 2
MAX_SIDE = 4096  # of an image, in pixels: the largest that are made
VERSION_RULES = (ArrayRule("format_version", "iu"),)
IMAGE_RULES = (
    ArrayRule("kind", "U", allowed=("clusters", "volumes")),
    ArrayRule("plane", "U", allowed=PLANES),
    ArrayRule("image_shape", "iu", ("2",), "i8", lowest=1, highest=MAX_SIDE, spans="pixels"),
    ArrayRule("indptr", "iu", ("n+1",), "i8", offsets_of="k"),
    ArrayRule("indices", "iu", ("k",), below="pixels"),
    ArrayRule("data", "fiu", ("k",), "f4", lowest=0, finite=True),  # ADC
    *TABLE_RULES,
)
REMEDY = "make it again with make_images.sh or simulate.sh"


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
    arrays: dict[str, Any] = {
        "format_version": np.int64(FORMAT_VERSION),
        "kind": np.str_(content.kind),
        "plane": np.str_(content.plane),
        **source_arrays(content.sources),
        **geometry_arrays(content.sources),
        "image_shape": np.array(images.shape, np.int64),
        "indptr": images.indptr.astype(np.int64),
        "indices": images.indices,
        "data": images.data.astype(np.float32),
        **metadata_arrays(table),
    }
    write_npz(path, arrays, compressed=content.kind != "volumes")  # which are streamed where they do not fit in memory


def parse_image_file(arrays: dict[str, np.ndarray], path: str | os.PathLike, place: str | None = None) -> ImageFile:
    """Check the arrays read from an own file and return its content. Raises DataError that says what does not fit.

    `place` is by what its sources are known where it does not record that, the path when left out.
    """
    if "points" in arrays:
        raise DataError(f"{path}: holds points, images were asked for; check batch_pattern")
    version = checked_version(arrays, path)
    found = checked(arrays, rules_of_file(IMAGE_RULES, version, arrays), path, REMEDY)
    shape = found["image_shape"].tolist()
    images = SparseImages(
        found["indptr"], found["indices"].astype(index_dtype(shape), copy=False), found["data"], shape
    )
    plane, kind = str(found["plane"]), str(found["kind"])
    table = metadata_from_arrays(found, len(images), PLANES.index(plane))
    return ImageFile(images, table, sources_from_arrays(found, place or str(path)), plane, kind)


def checked_version(arrays: dict[str, np.ndarray], path: str | os.PathLike) -> int:
    """The version of an own file. Raises DataError when it is none that this release reads, or the file tells none."""
    version = int(checked(arrays, VERSION_RULES, path, REMEDY)["format_version"])
    if version > FORMAT_VERSION:
        raise DataError(
            f"{path}: has format version {version}, this release reads {FORMAT_VERSION}; update the project"
        )
    if version < OLDEST_VERSION:
        raise DataError(
            f"{path}: has format version {version} of an older release, this one reads {OLDEST_VERSION} to {FORMAT_VERSION}; "
            f"{REMEDY}"
        )
    if version < SINCE_VERSION["source_ids"]:
        _tell_of_older_files(version)
    return version


@functools.cache  # once, not for each file
def _tell_of_older_files(version: int) -> None:
    log.info(
        "files of format version %d do not record run and subrun, nor the content of their sources, which are told apart by "
        "where the files are; make them again to have these",
        version,
    )
