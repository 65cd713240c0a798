"""Decays near clusters alone, as the simulation follows them by default, beside all decays: is what products see the same?

The same ES events are simulated in both ways, with all backgrounds; the neutrino's particles have random streams of their own, so
they are the same. Compared are the trigger primitives in the points around each event's most energetic X cluster, which reach
half a metre, without those of the matched clusters: how many there are an event, and how their charge, height and length are
distributed; what the clusters are; and how long it takes. `difference` is in units of its statistical error. Bytes are those of
files of images and points, as `simulate.sh` writes them without volumes.
"""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import ks_2samp

from benchmarks.record import save_result
from python.detector.geometry import PLANES, TICK_CM
from python.ingest.centres import leading_x_clusters
from python.ingest.product_files import write_products
from python.ingest.products import make_products
from python.simulation.backgrounds import FAINT, NOMINAL_RATES
from python.simulation.event_list import plan_events
from python.simulation.events import simulate_readout
from python.simulation.settings import SimulationSettings

N_EVENTS = 600
MOST_POINTS = 96  # of a cloud that a network reads
SETTINGS = SimulationSettings(N_EVENTS, "es", seed=11)
KINDS = {
    "all decays": replace(SETTINGS, all_decays=True),
    "near clusters": SETTINGS,
    "without 39Ar and 85Kr": replace(SETTINGS, background={**NOMINAL_RATES, **dict.fromkeys(FAINT, 0.0)}),
    "without backgrounds": replace(SETTINGS, background=dict.fromkeys(NOMINAL_RATES, 0.0)),
}


def measure(settings: SimulationSettings) -> dict[str, Any]:
    """What is seen of the events, and what it costs."""
    start = time.process_time()
    readout = simulate_readout(settings, plan_events(settings), 0)
    seconds = time.process_time() - start
    products = make_products(readout)
    clusters, matches = products.clusters, products.matches
    leading = leading_x_clusters(clusters)
    leading = leading[matches.match_id[leading] >= 0]
    clouds = products.only(leading).points().clouds
    everything = products.points().clouds.counts
    with tempfile.TemporaryDirectory() as scratch:
        write_products(readout, settings.products, Path(scratch), "events")
        size = {
            "points": (Path(scratch) / "events_points.npz").stat().st_size,
            "images": sum(path.stat().st_size for path in Path(scratch).glob("*_plane?.npz")),
        }
    return {
        "clouds": clouds,
        "energy": {plane: clusters.energy[clusters.plane == p] for p, plane in enumerate(PLANES)},
        "summary": {
            "simulation_ms_per_event": round(1e3 * seconds / N_EVENTS, 2),
            "bytes_per_event": {name: round(value / N_EVENTS) for name, value in size.items()},
            "points_per_cloud": round(float(everything.mean()), 1),
            "clouds_of_more_than_96_points": round(float(np.mean(everything > MOST_POINTS)), 4),
            "clouds_per_event": round(len(everything) / N_EVENTS, 2),
            "clusters_per_event": {
                plane: round(float(np.mean(clusters.plane == p) * len(clusters) / N_EVENTS), 3)
                for p, plane in enumerate(PLANES)
            },
        },
    }


def compare(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Numbers a cloud with their errors, and the Kolmogorov-Smirnov test of what its primitives are like."""
    table: dict[str, Any] = {}
    for p, plane in enumerate(PLANES):
        counts, values = [], []
        for measured in (one, other):
            clouds = measured["clouds"]
            outside = (clouds.column("plane") == p) & (clouds.column("in_cluster") == 0)
            counts.append(np.bincount(clouds.owner[outside], minlength=len(clouds)))
            length = (clouds.column("end") - clouds.column("start")) / TICK_CM
            columns = {"integral": clouds.column("integral"), "height": clouds.column("height"), "length": length}
            columns |= {"across": clouds.column("across"), "peak": clouds.column("peak")}
            values.append({name: column[outside] for name, column in columns.items()})
        means, errors = zip(*(mean_and_error(count) for count in counts), strict=True)
        table[plane] = {
            "primitives_per_event": [[round(m, 2), round(e, 2)] for m, e in zip(means, errors, strict=True)],
            "difference": round((means[1] - means[0]) / float(np.hypot(*errors)), 2),
            "ks_p": {name: round(float(ks_2samp(values[0][name], values[1][name]).pvalue), 3) for name in values[0]},
            "cluster_energy_ks_p": round(float(ks_2samp(one["energy"][plane], other["energy"][plane]).pvalue), 3),
        }
    return table


def mean_and_error(counts: np.ndarray) -> tuple[float, float]:
    return float(counts.mean()), float(counts.std() / np.sqrt(len(counts)))


def main() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    measure(replace(SETTINGS, events=20))  # kernels are compiled
    found = {name: measure(settings) for name, settings in KINDS.items()}
    save_result(
        "near_decays",
        {
            "events": N_EVENTS,
            "all_decays_and_near_clusters": compare(found["all decays"], found["near clusters"]),
            **{name: measured["summary"] for name, measured in found.items()},
        },
    )


if __name__ == "__main__":
    main()
