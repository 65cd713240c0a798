"""point_burst.sh, from the command line: a simulated burst to its map, real files, nothing to point with, and misuse."""

import json
import shutil
from pathlib import Path

import healpy
import numpy as np
import pytest
from jsonschema import Draft7Validator

from python.commands import point_burst, simulate
from python.data.metadata import FLOATS
from python.data.npz import read_npz, write_npz
from python.general_purpose_libs import DataError
from python.pointing import arrivals
from python.pointing.map_files import read_map
from python.pointing.pointing import FLUX_CHOICES
from python.runs.shipped import pretrained
from tests.ingest.root_files import DATA
from tests.made_once import made_once

REAL = [DATA / "es_tpstream.root", DATA / "cc_tpstream.root"]
needs_real_files = pytest.mark.skipif(not REAL[0].is_file(), reason="needs the real files in ../shared/data")
SAME_BYTES = ("skymap.fits", "skymap.flat.fits", "events.npz", "events.csv")
pytestmark = pytest.mark.usefixtures("no_drawing")


def run(*words):
    return point_burst.main([str(word) for word in words])


@pytest.fixture(scope="module")
def burst(tmp_path_factory):
    """A supernova so near that a quarter of a kiloton points, with the radioactive windows of its ten seconds."""
    words = ["--burst", "--mass", "0.25", "--distance", "1.4", "--seed", "5", "--workers", "1"]
    return made_once(tmp_path_factory, "burst", lambda folder: simulate.main(["-o", str(folder), *words]))


