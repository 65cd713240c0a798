"""Sky maps as FITS files that astronomers' tools read: pixels of several orders, or of one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from astropy.io import fits

from python.general_purpose_libs import DataError, atomic_path, reason_of
from python.pointing.sky_map import DETECTOR, HIGHEST_ORDER, ICRS, SkyMap
from python.version import VERSION

FRAME_KEYWORD = "SKYFRAME"  # our own: ICRS or DETECTOR
CREATOR = f"ml_for_pointing {VERSION}"

_EPOCH_MJD = 40587  # of 1970-01-01
_PIXEL_COLUMNS = ("PROBDENSITY", "PROB")
_ICRS_NAMES = ("C", "EQUATORIAL", "ICRS")
_DETECTOR_AXES = (
    "Directions in detector axes, not on the sky: x along the drift, y up,",
    "z along the beam. The pole of HEALPix is z, longitude runs from x to y.",
)


@dataclass(frozen=True)
class MapFacts:
    """What the header of a map says beside the map: `observed` and `written` are times with a zone, or are left out."""

    name: str
    observed: datetime | None = None
    written: datetime | None = None
    simulated: bool = False
    instrument: str = "DUNE"
    origin: str = "ml_for_pointing"


def write_multi_order(path: str | os.PathLike, sky_map: SkyMap, facts: MapFacts) -> None:
    """Write a map of several orders: columns UNIQ and PROBDENSITY per steradian. The same map and facts give the same bytes.

    The pixel numbers are those of "MOC: Multi-Order Coverage map", IVOA Recommendation 2.0, 2022. OutputError when it cannot be.
    """
    unique = sky_map.pixel + _first_unique(sky_map.order)
    ascending = np.argsort(unique)
    columns = [
        fits.Column("UNIQ", "K", array=unique[ascending]),
        fits.Column("PROBDENSITY", "D", unit="sr-1", array=sky_map.density[ascending]),
    ]
    kind = {
        "ORDERING": ("NUNIQ", "pixels of several orders, numbered as one"),
        "INDXSCHM": ("EXPLICIT", "a row names its pixel"),
        "MOCORDER": (int(sky_map.order.max()), "order of the smallest pixels"),
    }
    _write(path, columns, kind | _said(sky_map, facts))


def write_flat(path: str | os.PathLike, sky_map: SkyMap, facts: MapFacts, order: int = HIGHEST_ORDER) -> None:
    """Write a map of one order, nested: column PROB, the probability of a pixel. Otherwise as `write_multi_order`."""
    density = sky_map.flat(order)
    columns = [fits.Column("PROB", "D", unit="pix-1", array=density * (4 * np.pi / len(density)))]
    kind = {
        "ORDERING": ("NESTED", "sequence of the pixels"),
        "INDXSCHM": ("IMPLICIT", "a row is the pixel of its number"),
        "NSIDE": (1 << order, "pixels along the side of a base pixel"),
        "FIRSTPIX": (0, "first pixel"),
        "LASTPIX": (len(density) - 1, "last pixel"),
    }
    _write(path, columns, kind | _said(sky_map, facts))


def read_map(path: str | os.PathLike) -> SkyMap:
    """Read a map of either kind; DataError that says why where the file holds none."""
    try:
        with fits.open(path, memmap=False) as file:
            header, rows = file[1].header, file[1].data
            return _map_of(header, rows)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise DataError(f"{path}: holds no sky map that can be read ({reason_of(error)})") from error


def _map_of(header: fits.Header, rows: fits.FITS_rec) -> SkyMap:
    frame = DETECTOR if header.get(FRAME_KEYWORD) == DETECTOR.upper() else None
    frame = ICRS if str(header.get("COORDSYS")).upper() in _ICRS_NAMES else frame
    if frame is None:
        raise ValueError(f"neither COORDSYS nor {FRAME_KEYWORD} says that its axes are ICRS or the detector's")
    column = next((name for name in _PIXEL_COLUMNS if name in rows.names), None)
    if column is None:
        raise ValueError(f"none of its columns is {' or '.join(_PIXEL_COLUMNS)}")
    values = rows[column].astype(np.float64).ravel()
    if header.get("ORDERING") == "NUNIQ":
        unique = rows["UNIQ"].astype(np.int64)
        order = (
            np.frexp(unique)[1].astype(np.int64) - 3
        ) // 2  # frexp gives the number of bits; UNIQ < 2**53 up to order 25
        return SkyMap(order, unique - (np.int64(4) << 2 * order), values, frame)
    if header.get("ORDERING") != "NESTED":
        raise ValueError(f"its ORDERING is {header.get('ORDERING')}, neither NUNIQ nor NESTED")
    order = np.full(len(values), int(header["NSIDE"]).bit_length() - 1)
    area = 4 * np.pi / len(values) if column == "PROB" else 1.0
    return SkyMap(order, np.arange(len(values)), values / area, frame)


def _first_unique(order: np.ndarray) -> np.ndarray:
    """The number of pixel 0 of each order among those of all orders."""
    return np.int64(4) << 2 * order


def _said(sky_map: SkyMap, facts: MapFacts) -> dict[str, tuple]:
    """Keywords with value and comment."""
    said: dict[str, tuple] = {"PIXTYPE": ("HEALPIX", "pixels of equal area")}
    said[FRAME_KEYWORD] = (sky_map.frame.upper(), "axes: ICRS, or DETECTOR as below")
    if sky_map.frame == ICRS:
        said |= {"COORDSYS": ("C", "equatorial"), "RADESYS": ("ICRS", "")}
    if facts.observed is not None:
        observed = facts.observed.astimezone(UTC)
        said |= {
            "DATE-OBS": (observed.replace(tzinfo=None).isoformat(), "UTC, of the first neutrino"),
            "MJD-OBS": (modified_julian_date(observed), "the same, in days"),
            "TIMESYS": ("UTC", ""),
        }
    if facts.written is not None:
        said["DATE"] = (facts.written.astimezone(UTC).replace(tzinfo=None).isoformat(), "UTC, of this file")
    return said | {
        "OBJECT": (facts.name, "the burst"),
        "INSTRUME": (facts.instrument, "the detector"),
        "SIMULATD": (facts.simulated, "is the burst simulated?"),
        "CREATOR": (CREATOR, "what made this file"),
        "ORIGIN": (facts.origin, "who made it"),
    }


def modified_julian_date(time: datetime) -> float:
    """Days of UTC since 1858-11-17, of a time with a zone."""
    return (time - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() / 86_400 + _EPOCH_MJD


def _write(path: str | os.PathLike, columns: list[fits.Column], said: dict[str, tuple]) -> None:
    table = fits.BinTableHDU.from_columns(columns, name="SKYMAP")
    for keyword, (value, comment) in said.items():
        table.header[keyword] = (value, comment)
    if said[FRAME_KEYWORD][0] == DETECTOR.upper():
        for line in _DETECTOR_AXES:
            table.header.add_comment(line)
    with atomic_path(Path(path)) as temporary:
        fits.HDUList([fits.PrimaryHDU(), table]).writeto(temporary, overwrite=True)
