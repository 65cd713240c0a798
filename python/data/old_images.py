"""Dense files of older code: every pixel of every image, and a table of numbers without names."""

from __future__ import annotations

import os

import numpy as np

from python.data.array_rules import ArrayRule, checked
from python.data.image_file import ImageFile
from python.data.layouts import metadata_from_layout, warn_of_merged_events
from python.data.sources import Source
from python.data.sparse_images import SparseImages
from python.general_purpose_libs import DataError

MAX_NUMBER = 2.0**62  # of the metadata; event numbers are floats there
OLD_IMAGE_RULES = (
    ArrayRule("images", "fiu", ("n", "h", "w"), "f4", lowest=0, finite=True),  # ADC
    ArrayRule("metadata", "fiu", ("n", "c"), "f8", lowest=-MAX_NUMBER, highest=MAX_NUMBER, finite=True, boxed=True),
)


def parse_old_images(arrays: dict[str, np.ndarray], path: str | os.PathLike, plane: str, source: Source) -> ImageFile:
    """Check the arrays read from an old file and return its content. Raises DataError that says what does not fit."""
    found = checked(arrays, OLD_IMAGE_RULES, path)
    store = SparseImages.from_dense(found["images"])
    try:
        table = metadata_from_layout(found["metadata"], plane, store.sums())
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    warn_of_merged_events(table["event"], arrays["metadata"].dtype, path)
    table["source"] = 0
    return ImageFile(store, table, [source], plane)
