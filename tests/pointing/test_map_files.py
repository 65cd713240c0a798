"""Maps written are maps read: by this project, healpy, astropy and mhealpy, in bytes that depend on the map alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import healpy
import mhealpy
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from python.general_purpose_libs import DataError, OutputError
from python.pointing.map_files import MapFacts, modified_julian_date, read_map, write_flat, write_multi_order
from python.pointing.sky_map import DETECTOR, ICRS, SkyMap, angle_between

STAR = np.array([0.3, -0.5, 0.7]) / np.linalg.norm([0.3, -0.5, 0.7])
OBSERVED = datetime(2026, 11, 29, 18, 30, 0, 250_000, tzinfo=UTC)
FACTS = MapFacts("burst 1", OBSERVED, simulated=True)


def sky_map(frame=ICRS):
    return SkyMap.of(lambda toward_star: 300 * (toward_star @ STAR), frame, lowest_order=4, highest_order=7)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Paths by frame and kind."""
    folder = tmp_path_factory.mktemp("maps")
    paths = {}
    for frame in (ICRS, DETECTOR):
        paths[frame, "several"], paths[frame, "one"] = folder / f"{frame}.fits", folder / f"{frame}.flat.fits"
        write_multi_order(paths[frame, "several"], sky_map(frame), FACTS)
        write_flat(paths[frame, "one"], sky_map(frame), FACTS, 6)
    return paths


@pytest.mark.parametrize("frame", [ICRS, DETECTOR])
def test_a_map_comes_back(written, frame):
    found, kept = read_map(written[frame, "several"]), sky_map(frame)
    for name in ("order", "pixel", "density"):
        np.testing.assert_array_equal(getattr(found, name), getattr(kept, name))
        assert getattr(found, name).dtype.isnative
    assert found.frame == frame
    flat = read_map(written[frame, "one"])
    np.testing.assert_allclose(flat.density, kept.flat(6), rtol=1e-14)
    assert flat.frame == frame


@pytest.mark.parametrize("frame", [ICRS, DETECTOR])
def test_healpy_reads_the_flat_map(written, frame):
    probability, header = healpy.read_map(written[frame, "one"], nest=None, h=True, dtype=None)
    assert dict(header)["ORDERING"] == "NESTED"
    assert probability.sum() == pytest.approx(1)
    nside = healpy.get_nside(probability)
    assert nside == 2**6
    there = np.stack(healpy.pix2vec(nside, np.argmax(probability), nest=True))
    assert angle_between(there, STAR) < 1
    np.testing.assert_allclose(probability * len(probability) / (4 * np.pi), sky_map().flat(6))


@pytest.mark.parametrize("frame", [ICRS, DETECTOR])
def test_mhealpy_reads_the_map_of_several_orders(written, frame):
    found = mhealpy.HealpixMap.read_map(written[frame, "several"], density=True)
    kept = sky_map(frame)
    assert found.is_moc
    assert found.density()
    there = kept.draw(50, np.random.default_rng(1))
    longitude, latitude = np.arctan2(there[:, 1], there[:, 0]), np.arcsin(there[:, 2])
    pixels = found.ang2pix(np.pi / 2 - latitude, longitude)
    np.testing.assert_array_equal(np.asarray(found)[pixels], kept.density_at(there))
    assert (np.asarray(found) * found.pixarea().value).sum() == pytest.approx(1)


@pytest.mark.parametrize("kind", ["one", "several"])
def test_astropy_reads_units_and_every_keyword(written, kind):
    path = written[ICRS, kind]
    table = Table.read(path, hdu=1)
    column = {"one": "PROB", "several": "PROBDENSITY"}[kind]
    assert str(table[column].unit) == {"one": "1 / pix", "several": "1 / sr"}[kind]
    header = fits.getheader(path, 1)
    expected = {
        "PIXTYPE": "HEALPIX", "COORDSYS": "C", "RADESYS": "ICRS", "OBJECT": "burst 1", "INSTRUME": "DUNE",
        "DATE-OBS": "2026-11-29T18:30:00.250000", "SIMULATD": True, "ORIGIN": "ml_for_pointing", "TIMESYS": "UTC",
    }  # fmt: skip
    expected |= {
        "one": {"ORDERING": "NESTED", "NSIDE": 64, "FIRSTPIX": 0, "LASTPIX": 12 * 4**6 - 1, "INDXSCHM": "IMPLICIT"},
        "several": {"ORDERING": "NUNIQ", "MOCORDER": 7, "INDXSCHM": "EXPLICIT"},
    }[kind]
    assert {keyword: header[keyword] for keyword in expected} == expected
    assert header["MJD-OBS"] == pytest.approx(61373.770836227, abs=1e-8)
    assert header["CREATOR"].startswith("ml_for_pointing ")
    assert "DATE" not in header
    with fits.open(path) as file:
        file.verify("exception")


