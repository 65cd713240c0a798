"""Images of the toolkit's dense files, whose columns and rows it flipped: into the drift frame, and back."""

from __future__ import annotations

import numpy as np

from python.data.metadata import UNKNOWN, vectors
from python.data.sparse_images import SparseImages
from python.detector.geometry import X, apa_at, columns_run_backwards, face_at

OLD_FLIPS = ("none", "upstream")


def orient_old_images(images: SparseImages, table: np.ndarray, old_flips: str) -> tuple[SparseImages, np.ndarray]:
    """Bring images of the toolkit's dense files into the drift frame; return them with the metadata completed.

    `old_flips` says what was done to them: "none", or "upstream", the toolkit's flips of whole images in time and channel, which
    are undone first. The files do not record APA and face: they come from the vertex. Images without a vertex, and those of U
    and V without a match (the toolkit took their face from the matched X cluster), are left as they are, `drift_frame` -1. So
    are images of the project's own files, whose `drift_frame` is recorded.
    """
    if old_flips not in OLD_FLIPS:
        raise ValueError(f"old_flips is one of {OLD_FLIPS}. Received: {old_flips!r}")
    position = vectors(table, "true_pos")
    known = np.all(np.isfinite(position), axis=-1) & np.any(position != 0, axis=-1)
    known &= (table["plane"] == X) | (table["match_id"] >= 0)
    known &= table["drift_frame"] == UNKNOWN
    apa, face = apa_at(position[:, 1], position[:, 2]), face_at(position[:, 0])
    flip_columns = columns_run_backwards(table["plane"], apa, face)
    flip_rows = np.zeros(len(table), bool)
    if old_flips == "upstream":
        flip_rows, flipped = upstream_flips(table["plane"], apa, face)
        flip_columns ^= flipped
    table = table.copy()
    table["apa"] = np.where(known, apa, table["apa"])
    table["face"] = np.where(known, face, table["face"])
    table["drift_frame"] = np.where(known, 1, table["drift_frame"])
    return _flip_rows(images, flip_rows & known).flip_columns(flip_columns & known), table


def upstream_flips(plane: np.ndarray, apa: np.ndarray, face: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which images the toolkit reverses in time, and which in channel: two masks (N,).

    Its sign of x is wrong on odd APAs; that is part of what it did and has to be undone with the rest.
    """
    plane, odd, face = np.asarray(plane), np.asarray(apa) % 2 == 1, np.asarray(face)
    positive = np.where(odd, -face, face) > 0
    # in channel: of X none; of V those of even APAs where x > 0 and of odd ones where x < 0; of U the other way round
    in_channel = (plane != X) & (odd ^ positive ^ (plane == 0))
    return positive.copy(), in_channel


def to_old_orientation(images: SparseImages, table: np.ndarray, plane: int) -> SparseImages:
    """Turn images of the drift frame as the toolkit turned its own; `table` (N,) says APA and face, which must be known.

    For comparisons only: a half turn of images that were equal in space comes out different on odd and even APAs, and U and V
    exchange their roles between the faces, so that y and -y look alike.
    """
    planes = np.full(len(table), plane)
    in_time, in_channel = upstream_flips(planes, table["apa"], table["face"])
    raw = images.flip_columns(columns_run_backwards(planes, table["apa"], table["face"]))
    return _flip_rows(raw.flip_columns(in_channel), in_time)


def _flip_rows(images: SparseImages, which: np.ndarray) -> SparseImages:
    """Return the images with the order of rows reversed in those marked."""
    image, row, column = images.pixels()
    row = np.where(which[image], images.shape[0] - 1 - row, row)
    index = (row * images.shape[1] + column).astype(images.indices.dtype)
    return SparseImages(images.indptr, index, images.data, images.shape)
