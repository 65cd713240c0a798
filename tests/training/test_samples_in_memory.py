"""Samples of every task from products in memory are those of the files that are written from the same trigger primitives."""

from pathlib import Path

import numpy as np
import pytest

from python.commands.tasks import TASKS, load_task
from python.config.load import load_config
from python.data.metadata import FLOATS, INTEGERS
from python.general_purpose_libs import read_json
from python.ingest.centres import x_clusters_above
from python.ingest.convert import convert
from python.ingest.product_files import write_products
from python.ingest.products import ProductSettings, make_products
from python.ingest.readout import Readout, read_readout
from python.simulation.event_list import plan_events
from python.simulation.events import simulate_readout
from python.simulation.settings import SimulationSettings
from python.training.preparation import configured_data
from tests.ingest.root_files import KINDS, real_file

CONFIGURATIONS = sorted(path for task in TASKS for path in Path("json", task).glob("*.json"))
SHIPPED = list(
    {(path.parent, read_json(path)["model_name"]): path for path in CONFIGURATIONS}.values()
)  # one a network
PRODUCTS = ProductSettings(volumes=True)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """Readout of simulated events with backgrounds, and the folder of the files made of them."""
    settings, folder = SimulationSettings(events=40, seed=5, products=PRODUCTS), tmp_path_factory.mktemp("simulated")
    readout = simulate_readout(settings, plan_events(settings), 0)
    write_products(readout, PRODUCTS, folder, "mixed_00000")
    return readout, folder


@pytest.fixture(scope="module", params=KINDS)
def real(request, tmp_path_factory):
    """The same of a real file."""
    path, folder = real_file(request.param), tmp_path_factory.mktemp("real")
    convert(path, folder, PRODUCTS)
    return read_readout(path), folder


def samples_of(path, folder, data=None):
    """What the network of a configuration takes of the data in a folder, or of other data."""
    task = load_task(path.parent.name)
    changes = [  # a pattern of its own may fit clusters and volumes, which lie together here
        "dataset_parameters.batch_pattern=null",
        f'data_directories=["{folder}"]',
    ]
    config = load_config(path, task.schema, changes)
    return task.read(config, task.architecture(config), data or configured_data(config))


def assert_same(one, other):
    assert len(one) == len(other) > 0
    assert one.sources == other.sources
    for name in (*FLOATS, *INTEGERS, "plane"):
        assert one.metadata[name].tobytes() == other.metadata[name].tobytes(), name
    rows = np.arange(len(one))
    given, expected = (samples.network_inputs(rows) for samples in (one, other))
    if not isinstance(expected, dict):
        given, expected = {"image": given}, {"image": expected}
    assert given.keys() == expected.keys()
    for name, values in expected.items():
        assert given[name].dtype == values.dtype
        assert given[name].tobytes() == values.tobytes(), name
    assert [cut["kept"] for cut in one.cuts[1:]] == [cut["kept"] for cut in other.cuts[1:]]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_samples_of_simulated_events(simulated, path):
    readout, folder = simulated
    assert_same(samples_of(path, folder, make_products(readout)), samples_of(path, folder))


@pytest.mark.parametrize(
    "name",
    [
        "mt_identifier/quick_test",
        "mt_identifier/point_network",
        "channel_tagging/resnet_x",
        "channel_tagging/points_supernova",
        "electron_direction/three_plane_v22_energy_200k",
        "electron_direction/point_network_200k",
    ],
)
def test_samples_of_real_events(real, name):
    readout, folder = real
    path = Path("json", f"{name}.json")
    assert_same(samples_of(path, folder, make_products(readout)), samples_of(path, folder))


def test_every_task_is_asked_about_the_same_candidates(simulated):
    """Of several an event, chosen by their energy, and found again by their number."""
    readout, folder = simulated
    products = make_products(readout)
    candidates = x_clusters_above(products.clusters, 3.0)
    matched = candidates[products.matches.match_id[candidates] >= 0]
    complete = candidates[np.all(products.matches.partner[candidates] >= 0, axis=1)]
    assert len(np.unique(products.clusters.event[matched])) < len(complete) < len(matched) < len(candidates)
    chosen = products.only(candidates)
    for name, expected in {
        "mt_identifier/quick_test": candidates,
        "mt_identifier/point_network": candidates,
        "channel_tagging/resnet_x": candidates,
        "channel_tagging/points_supernova": matched,
        "electron_direction/three_plane_v22_energy_200k": complete,
        "electron_direction/point_network_200k": complete,
    }.items():
        samples = samples_of(Path("json", f"{name}.json"), folder, chosen)
        assert samples.metadata["cluster"].tolist() == expected.tolist(), name


def test_no_truth_reaches_what_a_network_is_shown(simulated):
    """Neither in images and points, nor in which clusters are chosen and what is said of them but labels."""
    readout, folder = simulated
    blind = Readout(
        readout.sources, readout.events, readout.tps, readout.truth.unknown(len(readout)), signal=None, track=None
    )
    truth = ("is_marley", "is_main_track", "is_es_interaction", *(name for name in FLOATS if "true_" in name))
    truth += tuple(name for name in FLOATS if "momentum" in name)
    asked = ("quick_test", "point_network", "point_network_200k", "points_supernova")
    for path in (path for path in CONFIGURATIONS if path.stem in asked):
        seen, told = (samples_of(path, folder, make_products(part)) for part in (blind, readout))
        assert not np.array_equal(seen.metadata["is_es_interaction"], told.metadata["is_es_interaction"])
        for name in truth:
            seen.metadata[name] = told.metadata[name]
        assert_same(seen, told)
