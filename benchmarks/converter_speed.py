"""Speed of the conversion of trigger primitives to images, in events a second and core, stage by stage.

The 60 events of the two real files in ../shared/data are copied into one file with event numbers of their own, so that constant
costs do not count. Stages are timed alone; the totals are whole conversions, of clusters and of clusters with volumes.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import uproot

from benchmarks.record import REAL_FILES, save_result, seconds
from python.data.image_file import ImageFile, write_image_file
from python.detector.calibration import adc_per_mev
from python.detector.geometry import PLANES
from python.ingest.clustering import ClusterSettings, make_clusters
from python.ingest.convert import convert
from python.ingest.matching import match_planes
from python.ingest.products import ProductSettings, make_products
from python.ingest.readout import Readout
from python.ingest.root_reader import read_source
from python.ingest.truth import event_truth, signal_tps

COPIES = 20


def copy_events(target: Path, copies: int) -> None:
    """Write the trees of the real files `copies` times over into `target`, each time under new event numbers."""
    tables: dict[str, list[dict[str, np.ndarray]]] = {}
    for path in REAL_FILES:
        with uproot.open(path) as file:
            for name in file.keys(cycle=False, filter_classname="TTree"):
                if name.endswith(("mctruths", "mcparticles")) or "TriggerPrimitives" in name:
                    columns = file[name].arrays(library="np")
                    tables.setdefault(name, []).append({k: v for k, v in columns.items() if v.dtype != object})
    with uproot.recreate(target) as file:
        for name, parts in tables.items():
            file.mktree(name, {key: column.dtype for key, column in parts[0].items()})
            for copy in range(copies):
                for part in parts:
                    file[name].extend({**part, "Event": part["Event"] + np.uint32(1_000_000 * copy)})


def measure(path: Path, folder: Path) -> dict[str, float]:
    """Return the seconds that each stage takes for the whole file, and whole conversions."""
    source = read_source(path)
    calibration = adc_per_mev("measured")
    products = make_products(Readout.of_source(source))
    drawn = {plane: products.images(plane) for plane in PLANES}

    def write() -> None:
        for plane, made in drawn.items():
            content = ImageFile(made.images, made.metadata, made.sources, plane)
            write_image_file(folder / f"stage_plane{plane}.npz", content)

    return {
        "reading": seconds(lambda: read_source(path)),
        "truth": seconds(lambda: (event_truth(source), signal_tps(source))),
        "clustering": seconds(lambda: make_clusters(source.tps, ClusterSettings(), calibration)),
        "matching": seconds(lambda: match_planes(products.clusters)),
        "drawing": seconds(lambda: [products.images(plane) for plane in PLANES]),
        "writing": seconds(write),
        "total": seconds(lambda: convert(path, folder, ProductSettings())),
        "total_with_volumes": seconds(lambda: convert(path, folder, ProductSettings(volumes=True))),
    }


def main() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "events.root")
        copy_events(path, COPIES)
        n_events = len(read_source(path).events)
        times = measure(path, Path(scratch))
    save_result(
        "converter_speed",
        {
            "events": n_events,
            "events_per_second": {stage: round(n_events / spent) for stage, spent in times.items()},
            "milliseconds_per_event": {stage: round(1e3 * spent / n_events, 3) for stage, spent in times.items()},
        },
    )


if __name__ == "__main__":
    main()
