"""Small ROOT files of trigger primitives for tests, and where the real ones are."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import uproot

from python.detector.geometry import CHANNELS_PER_APA, CLOCKS_PER_TICK, DUNE_1X2X6
from python.ingest.readout import Readout
from python.ingest.trigger_primitives import TriggerPrimitives

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
KINDS = ("es", "cc")
FOLDER = "triggerAnaDumpTPs"
TP_TREE = f"{FOLDER}/TriggerPrimitives/tpmakerTPC__TriggerAnaTree1x2x2"


def real_file(kind: str) -> Path:
    path = DATA / f"{kind}_tpstream.root"
    if not path.exists():
        pytest.skip(f"the real ROOT files are not in {DATA}")
    return path


def real_tree(kind: str, name: str) -> dict[str, np.ndarray]:
    with uproot.open(real_file(kind)) as file:
        return file[TP_TREE if name == "tps" else f"{FOLDER}/{name}"].arrays(library="np")


def make_tps(rows: list[tuple]) -> TriggerPrimitives:
    """Rows of (event, channel, start, sot, to_peak, integral, peak), put in canonical order."""
    columns = np.array(rows, np.int64).reshape(-1, 7).T
    tps = TriggerPrimitives(*columns)
    return tps.take(tps.order())


def moved_along_z(readout: Readout, rows: int) -> Readout:
    """The same events so many rows of APAs farther along z, in the twelve APAs that hold these."""
    tps = replace(readout.tps, channel=readout.tps.channel + 2 * rows * CHANNELS_PER_APA)
    return replace(readout, tps=tps, sources=[source._replace(geometry=DUNE_1X2X6) for source in readout.sources])


def tp_columns(tps: TriggerPrimitives, **more: np.ndarray) -> dict[str, np.ndarray]:
    n = len(tps)
    columns = {
        "Event": tps.event.astype(np.uint32),
        "Run": np.ones(n, np.uint32),
        "SubRun": np.zeros(n, np.uint32),
        "channel": tps.channel.astype(np.uint32),
        "samples_over_threshold": tps.sot.astype(np.uint16),
        "time_start": (tps.start * CLOCKS_PER_TICK).astype(np.uint64),
        "samples_to_peak": tps.to_peak.astype(np.uint16),
        "adc_integral": tps.integral.astype(np.uint32),
        "adc_peak": tps.peak.astype(np.uint16),
    }
    return {**columns, **more}


def real_columns(kind: str) -> dict[str, dict[str, np.ndarray]]:
    """All trees of a real file that are read, to be changed and written again."""
    names = {TP_TREE: "tps", f"{FOLDER}/mctruths": "mctruths", f"{FOLDER}/mcparticles": "mcparticles"}
    trees = {path: real_tree(kind, name) for path, name in names.items()}
    return {path: {k: v for k, v in tree.items() if v.dtype != object} for path, tree in trees.items()}


def write_root(path: Path, trees: dict[str, dict[str, np.ndarray]]) -> Path:
    with uproot.recreate(path) as file:
        for name, columns in trees.items():
            file.mktree(name, {key: column.dtype for key, column in columns.items()})
            file[name].extend(columns)
    return path
