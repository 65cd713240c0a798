"""Which entries of the trees of one file belong to one event.

An event is known by run, subrun and event number. Files that join several jobs (hadd) may hold these several times: then an
event's entries stand together in each tree, once for every job, and jobs come in the same order in all trees. Such events are
kept apart by counting them. Where the trees do not agree on how often an event is there, it cannot be told what belongs together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from python.data.metadata import event_keys
from python.general_purpose_libs import DataError, log
from python.ingest.root_file import RootFile

KEYS = ("Run", "SubRun", "Event")
TP_FOLDER = "TriggerPrimitives"
PARTICLES, PARTICLE = "mcparticles", "g4_track_id"
LARGEST = np.iinfo(np.int64).max
REMEDY = "the file joins several jobs: convert their files one by one"


@dataclass
class Stretches:
    """Entries of one event that stand together in a tree.

    `keys` int64 (B, 3) are run, subrun and event of each stretch, `of_entry` (N,) the stretch of each entry. `several` bool (B,)
    marks stretches in which a particle's number comes twice, so that more than one event has to be in them.
    """

    keys: np.ndarray
    of_entry: np.ndarray
    several: np.ndarray

    @classmethod
    def of(cls, columns: Mapping[str, np.ndarray]) -> Stretches:
        """Find those of a tree, or of a part of it. Raises DataError when a number does not fit int64."""
        keys = np.stack([_whole_numbers(columns[name], name) for name in KEYS], axis=-1)
        begins = np.ones(len(keys), bool)
        begins[1:] = np.any(keys[1:] != keys[:-1], axis=1)
        of_entry = np.cumsum(begins) - 1
        several = np.zeros(int(begins.sum()), bool)
        if PARTICLE in columns:
            order = np.lexsort((columns[PARTICLE], of_entry))
            stretch, particle = of_entry[order], columns[PARTICLE][order]
            several[stretch[1:][(stretch[1:] == stretch[:-1]) & (particle[1:] == particle[:-1])]] = True
        return cls(keys[begins], of_entry, several)

    @classmethod
    def concatenate(cls, parts: Sequence[Stretches]) -> Stretches:
        """Those of a tree that was read in parts; one may go on from a part to the next."""
        keys, entries, several, last, n = [], [], [], None, 0
        for part in parts:
            goes_on = int(last is not None and len(part.keys) > 0 and np.array_equal(part.keys[0], last))
            keys.append(part.keys[goes_on:])
            several.append(part.several[goes_on:])
            entries.append(part.of_entry + n - goes_on)
            n += len(part.keys) - goes_on
            last = part.keys[-1] if len(part.keys) else last
        return cls(np.concatenate(keys), np.concatenate(entries), np.concatenate(several))


def _whole_numbers(column: np.ndarray, name: str) -> np.ndarray:
    if column.dtype.kind not in "iu":
        raise DataError(f"{name} is of type {column.dtype}, whole numbers are needed")
    if len(column) and int(column.max()) > LARGEST:
        raise DataError(
            f"{name} {column.max()} is beyond {LARGEST}, the largest number that can be stored; number its events anew, "
            "from less"
        )
    return column.astype(np.int64)


def number_events(
    trees: Mapping[str, Stretches], defining: Sequence[str], path: RootFile
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the events of a file, and for every entry of each tree the number of its event, -1 for none of these.

    Events, `EVENT_DTYPE` (E,), are those of the trees `defining`, sorted; their `source` counts how often their numbers came
    before in the file at `path`. Raises DataError when numbers repeat and the trees do not tell how they belong together.
    """
    names = list(trees)
    sizes = [len(trees[name].keys) for name in names]
    distinct, code = np.unique(np.concatenate([trees[name].keys for name in names]), axis=0, return_inverse=True)
    codes = dict(zip(names, np.split(code.reshape(-1), np.cumsum(sizes)[:-1]), strict=True))
    counts = {
        name: np.bincount(codes[name], weights=1 + trees[name].several, minlength=len(distinct)).astype(np.int64)
        for name in names
    }
    repeated = np.max(list(counts.values()), axis=0) > 1
    scattered = repeated & _once_by_truth(counts)
    _tell_of_scattered(distinct, scattered, path)
    occurrence = {name: np.where(scattered[codes[name]], 0, _occurrence(codes[name])) for name in names}
    _check_repeated(distinct, counts, repeated & ~scattered, path)
    pair = {name: occurrence[name] * len(distinct) + codes[name] for name in names}
    if np.any(repeated & ~scattered):
        _check_order(pair)
    events = np.unique(np.concatenate([pair[name] for name in defining]))
    return _described(distinct, events), {name: _found(events, pair[name])[trees[name].of_entry] for name in names}


