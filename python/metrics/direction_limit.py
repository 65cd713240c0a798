"""How well the direction of an electron in liquid argon can be known at all: 68 % angle against its kinetic energy."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np

_TABLE = Path(__file__).with_name("direction_limit.json")
LIMITS = ("physical", "realistic")  # points measured to 1 mm and to 2 mm on each axis


@cache
def _table() -> dict[str, np.ndarray]:
    columns = json.loads(_TABLE.read_text(encoding="utf-8"))
    return {name: np.array(values) for name, values in columns.items() if name != "source"}


def intrinsic_limit(energy: np.ndarray, kind: str = "realistic") -> np.ndarray:
    """Angle in degrees that holds 68 % of electrons of kinetic `energy` in MeV, any shape; NaN outside 5 to 50 MeV.

    `kind` is one of `LIMITS`. Head and tail are known in it, and only the track itself is used. Linear in the logarithms
    between the points of `direction_limit.json`, which names its source.
    """
    if kind not in LIMITS:
        raise ValueError(f"kind is one of {LIMITS}. Received: {kind!r}")
    table, energy = _table(), np.asarray(energy, float)
    known = np.log(table["energy_mev"])
    inside = (energy >= table["energy_mev"][0]) & (energy <= table["energy_mev"][-1])
    angle = np.interp(np.log(np.where(inside, energy, 10.0)), known, np.log(table[f"{kind}_limit_68_deg"]))
    return np.where(inside, np.exp(angle), np.nan)


def limit_range() -> tuple[float, float]:
    """Lowest and highest energy of the table in MeV."""
    return float(_table()["energy_mev"][0]), float(_table()["energy_mev"][-1])
