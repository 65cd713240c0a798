"""What main tracks are reconstructed to have of their electron's energy: the table of which spectra of bursts are made.

    .venv/bin/python -m benchmarks.energy_response

Electrons of flat spectra are simulated with all backgrounds, and those of their main clusters on X that the direction network
takes, which are matched on three planes, are compared with them. Writes python/pointing/tables/energy_response.json.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
from sklearn.isotonic import IsotonicRegression

from benchmarks.record import ROOT, save_result
from benchmarks.simulated_bursts import networks_that_ship
from python.commands.simulate import main as simulate
from python.data.data_origin import DataFolders
from python.general_purpose_libs import write_json

EVENTS = 100_000
WORDS = f"-n {EVENTS} --channel mixed --flux flat --energy 2 68 --seed 903"
EDGES_MEV = (2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0, 15.0, 18.0, 22.0, 27.0, 33.0, 40.0, 50.0, 68.0)
QUANTILES = 25
TABLE = ROOT / "python" / "pointing" / "tables" / "energy_response.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("output/energy_response"), help="folder of the events")
    work = parser.parse_args().work
    simulate(["-o", str(work), *WORDS.split()])
    table = networks_that_ship().direction.samples_of(DataFolders((str(work),), None)).metadata
    main_tracks = table[table["is_main_track"] == 1]
    write_json(
        TABLE,
        {
            "what": "share of main tracks that are matched on three planes, and quantiles of reconstructed over true kinetic "
            "energy of them, for electrons whose true energy lies between the edges",
            "made_by": f"benchmarks/energy_response.py, simulate.sh {WORDS}",
            "edges_mev": EDGES_MEV,
            "matched": matched_share(main_tracks),
            **{channel: ratios(main_tracks, is_es) for channel, is_es in (("es", 1), ("cc", 0))},
        },
    )
    save_result("energy_response", {"events": EVENTS, "simulation": WORDS, "table": str(TABLE.relative_to(ROOT))})


def matched_share(table: np.ndarray) -> list[float]:
    """Of the electrons of elastic scattering, which are simulated evenly in energy; it can only rise with the energy."""
    true, widths = table["true_electron_energy"][table["is_es_interaction"] == 1], np.diff(EDGES_MEV)
    simulated = EVENTS / 2 / (EDGES_MEV[-1] - EDGES_MEV[0]) * widths
    found = np.histogram(true, EDGES_MEV)[0] / simulated
    rising = IsotonicRegression(y_max=1.0).fit_transform(np.arange(len(found)), found, sample_weight=simulated)
    return rising.round(4).tolist()


def ratios(table: np.ndarray, is_es: int) -> list[list[float]]:
    """Quantiles of reconstructed over true energy in each bin."""
    mine = table[table["is_es_interaction"] == is_es]
    true, ratio = mine["true_electron_energy"], mine["cluster_energy"] / mine["true_electron_energy"]
    middle = (np.arange(QUANTILES) + 0.5) / QUANTILES
    bins = pairwise(EDGES_MEV)
    return [np.quantile(ratio[(true >= low) & (true < high)], middle).round(4).tolist() for low, high in bins]


if __name__ == "__main__":
    main()
