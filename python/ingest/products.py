"""Products of trigger primitives in memory: clusters, matches, images, volumes and points, as training and prediction take them.

    products = make_products(read_readout("es_tpstream.root"))
    products.clusters.energy, products.matches.match_id         # arrays over all clusters
    products.images("X").metadata["cluster_energy"]             # an ImageSet, as read from files of the same primitives
    bright = products.only(x_clusters_above(products.clusters, 10.0))
    bright.images("X", "volumes"), bright.points()              # around each of these, not only the main cluster of an event
    task.read(config, task.architecture(config), bright)        # what its network takes of them

Files (`python.ingest.product_files`) are written from these, and samples of a task are made of them as of files.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from python.data.image_set import ImageSet
from python.data.neighbours import neighbours_of
from python.data.point_clouds import PointSet, Reduced
from python.data.sparse_images import SparseImages
from python.detector.geometry import PLANES, X
from python.ingest.centres import centres_of, leading_x_clusters
from python.ingest.clustering import Clusters, ClusterSettings
from python.ingest.images import cluster_images, volume_images
from python.ingest.matching import Matches
from python.ingest.points import make_points
from python.ingest.readout import Readout
from python.ingest.reconstruction import Reconstruction, reconstruct
from python.ingest.surroundings import MIN_SOT


@dataclass(frozen=True)
class ProductSettings:
    """`image_shape` (ticks, channels), how to make the clusters, and what is written: `planes`, `volumes`, `legacy_layout`."""

    image_shape: tuple[int, int] = (128, 32)
    planes: tuple[str, ...] = PLANES
    volumes: bool = False
    legacy_layout: bool = False
    energy_calibration: str = "measured"
    clusters: ClusterSettings = field(default_factory=ClusterSettings)

    @property
    def points(self) -> bool:
        """Whether points are written too: with the images of all planes, in the project's own files."""
        return not self.legacy_layout and set(self.planes) == set(PLANES)

    @property
    def min_sot(self) -> int:
        """Samples over threshold that a trigger primitive needs to enter any product."""
        return min(MIN_SOT, self.clusters.tot_cut + 1)


@dataclass(frozen=True)
class Products:
    """All that is made of a readout; images and points are drawn when they are asked for.

    `centres` numbers the X clusters that are wanted. None: all of them, and as in files volumes around the most energetic one of
    each event alone, by reconstructed energy.
    """

    found: Reconstruction
    image_shape: tuple[int, int] = ProductSettings.image_shape
    centres: np.ndarray | None = None

    @property
    def clusters(self) -> Clusters:
        """All clusters (C), by whose numbers the column `cluster` of metadata knows them."""
        return self.found.clusters

    @property
    def matches(self) -> Matches:
        """Which of the clusters (C) are one deposit."""
        return self.found.matches

    @property
    def name(self) -> str:
        return ", ".join(source.name for source in self.found.readout.sources)

    def metadata(self, chosen: np.ndarray) -> np.ndarray:
        """The identities and labels of the clusters `chosen` (numbers), as in the metadata of their images."""
        return self.found.metadata(np.asarray(chosen))

    def only(self, chosen: np.ndarray) -> Products:
        """The products of the clusters `chosen` (mask (C,) or numbers) alone, see `centres_of`.

        These are the images of their X clusters and of what is matched with them, and volumes and points around each.
        """
        return replace(self, centres=centres_of(self.clusters, self.matches, chosen))

    def images(self, plane: str, kind: str = "clusters") -> ImageSet:
        """Draw the images of `plane`, of "clusters" or "volumes".

        A volume of U or V is there where the match, or the wire map through the other plane's match, says where its centre is.
        """
        draw = self._volumes if kind == "volumes" else self._clusters
        images, table = draw(PLANES.index(plane))
        cut = {"step": f"made of {len(self.found.readout)} events", "removed": 0, "kept": len(images)}
        return ImageSet(images, table, self.found.readout.sources, [cut], kind=kind)

    def points(self, reduced: Reduced = lambda points: points) -> PointSet:
        """Make the points around X clusters; of those that are not matched, whose height is not known, points of X alone."""
        every = np.flatnonzero(self.clusters.plane == X)
        chosen = every if self.centres is None else self.centres
        clouds = make_points(self.found.readout.tps, self.clusters, self.matches, chosen)
        neighbours = neighbours_of(self.metadata(every))[np.searchsorted(every, chosen)]
        table = self.metadata(chosen)
        table["lost_charge"], table["drift_frame"] = 0.0, 1
        return reduced(PointSet(clouds, table, neighbours, self.found.readout.sources))

    def _clusters(self, plane: int) -> tuple[SparseImages, np.ndarray]:
        chosen = np.flatnonzero(self.clusters.plane == plane)
        if self.centres is not None:
            x_cluster = chosen if plane == X else self.matches.partner[chosen, X]
            chosen = chosen[np.isin(x_cluster, self.centres)]
        return cluster_images(self.found, plane, chosen, self.image_shape)

    def _volumes(self, plane: int) -> tuple[SparseImages, np.ndarray]:
        centres = leading_x_clusters(self.clusters) if self.centres is None else self.centres
        return volume_images(self.found, plane, centres)


def make_products(readout: Readout, settings: ProductSettings | None = None, first_match: int = 0) -> Products:
    """Cluster and match the primitives of a readout, and have all products at hand; match numbers count on from `first_match`.

    Nothing that is reconstructed, drawn or chosen here depends on truth, which is passed on to the metadata alone.
    """
    settings = settings or ProductSettings()
    found = reconstruct(readout, settings.clusters, settings.energy_calibration, first_match)
    return Products(found, settings.image_shape)
