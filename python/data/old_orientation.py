"""Images of the toolkit's dense files, whose columns and rows it flipped: into the drift frame, and back."""

from __future__ import annotations

import numpy as np

from python.data.metadata import UNKNOWN, vectors
from python.data.sparse_images import SparseImages
from python.detector.geometry import X, apa_at, columns_run_backwards, face_at
from python.general_purpose_libs import log

OLD_FLIPS = ("none", "upstream")
_ELSEWHERE = "their vertex on another face or in another row of APAs than their channels"


def orient_old_images(images: SparseImages, table: np.ndarray, old_flips: str) -> tuple[SparseImages, np.ndarray]:
    """Bring images of the toolkit's dense files into the drift frame; return them with the metadata completed.

    `old_flips` says what was done to them: "none", or "upstream", the toolkit's flips of whole images in time and channel, which
    are undone first. APA and face are those of the channels where the file records them, else those of the vertex. Images
    without either, and those of U and V without a match (the toolkit took their face from the matched X cluster), are left as
    they are, `drift_frame` -1. So are images of the project's own files, whose `drift_frame` is recorded.

    Where channels and vertex lie on different faces, or in different rows of APAs, the image belongs into one drift frame and
    its labels into another: it is left in raw order, columns along the channels and rows along time, `drift_frame` 0.
    """
    if old_flips not in OLD_FLIPS:
        raise ValueError(f"old_flips is one of {OLD_FLIPS}. Received: {old_flips!r}")
    position = vectors(table, "true_pos")
    has_vertex = np.all(np.isfinite(position), axis=-1) & np.any(position != 0, axis=-1)
    has_channels = (table["apa"] != UNKNOWN) & (table["face"] != 0)
    known = has_vertex | has_channels
    known &= (table["plane"] == X) | (table["match_id"] >= 0)
    known &= table["drift_frame"] == UNKNOWN
    apa, face = apa_at(position[:, 1], position[:, 2]), face_at(position[:, 0])
    elsewhere = (table["apa"] % 2 != apa % 2) | (table["face"] != face)
    elsewhere &= known & has_vertex & has_channels
    apa, face = np.where(has_channels, table["apa"], apa), np.where(has_channels, table["face"], face)
    flip_columns = columns_run_backwards(table["plane"], apa, face) & ~elsewhere
    flip_rows = np.zeros(len(table), bool)
    if old_flips == "upstream":
        flip_rows, flipped = upstream_flips(table["plane"], apa, face)
        flip_columns ^= flipped
    table = table.copy()
    table["apa"] = np.where(known, apa, table["apa"])
    table["face"] = np.where(known, face, table["face"])
    table["drift_frame"] = np.where(known, ~elsewhere, table["drift_frame"])
    if elsewhere.any():
        log.warning("%d of %d images are left in raw order: %s", elsewhere.sum(), len(table), _ELSEWHERE)
    return _flip_rows(images, flip_rows & known).flip_columns(flip_columns & known), table


def orientation_in_words(before: np.ndarray, after: np.ndarray) -> str:
    """What `orient_old_images` did with images, of their metadata `before` and `after`: a line for the table of cuts."""
    old = before["drift_frame"] == UNKNOWN
    state = after["drift_frame"][old]
    by_vertex = np.sum((before["apa"][old] == UNKNOWN) & (state == 1))
    turned, raw, unknown = (np.sum(state == value) for value in (1, 0, UNKNOWN))
    return (
        f"{len(state)} images of older code: {turned} brought into the drift frame ({by_vertex} by the vertex alone), "
        f"{raw} left in raw order ({_ELSEWHERE}), {unknown} left as they are (face not known)"
    )


def upstream_flips(plane: np.ndarray, apa: np.ndarray, face: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which images the toolkit reverses in time, and which in channel: two masks (N,).

    Its sign of x is wrong on odd APAs; that is part of what it did and has to be undone with the rest.
    """
    plane, odd, face = np.asarray(plane), np.asarray(apa) % 2 == 1, np.asarray(face)
    positive = np.where(odd, -face, face) > 0
    # in channel: of X none; of V those of even APAs where x > 0 and of odd ones where x < 0; of U the other way round
    in_channel = (plane != X) & (odd ^ positive ^ (plane == 0))
    return positive.copy(), in_channel


def to_old_orientation(
    images: SparseImages, table: np.ndarray, plane: int, old_flips: str = "upstream"
) -> SparseImages:
    """Turn images of clusters that are in the drift frame as the toolkit turned its own; `table` (N,) says which are, and of
    these APA and face. Others stay as they are.

    With `old_flips` "none" columns grow with the channel number, as in its files without flips. For comparisons, and for
    networks that were trained so: a half turn of images that were equal in space comes out different on odd and even APAs, and
    U and V exchange their roles between the faces, so that y and -y look alike.
    """
    planes = np.full(len(table), plane)
    raw = images.flip_columns(_backwards(table, plane))
    if old_flips == "none":
        return raw
    known = table["drift_frame"] == 1
    in_time, in_channel = upstream_flips(planes, table["apa"], table["face"])
    return _flip_rows(raw.flip_columns(in_channel & known), in_time & known)


def to_old_volumes(volumes: SparseImages, table: np.ndarray, plane: int) -> SparseImages:
    """Turn volumes, whose rows are channels, as the toolkit stored its own: rows grow with the channel number."""
    return _flip_rows(volumes, _backwards(table, plane))


def _backwards(table: np.ndarray, plane: int) -> np.ndarray:
    """Which images have their channels the other way round than their numbers, bool (N,)."""
    planes = np.full(len(table), plane)
    return (table["drift_frame"] == 1) & columns_run_backwards(planes, table["apa"], table["face"])


def _flip_rows(images: SparseImages, which: np.ndarray) -> SparseImages:
    """Return the images with the order of rows reversed in those marked."""
    image, row, column = images.pixels()
    row = np.where(which[image], images.shape[0] - 1 - row, row)
    index = (row * images.shape[1] + column).astype(images.indices.dtype)
    return SparseImages(images.indptr, index, images.data, images.shape)
