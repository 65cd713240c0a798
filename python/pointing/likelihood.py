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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from python.data.array_rules import ArrayRule, checked
from python.data.npz import read_npz, write_npz
from python.general_purpose_libs import ConfigError, DataError
from python.pointing.cosine_densities import AROUND, ESTIMATORS

FORMAT_VERSION = 1
TABLES_FILE = "likelihood_tables.npz"
TARGETS = ("electron", "neutrino")
TOPOLOGIES = ("es", "cc", "all")
ENERGIES = ("reconstructed", "true")
QUALITIES = ("all", "best", "middle", "worst")  # by the angle that the network itself says
REMEDY = "make it again with build_likelihood.sh"


def _cosines() -> np.ndarray:
    """Where densities are tabulated: fine towards both ends, where they are steep."""
    fine, coarse = np.arange(0, 12, 0.5), np.arange(12, 90, 2.0)
    half = np.concatenate([fine, coarse])
    return np.cos(np.radians(np.concatenate([half, [90], 180 - half[::-1]])))[::-1]


COSINES = _cosines()  # rising


class Key(NamedTuple):
    """Which table: of which events, the angle from what, by which energy, of which quality, by which estimator."""

    topology: str
    target: str
    energy: str
    quality: str
    estimator: str


RULES = (
    ArrayRule("format_version", "iu"),
    ArrayRule("cosine", "f", ("c",), "f8", -1, 1, finite=True),
    *(ArrayRule(name, "U", ("t",)) for name in Key._fields),
    ArrayRule("first_node", "iu", ("t+1",), "i8", offsets_of="n"),
    ArrayRule("node_energy", "f", ("n",), "f8", 0, finite=True),
    ArrayRule("density", "f", ("n", "c"), "f8", 0, finite=True),
    *(ArrayRule(name, "f", ("t",), "f8") for name in ("log_likelihood", "log_likelihood_error")),
    ArrayRule("is_best", "iub", ("t",)),
)


