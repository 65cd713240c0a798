"""A site's axes among the stars: against sidereal time, geometry and astropy's own way."""

import json
import shutil
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python.general_purpose_libs import ConfigError
from python.pointing.site import DEFAULT_SITE, SITES, Site, parse_time
from python.pointing.sky_map import angle_between

NOON_OF_2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)
SANFORD = Site.read(DEFAULT_SITE)
times = st.datetimes(datetime(1980, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))


def written(folder, **changes):
    content = SANFORD.model_dump() | changes
    path = folder / "mine.json"
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))
    return path


def test_the_zenith_is_at_the_sidereal_time_and_the_latitude():
    x, y, z = SANFORD.to_icrs(NOON_OF_2000)[:, 1]
    sidereal_degrees = 280.4606 - 103.751  # at Greenwich then, Meeus, "Astronomical Algorithms", 12.4; and so far west
    assert np.degrees(np.arctan2(y, x)) % 360 == pytest.approx(sidereal_degrees, abs=0.01)
    assert np.degrees(np.arcsin(z)) == pytest.approx(44.352, abs=0.01)


@pytest.mark.parametrize("sidereal_days", [1, 100])
def test_the_sky_returns_after_a_sidereal_day(sidereal_days):
    later = NOON_OF_2000 + timedelta(seconds=86164.0905 * sidereal_days)
    np.testing.assert_allclose(SANFORD.to_icrs(later), SANFORD.to_icrs(NOON_OF_2000), atol=3e-4)
    assert angle_between(SANFORD.to_icrs(NOON_OF_2000 + timedelta(hours=12))[:, 2], SANFORD.to_icrs(later)[:, 2]) > 80


@given(times)
def test_axes_stay_right_handed_and_turn_back(time):
    rotation = SANFORD.to_icrs(time)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-14)
    assert np.linalg.det(rotation) == pytest.approx(1)
    pole = rotation.T @ [0, 0, 1]  # stands above the horizon by the latitude, but for precession
    assert np.degrees(np.arcsin(pole[1])) == pytest.approx(44.352, abs=0.4)


@pytest.mark.parametrize("year", [1987, 2005, 2026])
def test_it_agrees_with_astropy(year):
    from astropy import units
    from astropy.coordinates import AltAz, EarthLocation, SkyCoord
    from astropy.time import Time
    from astropy.utils import iers

    at = SANFORD.position
    azimuth = np.array([SANFORD.azimuth_deg + 270, 0, SANFORD.azimuth_deg]) * units.deg  # x is left of the beam
    time = datetime(year, 2, 23, 7, 35, 41, tzinfo=UTC)
    with iers.conf.set_temp("auto_download", False):
        moment = Time(time.replace(tzinfo=None))
        place = EarthLocation.from_geodetic(at.longitude_deg, at.latitude_deg, at.height_m)
        axes = SkyCoord(AltAz(az=azimuth, alt=[0, 90, 0] * units.deg, obstime=moment, location=place)).icrs
    assert angle_between(axes.cartesian.xyz.value.T, SANFORD.to_icrs(time).T).max() < 0.01


def test_the_beam_comes_from_fermilab():
    chord = np.linalg.norm(SANFORD.position.geocentric - SANFORD.beam_from.geocentric)
    assert chord == pytest.approx(1284.9e3, rel=0.003)  # DUNE's baseline, arXiv:2002.03005
    assert SANFORD.azimuth_deg == pytest.approx(277.1, abs=0.1)


def test_a_detector_lies_as_its_file_says(tmp_path):
    north = Site.read(written(tmp_path, beam_from=None, z_axis_azimuth_deg=0.0))
    x, y, z = (north.to_icrs(NOON_OF_2000) @ axis for axis in np.eye(3))
    east = np.cross([0, 0, 1], y)
    assert x @ east / np.linalg.norm(east) == pytest.approx(-1)  # x is to the left when one looks along z
    assert z @ [0, 0, 1] == pytest.approx(np.cos(np.radians(44.352)), abs=1e-4)


def test_every_site_of_the_project_can_be_read():
    names = [path.stem for path in SITES.glob("*.json")]
    assert DEFAULT_SITE in names
    for name in names:
        assert Site.read(name).name == name
        assert Site.read(SITES / f"{name}.json") == Site.read(name)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"latitude": 3}, "latitude: unknown key"),
        ({"azimuth_uncertanty_deg": 1.0}, 'did you mean "azimuth_uncertainty_deg"'),
        ({"z_axis_azimuth_deg": 10.0}, "exactly one of z_axis_azimuth_deg and beam_from"),
        ({"beam_from": None}, "exactly one of"),
        ({"position": SANFORD.position.model_dump() | {"latitude_deg": 144.0}}, "position.latitude_deg: .*90"),
        ({"position": SANFORD.position.model_dump() | {"latitude_deg": "44"}}, "position.latitude_deg: .*number"),
        ({"position": SANFORD.position.model_dump() | {"latitud_deg": 4.0}}, 'did you mean "latitude_deg"'),
    ],
)
def test_mistakes_in_a_site_are_named(tmp_path, changes, says):
    with pytest.raises(ConfigError, match=says):
        Site.read(written(tmp_path, **changes))


def test_an_unknown_site_names_those_there_are(tmp_path):
    with pytest.raises(ConfigError, match=r'no site is called sandford; there is "sanford".*did you mean "sanford"'):
        Site.read("sandford")
    with pytest.raises(ConfigError, match="no such file"):
        Site.read(tmp_path / "none.json")
    copy = shutil.copy(SITES / "sanford.json", tmp_path / "elsewhere")
    assert Site.read(copy) == SANFORD


@given(times, st.integers(-14 * 60, 14 * 60))
def test_times_of_any_zone_are_one_time(time, minutes):
    elsewhere = time.astimezone(timezone(timedelta(minutes=minutes)))
    assert parse_time(elsewhere.isoformat()) == time
    assert parse_time(time.replace(tzinfo=None).isoformat()) == time
    assert parse_time(elsewhere.isoformat()).tzinfo is UTC


def test_common_ways_to_write_a_time():
    wanted = datetime(2026, 11, 29, 18, 30, tzinfo=UTC)
    for text in ("2026-11-29T18:30:00Z", "2026-11-29 18:30", "20261129T183000Z", "2026-11-29T19:30:00+01:00"):
        assert parse_time(text) == wanted


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2026-11-29", "a day without a time"),
        ("29.11.2026 18:30", "is no time.*write it like"),
        ("2026-11-29T25:00:00Z", "hour must be in"),
        ("2016-12-31T23:59:60Z", "second must be in"),
        ("", "is no time"),
        ("now", "is no time"),
        ("0001-01-01T00:00:00+10:00", "is no time"),
    ],
)
def test_what_is_no_time_is_refused(text, says):
    with pytest.raises(ConfigError, match=says):
        parse_time(text)
