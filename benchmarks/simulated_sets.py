"""The simulated events of the benchmarks, made once under data/benchmark, and the real ones; with radiological backgrounds.

Training events of directions: elastic scattering of a supernova's spectrum (`gkvm`) and of a flat one. Of channels (`mixed`):
elastic scattering and charged current in turn, both of a supernova's spectrum. Of main tracks (`tracks`): the same, and readout
windows without a neutrino (`windows`, `more_windows`). `k42` are windows with 42K alone, `quiet_cc` events without backgrounds,
as the real ones are. Test events come from runs of their own, so that every network is judged on the same ones.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.record import REAL_FILES, ROOT
from python.general_purpose_libs import Progress
from python.ingest.convert import convert
from python.ingest.products import ProductSettings
from python.processes.cores import processor_cores
from python.simulation.backgrounds import NOMINAL_RATES
from python.simulation.production import produce
from python.simulation.settings import SimulationSettings

HOME = ROOT / "data" / "benchmark"
NO_BACKGROUND = dict.fromkeys(NOMINAL_RATES, 0.0)
SETS = {
    "gkvm": SimulationSettings(events=100_000, channel="es", flux="gkvm", energy=(3.0, 100.0), seed=11),
    "flat": SimulationSettings(events=100_000, channel="es", energy=(3.0, 60.0), seed=12),
    "test": SimulationSettings(events=20_000, channel="es", flux="gkvm", energy=(3.0, 100.0), seed=13),
    "mixed": SimulationSettings(
        events=120_000, flux="gkvm", energy=(3.0, 100.0), seed=14, products=ProductSettings(volumes=True)
    ),
    "mixed_small": SimulationSettings(
        events=1_900, flux="gkvm", energy=(3.0, 100.0), seed=16, products=ProductSettings(volumes=True)
    ),
    "mixed_test": SimulationSettings(
        events=30_000, flux="gkvm", energy=(3.0, 100.0), seed=15, products=ProductSettings(volumes=True)
    ),
    "tracks": SimulationSettings(events=40_000, flux="gkvm", energy=(3.0, 100.0), seed=17),
    "windows": SimulationSettings(events=10_000, channel="background", seed=18),
    "more_windows": SimulationSettings(events=40_000, channel="background", seed=25),
    "tracks_test": SimulationSettings(events=10_000, flux="gkvm", energy=(3.0, 100.0), seed=19),
    "windows_test": SimulationSettings(events=40_000, channel="background", seed=20),
    "k42": SimulationSettings(events=10_000, channel="background", seed=23, background={"k42": 1.0}),
    "quiet_cc": SimulationSettings(events=2_000, channel="cc", energy=(4.0, 68.0), seed=24, background=NO_BACKGROUND),
}


def simulated(name: str) -> Path:
    """Return the folder of the data set, made first or completed when it is not."""
    folder = HOME / name
    with Progress(f"simulating {name}", "events") as progress:
        produce(SETS[name], folder, processor_cores(), progress)
    return folder


def real() -> Path:
    """Return a folder with the 60 real events as images and points."""
    folder = HOME / "real"
    folder.mkdir(parents=True, exist_ok=True)
    for path in REAL_FILES:
        convert(path, folder, ProductSettings())
    return folder
