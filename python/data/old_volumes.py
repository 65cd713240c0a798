"""Volume files of the older toolkit: images as pickled objects, metadata as one pickled dictionary a volume.

Their rows grow with the channel number and their columns with the tick, the main cluster in the middle, nothing is flipped, and
plane offsets are left in. The toolkit writes images of one size as Python floats, 32 bytes a pixel in memory; one file at a
time is read so, and becomes sparse image by image.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from python.data.array_rules import REST, ArrayRule, checked
from python.data.image_file import ImageFile
from python.data.layouts import MAX_MOMENTUM_GEV, exact_up_to, warn_of_merged_events
from python.data.metadata import DTYPE, UNKNOWN, empty_metadata, kinetic_energy_mev, vectors
from python.data.restricted_pickle import member_types, read_member
from python.data.sources import Source, source_by_place
from python.data.sparse_images import SparseImages
from python.detector.geometry import PLANES
from python.general_purpose_libs import DataError, log

PROBLEMS_SHOWN = 5

# The toolkit's names of interactions, and is_es_interaction and is_marley that they stand for.
_INTERACTIONS = {"ES": (1, 1), "CC": (0, 1), "BACKGROUND": (UNKNOWN, 0), "UNKNOWN": (UNKNOWN, UNKNOWN)}


@dataclass(frozen=True)
class _Number:
    """A number in a dictionary: the column that it fills and the range in which it is believed."""

    column: str
    lowest: float
    highest: float
    may_be_unknown: bool = False

    def allows(self, value: object) -> bool:
        if not isinstance(value, (int, float, np.bool_, np.integer, np.floating)):
            return False
        if not (self.lowest <= value <= self.highest or (self.may_be_unknown and value == UNKNOWN)):
            return False
        return not self._is_whole or value == int(value)

    def __str__(self) -> str:
        kind = "a whole number" if self._is_whole else "a number"
        return f"{kind} from {self.lowest:g} to {self.highest:g}{' or -1' if self.may_be_unknown else ''}"

    @property
    def _is_whole(self) -> bool:
        return DTYPE[self.column].kind == "i"


_MAX_ENERGY_MEV = 1000 * MAX_MOMENTUM_GEV
_NUMBERS = {
    "event": _Number("event", 0, 2**62),
    "is_es_interaction": _Number("is_es_interaction", 0, 1),
    "is_marley": _Number("is_marley", 0, 1),
    "main_cluster_match_id": _Number("match_id", 0, 2**62, may_be_unknown=True),
    "neutrino_energy": _Number("true_nu_energy", 0, _MAX_ENERGY_MEV, may_be_unknown=True),
    "cluster_energy": _Number("cluster_energy", 0, 1e6, may_be_unknown=True),
    # in GeV/c, whatever the toolkit's notes say
    **{
        f"main_track_{old}_{axis}": _Number(f"{new}_{axis}", -MAX_MOMENTUM_GEV, MAX_MOMENTUM_GEV)
        for old, new in (("momentum", "particle_momentum"), ("neutrino_momentum", "nu_momentum"))
        for axis in "xyz"
    },
}
OLD_VOLUME_RULES = (  # what the arrays and dictionaries in them must be is looked at one by one
    ArrayRule("images", "Ofiub", ("n", REST)),
    ArrayRule("metadata", "O", ("n",)),
)
_TEXTS = {"plane", "interaction_type", "source_root_file"}


def holds_old_volumes(path: str | os.PathLike) -> bool:
    """Whether an NPZ file has a pickled table of dictionaries, as old volume files do. Raises DataError as `member_types`."""
    types = member_types(path)
    return "format_version" not in types and "images" in types and types.get("metadata") == np.dtype(object)


def read_old_volume_file(path: str | os.PathLike, plane: str, source: Source | None = None) -> ImageFile:
    """Read the volumes (N, channels, ticks) of one old file; `source` is the file by its name and place when left out.

    `images` are N arrays (H, W) of one size, or one array (N, H, W); `metadata` (N,) are dictionaries. Every volume shows the
    main cluster of its event, so `is_main_track` is 1. Names that no column takes up are logged for debugging; columns that no
    name fills stay unknown. `particle_energy` is not taken up: a sum of ADC in most files, the truth in some.
    Raises DataError that names the file and, for the first few, each volume and value that is not what it should be.
    """
    path = Path(path)
    found = checked({name: read_member(path, name) for name in ("metadata", "images")}, OLD_VOLUME_RULES, path)
    rows, images = found["metadata"], found["images"]
    store = _sparse(images, path)
    table, problems = empty_metadata(len(rows)), []
    for number, row in enumerate(rows):
        problems += [f"volume {number}: {problem}" for problem in _fill(table[number : number + 1], row, plane)]
    if problems:
        more = [f"{len(problems) - PROBLEMS_SHOWN} more"] if len(problems) > PROBLEMS_SHOWN else []
        raise DataError(f"{path}: {'; '.join(problems[:PROBLEMS_SHOWN] + more)}")
    ignored = sorted({_shown(key) for row in rows for key in row if key not in _NUMBERS and key not in _TEXTS})
    log.debug("%s: no column takes up %s", path, ", ".join(ignored) or "nothing")
    _warn_of_doubtful_labels(rows, table, path)
    floats = [np.asarray(row["event"]).dtype for row in rows if isinstance(row.get("event"), (float, np.floating))]
    if floats:
        warn_of_merged_events(table["event"], min(floats, key=exact_up_to), path)
    _complete(table, plane)
    return ImageFile(store, table, [source or source_by_place(path.stem, str(path))], plane, "volumes")


def _sparse(images: np.ndarray, path: Path) -> SparseImages:
    if images.ndim != 3 and len(images) == 0:
        raise DataError(f"{path}: holds no volume, and none tells their size")
    shape = images.shape[1:] if images.ndim == 3 else getattr(images[0], "shape", ())
    return SparseImages.from_pixels((_pixels(image, number, shape, path) for number, image in enumerate(images)), shape)


def _pixels(image: object, number: int, shape: tuple[int, ...], path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return index and ADC of the pixels of an image (H, W) that are not zero."""
    if not isinstance(image, np.ndarray) or image.ndim != 2 or image.dtype.kind not in "biufO" or 0 in image.shape:
        raise DataError(f"{path}: image {number} is not a table of numbers (channels, ticks)")
    if image.shape != shape:
        raise DataError(f"{path}: image {number} is {_by(image.shape)}, the first is {_by(shape)}")
    try:
        with np.errstate(over="ignore"):  # becomes infinite, which is refused below
            flat = image.astype(np.float32).ravel()
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{path}: image {number} holds something else than numbers") from error
    if not np.all(np.isfinite(flat)):
        raise DataError(f"{path}: image {number} holds ADC values that are not finite")
    if flat.min(initial=0) < 0:
        raise DataError(f"{path}: image {number} holds negative ADC values")
    pixels = np.flatnonzero(flat)
    return pixels, flat[pixels]


