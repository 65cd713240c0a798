"""A sky map in the words of an alert: the unified schema of NASA's General Coordinates Network. Nothing is sent anywhere."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from python.pointing.sky_map import ICRS, SkyMap

CONTAINMENT = 0.9  # of the circle that stands for the map

_KEV_PER_MEV = 1000


@dataclass(frozen=True)
class AlertFacts:
    """What an alert says beside the map. Times carry their zone.

    `map_file` is the content of the map's FITS file; `number` counts the alerts of this burst from 1; what is None is not said.
    Rates are per second, over `duration_s` and over `energy_range_mev`.
    """

    name: str
    written: datetime
    trigger_time: datetime
    map_file: bytes
    number: int = 1
    real: bool = False
    duration_s: float | None = None
    net_rate: float | None = None
    background_rate: float | None = None
    energy_range_mev: tuple[float, float] | None = None
    false_alarm_rate_hz: float | None = None


def alert(sky_map: SkyMap, facts: AlertFacts) -> dict[str, Any]:
    """The alert as JSON values, with the properties of Alert, DateTime, Event, Localization, Statistics and Reporter.

    https://gcn.nasa.gov/docs/schema. Its tense is "test" unless `facts.real`; the first of a burst is "initial", others "update".
    The place is the map's peak with the circle about it that holds 90 %; whoever needs the shape reads the map within.
    ValueError for a map in detector axes, of which an alert could only say what is wrong.
    """
    if sky_map.frame != ICRS:
        raise ValueError(
            "an alert names a place on the sky, and this map is in detector axes; it needs the time of the burst"
        )
    right_ascension, declination = right_ascension_and_declination(sky_map.peak)
    said = {
        "alert_datetime": _zulu(facts.written),
        "alert_tense": "current" if facts.real else "test",
        "alert_type": "initial" if facts.number == 1 else "update",
        "mission": "DUNE",
        "instrument": "DUNE far detector",
        "messenger": "Neutrino",
        "record_number": facts.number,
        "event_name": facts.name,
        "trigger_time": _zulu(facts.trigger_time),
        "observation_livetime": facts.duration_s,
        "ra": round(right_ascension, 4),
        "dec": round(declination, 4),
        "ra_dec_error": round(float(sky_map.radius(CONTAINMENT)), 4),
        "containment_probability": CONTAINMENT,
        "systematic_included": False,
        "healpix_file": base64.b64encode(facts.map_file).decode("ascii"),
        "far": facts.false_alarm_rate_hz,
        "net_count_rate": facts.net_rate,
        "background_count_rate": facts.background_rate,
        "rate_duration": facts.duration_s,
        "rate_energy_range": facts.energy_range_mev and [_KEV_PER_MEV * edge for edge in facts.energy_range_mev],
    }
    return {name: value for name, value in said.items() if value is not None}


def right_ascension_and_declination(direction: np.ndarray) -> tuple[float, float]:
    """Degrees of a vector (3,) to the star in ICRS."""
    x, y, z = direction
    return float(np.degrees(np.arctan2(y, x)) % 360), float(np.degrees(np.arctan2(z, np.hypot(x, y))))


def _zulu(time: datetime) -> str:
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
