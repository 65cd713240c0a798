"""Where a detector stands and how it lies there, and so which way its axes point among the stars at a given time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Self

import erfa
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from python.config.problems import Problem, did_you_mean, listed, raise_problems
from python.general_purpose_libs import ConfigError, read_json

SITES = Path(__file__).parent / "sites"
DEFAULT_SITE = "sanford"

_WGS84 = 1  # of the ellipsoids that ERFA knows
_J2000 = 2451545.0  # Julian date of 2000-01-01 at noon
_TT_AHEAD_OF_UTC_S = 69.184  # since 2017; a second more or less turns the sky by less than a microarcsecond


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Position(_Declared):
    """A place on the Earth: geodetic latitude and longitude (east) in degrees, height above the ellipsoid in m."""

    name: str
    latitude_deg: Annotated[float, Field(ge=-90, le=90)]
    longitude_deg: Annotated[float, Field(ge=-180, le=360)]
    height_m: Annotated[float, Field(ge=-20_000, le=20_000)]
    source: str

    @property
    def geocentric(self) -> np.ndarray:
        """The place (3,) in m from the Earth's centre, in axes that turn with it (ITRS)."""
        return np.array(erfa.gd2gc(_WGS84, *np.radians([self.longitude_deg, self.latitude_deg]), self.height_m))

    @property
    def east_north_up(self) -> np.ndarray:
        """Unit vectors in its rows (3, 3), in the same axes."""
        longitude, latitude = np.radians([self.longitude_deg, self.latitude_deg])
        east = np.array([-np.sin(longitude), np.cos(longitude), 0.0])
        up = np.array([*(np.cos(latitude) * np.array([np.cos(longitude), np.sin(longitude)])), np.sin(latitude)])
        return np.stack([east, np.cross(up, east), up])


class Site(_Declared):
    """A detector's site: y is up, z horizontal at `azimuth_deg`, x completes the right-handed axes.

    The azimuth of z is given as such, or z lies along a beam from somewhere, `beam_from`.
    """

    name: str
    position: Position
    z_axis_azimuth_deg: float | None = None
    beam_from: Position | None = None
    azimuth_uncertainty_deg: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _lies_one_way(self) -> Self:
        if (self.z_axis_azimuth_deg is None) == (self.beam_from is None):
            raise ValueError("exactly one of z_axis_azimuth_deg and beam_from must be given")
        return self

    @classmethod
    def read(cls, name_or_path: str | Path) -> Self:
        """The site of a name in `python/pointing/sites`, or of a JSON file; ConfigError with what is wrong and what there is."""
        path, known = Path(name_or_path), [each.stem for each in sorted(SITES.glob("*.json"))]
        if str(name_or_path) in known:
            path = SITES / f"{name_or_path}.json"
        elif path.suffix != ".json" and not path.exists():
            hint = did_you_mean(str(name_or_path), known)
            raise ConfigError(
                f"no site is called {name_or_path}; there is {listed(known)}, or a JSON file of your own{hint}"
            )
        try:
            return cls.model_validate(read_json(path))
        except ValidationError as error:
            raise_problems([_in_words(each["type"], each["loc"], each["msg"]) for each in error.errors()], str(path))
            raise

    @property
    def azimuth_deg(self) -> float:
        """Degrees of the z axis from north through east."""
        if self.beam_from is None:
            return float(self.z_axis_azimuth_deg or 0.0)
        east, north, _ = self.position.east_north_up @ (self.position.geocentric - self.beam_from.geocentric)
        return float(np.degrees(np.arctan2(east, north)) % 360)

    def to_icrs(self, time: datetime) -> np.ndarray:
        """The rotation (3, 3) that takes a vector from detector axes to ICRS at a `time` that knows its zone.

        Rows of vectors (n, 3) turn by `vectors @ to_icrs.T`, back by `vectors @ to_icrs`. A direction stays what it was: to the
        star, or along the flight of its neutrinos, which is the opposite. Needs no tables of the Earth's rotation: that UT1 is
        within 0.9 s of UTC, and aberration, leave 0.01 degrees. Precession and nutation are those of the IAU of 2006 and 2000A.
        """
        days = (time - datetime(2000, 1, 1, 12, tzinfo=UTC)).total_seconds() / 86_400
        icrs_to_earth = erfa.c2t06a(_J2000, days + _TT_AHEAD_OF_UTC_S / 86_400, _J2000, days, 0.0, 0.0)
        return icrs_to_earth.T @ self._axes.T

    @property
    def _axes(self) -> np.ndarray:
        """Unit vectors along x, y and z in rows (3, 3), in axes that turn with the Earth."""
        east, north, up = self.position.east_north_up
        azimuth = np.radians(self.azimuth_deg)
        z = np.sin(azimuth) * east + np.cos(azimuth) * north
        return np.stack([np.cross(up, z), up, z])


def parse_time(text: str) -> datetime:
    """A date and time of ISO 8601, in UTC; taken as UTC where it names no zone. ConfigError for anything else."""
    try:
        time = datetime.fromisoformat(text)
        day_alone = len(text) <= len("2026-11-29")
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ConfigError(f'{text} is no time: {error}; write it like "2026-11-29T18:30:00.25Z"') from error
    if day_alone:
        raise ConfigError(
            f"{text} is a day without a time, in which the sky turns round once; add it, as in {text}T18:30:00Z"
        )
    return time


def _in_words(kind: str, path: tuple[str | int, ...], message: str) -> Problem:
    if kind == "extra_forbidden":
        here = Position if len(path) > 1 else Site
        return Problem(path, f"unknown key{did_you_mean(path[-1], here.model_fields)}")
    return Problem(path, message.removeprefix("Value error, "))
