"""Matched clusters, or volumes, of the three planes as one sample each: images, shifts between the planes, points around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from python.data.data_origin import DataOrigin, points_around
from python.data.image_set import ImageSet
from python.data.metadata import EVENT_KEY, UNKNOWN, event_columns, group_numbers, vectors
from python.data.overlaps import shortened
from python.data.point_clouds import PointClouds, PointSet
from python.data.sources import Source, with_common_sources
from python.data.sparse_images import SparseImages
from python.detector.drift_frame import to_drift_frame
from python.detector.geometry import PLANES, TICK_CM, U, V, X, y_of_induction_channel, z_of_x_channel
from python.general_purpose_libs import log

SMALLEST_ENERGY_MEV = 0.1  # of the logarithm


@dataclass
class TripleSet:
    """N matched clusters, or volumes around them (`kind`): `images` of U, V and X, and the metadata (N,) of the X cluster.

    `matched` bool (N, 3) says which planes have a cluster; one without has an empty image, or a volume of what else there is.
    `offsets` float32 (N, 3) in cm: arrival of the U and of the V cluster less that
    of X, and height y' by U less that by V; 0 where a plane is missing. `clouds` (N) and `numbers` float32 (N, K) are there only
    where `inputs` names them. `inputs` names what a network takes: "u", "v", "x", "image" (of `plane`), "energy", "offsets",
    "points" (`max_points`), "numbers".
    """

    images: tuple[SparseImages, SparseImages, SparseImages]
    metadata: np.ndarray
    matched: np.ndarray
    offsets: np.ndarray
    sources: list[Source]
    inputs: tuple[str, ...] = ("u", "v", "x")
    plane: int = X
    clouds: PointClouds | None = None
    max_points: int = 0
    numbers: np.ndarray | None = None
    kind: str = "clusters"
    cuts: list[dict] = field(default_factory=list)
    files: list[dict] = field(default_factory=list)
    bad_files: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.metadata)

    def keep(self, step: str, rows: np.ndarray) -> TripleSet:
        """Return the set reduced to `rows` (mask or row numbers), with `step` added to the table of cuts."""
        rows = np.flatnonzero(rows) if np.asarray(rows).dtype == bool else np.asarray(rows)
        cut = {"step": step, "removed": len(self) - len(rows), "kept": len(rows)}
        u, v, x = (images.take(rows) for images in self.images)
        return replace(
            self,
            images=(u, v, x),
            metadata=self.metadata[rows],
            matched=self.matched[rows],
            offsets=self.offsets[rows],
            clouds=None if self.clouds is None else self.clouds.take(rows),
            numbers=None if self.numbers is None else self.numbers[rows],
            cuts=[*self.cuts, cut],
        )

    def image_keys(self) -> np.ndarray:
        """Return an integer (N,) for each sample, equal exactly where all three images have the same pixels."""
        keys = np.stack([images.keys() for images in self.images], axis=1)
        return np.unique(keys, axis=0, return_inverse=True)[1]

    def network_inputs(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Return what the network takes of the samples `rows`, by name; raw ADC, cm, and the logarithm of MeV."""
        return {name: self._input(name, rows) for name in self.inputs}

    def matched_on(self, plane: int) -> np.ndarray:
        """Which samples have a cluster of this plane, bool (N,)."""
        return self.matched[:, plane]

    def pictures(self, rows: np.ndarray, plane: int) -> np.ndarray:
        """Return the images `rows` of a plane for looking at, (n, ticks, channels) in ADC."""
        return replace(self, plane=plane).of_plane().pictures(rows)

    def of_plane(self) -> ImageSet[SparseImages]:
        """The images of `plane` alone."""
        return ImageSet(self.images[self.plane], self.metadata, self.sources, kind=self.kind)

    def _input(self, name: str, rows: np.ndarray) -> np.ndarray:
        if name == "energy":
            return log_energies(self.metadata[rows])
        if name == "offsets":
            return self.offsets[rows]
        if name == "points" and self.clouds is not None:
            return self.clouds.padded(rows, self.max_points)
        if name == "numbers" and self.numbers is not None:
            return self.numbers[rows]
        plane = self.plane if name == "image" else PLANES.index(name.upper())
        return self.images[plane].dense(rows)[..., None]


def join_planes(planes: Sequence[ImageSet[SparseImages]]) -> TripleSet:
    """Join the clusters of U, V and X that are matched, by source, event and match; each match comes once, in the order of X.

    Matches without a U or a V cluster are there too, with empty images. Only images in the drift frame are joined.
    """
    x = planes[X]
    _warn_of_missing_planes(planes)
    _, tables = with_common_sources([(images.sources, images.metadata) for images in planes])
    known = [np.flatnonzero((table["match_id"] >= 0) & (table["drift_frame"] == 1)) for table in tables]
    key = _match_numbers([table[rows] for table, rows in zip(tables, known, strict=True)])
    n_keys = int(key.max(initial=-1)) + 1
    row_of = np.full((len(planes), n_keys), UNKNOWN)
    start = 0
    for plane, rows in enumerate(known):
        mine = key[start : start + len(rows)][::-1]  # the first of several wins
        row_of[plane, mine] = rows[::-1]
        start += len(rows)
    row_of = row_of[:, row_of[X] >= 0]
    row_of = row_of[:, np.argsort(row_of[X], kind="stable")]
    u, v, of_x = (_images_or_empty(images.images, rows) for images, rows in zip(planes, row_of, strict=True))
    table = x.metadata[row_of[X]]
    cuts = [
        *x.cuts,
        {
            "step": "matched with U or V, in the drift frame, each match once",
            "removed": len(x) - len(table),
            "kept": len(table),
        },
    ]
    return TripleSet(
        images=(u, v, of_x),
        metadata=table,
        matched=_matched(planes, row_of),
        offsets=_offsets(planes, row_of),
        sources=x.sources,
        kind=x.kind,
        cuts=cuts,
        files=[file for images_of_plane in planes for file in images_of_plane.files],
        bad_files=[file for images_of_plane in planes for file in images_of_plane.bad_files],
    )


