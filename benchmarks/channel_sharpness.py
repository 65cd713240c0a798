"""What the sharpness of a direction tells of the channel, beside the tagger's score, with the networks that ship.

    .venv/bin/python -m benchmarks.channel_sharpness

Writes python/pointing/tables/channel_sharpness.json, which `point_burst.sh` uses with these networks: made again whenever one of
them changes (a test compares). Fitted to events of one seed, judged by those of another, with the numbers of a burst.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import save_result
from benchmarks.simulated_bursts import LEAST_ELECTRON_MEV, MIN_ENERGY, networks_that_ship
from python.commands.simulate import main as simulate
from python.data.data_origin import DataFolders
from python.general_purpose_libs import write_json
from python.metrics.likelihood_ratio import LikelihoodRatio
from python.physics.flux import FLUENCES
from python.pointing.candidates import Candidates, find_candidates
from python.pointing.scattering import spectrum
from python.pointing.sharpness import TABLE, digests_of
from python.simulation.generator import expected_events

OPTIONS = "--channel mixed --flux gkvm --energy 3 100"
FITTED, JUDGED = f"-n 60000 {OPTIONS} --seed 904", f"-n 20000 {OPTIONS} --seed 905"
QUARTERS = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("output/channel_sharpness"), help="folder of the events")
    work = parser.parse_args().work
    fitted, judged = (_main_tracks(work / name, words) for name, words in (("fitted", FITTED), ("judged", JUDGED)))
    ratio = LikelihoodRatio.fit(fitted.truth.is_es == 1, fitted.es, fitted.energy, fitted.lobes.log_mean_density())
    networks = networks_that_ship()
    write_json(
        TABLE,
        {
            "what": "log of how much likelier a tagger's score and the sharpness of a direction together are for elastic "
            "scattering than for the charged current",
            "made_by": f"benchmarks/channel_sharpness.py, simulate.sh {FITTED}",
            "networks": digests_of(networks.channel.run, networks.direction.run),
            "ratio": ratio.described(),
        },
    )
    together = ratio.log_ratio(judged.es, judged.energy, judged.lobes.log_mean_density())
    save_result(
        "channel_sharpness",
        {
            "fitted": {"simulation": FITTED, "main_tracks": len(fitted)},
            "judged": {"simulation": JUDGED, "main_tracks": len(judged)},
            "score": _merit(judged, judged.es_ratio),
            "score_and_sharpness": _merit(judged, together),
        },
    )


def _main_tracks(folder: Path, words: str) -> Candidates:
    """Those that were tagged, of the events of simulate.sh, with what the score alone says."""
    simulate(["-o", str(folder), *words.split()])
    networks, folders = replace(networks_that_ship(), sharpness=None), DataFolders((str(folder),), None)
    found = find_candidates(networks, lambda _: folders, MIN_ENERGY, lambda *_: None)
    return found.take(np.flatnonzero((found.truth.is_main_track == 1) & np.isfinite(found.es)))


def _merit(tracks: Candidates, log_ratio: np.ndarray) -> dict[str, Any]:
    """How well ES is told from CC in a burst, and in each quarter of sharpness how many are ES of those that should be."""
    is_es = tracks.truth.is_es == 1
    es, cc = (spectrum(channel, tracks.energy, "gkvm") for channel in ("es", "cc"))
    share = 1 / (1 + cc / es * np.exp(-log_ratio))
    in_burst = expected_events(FLUENCES["gkvm"], 1.0, 10.0, LEAST_ELECTRON_MEV)
    weight = np.where(
        is_es, *(sum(in_burst[channel].values()) for channel in ("es", "cc"))
    )  # as many of both are simulated
    quarter = np.argsort(np.argsort(tracks.lobes.log_mean_density())) * QUARTERS // len(tracks)
    found, expected = (np.bincount(quarter, weight * told) for told in (is_es, share))
    return {
        "log_score_a_candidate": round(float(np.average(np.log(np.where(is_es, share, 1 - share)), weights=weight)), 4),
        "mean_share_of_es": round(float(np.average(share[is_es])), 4),
        "es_over_expected_by_sharpness": (found / expected).round(3).tolist(),
    }


if __name__ == "__main__":
    main()
