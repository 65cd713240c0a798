"""An alert keeps to the schemas, says the map's place, and calls itself a test."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from python.pointing.alert import AlertFacts, alert, right_ascension_and_declination
from python.pointing.map_files import MapFacts, read_map, write_multi_order
from python.pointing.sky_map import DETECTOR, ICRS, SkyMap

SCHEMAS = Path(__file__).resolve().parents[3] / "shared" / "gcn_schema"


def toward(ra, dec):
    longitude, latitude = np.radians([ra, dec])
    return np.array([np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)])


BETELGEUSE = toward(88.8, 7.4)
TIME = datetime(2026, 11, 29, 18, 30, 0, 250_000, tzinfo=UTC)
FULL = {
    "duration_s": 9.5, "net_rate": 210.0, "background_rate": 3.5, "energy_range_mev": (5.0, 70.0),
    "false_alarm_rate_hz": 1e-9,
}  # fmt: skip


@pytest.fixture(scope="module")
def burst(tmp_path_factory):
    found = SkyMap.of(lambda toward_star: 800 * (toward_star @ BETELGEUSE), ICRS, highest_order=8)
    path = tmp_path_factory.mktemp("alert") / "skymap.fits"
    write_multi_order(path, found, MapFacts("burst 1", TIME))
    return found, AlertFacts("burst 1", TIME + timedelta(minutes=1), TIME, path.read_bytes())


@pytest.mark.skipif(not SCHEMAS.is_dir(), reason="needs the schemas in ../shared/gcn_schema")
@pytest.mark.parametrize("more", [{}, FULL, {"real": True, "number": 3}])
def test_it_keeps_to_every_schema(burst, more):
    found, facts = burst
    said = json.loads(json.dumps(alert(found, replace(facts, **more)), allow_nan=False))
    known = set()
    for path in SCHEMAS.glob("*.schema.json"):
        schema = json.loads(path.read_text())
        Draft202012Validator(schema).validate(said)
        known |= set(schema["properties"])
    assert set(said) <= known


def test_it_says_where_the_map_has_its_peak(burst):
    found, facts = burst
    said = alert(found, facts)
    assert (said["ra"], said["dec"]) == pytest.approx((88.8, 7.4), abs=0.2)
    assert said["containment_probability"] == 0.9
    assert said["ra_dec_error"] == pytest.approx(np.degrees(np.sqrt(2 * np.log(10) / 800)), rel=0.02)
    assert said["trigger_time"] == "2026-11-29T18:30:00.250000Z"
    assert said["alert_datetime"] == "2026-11-29T18:31:00.250000Z"
    assert alert(found, replace(facts, trigger_time=TIME.astimezone(timezone(timedelta(hours=5))))) == said


def test_the_map_travels_within(burst, tmp_path):
    found, facts = burst
    path = tmp_path / "carried.fits"
    path.write_bytes(base64.b64decode(alert(found, facts)["healpix_file"], validate=True))
    np.testing.assert_array_equal(read_map(path).density, found.density)


def test_it_is_a_test_unless_it_is_real(burst):
    found, facts = burst
    assert alert(found, facts)["alert_tense"] == "test"
    assert alert(found, replace(facts, real=True))["alert_tense"] == "current"
    kinds = [alert(found, replace(facts, number=number))["alert_type"] for number in (1, 2, 3)]
    assert kinds == ["initial", "update", "update"]


def test_what_is_not_known_is_not_said(burst):
    found, facts = burst
    assert not {"far", "net_count_rate", "rate_duration", "rate_energy_range"} & set(alert(found, facts))
    assert alert(found, replace(facts, **FULL))["rate_energy_range"] == [5000, 70000]


def test_detector_axes_are_no_place_on_the_sky(burst):
    found, facts = burst
    with pytest.raises(ValueError, match="detector axes"):
        alert(replace(found, frame=DETECTOR), facts)


@pytest.mark.parametrize(("ra", "dec"), [(0.0, 0.0), (359.9, -45.0), (180.0, 89.9), (88.8, 7.4)])
def test_right_ascension_and_declination(ra, dec):
    assert right_ascension_and_declination(3 * toward(ra, dec)) == pytest.approx((ra, dec))
