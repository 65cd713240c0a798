"""Files of older code in which matched clusters of the three planes stand side by side: `three_plane_matched*.npz`.

Arrays `images_u`, `images_v`, `images_x` (N, H, W), row by row one deposit, and `metadata` (N, C) of the clusters on one of the
planes, which the plane column names, in a layout of dense files. They were put together of many sources, which they do not tell
apart: matches are numbered anew, and events of one number count as one event.
"""

from __future__ import annotations

import os

import numpy as np

from python.data.array_rules import ArrayRule, checked
from python.data.image_file import ImageFile
from python.data.layouts import LAYOUTS
from python.data.old_images import parse_old_images
from python.data.restricted_pickle import read_member
from python.data.sources import Source
from python.detector.calibration import adc_per_mev
from python.detector.geometry import PLANES
from python.general_purpose_libs import DataError

PATTERN = "*three_plane_matched*.npz"
MERGED_RULES = (ArrayRule("metadata", "fiu", ("n", "c"), boxed=True),)


def read_merged_file(path: str | os.PathLike, plane: str, source: Source) -> ImageFile:
    """Read the images (N) of one plane. Raises DataError that names the file and what does not fit.

    On the planes whose metadata the file does not hold, energies of clusters are sums of ADC over the older calibration.
    """
    metadata = checked({"metadata": read_member(path, "metadata")}, MERGED_RULES, path)["metadata"]
    column = _plane_column(metadata, path)
    number = PLANES.index(plane)
    elsewhere = metadata[:, column] != number
    metadata = metadata.copy()
    metadata[:, column] = number
    images = read_member(path, f"images_{plane.lower()}")
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    content = parse_old_images({"images": images, "metadata": metadata}, path, plane, source)
    energy = content.images.sums() / adc_per_mev("older")[number]
    content.metadata["cluster_energy"] = np.where(elsewhere, energy, content.metadata["cluster_energy"])
    content.metadata["match_id"] = np.arange(len(images))
    return content


def _plane_column(metadata: np.ndarray, path: str | os.PathLike) -> int:
    layouts = [layout for layout in LAYOUTS if len(layout.fields) == metadata.shape[1] and "plane" in layout.fields]
    if not layouts:
        raise DataError(f"{path}: metadata have {metadata.shape[1]} columns, which no layout with a plane has")
    return layouts[0].fields.index("plane")
