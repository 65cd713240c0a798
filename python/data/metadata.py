"""The one metadata table of the project: named columns with units, one row per image.

Every file layout, old or own, is translated into this table on reading, so that no code addresses a column by number.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np

from python.data.array_rules import ArrayRule
from python.detector.geometry import GEOMETRIES
from python.physics.constants import ELECTRON_MASS_MEV

UNKNOWN = -1  # in integer columns; unknown floats are NaN


@dataclass(frozen=True)
class Column:
    name: str
    dtype: str
    unit: str
    meaning: str

    @property
    def is_integer(self) -> bool:
        return np.dtype(self.dtype).kind == "i"


COLUMNS = (
    Column("event", "i8", "", "event number, unique within its source, run and subrun only"),
    Column("run", "i8", "", "run number, -1: not recorded"),
    Column("subrun", "i8", "", "subrun number, -1: not recorded"),
    Column("source", "i4", "", "index into the list of sources"),
    Column(
        "time", "i8", "ns", "when the readout window of its event began, by the clock of the source, -1: not recorded"
    ),
    Column("is_marley", "i1", "", "1: most of the charge comes from the neutrino interaction, 0: it does not"),
    Column("is_main_track", "i1", "", "1: most energetic neutrino cluster of its event and plane, 0: not"),
    Column("is_es_interaction", "i1", "", "1: elastic scattering, 0: charged current"),
    Column("true_pos_x", "f4", "cm", "interaction vertex in detector axes, x along the drift"),
    Column("true_pos_y", "f4", "cm", "interaction vertex, y vertical"),
    Column("true_pos_z", "f4", "cm", "interaction vertex, z along the beam"),
    Column("particle_momentum_x", "f4", "GeV/c", "momentum of the primary electron in detector axes"),
    Column("particle_momentum_y", "f4", "GeV/c", ""),
    Column("particle_momentum_z", "f4", "GeV/c", ""),
    Column("true_electron_energy", "f4", "MeV", "kinetic energy of the primary electron, from its momentum"),
    Column("true_nu_energy", "f4", "MeV", "energy of the neutrino"),
    Column("nu_momentum_x", "f4", "GeV/c", "momentum of the neutrino in detector axes"),
    Column("nu_momentum_y", "f4", "GeV/c", ""),
    Column("nu_momentum_z", "f4", "GeV/c", ""),
    Column("cluster_energy", "f4", "MeV", "reconstructed energy: ADC sum over the plane's calibration"),
    Column("plane", "i1", "", "0: U, 1: V, 2: X"),
    Column("match_id", "i8", "", "clusters of one source with the same number are one deposit seen by several planes"),
    Column("apa", "i1", "", "anode plane assembly, two to a row along z: even at y < 0, odd at y > 0"),
    Column("face", "i1", "", "+1: drift volume x > 0, -1: x < 0, 0: not known (unmatched induction cluster)"),
    Column(
        "first_tick", "i8", "tick", "start of the earliest trigger primitive, 0.5 us a tick; of a volume: of its window"
    ),
    Column(
        "first_channel",
        "i4",
        "",
        "lowest channel within the plane, counted on across the wrap of U and V; of a volume: of its window",
    ),
    Column("arrival", "f4", "tick", "charge-weighted tick of arrival at the wires, plane offset taken off"),
    Column("channel", "f4", "", "charge-weighted mean channel of the cluster, counted like first_channel"),
    Column("n_tps", "i4", "", "number of trigger primitives"),
    Column("drift_frame", "i1", "", "1: columns follow the drift frame, 0: columns grow with the channel number"),
    Column("lost_charge", "f4", "", "fraction of the ADC sum outside the stored image"),
    # Which cluster of `python.ingest.products` it is: known in memory, where that is, and in no file.
    Column(
        "cluster",
        "i8",
        "",
        "in memory only: number of the cluster; of a volume or cloud: of the X cluster in the centre",
    ),
    Column("cluster_first_tick", "i8", "tick", "in memory only: first_tick of that cluster"),
    Column("cluster_first_channel", "i4", "", "in memory only: first_channel of that cluster"),
)
IN_MEMORY = ("cluster", "cluster_first_tick", "cluster_first_channel")
FLOATS = tuple(column.name for column in COLUMNS if not column.is_integer)
INTEGERS = tuple(
    column.name for column in COLUMNS if column.is_integer and column.name not in IN_MEMORY and column.name != "plane"
)  # of a file, whose images are all of one plane
DTYPE = np.dtype([(column.name, column.dtype) for column in COLUMNS])
EVENT_KEY = ("source", "run", "subrun", "event")  # what tells an event from all others
EVENT_DTYPE = np.dtype([(name, DTYPE[name]) for name in EVENT_KEY])
SINCE_VERSION = {"run": 3, "subrun": 3, "source_ids": 3, "time": 4}  # arrays that older files lack
MAY_LACK = ("source_geometries",)  # of files of this version too


def event_keys(
    event: np.ndarray, run: np.ndarray | int, subrun: np.ndarray | int, source: np.ndarray | int = 0
) -> np.ndarray:
    """Return the identity of events, structured (E,), from their numbers."""
    keys = np.empty(len(event), EVENT_DTYPE)
    keys["event"], keys["run"], keys["subrun"], keys["source"] = event, run, subrun, source
    return keys


def event_columns(table: np.ndarray) -> list[np.ndarray]:
    """The columns that tell events apart, for `group_numbers`, which then counts source by source."""
    return [table[name] for name in reversed(EVENT_KEY)]


def event_numbers(table: np.ndarray) -> np.ndarray:
    """Number (N,), from 0, the events of a table of metadata, in the order of their keys."""
    return group_numbers(*event_columns(table))


def group_numbers(*columns: np.ndarray) -> np.ndarray:
    """Number (N,), from 0, the distinct rows of the columns, each (N,); the last column orders first."""
    order = np.lexsort(columns)
    new = np.zeros(len(order), bool)
    for column in columns:
        values = column[order]
        new[1:] |= values[1:] != values[:-1]
    numbers = np.empty(len(order), np.int64)
    numbers[order] = np.cumsum(new)
    return numbers


# What a file must hold of the table and of the `sources` that it refers to; the plane is that of the file.
TABLE_RULES = (
    ArrayRule("sources", "U", ("sources",), least=1),
    ArrayRule("source_ids", "U", ("sources",)),
    ArrayRule("source_geometries", "U", ("sources",), allowed=tuple(GEOMETRIES)),
    ArrayRule("metadata", "f", ("n", "columns"), "f4"),
    ArrayRule("metadata_columns", "U", ("columns",), names=FLOATS),
    *(
        ArrayRule(name, "iu", ("n",), DTYPE[name].str, below="sources" if name == "source" else None)
        for name in INTEGERS
    ),
)


def rules_of_file(rules: Sequence[ArrayRule], version: int, arrays: Container[str]) -> list[ArrayRule]:
    """Of the `rules` of an own file those that one of a version, which holds `arrays`, has to follow."""
    since = [rule for rule in rules if version >= SINCE_VERSION.get(rule.name, 0)]
    return [rule for rule in since if rule.name in arrays or rule.name not in MAY_LACK]


def empty_metadata(n: int) -> np.ndarray:
    """Return a structured array (n,) with every column unknown: -1 in integer columns, NaN in the others."""
    table = np.empty(n, DTYPE)
    for column in COLUMNS:
        table[column.name] = UNKNOWN if column.is_integer else np.nan
    return table


def metadata_arrays(table: np.ndarray) -> dict[str, np.ndarray]:
    """Return the arrays by which a file holds the table: `metadata` float32 (N, C) with names and units, integers each alone."""
    units = {column.name: column.unit for column in COLUMNS}
    return {
        "metadata": np.stack([table[name] for name in FLOATS], axis=-1).astype(np.float32),
        "metadata_columns": np.array(FLOATS),
        "metadata_units": np.array([units[name] for name in FLOATS]),
        **{name: table[name] for name in INTEGERS},
    }


def metadata_from_arrays(arrays: dict[str, np.ndarray], n: int, plane: int) -> np.ndarray:
    """Return the table (n,) that `metadata_arrays` made, from arrays that follow the TABLE_RULES.

    Integer columns that are not there, as in files of an older version, are unknown.
    """
    table = empty_metadata(n)
    for name in INTEGERS:
        if name in arrays:
            table[name] = arrays[name]
    names = [str(name) for name in arrays["metadata_columns"]]
    for name in FLOATS:
        table[name] = arrays["metadata"][:, names.index(name)]
    table["plane"] = plane
    return table


def kinetic_energy_mev(momentum_gev: np.ndarray) -> np.ndarray:
    """Kinetic energy (N,) in MeV of electrons with momenta (N, 3) in GeV/c; NaN where the momentum is zero or unknown."""
    squared = np.sum((np.asarray(momentum_gev, float) * 1e3) ** 2, axis=-1)
    energy = np.sqrt(squared + ELECTRON_MASS_MEV**2) - ELECTRON_MASS_MEV
    return np.where(squared > 0, energy, np.nan)


def vectors(table: np.ndarray, name: str) -> np.ndarray:
    """Return the three columns `name`_x, _y, _z as an array (N, 3)."""
    return np.stack([table[f"{name}_{axis}"] for axis in "xyz"], axis=-1)
