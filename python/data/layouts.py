"""Metadata layouts of old dense files: named, told apart by their number of columns, and checked against their content.

The old files number their columns and nothing in them says which numbering holds, so a layout is believed only when every
column looks like what the layout says it is. A file that fits none, or more than one, is an error that shows the evidence.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from python.data.metadata import COLUMNS, empty_metadata, kinetic_energy_mev, vectors
from python.detector.calibration import adc_per_mev
from python.detector.geometry import PLANES
from python.general_purpose_libs import DataError, log

MAX_POSITION_CM = 1400.0  # the largest simulated volume ends at |y| = 608, |x| = 363, z = 1393
MAX_MOMENTUM_GEV = 0.1  # an electron of a supernova interaction stays below 70 MeV


@dataclass(frozen=True)
class Layout:
    """`fields` names the columns in order: a table column, or one of the quantities in `_CHECKS` that the table lacks."""

    name: str
    fields: tuple[str, ...]


_POSITION = ("true_pos_x", "true_pos_y", "true_pos_z")
_MOMENTUM = ("particle_momentum_x", "particle_momentum_y", "particle_momentum_z")
_NU_MOMENTUM = ("nu_momentum_x", "nu_momentum_y", "nu_momentum_z")
_EVENT_FLAGS = ("event", "is_marley", "is_main_track", "is_es_interaction")
# "particle_energy" is an ADC sum in disguise in all of these, so it is never taken for the true energy.
_THIRTEEN = (*_EVENT_FLAGS, *_POSITION, *_MOMENTUM, "cluster_energy", "particle_energy", "plane")
_TWELVE = (
    "is_marley",
    "is_main_track",
    "is_es_interaction",
    *_POSITION,
    *_MOMENTUM,
    "true_nu_energy",
    "particle_energy",
)

LAYOUTS = (
    Layout(
        "11 columns with direction and plane",
        (
            "is_marley",
            "is_main_track",
            *_POSITION,
            "direction_x",
            "direction_y",
            "direction_z",
            "true_nu_energy",
            "particle_energy",
            "plane",
        ),
    ),
    Layout("11 columns with momentum", _TWELVE),
    Layout("12 columns", (*_TWELVE, "plane")),
    Layout("13 columns", _THIRTEEN),
    Layout("14 columns", (*_THIRTEEN, "match_id")),
    Layout("18 columns", (*_THIRTEEN, "match_id", "true_nu_energy", *_NU_MOMENTUM)),
)


def _is_flag(values: np.ndarray) -> bool:
    return bool(np.all((values == 0) | (values == 1)))


def _is_whole(values: np.ndarray, lowest: int) -> bool:
    return bool(np.all((values >= lowest) & (values == np.floor(values))))


def _is_below(limit: float) -> Callable[[np.ndarray], bool]:
    return lambda values: bool(np.all(np.abs(values) <= limit))


def _is_energy(values: np.ndarray) -> bool:
    return bool(np.all((values >= 0) | (values == -1)))


_CHECKS: dict[str, tuple[str, Callable[[np.ndarray], bool]]] = {
    "event": ("whole numbers from 0", lambda values: _is_whole(values, 0)),
    "is_marley": ("0 or 1", _is_flag),
    "is_main_track": ("0 or 1", _is_flag),
    "is_es_interaction": ("0 or 1", _is_flag),
    "true_pos": (f"within {MAX_POSITION_CM:g} cm", _is_below(MAX_POSITION_CM)),
    "particle_momentum": (f"within {MAX_MOMENTUM_GEV:g} GeV/c", _is_below(MAX_MOMENTUM_GEV)),
    "nu_momentum": (f"within {MAX_MOMENTUM_GEV:g} GeV/c", _is_below(MAX_MOMENTUM_GEV)),
    "direction": ("within 1", _is_below(1.0 + 1e-5)),
    "cluster_energy": ("0 or more", _is_energy),
    "particle_energy": ("0 or more", _is_energy),
    "true_nu_energy": ("0 or more, or -1", _is_energy),
    "match_id": ("whole numbers from -1", lambda values: _is_whole(values, -1)),
}


def _quantity(field: str) -> str:
    return field[:-2] if field[-2:] in ("_x", "_y", "_z") else field


def _misfits(layout: Layout, metadata: np.ndarray, plane: str) -> Iterator[str]:
    """Say for each column that does not look like its name what it should be and what it is."""
    for number, field in enumerate(layout.fields):
        values = metadata[:, number]
        if field == "plane":
            expected = PLANES.index(plane)
            text, fits = f"{expected} (plane {plane})", bool(np.all(values == expected))
        else:
            text, check = _CHECKS[_quantity(field)]
            fits = check(values)
        if not fits:
            yield f"column {number} ({field}) should be {text} and spans {values.min():g} to {values.max():g}"
    if "direction_x" in layout.fields:
        first = layout.fields.index("direction_x")
        norm = np.linalg.norm(metadata[:, first : first + 3], axis=1)
        if not np.all((np.abs(norm - 1) < 1e-3) | (norm == 0)):
            yield f"columns {first}-{first + 2} (direction) should have length 1 and have {norm.min():g} to {norm.max():g}"


def recognise_layout(metadata: np.ndarray, plane: str) -> Layout:
    """Return the one layout that the old metadata (N, C) of a file of `plane` fit; DataError with the evidence otherwise."""
    if metadata.ndim != 2:
        raise DataError(f"metadata have the shape {metadata.shape}, a table (images, columns) is needed")
    candidates = [layout for layout in LAYOUTS if len(layout.fields) == metadata.shape[1]]
    if not candidates:
        known = sorted({len(layout.fields) for layout in LAYOUTS})
        raise DataError(f"metadata have {metadata.shape[1]} columns; known layouts have {', '.join(map(str, known))}")
    if not np.all(np.isfinite(metadata)):
        row, column = np.argwhere(~np.isfinite(metadata))[0]
        raise DataError(f"metadata are not finite (image {row}, column {column})")
    evidence = {layout.name: list(_misfits(layout, metadata, plane)) for layout in candidates} if len(metadata) else {}
    fitting = [layout for layout in candidates if not evidence.get(layout.name)]
    if len(fitting) == 1 or (fitting and not len(metadata)):
        return fitting[0]
    if fitting:
        names = " and ".join(layout.name for layout in fitting)
        raise DataError(f"metadata fit more than one layout ({names}); files with more images can be told apart")
    lines = "; ".join(f"as '{name}': {', '.join(misfits)}" for name, misfits in evidence.items())
    raise DataError(f"metadata fit no known layout: {lines}")


def exact_up_to(dtype: np.dtype) -> int:
    """The number up to which metadata of a type tell all whole numbers apart, read as float64 as they are."""
    return 2 ** min(np.finfo(dtype if dtype.kind == "f" else np.float64).nmant + 1, 53)


def merged_events(event: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Mark, bool (N,), event numbers that were stored as `dtype` and may each stand for several events."""
    return event >= exact_up_to(dtype)


