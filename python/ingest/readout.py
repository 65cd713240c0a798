"""What everything is made of: the trigger primitives of some events, whoever recorded, simulated or typed them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from python.data.array_rules import ArrayRule, checked
from python.data.metadata import UNKNOWN, event_keys
from python.data.optional_arrays import concatenated_if_known
from python.data.sources import DIGITS, Source, with_common_sources
from python.detector.geometry import DUNE_1X2X2, smallest_with
from python.general_purpose_libs import log
from python.ingest.root_file import RootFile, root_file
from python.ingest.root_reader import SourceFile, read_source
from python.ingest.trigger_primitives import TriggerPrimitives
from python.ingest.truth import EventTruth, event_truth, signal_tps

PRIMITIVE_COLUMNS = ("channel", "start", "sot", "to_peak", "integral", "peak")
NAME_OF_ARRAYS = "trigger primitives in memory"


def _whole(name: str, lowest: float | None = None, highest: float | None = None) -> ArrayRule:
    return ArrayRule(name, "iu", ("n",), "i8", lowest, highest)


COLUMN_RULES = (
    _whole("event"),
    _whole("channel", 0),
    _whole("start"),
    *(_whole(name, 0, 2**16 - 1) for name in ("sot", "to_peak")),
    *(_whole(name, 0, 2**32) for name in ("integral", "peak")),
)
RUN_RULES = tuple(_whole(name) for name in ("run", "subrun"))


@dataclass
class Readout:
    """Trigger primitives of E events, who these events are, and what is known of what happened in them.

    `events` (E,) of `EVENT_DTYPE` are their identities, whose `source` indexes `sources`. `tps`, N in canonical order, have the
    number of their event, counted along `events`. `truth` is that of all events, unknown where nothing is known. `signal` bool
    (N,) marks the primitives that hold charge of the neutrino interaction and `track` (N,) numbers their true particles; None
    where there is no truth. `times` int64 (E,) are those at which the readout windows began, in ns by the clock of the source;
    None where they are not recorded.
    """

    sources: list[Source]
    events: np.ndarray
    tps: TriggerPrimitives
    truth: EventTruth
    signal: np.ndarray | None = None
    track: np.ndarray | None = None
    times: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.events)

    @classmethod
    def of_source(cls, source: SourceFile) -> Readout:
        """What a file of trigger primitives holds."""
        track = None if source.tp_truth is None else source.tp_truth["bt_primary_track_id"]
        return cls(source.sources, source.events, source.tps, event_truth(source), signal_tps(source), track)

    @classmethod
    def of_arrays(cls, columns: Mapping[str, np.ndarray], name: str = NAME_OF_ARRAYS) -> Readout:
        """Primitives that a caller has in arrays (N,) of whole numbers, in any order, without truth.

        `columns` are `event` (any number that tells it from the others, with `run` and `subrun` where there are), `channel`
        (global), `start` (ticks), `sot` and `to_peak` (samples over threshold, and from the start to the peak), `integral` and
        `peak` (ADC). Their geometry is the smallest that has the channels. `name` is to read; the events are told from those of
        others by what the arrays hold. Raises DataError with everything that does not fit.
        """
        with_runs = any(rule.name in columns for rule in RUN_RULES)
        found = checked(columns, [*COLUMN_RULES, *(RUN_RULES if with_runs else ())], name)
        unknown = np.full(len(found["event"]), UNKNOWN)
        keys = event_keys(found["event"], found.get("run", unknown), found.get("subrun", unknown))
        events, number = np.unique(keys, return_inverse=True)
        tps = TriggerPrimitives(number, *(found[column] for column in PRIMITIVE_COLUMNS))
        tps = tps.take(tps.order())
        source = Source(name, _digest(events, tps), smallest_with(tps.channel))
        return cls([source], events, tps, EventTruth.unknown(len(events)))

    @classmethod
    def concatenate(cls, parts: Sequence[Readout]) -> Readout:
        """The events of all parts, at least one, in order. Truth that one part lacks is unknown of all primitives."""
        sources, events = with_common_sources([(part.sources, part.events) for part in parts])
        firsts = np.cumsum([0, *(len(part) for part in parts)])
        return cls(
            sources,
            np.concatenate(events),
            TriggerPrimitives.concatenate(
                [part.tps.moved(int(first)) for part, first in zip(parts, firsts, strict=False)]
            ),
            EventTruth.concatenate([part.truth for part in parts]),
            concatenated_if_known([part.signal for part in parts]),
            concatenated_if_known([part.track for part in parts]),
            concatenated_if_known([part.times for part in parts]),
        )

    def stretches(self, size: int) -> Iterator[Readout]:
        """The primitives of `size` events at a time; events and truth stay those of all."""
        for first in range(0, len(self), size):
            yield self.primitives(slice(*np.searchsorted(self.tps.event, [first, first + size])))

    def primitives(self, rows: np.ndarray | slice) -> Readout:
        """The primitives of the given rows (numbers, mask or slice) alone; events and truth stay those of all."""
        return replace(
            self,
            tps=self.tps.take(rows),
            signal=None if self.signal is None else self.signal[rows],
            track=None if self.track is None else self.track[rows],
        )

    def only(self, chosen: np.ndarray) -> Readout:
        """The events `chosen` (mask (E,)) alone."""
        kept = self.primitives(chosen[self.tps.event])
        return replace(
            kept,
            events=self.events[chosen],
            tps=replace(kept.tps, event=(np.cumsum(chosen) - 1)[kept.tps.event]),
            truth=self.truth.take(chosen),
            times=None if self.times is None else self.times[chosen],
        )


def read_readout(path: str | os.PathLike | RootFile, min_sot: int = 2) -> Readout:
    """Read the file of trigger primitives at a path or an address, see `read_source`."""
    path = root_file(path)
    source = read_source(path, min_sot)
    log.debug("%s: %d events, %d trigger primitives with enough samples", path, len(source.events), len(source.tps))
    geometry = source.sources[0].geometry
    if geometry != DUNE_1X2X2:
        log.info("%s: has channels of %s", path, geometry.name)
    if source.lacks:
        truth = ", ".join(source.lacks)
        log.info("%s: lacks the simulation truth %s; labels that it would give are recorded as unknown", path, truth)
    return Readout.of_source(source)


def _digest(events: np.ndarray, tps: TriggerPrimitives) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(events).tobytes())
    for column in ("event", *PRIMITIVE_COLUMNS):
        digest.update(np.ascontiguousarray(getattr(tps, column)).tobytes())
    return digest.hexdigest()[:DIGITS]
