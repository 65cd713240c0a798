"""Events in the twelve APAs of `dune10kt_1x2x6`: everywhere, with as many decays to an APA, and told by name in all files."""

import argparse
import json

import numpy as np
import pytest

from python.commands.simulate import add_simulation_options, main
from python.data.image_set import load_images
from python.data.input_files import Folders
from python.data.metadata import vectors
from python.data.point_clouds import load_points
from python.detector.geometry import DUNE_1X2X2, DUNE_1X2X6, GEOMETRIES, X, apa_at, locate_channel
from python.general_purpose_libs import run_command, write_json
from python.quality.quality import OK, check_folders
from python.simulation.backgrounds import NOMINAL_RATES, background_particles
from python.simulation.event_list import radiological_windows
from python.simulation.near_clusters import near_clusters, places_of_particles
from python.simulation.noise import draw_noise
from python.simulation.settings import SimulationSettings
from python.simulation.transport import set_free, transport
from tests.made_once import made_once
from tests.simulation.test_transport import make_particles

LINE = ("-n", "150", "--channel", "es", "--energy", "12", "40", "--background", "none", "--workers", "1")
GEOMETRY = ("--geometry", "dune10kt_1x2x6")


def run(*arguments):
    return run_command(lambda: main([str(argument) for argument in arguments]))


@pytest.fixture(scope="module")
def twelve(tmp_path_factory):
    return made_once(tmp_path_factory, "twelve", lambda folder: run("-o", folder, *LINE, *GEOMETRY, "--volumes"))


def test_events_are_in_all_twelve_apas(twelve):
    table = load_images(Folders([twelve]), "X").metadata
    main_tracks = table[table["is_main_track"] == 1]
    counts = np.bincount(main_tracks["apa"], minlength=12)
    assert len(counts) == 12
    assert np.all(counts > 0)
    place = vectors(main_tracks, "true_pos")
    assert place[:, 2].max() > 1200
    assert np.mean(apa_at(place[:, 1], place[:, 2]) == main_tracks["apa"]) > 0.95  # the others cross a border
    of_places = ("vertices", "flags", "face and APA")
    assert {check.status for check in check_folders([twelve]).checks if check.name in of_places} == {OK}


def test_the_name_is_in_all_files(twelve):
    for path in twelve.glob("*.npz"):
        with np.load(path) as arrays:
            assert arrays["source_geometries"].tolist() == ["dune10kt_1x2x6"], path.name
    assert json.loads((twelve / "simulation.json").read_text())["geometry"] == "dune10kt_1x2x6"
    points = load_points(Folders([twelve]))
    assert points is not None
    assert {source.geometry for source in points.sources} == {DUNE_1X2X6}


def test_a_data_set_is_of_one_geometry(tmp_path, capsys):
    """One that does not name its geometry, as those of older releases, goes on in the smaller one alone."""
    line = ("-n", "3", *LINE[2:])
    assert run("-o", tmp_path, *line) == 0
    settings = json.loads((tmp_path / "simulation.json").read_text())
    assert settings.pop("geometry") == "dune10kt_1x2x2"
    write_json(tmp_path / "simulation.json", settings)
    assert run("-o", tmp_path, *line, *GEOMETRY) == 2
    assert "geometry" in capsys.readouterr().err
    assert run("-o", tmp_path, *line) == 0
    assert "3 of 3 events are there already" in capsys.readouterr().err


def test_the_identity_of_events_tells_the_geometry():
    one, other = (SimulationSettings(events=5, geometry=geometry) for geometry in (DUNE_1X2X2, DUNE_1X2X6))
    assert one.source_id(0, 5) != other.source_id(0, 5)
    assert (one.events_key, one.data_set_key) != (other.events_key, other.data_set_key)


def test_the_option_knows_all_geometries():
    parser = argparse.ArgumentParser()
    add_simulation_options(parser)
    (option,) = [action for action in parser._actions if action.dest == "geometry"]
    assert (option.choices, option.default) == (list(GEOMETRIES), DUNE_1X2X2.name)


@pytest.mark.parametrize("name", NOMINAL_RATES)
def test_there_are_as_many_decays_to_an_apa(name):
    rate = 20.0 if name in ("ar39", "kr85") else 2.0
    few, many = (
        background_particles(1500, {name: rate}, np.random.default_rng(seed), geometry=geometry)
        for seed, geometry in enumerate((DUNE_1X2X2, DUNE_1X2X6))
    )
    error = np.sqrt(9 * len(few) + len(many)) * 3  # decays come with several particles each
    assert abs(len(many) - 3 * len(few)) < 4 * error
    low, high = DUNE_1X2X6.corners
    assert np.all((many.position >= low) & (many.position <= high))
    assert np.all(np.bincount(apa_at(many.position[:, 1], many.position[:, 2]), minlength=12) > len(many) / 30)


def test_windows_of_a_burst_hold_as_many_decays_whatever_the_geometry():
    few, many = (radiological_windows(40.0, geometry) for geometry in (DUNE_1X2X2, DUNE_1X2X6))
    assert few == 236_491
    assert many * DUNE_1X2X6.n_apas == pytest.approx(few * DUNE_1X2X2.n_apas, rel=0.005)


def test_faint_decays_are_drawn_near_clusters_of_every_row():
    """As in `test_near_clusters`, where a seed in each row finds its share of the decays around it."""
    n = 12
    seeds = make_particles(
        np.full(n, 9.0), position=[(150.0, 300.0 - 600 * (i % 2), 232.4 * (i // 2) + 110) for i in range(n)]
    )
    places = places_of_particles(seeds)._replace(event=np.arange(n))
    near = near_clusters(places, n, 50_000.0, DUNE_1X2X6)
    decays = background_particles(n, {"ar39": 1713.0}, np.random.default_rng(1), near, DUNE_1X2X6)
    assert np.all(np.bincount(decays.event, minlength=n) > 20)
    on_x = near.planes(places_of_particles(decays))[:, X]
    assert np.abs(decays.position[on_x, 2] - places.position[decays.event[on_x], 2]).max() < 58


def test_argon_ends_where_the_geometry_does():
    particles = make_particles([5.0, 5.0], position=[(100.0, 100.0, 1300.0), (100.0, 100.0, 200.0)])
    for geometry, inside in ((DUNE_1X2X2, [1]), (DUNE_1X2X6, [0, 1])):
        deposits, escaped = transport(particles, np.random.default_rng(1), 2, geometry)
        assert np.unique(deposits.event).tolist() == inside
        assert np.flatnonzero(escaped < 4).tolist() == inside
        assert np.unique(set_free(particles, np.random.default_rng(1), geometry).event).tolist() == inside


def test_noise_is_as_dense_on_all_channels():
    few, many = (draw_noise(100, 2, np.random.default_rng(1), geometry) for geometry in (DUNE_1X2X2, DUNE_1X2X6))
    assert abs(len(many) - 3 * len(few)) < 4 * np.sqrt(9 * len(few) + len(many))
    counts = np.bincount(locate_channel(many[:, 1]).apa, minlength=12)
    assert np.abs(counts - counts.mean()).max() < 5 * np.sqrt(counts.mean())