@pytest.mark.parametrize("kind", ["one", "several"])
def test_detector_axes_are_not_called_equatorial(written, kind):
    header = fits.getheader(written[DETECTOR, kind], 1)
    assert "COORDSYS" not in header
    assert "RADESYS" not in header
    assert header["SKYFRAME"] == "DETECTOR"
    assert "not on the sky" in str(header["COMMENT"])


def test_the_same_map_gives_the_same_bytes(written, tmp_path):
    for frame in (ICRS, DETECTOR):
        write_multi_order(tmp_path / "again.fits", sky_map(frame), FACTS)
        assert (tmp_path / "again.fits").read_bytes() == written[frame, "several"].read_bytes()
    elsewhere = replace(FACTS, observed=OBSERVED.astimezone(timezone(timedelta(hours=-7))))
    write_flat(tmp_path / "again.fits", sky_map(), elsewhere, 6)  # over the other
    assert (tmp_path / "again.fits").read_bytes() == written[ICRS, "one"].read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["again.fits"]


def test_times_are_said_where_they_are_known(tmp_path):
    write_flat(tmp_path / "a.fits", sky_map(DETECTOR), MapFacts("b", written=OBSERVED), 0)
    header = fits.getheader(tmp_path / "a.fits", 1)
    assert header["DATE"] == "2026-11-29T18:30:00.250000"
    assert "DATE-OBS" not in header
    assert "MJD-OBS" not in header
    assert modified_julian_date(datetime(2000, 1, 1, 12, tzinfo=UTC)) == 51544.5


def test_the_finest_pixels_of_a_file_are_told_apart(tmp_path):
    """A map whose pixels become smaller and smaller towards pixel 0."""
    order = np.array([0] * 11 + [order for order in range(1, 30) for _ in range(3)] + [29])
    pixel = np.array([*range(1, 12), *[each for _ in range(29) for each in (1, 2, 3)], 0])
    kept = SkyMap(order, pixel, np.full(len(order), 1 / (4 * np.pi)), ICRS)
    write_multi_order(tmp_path / "deep.fits", kept, FACTS)
    np.testing.assert_array_equal(read_map(tmp_path / "deep.fits").order, kept.order)


def damaged(source, path, **changes):
    with fits.open(source) as file:
        for keyword, value in changes.items():
            file[1].header[keyword] = value
        file.writeto(path)
    return path


def test_what_holds_no_map_is_refused(written, tmp_path):
    whole = written[ICRS, "several"]
    with pytest.raises(DataError, match="no such file"):
        read_map(tmp_path / "none.fits")
    (tmp_path / "text.fits").write_text("no FITS file\n")
    (tmp_path / "short.fits").write_bytes(written[ICRS, "one"].read_bytes()[:2880])
    fits.PrimaryHDU(np.zeros((3, 3))).writeto(tmp_path / "image.fits")
    for name in ("text", "short", "image"):
        with pytest.raises(DataError, match=rf"{name}.fits: holds no sky map"):
            read_map(tmp_path / f"{name}.fits")
    with pytest.raises(DataError, match="neither COORDSYS nor SKYFRAME"):
        read_map(damaged(whole, tmp_path / "galactic.fits", COORDSYS="G"))
    with pytest.raises(DataError, match="ORDERING is RING"):
        read_map(damaged(whole, tmp_path / "ring.fits", ORDERING="RING"))
    with pytest.raises(DataError, match="none of its columns"):
        read_map(damaged(whole, tmp_path / "column.fits", TTYPE2="T"))
    with pytest.raises(OutputError, match="cannot write"):
        write_flat("/proc/none/map.fits", sky_map(), FACTS, 0)
