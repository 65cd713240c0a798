"""Data quality: what volumes and points hold, in words."""

from __future__ import annotations

import numpy as np

from python.data.metadata import event_numbers
from python.data.point_clouds import PointSet
from python.detector.geometry import PLANES
from python.quality.check import OK, WARN, Check, Labelled, Sample


def volumes(sample: Sample) -> Check:
    images, table = sample.found.images, sample.table
    height, width = images.shape
    finding = f"{height} channels x {width} ticks, in the median {np.median(images.counts):.0f} pixels with charge; {_of(table)}"
    return sample.check("contents", OK, 0, len(table), finding)


def points(found: PointSet, title: str) -> Check:
    """Files of older releases do not say in which cluster a point is."""
    counts, plane = found.clouds.counts, found.clouds.column("plane")
    shares = ", ".join(f"{np.mean(plane == number):.0%} {name}" for number, name in enumerate(PLANES))
    finding = f"in the median {np.median(counts):.0f} points a cluster ({shares}); {_of(found.metadata)}"
    older = int(np.sum(~np.isfinite(found.neighbours).all(axis=1)))
    if older:
        finding += f"; {older} do not tell in which cluster a point is, as files of older releases"
    remedy = "the main-track identifier does not take these: make the files again"
    return Labelled(title, found.metadata, found.sources).check(
        "contents", WARN if older else OK, older, len(found), finding, remedy
    )


def _of(table: np.ndarray) -> str:
    """Whose they are: interactions, main tracks, matches and energies."""
    es, cc = (int(np.sum(table["is_es_interaction"] == value)) for value in (1, 0))
    main, matched = np.sum(table["is_main_track"] == 1), np.sum(table["match_id"] >= 0)
    told = (
        f"{event_numbers(table).max() + 1} events, {es} ES and {cc} CC, {len(table) - es - cc} of unknown interaction; "
    )
    told += f"{main} around main tracks, {matched} matched"
    energy = table["cluster_energy"][np.isfinite(table["cluster_energy"])]
    return f"{told}; clusters of {energy.min():.1f} to {energy.max():.1f} MeV" if len(energy) else told