@dataclass(frozen=True, eq=False)
class Table:
    """Densities (B, C) a steradian at the COSINES (C,), for energies (B,) in MeV; the held-out log-likelihood of an event, with
    its error."""

    energies: np.ndarray
    densities: np.ndarray
    log_likelihood: float = np.nan
    log_likelihood_error: float = np.nan

    def density(self, cosine: ArrayLike, energy: ArrayLike) -> np.ndarray:
        """Probability a steradian at each cosine, given each energy in MeV; the two broadcast."""
        cosine, energy = np.broadcast_arrays(np.asarray(cosine, float), np.asarray(energy, float))
        row, upper = self._between(energy)
        column = np.clip(np.searchsorted(COSINES, cosine, side="right") - 1, 0, len(COSINES) - 2)
        right = np.clip((cosine - COSINES[column]) / (COSINES[column + 1] - COSINES[column]), 0, 1)
        following = np.minimum(row + 1, len(self.energies) - 1)
        return (1 - upper) * self._linear(row, column, right) + upper * self._linear(following, column, right)

    def sample(self, count: int, energy: float, rng: np.random.Generator) -> np.ndarray:
        """Cosines (count,) drawn for events of this energy in MeV."""
        row, upper = self._between(np.array(energy))
        density = (1 - upper) * self.densities[row] + upper * self.densities[min(int(row) + 1, len(self.energies) - 1)]
        width = np.diff(COSINES)
        held = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2 * width)])
        wanted = rng.random(count) * held[-1]
        cell = np.clip(np.searchsorted(held, wanted, side="right") - 1, 0, len(width) - 1)
        low, slope = density[cell], (density[cell + 1] - density[cell]) / width[cell]
        rest = wanted - held[cell]
        root = np.sqrt(np.maximum(low**2 + 2 * slope * rest, 0))
        return np.clip(
            COSINES[cell] + np.divide(2 * rest, low + root, out=np.zeros(count), where=low + root > 0), -1, 1
        )

    def share_within(self, cosine: ArrayLike, energy: ArrayLike) -> np.ndarray:
        """The probability of an angle no larger than that of each cosine, given each energy in MeV; the two broadcast."""
        cosine, energy = np.broadcast_arrays(np.asarray(cosine, float), np.asarray(energy, float))
        row, upper = self._between(energy)
        width = np.diff(COSINES)
        middle = (self.densities[:, 1:] + self.densities[:, :-1]) / 2
        below = AROUND * np.concatenate([np.zeros((len(middle), 1)), np.cumsum(middle * width, axis=1)], axis=1)
        column = np.clip(np.searchsorted(COSINES, cosine, side="right") - 1, 0, len(width) - 1)
        step = np.clip(cosine - COSINES[column], 0, width[column])

        def up_to(rows: np.ndarray) -> np.ndarray:
            low, high = self.densities[rows, column], self.densities[rows, column + 1]
            return below[rows, column] + AROUND * step * (low + (high - low) * step / (2 * width[column]))

        following = np.minimum(row + 1, len(self.energies) - 1)
        return 1 - ((1 - upper) * up_to(row) + upper * up_to(following))

    def angle_of(self, level: float, energy: ArrayLike) -> np.ndarray:
        """The angle in degrees that holds the share `level`, for each energy in MeV."""
        energy = np.asarray(energy, float)
        low, high = np.full(energy.shape, -1.0), np.full(energy.shape, 1.0)
        for _ in range(40):
            middle = (low + high) / 2
            enough = self.share_within(middle, energy) >= level
            low, high = np.where(enough, middle, low), np.where(enough, high, middle)
        return np.degrees(np.arccos(np.clip((low + high) / 2, -1, 1)))

    def _between(self, energy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The row below each energy, and how far it is to the next, 0 to 1."""
        nodes = np.log(self.energies)
        at = np.clip(np.log(np.maximum(energy, 1e-9)), nodes[0], nodes[-1])
        row = np.clip(np.searchsorted(nodes, at, side="right") - 1, 0, max(len(nodes) - 2, 0))
        if len(nodes) == 1:
            return row, np.zeros_like(at)
        return row, (at - nodes[row]) / (nodes[row + 1] - nodes[row])

    def _linear(self, row: np.ndarray, column: np.ndarray, right: np.ndarray) -> np.ndarray:
        return (1 - right) * self.densities[row, column] + right * self.densities[row, column + 1]


@dataclass(frozen=True, eq=False)
class LikelihoodTables:
    """All tables by their keys, and where they come from: plain JSON values."""

    tables: Mapping[Key, Table]
    provenance: Mapping[str, Any]

    def table(
        self,
        topology: str = "all",
        target: str = "electron",
        *,
        energy: str = "reconstructed",
        quality: str = "all",
        estimator: str | None = None,
    ) -> Table:
        """One table, of the estimator that told events best which it had not seen unless one is named.

        ConfigError: there is none.
        """
        wanted = Key(topology, target, energy, quality, estimator or "")
        found = [key for key in self.tables if key[:4] == wanted[:4] and estimator in (None, key.estimator)]
        if not found:
            known = sorted({", ".join(key[:4]) for key in self.tables})
            raise ConfigError(
                f"no likelihood table of {', '.join(filter(None, wanted))}; there are those of: {'; '.join(known)}"
            )
        return self.tables[max(found, key=lambda key: np.nan_to_num(self.tables[key].log_likelihood, nan=-np.inf))]

    def density(
        self, cosine: ArrayLike, energy: ArrayLike, topology: str = "all", target: str = "electron", **more: str
    ):
        """See `Table.density`; which table, see `table`, whose `energy` is named `by` here."""
        return self.table(topology, target, **_named(more)).density(cosine, energy)

    def sample(self, count: int, energy: float, topology: str, target: str, rng: np.random.Generator) -> np.ndarray:
        """Cosines (count,) drawn for events of this reconstructed energy in MeV."""
        return self.table(topology, target).sample(count, energy, rng)


def _named(more: Mapping[str, str]) -> dict[str, str]:
    return {"energy" if name == "by" else name: value for name, value in more.items()}


def fit_table(cosine: np.ndarray, energy: np.ndarray, bins: Sequence[np.ndarray], estimator: str) -> Table:
    """A table by an estimator: of the events (rows) of each bin, at the mean of the log of their energies."""
    fit = ESTIMATORS[estimator]
    energies = np.array([np.exp(np.mean(np.log(energy[rows]))) for rows in bins])
    densities = np.array([fit(cosine[rows])(COSINES) for rows in bins])
    held = AROUND * np.sum((densities[:, 1:] + densities[:, :-1]) / 2 * np.diff(COSINES), axis=1)
    return Table(energies, densities / held[:, None])  # between the cosines a density is a straight line


def write_tables(path: Path, found: LikelihoodTables) -> None:
    """Write the tables. Raises OutputError."""
    keys = list(found.tables)
    tables = list(found.tables.values())
    counts = [len(table.energies) for table in tables]
    write_npz(
        path,
        {
            "format_version": np.int64(FORMAT_VERSION),
            "cosine": COSINES,
            **{name: np.array([getattr(key, name) for key in keys]) for name in Key._fields},
            "first_node": np.concatenate([[0], np.cumsum(counts)]),
            "node_energy": np.concatenate([table.energies for table in tables]),
            "node_energy_unit": np.str_("MeV"),
            "density": np.concatenate([table.densities for table in tables]).astype(np.float32),
            "density_unit": np.str_("1 / steradian"),
            "log_likelihood": np.array([table.log_likelihood for table in tables]),
            "log_likelihood_error": np.array([table.log_likelihood_error for table in tables]),
            "is_best": np.array(
                [found.table(*key[:2], energy=key[2], quality=key[3]) is found.tables[key] for key in keys]
            ),
            "provenance": np.str_(json.dumps(found.provenance)),
        },
    )


def read_tables(path: str | os.PathLike) -> LikelihoodTables:
    """Read tables that build_likelihood.sh has written. Raises DataError that names the file and what is wrong."""
    arrays = read_npz(path)
    version = arrays.get("format_version")
    if (
        version is not None
        and np.ndim(version) == 0
        and np.issubdtype(version.dtype, np.integer)
        and version > FORMAT_VERSION
    ):
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
        told = (float(found[name][number]) for name in ("log_likelihood", "log_likelihood_error"))
        tables[Key(*key)] = Table(found["node_energy"][nodes], found["density"][nodes], *told)
    provenance = json.loads(str(arrays["provenance"])) if "provenance" in arrays else {}
    return LikelihoodTables(tables, provenance)