@pytest.fixture(scope="module")
def pointed(burst, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pointed") / "result"
    assert run("-d", burst, "-o", folder, "--time", "2027-03-01T12:00:00") == 0
    return folder


def summary_of(folder):
    return json.loads((folder / "summary.json").read_text())


# ---------------------------------------------------------------------------- a burst
def test_a_burst_is_found_where_it_is(pointed):
    summary, judged = summary_of(pointed), json.loads((pointed / "judgement.json").read_text())
    assert judged["star_is_known"]
    assert judged["degrees_off"] < 4 * summary["radius_deg"]["68%"]
    assert summary["radius_deg"]["68%"] < 15
    assert summary["warnings"] == []
    true = judged["true_numbers"]
    assert summary["numbers"]["cc"] == pytest.approx(true["cc"], rel=0.25)
    assert sum(summary["numbers"].values()) == pytest.approx(summary["candidates"])
    assert summary["simulated"]


def test_events_are_told_one_by_one(pointed):
    events = read_npz(pointed / "events.npz")
    lines = (pointed / "events.csv").read_text().splitlines()
    assert len(lines) == len(events["energy_mev"]) + 1 == summary_of(pointed)["candidates"] + 1
    assert lines[0].split(",")[:5] == ["source", "run", "subrun", "event", "match_id"]
    assert events["energy_mev"].min() >= 5
    shares = np.stack([events[f"share_{name}"] for name in ("es", "cc", "other")], axis=1)
    assert np.allclose(shares.sum(axis=1), 1)
    assert np.all((events["time_ns"] >= 0) & (events["time_ns"] < 10.01e9))
    assert np.median(events["time_ns"][shares[:, 2] < 0.5]) < 3e9 < 9e9 < events["time_ns"].max()
    assert np.allclose(np.linalg.norm([events[f"electron_icrs_{axis}"] for axis in "xyz"], axis=0), 1)


def test_maps_are_read_by_others(pointed):
    sky = read_map(pointed / "skymap.fits")
    flat, header = healpy.read_map(pointed / "skymap.flat.fits", nest=True, h=True)
    header = dict(header)
    assert flat.sum() == pytest.approx(1, abs=1e-4)
    peak = np.array(healpy.pix2vec(header["NSIDE"], int(np.argmax(flat)), nest=True))
    assert peak @ sky.peak > np.cos(np.radians(0.5))
    assert header["COORDSYS"] == "C"
    summary = summary_of(pointed)
    longitude, latitude = healpy.vec2ang(sky.peak, lonlat=True)
    assert longitude[0] == pytest.approx(summary["ra_deg"])
    assert latitude[0] == pytest.approx(summary["dec_deg"])


def test_the_alert_is_one_of_a_test(pointed):
    alert = json.loads((pointed / "alert.json").read_text())
    assert alert["alert_tense"] == "test"
    assert alert["trigger_time"].startswith("2027-03-01T12:00:0")
    assert alert["ra_dec_error"] == pytest.approx(summary_of(pointed)["radius_deg"]["90%"], abs=1e-3)
    schemas = DATA.parent / "gcn_schema"
    if schemas.is_dir():
        for name in ("Alert", "DateTime", "Event", "Localization", "Statistics", "Reporter"):
            schema = json.loads((schemas / f"{name}.schema.json").read_text())
            properties = {key: alert[key] for key in schema["properties"] if key in alert}
            Draft7Validator({"type": "object", "properties": schema["properties"]}).validate(properties)


def test_truth_decides_nothing(burst, pointed, tmp_path):
    """The same files with all truth taken out give the same bytes, and nothing to judge by."""
    data, result = tmp_path / "data", tmp_path / "result"
    data.mkdir()
    truth = [name for name in FLOATS if name.startswith(("true_", "particle_momentum", "nu_momentum"))]
    for path in burst.glob("*.npz"):
        arrays = dict(read_npz(path))
        columns = arrays["metadata_columns"].tolist()
        arrays["metadata"][:, [columns.index(name) for name in truth]] = np.nan
        for name in ("is_marley", "is_main_track", "is_es_interaction"):
            arrays[name] = np.full_like(arrays[name], -1)
        write_npz(data / path.name, arrays)
    assert run("-d", data, "-o", result, "--time", "2027-03-01T12:00:00") == 0
    for name in SAME_BYTES:
        assert (result / name).read_bytes() == (pointed / name).read_bytes(), name
    assert not (result / "judgement.json").exists()


def test_without_a_time_nothing_is_said_of_the_sky(burst, tmp_path, capsys):
    assert run("-d", burst, "-o", tmp_path / "out", "--min-energy", "12", "--flux", "gkvm") == 0
    assert "in detector axes" in capsys.readouterr().out
    assert not (tmp_path / "out" / "alert.json").exists()
    summary = summary_of(tmp_path / "out")
    assert "ra_deg" not in summary
    assert summary["assumed"]["flux"] == "gkvm"
    assert set(summary["with_other_spectra"]) == {"fit", "livermore"}
    assert read_map(tmp_path / "out" / "skymap.fits").frame == "detector"


def test_no_candidate_is_a_result_with_words(burst, tmp_path, capsys):
    assert run("-d", burst, "-o", tmp_path / "out", "--min-energy", "300") == 0
    summary = summary_of(tmp_path / "out")
    assert summary["candidates"] == 0
    assert summary["warnings"] == ["no candidate: the map says next to nothing"]
    assert summary["area_deg2"]["68%"] == pytest.approx(0.68 * 41253, rel=0.01)
    assert "no candidate" in capsys.readouterr().err


# ---------------------------------------------------------------------------- real files
@needs_real_files
def test_real_files_of_random_directions_claim_nothing(tmp_path, capsys):
    assert run("-i", *REAL, "-o", tmp_path / "out") == 0
    summary = summary_of(tmp_path / "out")
    assert 20 <= summary["candidates"] <= 90
    assert summary["numbers"]["es"] + summary["numbers"]["cc"] > 15
    assert any("do not point" in words for words in summary["warnings"])
    judged = json.loads((tmp_path / "out" / "judgement.json").read_text())
    assert not judged["star_is_known"]
    assert "in truth" not in capsys.readouterr().out
    energies = read_npz(tmp_path / "out" / "events.npz")["energy_mev"]
    assert 5 <= energies.min() < energies.max() < 80


@needs_real_files
def test_files_are_taken_as_they_appear_and_gone_on_with(tmp_path, monkeypatch, capsys):
    """What is known when the last has come is what all files together give; files that are known are not asked about again."""
    monkeypatch.setattr(arrivals, "SECONDS_BETWEEN_LOOKS", 0.01)
    monkeypatch.setattr(arrivals, "IDLE_S", 0.05)
    incoming, result = tmp_path / "incoming", tmp_path / "watched"
    incoming.mkdir()
    shutil.copy(REAL[1], incoming)
    (incoming / "broken.root").write_bytes(b"no ROOT file")
    assert run("-i", incoming, "-o", result, "--watch", "--time", "2027-03-01T00:00:00") == 0
    assert "broken.root" in capsys.readouterr().err
    first = json.loads((result / "alert.json").read_text())
    assert (first["alert_type"], first["record_number"]) == ("initial", 1)
    (incoming / "more").mkdir()
    shutil.copy(REAL[0], incoming)
    shutil.copy(REAL[1], incoming / "more")
    assert run("-i", incoming, "-o", result, "--watch", "--time", "2027-03-01T00:00:00") == 0
    said = capsys.readouterr()
    assert "going on after 1 files" in said.err
    assert f"more/{REAL[1].name}: is a copy of {REAL[1].name}, and is left out" in said.err
    assert json.loads((result / "alert.json").read_text())["alert_type"] == "update"
    together = tmp_path / "together"
    assert run("-i", *sorted(REAL, key=lambda path: path.name), "-o", together, "--time", "2027-03-01T00:00:00") == 0
    for name in ("skymap.fits", "events.csv"):
        assert (result / name).read_bytes() == (together / name).read_bytes(), name


@needs_real_files
def test_what_other_networks_said_is_not_gone_on_with(tmp_path, monkeypatch, run_in):
    monkeypatch.setattr(arrivals, "SECONDS_BETWEEN_LOOKS", 0.01)
    monkeypatch.setattr(arrivals, "IDLE_S", 0.05)
    (tmp_path / "incoming").mkdir()
    shutil.copy(REAL[1], tmp_path / "incoming")
    tagger = Path(shutil.copytree(pretrained("channel_tagging") / "points", tmp_path / "tagger"))
    watched = ["-i", "incoming", "-o", "watched", "--watch", "--ct"]
    assert run_in(tmp_path, [*watched, "points"])[0] == 0
    code, err = run_in(tmp_path, [*watched, "tagger"])  # the same in another place
    assert code == 0
    assert "going on after 1 files" in err
    (tagger / "card.json").unlink()
    (tagger / "config.json").write_text((tagger / "config.json").read_text() + "\n")
    code, err = run_in(tmp_path, [*watched, "tagger"])
    assert code == 2
    assert "made with other settings (networks" in err


@needs_real_files
def test_a_copy_of_a_file_counts_once(tmp_path, capsys):
    copy = shutil.copy(REAL[0], tmp_path / "copy.root")
    (tmp_path / "broken.root").write_bytes(REAL[0].read_bytes()[:9000])
    words = ["-i", REAL[0], copy, tmp_path / "broken.root", "-o", tmp_path / "out", "--time", "2027-03-01T00:00:00"]
    with pytest.raises(DataError, match=r"1 of 3 input files cannot be used:\n.*broken\.root"):
        run(*words)
    assert not any((tmp_path / "out").iterdir())
    assert run(*words, "--skip-bad-files") == 0
    assert f"copy.root: is a copy of {REAL[0]}, and is left out" in capsys.readouterr().err
    assert run("-i", REAL[0], "-o", tmp_path / "one", "--time", "2027-03-01T00:00:00") == 0
    assert summary_of(tmp_path / "one")["candidates"] == summary_of(tmp_path / "out")["candidates"]


# ---------------------------------------------------------------------------- misuse
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-o", "out"], "give ROOT files with -i, or folders with -d"),
        (["-i", "a.root", "-d", "data", "-o", "out"], "give ROOT files with -i, or folders with -d"),
        (["-d", "data", "-o", "out", "--watch"], "--watch takes the folders"),
        (["-i", "nowhere", "-o", "out", "--watch"], "nowhere: no such folder"),
        (["-d", "data", "-o", "out", "--site", "sandford"], "did you mean"),
        (["-d", "data", "-o", "out", "--time", "noon"], "noon"),
        (["-d", "data", "-o", "out", "--mt", "nothing_of_the_kind"], "no such folder"),
    ],
)
def test_misuse_is_told(words, said, run_in, tmp_path):
    code, err = run_in(tmp_path, words)
    assert code == 2
    assert said in err
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


