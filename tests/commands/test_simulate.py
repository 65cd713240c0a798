"""The command line of the simulation: files, determinism, going on, bursts, mistakes, interruptions."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from python.commands.simulate import main
from python.data.image_file import parse_image_file
from python.data.metadata import vectors
from python.data.point_clouds import read_point_file
from python.general_purpose_libs import run_command
from python.simulation.backgrounds import NOMINAL_RATES
from python.simulation.event_list import plan_events
from python.simulation.events import simulate_readout
from python.simulation.settings import EVENTS_PER_FILE, Burst, SimulationSettings
from tests.simulation.test_marley_events import CC_EVENT, ES_EVENT, NEUTRAL_EVENT, NEUTRON_EVENT, write

ROOT = Path(__file__).resolve().parents[2]
LARGE = EVENTS_PER_FILE + 20


def run(*arguments):
    return run_command(lambda: main([str(argument) for argument in arguments]))


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def tables(folder, kind="es", plane="X"):
    parts = []
    for path in sorted(folder.glob(f"{kind}_*_plane{plane}.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            parts.append(parse_image_file(dict(arrays), path).metadata)
    return np.concatenate(parts)


@pytest.fixture(scope="module")
def es_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated") / "es"
    assert run("-o", folder, "-n", LARGE, "--channel", "es", "--energy", "5", "20", "--workers", "1") == 0
    return folder


def test_files_and_last_line(tmp_path, capsys):
    folder = tmp_path / "out"
    assert run("-o", folder, "-n", "30", "--volumes", "--workers", "1", "--image-size", "64x16") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == str(folder)
    assert lines[-2].split()[:4] == ["simulated", "30", "15", "15"]
    names = {f"mixed_00000{part}_plane{plane}.npz" for part in ("", "_volume") for plane in "UVX"}
    assert {path.name for path in folder.iterdir()} == names | {"mixed_00000_points.npz", "simulation.json"}
    with np.load(folder / "mixed_00000_planeU.npz") as arrays:
        assert arrays["image_shape"].tolist() == [64, 16]


def test_truth_is_in_the_metadata(es_folder):
    table = tables(es_folder)
    assert set(table["is_es_interaction"]) == {1}
    assert table["event"].max() >= EVENTS_PER_FILE
    assert np.all((table["true_electron_energy"] >= 5) & (table["true_electron_energy"] <= 20))
    electron, neutrino = vectors(table, "particle_momentum") * 1e3, vectors(table, "nu_momentum") * 1e3
    energy = table["true_nu_energy"]
    assert np.allclose(np.linalg.norm(neutrino, axis=1), energy, rtol=1e-5)
    cosine = np.sum(electron * neutrino, axis=1) / np.linalg.norm(electron, axis=1) / energy
    kinetic, mass = table["true_electron_energy"], 0.511
    expected = (energy + mass) / energy * np.sqrt(kinetic / (kinetic + 2 * mass))
    assert np.allclose(cosine, expected, atol=1e-4)
    mains = table["is_main_track"] == 1
    assert 0.5 < np.median((table["cluster_energy"] / kinetic)[mains]) < 1.1
    assert np.any(table["is_marley"] == 0), "backgrounds make clusters too"


def test_events_have_run_subrun_and_a_source_of_their_own(es_folder):
    table = tables(es_folder)
    assert set(table["run"]) == {1}
    assert np.array_equal(table["subrun"], table["event"] // EVENTS_PER_FILE)
    ids = [str(np.load(path)["source_ids"][0]) for path in sorted(es_folder.glob("*_planeX.npz"))]
    assert len(set(ids)) == len(ids) == 2


def test_workers_do_not_change_a_byte(es_folder, tmp_path):
    assert run("-o", tmp_path / "two", "-n", LARGE, "--channel", "es", "--energy", "5", "20", "--workers", "2") == 0
    assert contents(tmp_path / "two") == contents(es_folder)


def test_an_interrupted_data_set_goes_on_to_the_same_bytes(es_folder, tmp_path, capsys):
    folder = tmp_path / "resumed"
    folder.mkdir()
    for name, content in contents(es_folder).items():
        if name != f"es_00001_plane{'V'}.npz":
            (folder / name).write_bytes(content)
    before = (folder / "es_00000_planeX.npz").stat().st_mtime_ns
    assert run("-o", folder, "-n", LARGE, "--channel", "es", "--energy", "5", "20") == 0
    said = capsys.readouterr()
    assert f"{EVENTS_PER_FILE} of {LARGE} events are there already" in said.err
    assert contents(folder) == contents(es_folder)
    assert (folder / "es_00000_planeX.npz").stat().st_mtime_ns == before


def test_another_seed_gives_other_events(es_folder, tmp_path):
    assert run("-o", tmp_path / "other", "-n", "20", "--channel", "es", "--energy", "5", "20", "--seed", "2") == 0
    one, other = tables(es_folder), tables(tmp_path / "other")
    assert not set(one["true_electron_energy"]) & set(other["true_electron_energy"])


def test_direction_is_that_of_the_neutrinos(tmp_path):
    assert run("-o", tmp_path / "out", "-n", "20", "--channel", "es", "--direction", "-3,0,4") == 0
    table = tables(tmp_path / "out")
    signal = table[np.isfinite(table["true_nu_energy"])]
    directions = vectors(signal, "nu_momentum") / np.linalg.norm(vectors(signal, "nu_momentum"), axis=1)[:, None]
    assert np.allclose(directions, [-0.6, 0, 0.8], atol=1e-6)


def test_burst_has_one_direction_and_the_expected_numbers(tmp_path, capsys):
    folder = tmp_path / "burst"
    assert run("-o", folder, "--burst", "--mass", "1", "--distance", "10", "--background", "none") == 0
    made = json.loads((folder / "simulation.json").read_text())["made_of"]
    assert abs(made["cc"] - 3303 / 40) < 5 * np.sqrt(3303 / 40)
    assert abs(made["es"] - 331 / 40) < 5 * np.sqrt(331 / 40)
    table = tables(folder, "burst")
    directions = vectors(table, "nu_momentum") / np.linalg.norm(vectors(table, "nu_momentum"), axis=1)[:, None]
    assert np.allclose(directions, made["neutrino_direction"], atol=1e-5)
    assert capsys.readouterr().out.splitlines()[-1] == str(folder)


def test_a_burst_has_times_and_the_windows_of_its_decays(tmp_path):
    """Windows of decays alone are there for the mass and the ten seconds, as far as they hold a cluster of 5 MeV; it does not
    matter which processes make them."""
    line = ("--burst", "--mass", "0.1", "--distance", "4", "--seed", "3")
    assert run("-o", tmp_path / "one", *line, "--workers", "1") == 0
    assert run("-o", tmp_path / "two", *line, "--workers", "2") == 0
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    made = json.loads((tmp_path / "one" / "simulation.json").read_text())["made_of"]
    windows = made["radiological_windows"]
    assert windows == pytest.approx(236_491 * 0.1 / 40, abs=1)
    decays = tables(tmp_path / "one", "burst_radiological")
    events = np.unique(decays["event"])
    assert 5 <= len(events) <= 40
    assert events.max() < windows
    for event in events:
        assert decays["cluster_energy"][decays["event"] == event].max() >= 5
    assert np.all(decays["is_marley"] == 0)
    assert np.array_equal(decays["time"], decays["event"] % 3333 * 3_000_000)
    neutrinos = tables(tmp_path / "one", "burst")
    neutrinos = neutrinos[neutrinos["is_es_interaction"] >= 0]
    order = np.argsort(neutrinos["event"], kind="stable")
    assert np.all(np.diff(neutrinos["time"][order]) >= 0)
    assert 0 <= neutrinos["time"].min() < neutrinos["time"].max() < 10e9
    points = read_point_file(next((tmp_path / "one").glob("burst_0*_points.npz")))
    assert set(points.metadata["time"]) == set(neutrinos["time"])


def test_windows_that_were_left_out_hold_no_such_cluster():
    """Where all windows are followed, about as many hold a cluster of 5 MeV."""
    settings = SimulationSettings(events=None, flux="gkvm", burst=Burst(mass_kt=0.1, distance_kpc=4000.0))
    background = {**settings.background, "ar39": 0.0, "kr85": 0.0}
    settings = replace(settings, background=background)
    events = plan_events(settings)
    found, every = (
        simulate_readout(each, events, events.n_files - 1) for each in (settings, replace(settings, all_decays=True))
    )
    assert 5 <= len(every) <= 40
    assert abs(len(found) - len(every)) <= 4 * np.sqrt(len(every))


def test_background_alone_has_no_neutrino(tmp_path):
    assert run("-o", tmp_path / "out", "-n", "10", "--channel", "background", "--background", "k42=20") == 0
    table = tables(tmp_path / "out", "background")
    assert len(table) > 10
    assert set(table["is_marley"]) == {0}
    assert set(table["is_es_interaction"]) == {-1}
    assert np.all(np.isnan(table["true_nu_energy"]))


def test_listed_events_are_used(tmp_path, capsys):
    listed = write(tmp_path / "list.ascii", NEUTRAL_EVENT, CC_EVENT, ES_EVENT)
    packed = tmp_path / "list.gz"
    packed.write_bytes(gzip.compress(listed.read_bytes()))
    line = ["-n", "10", "--channel", "cc", "--background", "none", "-o", tmp_path / "out", "--marley"]
    assert run(*line, packed) == 0
    assert "list.gz: 1 charged-current events" in capsys.readouterr().err
    table = tables(tmp_path / "out", "cc")
    assert len(table) > 5
    assert set(table["true_nu_energy"]) == {20.0}
    assert np.allclose(table["true_electron_energy"], np.hypot(14.0, 0.511) - 0.511, rtol=1e-5)
    assert run(*line, listed) == 0  # the same events, so the same data set
    write(listed, NEUTRON_EVENT)
    assert run(*line, listed) == 2
    assert "marley_file" in capsys.readouterr().err


MISTAKES = [
    ((), 2, "-n"),
    (("-n", "5", "--burst"), 2, "either"),
    (("-n", "5", "--mass", "3"), 2, "--burst"),
    (("--burst", "--flux", "flat"), 2, "gkvm"),
    (("--burst", "--channel", "es"), 2, "leave --channel"),
    (("-n", "5", "--energy", "20", "5"), 2, "less than"),
    (("-n", "5", "--background", "uranium=3"), 2, "choose from"),
    (("-n", "5", "--background", "k42=many"), 2, "k42=0.16"),
    (("-n", "5", "--channel", "background", "--background", "none"), 2, "NAME=RATE"),
    (("-n", "5", "--marley", "nowhere.ascii"), 3, "nowhere.ascii"),
]


@pytest.mark.parametrize(("arguments", "code", "said"), MISTAKES)
def test_mistakes_are_named(arguments, code, said, tmp_path, capsys):
    assert run("-o", tmp_path / "out", *arguments) == code
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert not list(tmp_path.glob("out/*.npz"))


def test_a_command_that_made_nothing_can_be_mended(tmp_path):
    folder = tmp_path / "out"
    assert run("-o", folder, "-n", "5", "--channel", "es", "--energy", "90", "95") == 2
    assert run("-o", folder, "-n", "5", "--channel", "es", "--energy", "5", "15") == 0


@pytest.mark.parametrize("value", ["0,0,0", "1,2", "up", "inf,0,0"])
def test_directions_that_are_none(value, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        run("-o", tmp_path, "-n", "1", "--direction", value)
    assert stop.value.code == 2
    assert "for example 0,0,1" in capsys.readouterr().err


def test_a_folder_with_other_data_is_refused(es_folder, tmp_path, capsys):
    before = contents(es_folder)
    assert run("-o", es_folder, "-n", LARGE, "--channel", "es", "--energy", "5", "21") == 2
    assert "energy" in capsys.readouterr().err
    assert contents(es_folder) == before
    (tmp_path / "real_planeX.npz").write_text("not ours")
    assert run("-o", tmp_path, "-n", "5") == 2
    assert "another origin" in capsys.readouterr().err


def test_what_a_folder_holds_is_looked_for_behind_links(tmp_path, capsys):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "real_planeX.npz").write_text("not ours")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "link").symlink_to(tmp_path / "far")
    assert run("-o", tmp_path / "out", "-n", "5") == 2
    assert "another origin" in capsys.readouterr().err
    (tmp_path / "far").rename(tmp_path / "away")
    assert run("-o", tmp_path / "out", "-n", "5") == 3
    assert "what it holds cannot be told" in capsys.readouterr().err


def test_folder_that_cannot_be_made(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert run("-o", tmp_path / "file" / "out", "-n", "5") == 5
    assert "cannot write" in capsys.readouterr().err


def test_help_needs_the_standard_library_only():
    code = "import sys; sys.modules['numpy'] = None; from python.commands.simulate import main; main(['-h'])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    for name in NOMINAL_RATES:
        assert name in done.stdout


def start(folder):
    command = [sys.executable, "-m", "python.commands.simulate", "-o", str(folder), "-n", "60000", "--workers", "2"]
    command += ["--background", "none"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 240
    while not list(folder.glob("*_planeX.npz")):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return process


def members(session):
    """Processes of a session that are at work, by their state in /proc."""
    alive = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            alive.append(stat.parent.name)
    return alive


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 85), (signal.SIGKILL, -9)])
def test_signals_leave_whole_files_and_no_process(number, code, tmp_path):
    folder = tmp_path / "out"
    process = start(folder)
    session = os.getsid(process.pid)
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == code, error
    assert "Traceback" not in error
    deadline = time.monotonic() + 20
    while members(session) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert members(session) == []
    if number != signal.SIGKILL:
        assert not list(folder.glob(".*"))
    for path in folder.glob("[!.]*_points.npz"):
        assert len(read_point_file(path).clouds)
    for path in folder.glob("[!.]*_plane?.npz"):
        with np.load(path, allow_pickle=False) as arrays:
            assert parse_image_file(dict(arrays), path).kind == "clusters"


def test_parts_together_are_the_whole(tmp_path, es_folder, capsys):
    """Two parts, the later one first, write the bytes of a single call, with the settings of the whole."""
    options = ["-n", LARGE, "--channel", "es", "--energy", "5", "20", "--workers", "1"]
    for part in ("2/2", "1/2"):
        assert run("-o", tmp_path / "parts", *options, "--part", part) == 0
    assert contents(tmp_path / "parts") == contents(es_folder)
    capsys.readouterr()
    assert run("-o", tmp_path / "parts", *options) == 0
    assert f"{LARGE} of {LARGE} events are there already" in capsys.readouterr().err
    assert run("-o", tmp_path / "more", *options, "--part", "1/3") == 2
    assert "cannot be made in 3 parts" in capsys.readouterr().err


@pytest.mark.parametrize("part", ["0/2", "3/2", "1", "a/b", "-1/2", "1/0"])
def test_a_part_is_one_of_its_number(tmp_path, part, capsys):
    with pytest.raises(SystemExit) as refused:
        run("-o", tmp_path / "parts", "-n", "10", f"--part={part}")
    assert refused.value.code == 2
    assert "part K of N" in capsys.readouterr().err