def _occurrence(code: np.ndarray) -> np.ndarray:
    """How often each entry of `code` (B,) came before."""
    order = np.argsort(code, kind="stable")
    first = np.searchsorted(code[order], code[order])
    occurrence = np.empty(len(code), np.int64)
    occurrence[order] = np.arange(len(code)) - first
    return occurrence


def _once_by_truth(counts: Mapping[str, np.ndarray]) -> np.ndarray:
    """Mark the events that no tree of truth holds twice, and one does once: their trigger primitives belong together."""
    nowhere = np.zeros_like(counts[TP_FOLDER])
    often = np.max([nowhere, *(count for name, count in counts.items() if name != TP_FOLDER)], axis=0)
    return often == 1


def _tell_of_scattered(distinct: np.ndarray, scattered: np.ndarray, path: RootFile) -> None:
    if scattered.any():
        log.warning(
            "%s: trigger primitives of %d events do not stand together (the first is %s): by the truth trees each is one event, "
            "and is read so",
            path,
            scattered.sum(),
            _named(distinct[scattered][0]),
        )


def _check_repeated(
    distinct: np.ndarray, counts: Mapping[str, np.ndarray], repeated: np.ndarray, path: RootFile
) -> None:
    """Raise DataError unless all trees that hold a repeated event hold it as often."""
    if not repeated.any():
        return
    found = np.stack(list(counts.values()))[:, repeated]
    held = found > 0
    often = found.max(axis=0)
    only_primitives = (held.sum(axis=0) == 1) & held[list(counts).index(TP_FOLDER)]
    unclear = np.any(held & (found != often), axis=0) | only_primitives
    if unclear.any():
        first = int(np.argmax(unclear))
        told = ", ".join(f"{name} {number} times" for name, number in zip(counts, found[:, first], strict=True))
        raise DataError(
            f"{unclear.sum()} events stand several times under the same run, subrun and event, the first is "
            f"{_named(distinct[repeated][first])} ({told}), and the trees do not tell which of their entries belong together; "
            f"{REMEDY}"
        )
    log.info(
        "%s: joins several jobs: %d events have the run, subrun and event of another (the first is %s); they are kept apart",
        path,
        (often - 1).sum(),
        _named(distinct[repeated][0]),
    )


def _check_order(pair: Mapping[str, np.ndarray]) -> None:
    """Raise DataError unless the events of a joined file come in one order in all trees."""
    reference, *others = pair
    place = {int(one): number for number, one in enumerate(pair[reference].tolist())}
    for name in others:
        places = [place[one] for one in pair[name].tolist() if one in place]
        if places != sorted(places):
            raise DataError(f"events stand several times, in another order in {name} than in {reference}; {REMEDY}")


def _described(distinct: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    occurrence, code = np.divmod(pairs, max(len(distinct), 1))
    run, subrun, event = distinct[code].T if len(distinct) else np.empty((3, 0), np.int64)
    return event_keys(event, run, subrun, occurrence)


def _found(events: np.ndarray, pair: np.ndarray) -> np.ndarray:
    """Position of each pair in `events`, -1 where it is not among them."""
    if len(events) == 0:
        return np.full(len(pair), -1)
    position = np.minimum(np.searchsorted(events, pair), len(events) - 1)
    return np.where(events[position] == pair, position, -1)


def _named(key: np.ndarray) -> str:
    return f"run {key[0]}, subrun {key[1]}, event {key[2]}"