def test_data_that_are_not_there(run_in, tmp_path):
    code, err = run_in(tmp_path, ["-d", "nowhere", "-o", "out"])
    assert code == 3
    assert "nowhere" in err


def test_broken_files_alone_are_no_burst(run_in, tmp_path):
    (tmp_path / "broken.root").write_bytes(b"no ROOT file")
    for words in (["-i", "broken.root", "-o", "out"], ["-i", "broken.root", "-o", "out", "--skip-bad-files"]):
        code, err = run_in(tmp_path, words)
        assert code == 3
        assert "broken.root" in err or "none of the 1" in err
        assert "Traceback" not in err


def test_what_may_be_assumed_is_what_there_is():
    assert set(point_burst.FLUXES) == set(FLUX_CHOICES)


def test_results_are_not_replaced_unless_asked(pointed, run_in, tmp_path):
    code, err = run_in(tmp_path, ["-d", "data", "-o", str(pointed)])
    assert code == 2
    assert "--force" in err


@pytest.fixture
def run_in(monkeypatch, capsys):
    """Run the command in a folder; the exit code, and what was said."""
    from python.general_purpose_libs import run_command

    def ask(folder, words):
        monkeypatch.chdir(folder)
        code = run_command(lambda: point_burst.main(words))
        return code, capsys.readouterr().err

    return ask