def _warn_of_missing_planes(planes: Sequence[ImageSet]) -> None:
    """Say so when a source has images of X, and no file of U or V: its matches would stay incomplete without a word."""
    for plane in (U, V):
        there = {source.id for source in planes[plane].sources}
        lacking = [source.name for source in planes[X].sources if source.id not in there]
        if lacking:
            log.warning(
                "no file of plane %s belongs to %d of %d sources (%s): their clusters are matched without it",
                PLANES[plane],
                len(lacking),
                len(planes[X].sources),
                ", ".join(shortened(lacking)),
            )


def _match_numbers(tables: Sequence[np.ndarray]) -> np.ndarray:
    """Number the matches of the rows of all tables, whose sources are counted alike: equal where event and match are."""
    rows = np.concatenate([table[[*EVENT_KEY, "match_id"]] for table in tables])
    return group_numbers(rows["match_id"], *event_columns(rows))


def _images_or_empty(images: SparseImages, rows: np.ndarray) -> SparseImages:
    """The images `rows`, an empty one where the row is -1."""
    ended = SparseImages(np.append(images.indptr, images.indptr[-1]), images.indices, images.data, images.shape)
    return ended.take(np.where(rows >= 0, rows, len(images)))


def _matched(planes: Sequence[ImageSet], row_of: np.ndarray) -> np.ndarray:
    """Which planes have a cluster, bool (N, 3): a volume may be there without one, whose energy is not known then."""
    found = row_of.T >= 0
    for plane, images in enumerate(planes):
        there = found[:, plane]
        rows = row_of[plane, there]
        own = images.images.counts[rows] > 0
        if images.kind == "volumes":
            own &= np.isfinite(images.metadata["cluster_energy"][rows])
        found[there, plane] = own
    return found


def _offsets(planes: Sequence[ImageSet], row_of: np.ndarray) -> np.ndarray:
    table = planes[X].metadata[row_of[X]]
    z = z_of_x_channel(table["apa"], table["channel"])
    offsets = np.zeros((row_of.shape[1], 3))
    heights = []
    for plane in (U, V):
        mine = planes[plane].metadata[row_of[plane]] if len(planes[plane]) else table
        seen = row_of[plane] >= 0
        offsets[:, plane] = np.where(seen, (mine["arrival"] - table["arrival"]) * TICK_CM, 0.0)
        y = y_of_induction_channel(plane, table["apa"], table["face"], mine["channel"], z)
        heights.append(np.where(seen, y * table["face"], np.nan))
    offsets[:, 2] = heights[U] - heights[V]
    return np.nan_to_num(offsets).astype(np.float32)  # old files do not record arrival and channel


def with_points(triples: TripleSet, data: DataOrigin, max_points: int) -> TripleSet:
    """The samples that have points around them, with these; the table of cuts says what is beyond `max_points`.

    Raises DataError when the data hold no points, or none around any sample.
    """
    points, found = points_around(triples, data, ("match_id",))
    triples = triples.keep("with points around them", found >= 0)
    clouds = points.clouds.take(found[found >= 0])
    triples = replace(triples, clouds=clouds, max_points=max_points, files=[*triples.files, *points.files])
    triples.cuts.append({"step": clouds.beyond(max_points), "removed": 0, "kept": len(triples)})
    return triples


def clouds_around(triples: TripleSet, points: PointSet) -> tuple[PointClouds, np.ndarray]:
    """Return the clouds around those of the triples that have one, in their order, and which these are, bool (N,)."""
    found = points.rows_around(triples.metadata, triples.sources, ("match_id",))
    return points.clouds.take(found[found >= 0]), found >= 0


def log_energies(table: np.ndarray) -> np.ndarray:
    """Logarithm (N, 1) of the reconstructed energies of clusters, in MeV, as networks take it."""
    return np.log(np.maximum(table["cluster_energy"], SMALLEST_ENERGY_MEV))[:, None].astype(np.float32)


def electron_directions(table: np.ndarray, drift_frame: bool = True) -> np.ndarray:
    """Unit direction of the primary electron (N, 3), in the drift frame or in detector axes; NaN where it is not known."""
    momentum = vectors(table, "particle_momentum").astype(np.float64)
    length = np.linalg.norm(momentum, axis=1, keepdims=True)
    direction = np.divide(momentum, length, out=np.full_like(momentum, np.nan), where=length > 0)
    return to_drift_frame(direction, table["face"]) if drift_frame else direction
