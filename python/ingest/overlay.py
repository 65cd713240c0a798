"""Background laid over signal: the trigger primitives of background windows among those of signal events.

A window of background is a piece of a steady process: radioactive decays know nothing of when the readout began. Turned in a
circle by any offset it is as good a window as before, with the same rate at all ticks, no primitive lost and none made up; cut at
its end it would leave a part of the signal's window empty. So each start is moved by the offset modulo the window, and primitives
stay whole. A deposit that lies where end and beginning meet falls in two.

Electronics noise is in the signal's window already. Where the background's truth tells which primitives hold charge, the others
are noise, and are left out; where there is no truth all are taken. Primitives of both sides that meet on a channel stay two,
where the detector would have recorded one of their sum.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from python.data.metadata import EVENT_KEY
from python.data.npz import write_npz
from python.data.sources import Source, source_arrays
from python.detector.geometry import TICKS_PER_WINDOW
from python.general_purpose_libs import DataError
from python.ingest.readout import Readout
from python.ingest.root_file import RootFile, root_file
from python.ingest.root_reader import read_source
from python.ingest.trigger_primitives import TriggerPrimitives


def overlay_name(stem: str) -> str:
    """Name of the file that tells what was laid over the events of the source `stem`."""
    return f"{stem}_overlay.npz"


def read_background(path: str | os.PathLike | RootFile, min_sot: int = 2) -> Readout:
    """Read a file of background: its primitives with charge where the truth tells, else all.

    Raises DataError where `read_source` does, when no primitive is left, and when its windows are none of 6000 ticks.
    """
    path = root_file(path)
    source = read_source(path, min_sot)
    readout = Readout.of_source(source)
    if source.tp_truth is not None:
        readout = readout.primitives(source.tp_truth["bt_numelectrons"] > 0)
    if len(readout.tps) == 0:
        noise = " that holds charge, only noise" if len(source.tps) else f" of {min_sot} samples or more"
        raise DataError(
            f"{path}: has no trigger primitive{noise}, so there is nothing to lay over; leave it out of --overlay"
        )
    _require_windows(readout, path)
    return readout


def _require_windows(readout: Readout, path: RootFile) -> None:
    """Raise DataError when primitives begin beyond the window, so that nothing tells where it ends."""
    start = readout.tps.start
    if len(start) and not (start.min() >= 0 and start.max() < TICKS_PER_WINDOW):
        worst = start.max() if start.max() >= TICKS_PER_WINDOW else start.min()
        raise DataError(
            f"{path}: a trigger primitive begins at tick {worst}, windows of {TICKS_PER_WINDOW} ticks are "
            "laid over each other; cut its events into such windows, or leave --overlay out"
        )


@dataclass(frozen=True)
class Overlay:
    """What was laid over E signal events, for the record: numbers of background events (E,), offsets in ticks, primitives.

    `signal` and `background` are the identities of all events of either side, with the sources that these refer to.
    """

    seed: int
    signal: Readout
    background: Readout
    chosen: np.ndarray
    offset: np.ndarray
    n_tps: np.ndarray

    def write(self, path: str | os.PathLike) -> None:
        """Write the record as arrays without pickled objects. Raises OutputError when that is not possible."""
        theirs = self.background.events[self.chosen]
        arrays: dict[str, Any] = {
            "seed": np.int64(self.seed),
            "window": np.int64(TICKS_PER_WINDOW),
            **source_arrays(self.signal.sources),
            **{name: self.signal.events[name] for name in EVENT_KEY},
            **{f"background_{name}": array for name, array in source_arrays(self.background.sources).items()},
            **{f"background_{name}": theirs[name] for name in EVENT_KEY},
            "offset": self.offset,
            "n_tps": self.n_tps,
        }
        write_npz(path, arrays)


class Background:
    """Windows of background to lay over signal events, at random by `seed`; `used` (B,) counts how often each was."""

    def __init__(self, parts: Sequence[Readout], seed: int) -> None:
        """Take the windows of all `parts`, at least one, none a copy of another."""
        self.readout, self.seed = Readout.concatenate(parts), seed
        self.used = np.zeros(len(self.readout), np.int64)

    def over(self, signal: Readout, path: RootFile) -> tuple[Readout, Overlay]:
        """Lay a window over each of the signal events (E) of the file at `path`; return these, and the record.

        Which window and which offset depends on the seed and on the content of the signal's file alone, so that a file comes out
        the same whichever others stand in the command. No window is taken twice before all have been. Identities, truth and
        labels stay the signal's: what is laid over them counts as background, whatever it was. Raises DataError when signal
        and background have a file in common or are of other geometries, or the signal's windows are none of 6000 ticks.
        """
        if _files(signal) & _files(self.readout):
            raise DataError(
                f"{path}: holds the same as a file of --overlay, and would be laid over itself; name other files"
            )
        if _geometries(signal) != _geometries(self.readout):
            raise DataError(
                f"{path}: has channels of {_geometries(signal)}, files of --overlay those of {_geometries(self.readout)}; name "
                "files of one geometry"
            )
        _require_windows(signal, path)
        n, windows = len(signal), len(self.readout)
        rng = np.random.default_rng([self.seed, *_digest(signal.sources)])
        rounds = [rng.permutation(windows) for _ in range(-(-n // windows))]
        chosen = np.concatenate([np.empty(0, np.int64), *rounds])[:n]
        offset = rng.integers(TICKS_PER_WINDOW, size=n)
        self.used += np.bincount(chosen, minlength=windows)

        first, last = (np.searchsorted(self.readout.tps.event, chosen, side) for side in ("left", "right"))
        n_tps = last - first
        event = np.repeat(np.arange(n), n_tps)
        rows = np.arange(len(event)) + np.repeat(first - (np.cumsum(n_tps) - n_tps), n_tps)
        added = self.readout.tps.take(rows)
        added = replace(added, event=event, start=(added.start + offset[event]) % TICKS_PER_WINDOW)
        tps = TriggerPrimitives.concatenate([signal.tps, added])
        order = tps.order()
        together = replace(
            signal,
            tps=tps.take(order),
            signal=None if signal.signal is None else np.append(signal.signal, np.zeros(len(added), bool))[order],
            track=None if signal.track is None else np.append(signal.track, self._tracks(signal.track, rows))[order],
        )
        return together, Overlay(self.seed, signal, self.readout, chosen, offset, n_tps)

    def _tracks(self, of_signal: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Numbers of the true particles of the primitives `rows`, which no particle of the signal has."""
        theirs = np.zeros(len(rows), np.int64) if self.readout.track is None else np.abs(self.readout.track[rows])
        return theirs + int(np.abs(of_signal).max(initial=0)) + 1


def _files(readout: Readout) -> set[str]:
    """What the files of a readout hold; one that joins several jobs is one, whichever of its parts an event is of."""
    return {source.id.partition("#")[0] for source in readout.sources}


def _geometries(readout: Readout) -> str:
    return " and ".join(sorted({source.geometry.name for source in readout.sources}))


def _digest(sources: Sequence[Source]) -> list[int]:
    digest = hashlib.sha256("".join(source.id for source in sources).encode()).digest()
    return np.frombuffer(digest, "<u4").tolist()
