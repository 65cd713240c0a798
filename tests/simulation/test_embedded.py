"""The embedded data set: made once, whole, by one process at a time, and another one when anything differs."""

import threading

import pytest

from python.data.data_origin import DataFolders
from python.data.image_set import load_images
from python.ingest.clustering import ClusterSettings
from python.ingest.products import ProductSettings
from python.simulation import embedded
from python.simulation.settings import SimulationSettings
from tests.simulation.test_marley_events import CC_EVENT, write


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "HOME", tmp_path / "data" / "simulated")
    monkeypatch.setattr(embedded, "SETTINGS", SimulationSettings(events=30))
    return tmp_path / "data" / "simulated"


def test_it_is_made_on_first_use_and_then_found(home, monkeypatch):
    folder = embedded.embedded_data_set()
    assert folder.parent == home
    assert folder == embedded.embedded_folder()
    assert len(load_images(DataFolders([folder]), "X")) > 20
    assert not list(home.glob("*.unfinished"))
    monkeypatch.setattr(embedded, "produce", None)
    assert embedded.embedded_data_set() == folder


@pytest.mark.usefixtures("home")
def test_two_at_once_make_it_once(monkeypatch):
    calls = []

    def counted(*arguments):
        calls.append(arguments)
        return produce(*arguments)

    produce = embedded.produce
    monkeypatch.setattr(embedded, "produce", counted)
    found = []
    threads = [threading.Thread(target=lambda: found.append(embedded.embedded_data_set())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    assert found == [embedded.embedded_folder()] * 3


@pytest.mark.usefixtures("home")
def test_an_attempt_that_was_cut_short_is_not_taken_for_the_data_set(monkeypatch):
    def cut_short(*arguments):
        arguments[1].mkdir(parents=True)
        raise KeyboardInterrupt

    with monkeypatch.context() as during:
        during.setattr(embedded, "produce", cut_short)
        with pytest.raises(KeyboardInterrupt):
            embedded.embedded_data_set()
    assert not embedded.embedded_folder().exists()
    assert embedded.embedded_data_set().exists()


@pytest.mark.usefixtures("home")
def test_other_settings_are_another_data_set(monkeypatch):
    before = embedded.embedded_folder()
    for settings in (SimulationSettings(events=31), SimulationSettings(events=30, seed=2)):
        monkeypatch.setattr(embedded, "SETTINGS", settings)
        assert embedded.embedded_folder() != before
    monkeypatch.setattr("python.simulation.settings.SIMULATION_VERSION", 999)
    monkeypatch.setattr(embedded, "SETTINGS", SimulationSettings(events=30))
    assert embedded.embedded_folder() != before


def test_events_keep_their_identity_whatever_is_drawn_of_them(monkeypatch):
    one = SimulationSettings(events=30)
    before, events = one.data_set_key, one.events_key
    monkeypatch.setattr("python.simulation.settings.DRAWING_VERSION", 999)
    assert one.data_set_key != before
    assert one.events_key == events
    assert one.events_key == SimulationSettings(events=40).events_key
    assert one.events_key != SimulationSettings(events=30, seed=2).events_key


def test_cuts_that_decide_which_decays_are_followed_are_part_of_the_identity():

    def lower_cut(energy):
        return SimulationSettings(events=30, products=ProductSettings(clusters=ClusterSettings(energy_cut=energy)))

    lower = lower_cut(1.0).products
    assert lower_cut(1.0).events_key != SimulationSettings(events=30).events_key
    assert not lower_cut(1.0).follows_all_decays
    assert lower_cut(0.5).follows_all_decays
    every = SimulationSettings(events=30, all_decays=True)
    assert every.events_key == SimulationSettings(events=30, all_decays=True, products=lower).events_key
    assert every.events_key != SimulationSettings(events=30).events_key


def test_a_source_is_known_by_what_decides_its_events(tmp_path):
    one, known = SimulationSettings(events=1000), SimulationSettings(events=1000).source_id(0, 1000)
    drawn = SimulationSettings(events=5000, products=ProductSettings(image_shape=(64, 16), volumes=True))
    assert drawn.source_id(0, 1000) == known
    others = [one.source_id(1, 1000), one.source_id(0, 999), SimulationSettings(events=1000, seed=2).source_id(0, 1000)]
    assert len({known, *others}) == 4
    for name, content in (("a", [CC_EVENT]), ("b", [CC_EVENT]), ("c", [CC_EVENT, CC_EVENT])):
        write(tmp_path / name, *content)
    a, b, c = (SimulationSettings(events=10, marley_file=str(tmp_path / name)).source_id(0, 10) for name in "abc")
    assert a == b != c
