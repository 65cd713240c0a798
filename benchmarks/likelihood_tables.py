"""How well likelihood tables tell events that they have not seen, by estimator, and what the tables take.

    python -m benchmarks.likelihood_tables RUN [--predictions FILE.npz ...]

RUN is a finished run of electron_direction, FILE.npz what predict.sh answers with it to events of other channels, as for
build_likelihood.sh. The result goes to benchmarks/results/likelihood_tables.json, with the plots that the page shows.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import ROOT, save_result
from python.plots.report import save_figures
from python.pointing.answers import Parts, read_parts
from python.pointing.building import EDGES_MEV, LEAST_DENSITY, build_tables, rows_of
from python.pointing.cosine_densities import ESTIMATORS
from python.pointing.figures import drawn_topologies, figures_of
from python.pointing.likelihood import CLASSES, TARGETS, TOPOLOGIES, LikelihoodTables, read_tables, write_tables

LEVELS = np.linspace(0.1, 0.95, 18)
BY = "reconstructed"
SHOWN = {"densities_logarithmic": "densities", "angles_against_energy": "angles", "coverage": "coverage"}


def judged(tables: LikelihoodTables, topology: str, target: str, by: str) -> dict[str, Any]:
    """Held-out log-likelihood of an event of each estimator, and how far behind the best it is, with errors of 68 %."""
    of_estimator = {name: tables.table(topology, target, by=by, estimator=name).judged for name in ESTIMATORS}
    return {
        name: {field: round(value, 4) for field, value in each._asdict().items()} for name, each in of_estimator.items()
    }


def coverage(tables: LikelihoodTables, parts: Parts, topology: str, target: str) -> dict[str, float]:
    """By how much the share of held-out events within a level of the best table differs from it at most, at 0.1 to 0.95."""
    rows = rows_of(parts.held_out, (topology, target, BY, "all"), tables.thirds)
    cosine, energy = getattr(parts.held_out, target)[rows], parts.held_out.reconstructed[rows]
    table = tables.table(topology, target, by=BY)
    found = {}
    for low, high in [(EDGES_MEV[0], np.inf), *table.edges.tolist()]:
        mine = (energy >= low) & (energy < high)
        share = table.share_within(cosine[mine], energy[mine])
        off = max(abs(float(np.mean(share <= level)) - level) for level in LEVELS)
        found[f"{low:g} to {high:g} MeV, {mine.sum()} events"] = round(off, 3)
    return found


def gain_of_classes(tables: LikelihoodTables, parts: Parts, topology: str, target: str) -> dict[str, float]:
    """How much better the tables of the classes tell held-out events than that of all, an event, and the error of that."""
    events, gains = parts.held_out, []
    for quality in CLASSES:
        rows = rows_of(events, (topology, target, BY, quality), tables.thirds)
        rows = rows[events.reconstructed[rows] >= EDGES_MEV[0]]
        asked = getattr(events, target)[rows], events.reconstructed[rows], topology, target
        told = [np.log(np.maximum(tables.density(*asked, quality=each), LEAST_DENSITY)) for each in (quality, "all")]
        gains.append(told[0] - told[1])
    every = np.concatenate(gains)
    return {"mean": round(float(every.mean()), 4), "error": round(float(every.std() / np.sqrt(len(every))), 4)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--predictions", type=Path, nargs="+", default=[])
    options = parser.parse_args()
    parts = read_parts([options.run], options.predictions)
    started = time.process_time()
    built = build_tables(parts.fitted, parts.held_out)
    seconds = time.process_time() - started
    with tempfile.TemporaryDirectory() as home:
        path = Path(home, "likelihood_tables.npz")
        write_tables(path, LikelihoodTables(built.tables, built.thirds, {}))
        size = path.stat().st_size
        started = time.process_time()
        tables = read_tables(path)
        reading = time.process_time() - started
    topologies = [name for name in TOPOLOGIES if any(key.topology == name for key in tables.tables)]
    shown = drawn_topologies(built)[0]
    figures = figures_of(built, shown, "neutrino", parts.fitted, parts.held_out)
    save_figures({f"likelihood_{name}": figures[of] for of, name in SHOWN.items()}, ROOT / "benchmarks" / "results")
    each = [(topology, target) for topology in topologies for target in TARGETS]
    save_result(
        "likelihood_tables",
        {
            "events_fitted": len(parts.fitted),
            "events_held_out": len(parts.held_out),
            "tables": len(tables.tables),
            "bytes": size,
            "processor_seconds_to_fit_and_judge": round(seconds, 1),
            "processor_seconds_to_read": round(reading, 2),
            "held_out_by_reconstructed_energy": {f"{a}, {b}": judged(tables, a, b, BY) for a, b in each},
            "held_out_by_true_energy": {f"{a}, {b}": judged(tables, a, b, "true") for a, b in each},
            "coverage_off_at_most": {f"{a}, {b}": coverage(tables, parts, a, b) for a, b in each},
            "gain_of_quality_classes": {f"{a}, {b}": gain_of_classes(tables, parts, a, b) for a, b in each},
        },
    )


if __name__ == "__main__":
    main()
