"""What holds for all tests: how many processes run them, no drawing unless asked for, Ctrl-C that is heard."""

import gc
import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# the clock of a shared machine is no judge of a test
settings.register_profile("project", deadline=None)
settings.load_profile("project")

if "PYTEST_XDIST_WORKER" in os.environ:  # others work beside this process, and none shall wait for their cores
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, "1")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """One process more than cores, since tests wait for others; none for a few files, or where all that is said shall be seen."""
    few = not any(Path(name).is_dir() for name in config.args)
    if few or config.option.keyword or config.option.capture == "no":
        return 0
    return len(os.sched_getaffinity(0)) + 1


def pytest_collection_finish():
    """Each training has garbage collected, which shall not look through all that was imported for the tests every time."""
    gc.freeze()


@pytest.fixture(scope="session")
def no_drawing():
    """Drawing takes most of the time of a small run: once this was asked for, only tests with `with_figures` draw."""
    from tests.drawing import NoDrawing  # with Matplotlib, once the cores are counted

    drawing = NoDrawing()
    drawing.begin()
    yield drawing
    drawing.end()


@pytest.fixture
def with_figures(no_drawing):
    """Runs of the test draw their figures and write their report."""
    with no_drawing.lifted():
        yield


@pytest.fixture(scope="session")
def events(tmp_path_factory):
    """160 events, ES and CC in turn, without backgrounds: clusters and volumes of three planes, and points."""
    from python.ingest.products import ProductSettings
    from python.simulation.backgrounds import NOMINAL_RATES
    from python.simulation.production import produce
    from python.simulation.settings import SimulationSettings
    from tests.made_once import made_once

    quiet = dict.fromkeys(NOMINAL_RATES, 0.0)
    settings = SimulationSettings(events=160, background=quiet, products=ProductSettings(volumes=True))
    return made_once(tmp_path_factory, "mixed", lambda folder: produce(settings, folder))


@pytest.fixture(scope="session", autouse=True)
def interruptible():
    """Ctrl-C raises KeyboardInterrupt, here and in what is started here, also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
