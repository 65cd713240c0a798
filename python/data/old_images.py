"""Dense files of older code: every pixel of every image, and a table of numbers without names."""

from __future__ import annotations

import os

import numpy as np

from python.data.array_rules import ArrayRule, checked
from python.data.image_file import ImageFile
from python.data.layouts import metadata_from_layout, warn_of_merged_events
from python.data.sources import Source
from python.data.sparse_images import SparseImages
from python.detector.geometry import LARGEST
from python.general_purpose_libs import DataError

MAX_NUMBER = 2.0**62  # of the metadata; event numbers are floats there
OLD_IMAGE_RULES = (
    ArrayRule("images", "fiu", ("n", "h", "w"), "f4", lowest=0, finite=True),  # ADC
    ArrayRule("metadata", "fiu", ("n", "c"), "f8", lowest=-MAX_NUMBER, highest=MAX_NUMBER, finite=True, boxed=True),
)
# Which channels the images show: APA, and face (0 where only a match tells). In files of `make_images.sh --legacy-layout` alone.
CHANNEL_RULES = (
    ArrayRule("apa", "iu", ("n",), "i1", lowest=0, highest=LARGEST.n_apas - 1),
    ArrayRule("face", "i", ("n",), "i1", lowest=-1, highest=1),
)


def parse_old_images(arrays: dict[str, np.ndarray], path: str | os.PathLike, plane: str, source: Source) -> ImageFile:
    """Check the arrays read from an old file and return its content. Raises DataError that says what does not fit."""
    with_channels = any(rule.name in arrays for rule in CHANNEL_RULES)
    found = checked(arrays, [*OLD_IMAGE_RULES, *(CHANNEL_RULES if with_channels else ())], path)
    store = SparseImages.from_dense(found["images"])
    try:
        table = metadata_from_layout(found["metadata"], plane, store.sums())
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    warn_of_merged_events(table["event"], arrays["metadata"].dtype, path)
    table["source"] = 0
    if with_channels:
        table["apa"], table["face"] = found["apa"], found["face"]
    return ImageFile(store, table, [source], plane)
