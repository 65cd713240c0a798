"""Reads the true charge of simulated ROOT files: the tree `simides`, electrons per channel and tick before any response."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from python.general_purpose_libs import DataError
from python.ingest.event_keys import KEYS, PARTICLE, PARTICLES, Stretches, number_events
from python.ingest.root_file import naming_the_file, opened_root_file
from python.ingest.root_reader import (
    find_trees,
    read_branches,
)

BRANCHES = ("channel", "timestamp", "numelectrons", "energy", "x", "y", "z")


@dataclass
class SimDeposits:
    """N shares of charge, arrays sorted by event, channel, tick; a channel and tick appear once for each particle.

    `event` indexes the `events` of `read_source`, `channel` global, `tick` of arrival (int64); `electrons` (N,) that arrive,
    `energy` (N,) MeV deposited, `position` (N, 3) cm of the deposit.
    """

    event: np.ndarray
    channel: np.ndarray
    tick: np.ndarray
    electrons: np.ndarray
    energy: np.ndarray
    position: np.ndarray


def read_sim_deposits(path: Path) -> SimDeposits:
    """Read the true charge of a file. Raises DataError, naming the file, where `read_source` does and when there is none."""
    path = Path(path)
    with naming_the_file(path), opened_root_file(path) as file:
        trees = find_trees(file, path)
        names = [name for name in file.keys(cycle=False) if name.split("/")[-1] == "simides"]
        if len(names) != 1:
            raise DataError(
                f"{path}: needs one tree simides of true deposits, has {names}; only simulated files have it"
            )
        columns = read_branches(file[names[0]], (*KEYS, *BRANCHES), path)
        branches = {PARTICLES: (*KEYS, PARTICLE)}
        stretches = {
            name: Stretches.of(read_branches(tree, branches.get(name, KEYS), path)) for name, tree in trees.items()
        }
    defining = [name for name in stretches if name != PARTICLES]
    _, numbers = number_events({**stretches, "simides": Stretches.of(columns)}, defining, path)
    event = numbers["simides"]
    channel, tick = columns["channel"].astype(np.int64), columns["timestamp"].astype(np.int64)
    order = np.lexsort((tick, channel, event))
    order = order[event[order] >= 0]
    position = np.stack([columns[axis] for axis in "xyz"], axis=1).astype(float)
    return SimDeposits(
        event[order], channel[order], tick[order],
        columns["numelectrons"][order].astype(float), columns["energy"][order].astype(float), position[order],
    )  # fmt: skip
