"""Likelihood tables: how likely an answer is at each angle from the electron, and from the neutrino, given the energy.

    tables = read_tables("output/likelihood/likelihood_tables.npz")
    tables.density(np.cos(np.radians([0, 20])), energy=12.0, topology="es", target="neutrino")    # probability a steradian
    tables.sample(1000, energy=12.0, topology="es", target="neutrino", rng=rng)                   # cosines

A table is a density of the cosine at the mean energy of each bin. Between them it is interpolated in the log of the energy, so
that no bin has an edge, and beyond the first and the last it stays.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from python.data.array_rules import ArrayRule, checked
from python.data.npz import read_npz, write_npz
from python.general_purpose_libs import ConfigError, DataError
from python.pointing.table import COSINES, Judged, Table

TARGETS = ("electron", "neutrino")
TOPOLOGIES = ("es", "cc", "all")
ENERGIES = ("reconstructed", "true")
CLASSES = (
    "best",
    "middle",
    "worst",
)  # thirds by the angle that the network itself says, among those of the same energies
QUALITIES = ("all", *CLASSES)
NOT_JUDGED = "three_lobes"
FORMAT_VERSION = 1
TABLES_FILE = "likelihood_tables.npz"
REMEDY = "make it again with build_likelihood.sh"


class Key(NamedTuple):
    """Which table: of which events, the angle from what, by which energy, of which quality, by which estimator."""

    topology: str
    target: str
    by: str
    quality: str
    estimator: str


@dataclass(frozen=True, eq=False)
class Thirds:
    """The angles (B, 2) in degrees, said by the network itself to hold 68 %, that part the CLASSES, at energies (B,) in MeV."""

    energies: np.ndarray
    degrees: np.ndarray

    def of(self, said: ArrayLike, energy: ArrayLike) -> np.ndarray:
        """The class, 0 to 2 of CLASSES, of answers that say these angles, at these energies in MeV; -1 where nothing is said."""
        said, energy = np.asarray(said, float), np.maximum(np.asarray(energy, float), 1e-9)
        limits = [np.interp(np.log(energy), np.log(self.energies), limit) for limit in self.degrees.T]
        return np.where(np.isfinite(said), sum((said > limit).astype(int) for limit in limits), -1)


@dataclass(frozen=True, eq=False)
class LikelihoodTables:
    """All tables by their keys, the classes by each of ENERGIES that has some, and where they come from: plain JSON values."""

    tables: Mapping[Key, Table]
    thirds: Mapping[str, Thirds]
    provenance: Mapping[str, Any]

    def table(
        self,
        topology: str = "all",
        target: str = "electron",
        *,
        by: str = "reconstructed",
        quality: str = "all",
        estimator: str | None = None,
    ) -> Table:
        """One table, of the estimator that told events best which it had not seen unless one is named; of NOT_JUDGED where no
        event was held out.

        ConfigError: there is none.
        """
        wanted = (topology, target, by, quality)
        found = [key for key in self.tables if key[:4] == wanted and estimator in (None, key.estimator)]
        if not found:
            known = sorted({", ".join(key[:4] if estimator is None else key) for key in self.tables})
            asked = ", ".join(wanted if estimator is None else (*wanted, estimator))
            raise ConfigError(f"no likelihood table of {asked}; there are those of: {'; '.join(known)}")
        behind = {key: np.nan_to_num(self.tables[key].judged.behind, nan=np.inf) for key in found}
        return self.tables[min(found, key=lambda key: (behind[key], key.estimator != NOT_JUDGED))]

    def density(
        self, cosine: ArrayLike, energy: ArrayLike, topology: str = "all", target: str = "electron", **which: str
    ) -> np.ndarray:
        """See `Table.density`; which table, see `table`."""
        return self.table(topology, target, **which).density(cosine, energy)

    def sample(
        self, count: int, energy: ArrayLike, topology: str, target: str, rng: np.random.Generator, **which: str
    ) -> np.ndarray:
        """See `Table.sample`; which table, see `table`."""
        return self.table(topology, target, **which).sample(count, energy, rng)

    def quality(self, said: ArrayLike, energy: ArrayLike, by: str = "reconstructed") -> np.ndarray:
        """The quality of answers that say these angles in degrees to hold 68 %, at these energies in MeV: one of QUALITIES, `all`
        where nothing is said or there are no classes."""
        said, energy = np.broadcast_arrays(np.asarray(said, float), np.asarray(energy, float))
        if by not in self.thirds:
            return np.full(said.shape, "all", dtype="<U6")
        return np.array(QUALITIES)[self.thirds[by].of(said, energy) + 1]


# ---------------------------------------------------------------------------- the file
RULES = (
    ArrayRule("format_version", "iu"),
    ArrayRule("cosine", "f", ("c",), "f8", -1, 1, finite=True),
    *(ArrayRule(name, "U", ("t",)) for name in Key._fields),
    ArrayRule("first_node", "iu", ("t+1",), "i8", offsets_of="n"),
    ArrayRule("node_energy", "f", ("n",), "f8", 0, finite=True),
    ArrayRule("node_edges", "f", ("n", "2"), "f8", 0),
    ArrayRule("node_events", "iu", ("n",), "i8", 0),
    ArrayRule("density", "f", ("n", "c"), "f8", 0, finite=True),
    *(ArrayRule(name, "f", ("t",), "f8") for name in Judged._fields),
    ArrayRule("is_best", "iub", ("t",)),
    ArrayRule("class_by", "U", ("k",)),
    ArrayRule("class_energy", "f", ("k",), "f8", 0, finite=True),
    ArrayRule("class_degrees", "f", ("k", "2"), "f8", 0, 180, finite=True),
    ArrayRule("provenance", "U"),
)
OF_NODES = ("node_energy", "density", "node_edges", "node_events")
UNITS = {"node_energy": "MeV", "node_edges": "MeV", "density": "1 / steradian", "class_energy": "MeV"}
UNITS |= {"class_degrees": "degrees", "log_likelihood": "of 1 / steradian, an event"}


def write_tables(path: Path, found: LikelihoodTables) -> None:
    """Write the tables. Raises OutputError."""
    keys, tables = list(found.tables), list(found.tables.values())
    counts = [len(table.energies) for table in tables]
    best = [found.table(*key[:2], by=key.by, quality=key.quality) is found.tables[key] for key in keys]
    write_npz(
        path,
        {
            "format_version": np.int64(FORMAT_VERSION),
            "cosine": COSINES,
            **{name: np.array([getattr(key, name) for key in keys]) for name in Key._fields},
            "first_node": np.concatenate([[0], np.cumsum(counts)]),
            "node_energy": np.concatenate([table.energies for table in tables]),
            "node_edges": np.concatenate([table.edges for table in tables]),
            "node_events": np.concatenate([table.events for table in tables]),
            "density": np.concatenate([table.densities for table in tables]).astype(np.float32),
            **{name: np.array([getattr(table.judged, name) for table in tables]) for name in Judged._fields},
            "is_best": np.array(best),
            "class_by": np.repeat(list(found.thirds), [len(each.energies) for each in found.thirds.values()]).astype(
                "U"
            ),
            "class_energy": np.concatenate([np.empty(0), *(each.energies for each in found.thirds.values())]),
            "class_degrees": np.concatenate([np.empty((0, 2)), *(each.degrees for each in found.thirds.values())]),
            **{f"{name}_unit": np.str_(unit) for name, unit in UNITS.items()},
            "provenance": np.str_(json.dumps(found.provenance)),
        },
    )


def read_tables(path: str | os.PathLike) -> LikelihoodTables:
    """Read tables that build_likelihood.sh has written. Raises DataError that names the file and what is wrong."""
    arrays = read_npz(path)
    version = arrays.get("format_version")
    if version is not None and version.dtype.kind in "iu" and version.ndim == 0 and version > FORMAT_VERSION:
        raise DataError(
            f"{path}: has the format {version} of a later release, this one reads {FORMAT_VERSION}; {REMEDY}"
        )
    found = checked(arrays, RULES, path, REMEDY)
    if len(found["cosine"]) != len(COSINES) or not np.allclose(found["cosine"], COSINES):
        raise DataError(f"{path}: is tabulated at other cosines than this release does; {REMEDY}")
    if np.any(np.diff(found["first_node"]) < 1):
        raise DataError(f"{path}: holds tables without energies; {REMEDY}")
    tables = {}
    for number, key in enumerate(zip(*(found[name].tolist() for name in Key._fields), strict=True)):
        nodes = slice(found["first_node"][number], found["first_node"][number + 1])
        judged = Judged(*(float(found[name][number]) for name in Judged._fields))
        energies, densities, edges, events = (found[name][nodes] for name in OF_NODES)
        tables[Key(*key)] = Table(energies, densities, edges, events, judged)
    thirds = {
        str(by): Thirds(found["class_energy"][mine], found["class_degrees"][mine])
        for by in dict.fromkeys(found["class_by"].tolist())
        for mine in [found["class_by"] == by]
    }
    try:
        return LikelihoodTables(tables, thirds, json.loads(str(found["provenance"])))
    except json.JSONDecodeError as error:
        raise DataError(f"{path}: its provenance is no JSON; {REMEDY}") from error
