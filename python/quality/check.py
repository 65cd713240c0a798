"""What a data quality check looks at and what it returns, with the small tools that checks share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from python.data.image_set import ImageSet
from python.data.metadata import group_numbers
from python.data.overlaps import file_of_each
from python.data.sources import Source
from python.detector.geometry import Geometry

OK, WARN, FAIL, SKIPPED = "ok", "warn", "fail", "skipped"


@dataclass(frozen=True)
class Check:
    """The result of one check.

    `plane` is what was looked at: "U", "V", "X" are images of clusters, "volumes U" and so on volumes, "points" points, and "all"
    what lies between the planes. `status`: ok, warn, fail, or skipped where the files lack what the check needs. `images` are
    concerned of `total` looked at. `finding` says what is so, `remedy` what to do unless it is ok, `values` holds the numbers
    behind it.
    """

    name: str
    plane: str
    status: str
    images: int
    total: int
    finding: str
    remedy: str = ""
    values: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Labelled:
    """What a `table` of metadata (N,) of `sources` labels, whatever it is, under the `title` by which checks call it."""

    title: str
    table: np.ndarray
    sources: Sequence[Source]

    def of_geometry(self, number: Callable[[Geometry], float]) -> np.ndarray:
        """A number (N,) of the geometry in which each row was recorded."""
        return np.array([number(source.geometry) for source in self.sources])[self.table["source"]]

    def check(
        self, name: str, status: str, images: int, total: int, finding: str, remedy: str = "", **values: float
    ) -> Check:
        numbers = {key: float(value) for key, value in values.items()}
        return Check(name, self.title, status, int(images), int(total), finding, remedy, numbers)

    def skipped(self, name: str, reason: str) -> Check:
        return Check(name, self.title, SKIPPED, 0, 0, reason)


@dataclass(frozen=True)
class Sample(Labelled):
    """The images of one plane, of clusters or volumes."""

    plane: str
    found: ImageSet

    @classmethod
    def of(cls, plane: str, found: ImageSet) -> Sample:
        return cls(title_of(plane, found.kind), found.metadata, found.sources, plane, found)

    @property
    def file(self) -> np.ndarray:
        """Number (N,) of the file that each image comes from."""
        return file_of_each(self.found.files)


def title_of(plane: str, kind: str) -> str:
    """How checks call images of a plane, of "clusters" or "volumes"."""
    return plane if kind == "clusters" else f"{kind} {plane}"


def grade(share: float, warn_above: float = 0.0, fail_above: float = 1.0) -> str:
    """The verdict on a share of images."""
    return FAIL if share > fail_above else WARN if share > warn_above else OK


def per_cent(share: float) -> str:
    return f"{100 * share:.1f} %"


def length(vector: np.ndarray) -> np.ndarray:
    """Length (N,) of vectors (N, 3)."""
    return np.linalg.norm(vector.astype(float), axis=1)


def holds_several(group: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Mark, bool (N,), the rows of every group in which `inner` has more than one value."""
    _, first = np.unique(group_numbers(inner, group), return_index=True)
    return np.bincount(group[first], minlength=group.max(initial=-1) + 1)[group] > 1