def warn_of_merged_events(event: np.ndarray, dtype: np.dtype, path: str | os.PathLike) -> None:
    """Say so when events of a file cannot be told apart: its event numbers (N,), stored as `dtype`, are too large."""
    merged = merged_events(event, dtype)
    if merged.any():
        log.warning(
            "%s: %d of %d images have event numbers of %d and more, which %s does not tell apart: events with one number count "
            "as one event and stay together in splits; make the file again from its source, with make_images.sh",
            path,
            merged.sum(),
            len(event),
            exact_up_to(dtype),
            dtype,
        )


def metadata_from_layout(metadata: np.ndarray, plane: str, adc_sums: np.ndarray) -> np.ndarray:
    """Translate old metadata (N, C) into the project's table (N,).

    `adc_sums` (N,) serve for the cluster energy where the layout has none. Layouts without event numbers get one for each
    neutrino energy, which all clusters of an event share; background images count as events of their own.
    Raises DataError as `recognise_layout`.
    """
    layout = recognise_layout(metadata, plane)
    table = empty_metadata(len(metadata))
    of_the_table = {column.name for column in COLUMNS}
    for number, field in enumerate(layout.fields):
        if field in of_the_table:
            table[field] = metadata[:, number]
    table["plane"] = PLANES.index(plane)
    for name in ("true_nu_energy", "cluster_energy"):
        table[name][table[name] < 0] = np.nan
    table["true_electron_energy"] = kinetic_energy_mev(vectors(table, "particle_momentum"))
    if "cluster_energy" not in layout.fields:
        table["cluster_energy"] = adc_sums / adc_per_mev("older")[PLANES.index(plane)]
    if "event" not in layout.fields:
        energy = np.nan_to_num(table["true_nu_energy"], nan=0.0)
        _, table["event"] = np.unique(energy, return_inverse=True)
        alone = energy <= 0
        table["event"][alone] = len(table) + np.arange(alone.sum())
    return table
