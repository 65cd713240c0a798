"""ROOT files of jobs whose events have the same numbers, and what becomes of them when they are joined (hadd)."""

from __future__ import annotations

import numpy as np

from tests.ingest.root_files import FOLDER, TP_TREE, make_tps, tp_columns

MCTRUTHS, MCPARTICLES = f"{FOLDER}/mctruths", f"{FOLDER}/mcparticles"
KEYS = ("Run", "SubRun", "Event")


def job(seed: int, events=(1, 2, 3), is_es: bool = True, run: int = 1) -> dict[str, dict[str, np.ndarray]]:
    """The trees of a job: one cluster on X in each event, of a height of its own, and its truth."""
    n = len(events)
    rows = [(i, 1600 + 3 * i + c, 100, 6, 3, 9000 + 20 * i, 300 + 50 * seed + i) for i in range(n) for c in range(3)]
    tps = make_tps(rows)
    numbers = np.array(events)
    tp_tree = tp_columns(
        tps,
        bt_numelectrons=np.full(len(tps), 5.0),
        bt_primary_track_id=np.ones(len(tps), np.int32),
        Event=numbers[tps.event],
    )
    tp_tree["Run"] = np.full(len(tps), run, np.uint32)
    # neutrino, target, electron: the block of an interaction
    truths = {
        "Event": np.repeat(numbers, 3),
        "Run": np.full(3 * n, run, np.uint32),
        "SubRun": np.zeros(3 * n, np.uint32),
        "block_id": np.zeros(3 * n, np.int32),
        "pdg": np.tile(np.array([12, 11 if is_es else 1000180400, 11], np.int32), n),
        "status_code": np.tile(np.array([0, 0, 1], np.int32), n),
        **{name: np.full(3 * n, 0.01 * (1 + seed)) for name in ("x", "y", "z", "px", "py", "pz", "energy")},
    }
    particles = {
        **{name: truths[name][::3] for name in KEYS},
        "g4_track_id": np.ones(n, np.int32),
        "truth_block_id": np.zeros(n, np.int32),
        **{name: np.zeros(n) for name in "xyz"},
    }
    return {TP_TREE: tp_tree, MCTRUTHS: truths, MCPARTICLES: particles}


def joined(*jobs: dict[str, dict[str, np.ndarray]]) -> dict[str, dict[str, np.ndarray]]:
    """The trees one after the other, as hadd joins them."""
    return {
        tree: {name: np.concatenate([each[tree][name] for each in jobs]) for name in jobs[0][tree]} for tree in jobs[0]
    }
