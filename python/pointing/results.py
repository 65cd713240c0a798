"""What a burst's pointing leaves in its folder: maps, pictures, tables, an alert, a summary and a report."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from python.data.npz import write_npz
from python.general_purpose_libs import atomic_path, write_json
from python.pointing.alert import AlertFacts, alert, right_ascension_and_declination
from python.pointing.map_files import MapFacts, write_flat, write_multi_order
from python.pointing.numbers import CLASSES
from python.pointing.pointing import Pointing
from python.pointing.sky_map import angle_between
from python.version import VERSION

MAP_FILE, FLAT_MAP_FILE = "skymap.fits", "skymap.flat.fits"
EVENTS_FILE, EVENTS_TABLE = "events.npz", "events.csv"
SUMMARY_FILE, ALERT_FILE, JUDGEMENT_FILE = "summary.json", "alert.json", "judgement.json"
LEVELS = (0.5, 0.68, 0.9)
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Circumstances:
    """What is told of a burst beside its candidates: a `name`, the `time` of its beginning where that is known (with zone), the
    name of the `site`, which `networks` were asked, whether an alert is `real`, its `number` in a sequence from 1, and whether
    the `sharpness` of directions told of the channel."""

    name: str
    time: datetime | None
    site: str
    networks: Mapping[str, str]
    real: bool = False
    number: int = 1
    sharpness: bool = False


def write_results(folder: Path, found: Pointing, told: Circumstances, seconds: Mapping[str, float]) -> dict[str, Any]:
    """Write all files but pictures and judgement; return the summary. Raises OutputError."""
    facts = MapFacts(told.name, told.time, None, not told.real)
    write_multi_order(folder / MAP_FILE, found.sky, facts)
    write_flat(folder / FLAT_MAP_FILE, found.sky, facts, order=_flat_order(found))
    columns = event_columns(found)
    write_npz(folder / EVENTS_FILE, {"format_version": np.int64(FORMAT_VERSION), **columns})
    _write_table(folder / EVENTS_TABLE, columns)
    if told.time is not None:
        write_json(folder / ALERT_FILE, alert(found.sky, _alert_facts(folder, found, told)))
    summary = summary_of(found, told, seconds)
    write_json(folder / SUMMARY_FILE, summary)
    return summary


def event_columns(found: Pointing) -> dict[str, np.ndarray]:
    """What is known of each of the N candidates, by the names of the files' columns."""
    candidates, clusters = found.candidates, found.candidates.clusters
    identity = {"source": clusters.sources[clusters.source] if len(clusters) else np.empty(0, "U1")}
    for name in ("run", "subrun", "event", "match_id"):
        values = getattr(clusters, name)
        if values is not None:
            identity[name] = values
    columns = {
        **identity,
        "time_ns": candidates.time,
        "energy_mev": candidates.energy,
        "main_track_score": candidates.main_track,
        "es_score": candidates.es,
        **{f"share_{name}": share for name, share in zip(CLASSES, found.likelihood.shares.T, strict=True)},
        **{f"electron_{axis}": values for axis, values in zip("xyz", candidates.direction.T, strict=True)},
    }
    if found.rotation is not None:
        columns |= {
            f"electron_icrs_{axis}": values
            for axis, values in zip("xyz", found.in_frame(candidates.direction).T, strict=True)
        }
    return {**columns, "pull": found.likelihood.pull(found.star)}


def summary_of(found: Pointing, told: Circumstances, seconds: Mapping[str, float]) -> dict[str, Any]:
    """Plain JSON values."""
    x, y, z = found.star.tolist()
    where: dict[str, Any] = {"star_detector_axes": [x, y, z]}
    if found.rotation is not None:
        right_ascension, declination = right_ascension_and_declination(found.sky.peak)
        where |= {"ra_deg": right_ascension, "dec_deg": declination}
    mean = found.vector_mean
    return {
        "name": told.name,
        **where,
        "radius_deg": {f"{level:.0%}": float(found.sky.radius(level)) for level in LEVELS},
        "area_deg2": {f"{level:.0%}": float(found.sky.area(level)) for level in LEVELS},
        "information_bits": found.sky.information,
        "warnings": found.warnings(),
        "candidates": len(found.candidates),
        "numbers": dict(found.numbers),
        "consistency_sigma": found.consistency,
        "vector_mean_degrees_away": None if mean is None else float(angle_between(mean, found.star)),
        "vector_mean_error_deg": None if mean is None else found.vector_mean_error,
        "assumed": {
            "min_energy_mev": found.min_energy,
            "flux": found.flux,
            "prior": "every direction alike",
            "sharpness_tells_channel": told.sharpness,
            "site": told.site,
            "time": None if told.time is None else told.time.isoformat(),
        },
        "with_other_spectra": found.other_fluxes(),
        "networks": dict(told.networks),
        "simulated": not told.real,
        "release": VERSION,
        "format_version": FORMAT_VERSION,
        "seconds": {name: round(value, 2) for name, value in seconds.items()},
    }


def _flat_order(found: Pointing) -> int:
    """That of the smallest pixels, but not so high that the file is larger than what it holds."""
    return int(min(found.sky.order.max(), 8))


def _write_table(path: Path, columns: Mapping[str, np.ndarray]) -> None:
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(columns)
    rows.writerows(zip(*(_printed(values) for values in columns.values()), strict=True))
    with atomic_path(path) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")


def _printed(values: np.ndarray) -> list:
    return [f"{value:.6g}" for value in values] if values.dtype.kind == "f" else values.tolist()


def _alert_facts(folder: Path, found: Pointing, told: Circumstances) -> AlertFacts:
    assert told.time is not None
    times = found.candidates.time[found.candidates.time >= 0]
    first = timedelta(microseconds=float(times.min()) / 1e3) if len(times) else timedelta(0)
    span = float(np.ptp(times)) * 1e-9 if len(times) > 1 else None
    neutrinos = found.numbers["es"] + found.numbers["cc"]
    return AlertFacts(
        told.name,
        datetime.now(UTC),
        told.time + first,
        (folder / MAP_FILE).read_bytes(),
        told.number,
        told.real,
        span,
        neutrinos / span if span else None,
        found.numbers["other"] / span if span else None,
        (found.min_energy, 90.0),
    )