def _fill(target: np.ndarray, row: object, plane: str) -> Iterator[str]:
    """Write the values of one dictionary into its row of the table, (1,); yield what is wrong with them."""
    if not isinstance(row, dict):
        yield f"its metadata are {_shown(row)}, a dictionary is needed"
        return
    for key in sorted(_TEXTS & row.keys()):
        if not isinstance(row[key], str):
            yield f"{key} is {_shown(row[key])}, a text is needed"
            return
    if row.get("plane", plane) != plane:
        yield f"plane is {_shown(row['plane'])}, {plane} was asked for"
    interaction = row.get("interaction_type", "UNKNOWN")
    if interaction.upper() in _INTERACTIONS:
        target["is_es_interaction"], target["is_marley"] = _INTERACTIONS[interaction.upper()]
    else:
        yield f"interaction_type is {_shown(interaction)}, one of {', '.join(_INTERACTIONS)} is needed"
    for key in [key for key in _NUMBERS if key in row]:
        if _NUMBERS[key].allows(row[key]):
            target[_NUMBERS[key].column] = row[key]
        else:
            yield f"{key} is {_shown(row[key])}, {_NUMBERS[key]} is needed"


def _warn_of_doubtful_labels(rows: np.ndarray, table: np.ndarray, path: Path) -> None:
    """Say so where the name of the source contradicts the label: one version of the toolkit called every interaction ES."""
    origins = [re.split(r"[/\\]", row.get("source_root_file", ""))[-1].lower() for row in rows]
    doubtful = sum(
        (origin.startswith("cc_") and label == 1) or (origin.startswith("es_") and label == 0)
        for origin, label in zip(origins, table["is_es_interaction"], strict=True)
    )
    if doubtful:
        log.warning(
            "%s: %d of %d volumes are labelled otherwise than the name of their source says; "
            "state the class of the folder by es_directories or cc_directories",
            path,
            doubtful,
            len(rows),
        )


def _complete(table: np.ndarray, plane: str) -> None:
    """Fill what follows from the rest of the table, or from the way in which the toolkit makes volumes."""
    for name in ("true_nu_energy", "cluster_energy"):
        table[name][table[name] < 0] = np.nan
    nu_energy = 1000 * np.linalg.norm(vectors(table, "nu_momentum"), axis=1)  # MeV; massless
    derived = np.isnan(table["true_nu_energy"]) & (nu_energy > 0)
    table["true_nu_energy"][derived] = nu_energy[derived]
    table["true_electron_energy"] = kinetic_energy_mev(vectors(table, "particle_momentum"))
    table["plane"] = PLANES.index(plane)
    table["source"] = 0
    table["is_main_track"] = 1
    table["drift_frame"] = 0


def _shown(value: object) -> str:
    """A value as a message may show it: containers only by their type, texts without control characters."""
    if isinstance(value, (str, float, np.generic)) or (isinstance(value, int) and abs(value) < 2**64):
        return ascii(value)[:100]
    return f"of type {type(value).__name__}"


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
