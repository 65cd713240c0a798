"""Reads the ROOT files that the trigger simulation writes: trigger primitives, and the truth where there is any.

The files hold trees `TriggerPrimitives/<maker>`, `mctruths`, `mcparticles`, ... in one folder. Branches whose name begins with
`bt_` and all trees but the first are simulation truth; a file of detector data has none and is read all the same. So is one that
lacks a part of the truth: what that would tell is unknown.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from python.data.array_rules import ArrayRule, checked
from python.data.sources import Source
from python.detector.geometry import CLOCKS_PER_TICK, smallest_with
from python.general_purpose_libs import DataError
from python.ingest.event_keys import KEYS, PARTICLES, TP_FOLDER, Stretches, number_events
from python.ingest.root_file import RootFile, naming_the_file, opened_root_file, root_file, source_of
from python.ingest.trigger_primitives import TriggerPrimitives

TREE_CLASSES = ("TTree", "ROOT::RNTuple")  # of which uproot reads both in the same way
TP_BRANCHES = (
    "channel", "time_start", "samples_over_threshold", "samples_to_peak", "adc_integral", "adc_peak",
)  # fmt: skip
TRUTH_BRANCHES = ("bt_numelectrons", "bt_primary_track_id")
MCTRUTH_BRANCHES = ("block_id", "pdg", "status_code", "x", "y", "z", "px", "py", "pz", "energy")
MCPARTICLE_BRANCHES = ("g4_track_id", "truth_block_id", "x", "y", "z")
TRUTH_TREES = {"mctruths": MCTRUTH_BRANCHES, PARTICLES: MCPARTICLE_BRANCHES}
ENTRIES_AT_A_TIME = 2_000_000
# What the values must be that are worked with; which channels there are is told by the geometry.
BRANCH_RULES = {
    rule.name: rule
    for rule in (
        ArrayRule("channel", "iuf", ("entries",), finite=True),
        ArrayRule("time_start", "iuf", ("entries",), lowest=0, highest=2**62, finite=True),
        *(
            ArrayRule(f"samples_{name}", "iuf", ("entries",), lowest=0, highest=2**16 - 1, finite=True)
            for name in ("over_threshold", "to_peak")
        ),
        *(
            ArrayRule(f"adc_{name}", "iuf", ("entries",), lowest=0, highest=2**32, finite=True)
            for name in ("integral", "peak")
        ),
        *(
            ArrayRule(name, "iuf", ("entries",), finite=True)
            for name in (*TRUTH_BRANCHES, "block_id", "pdg", "status_code")
        ),
        *(ArrayRule(name, "iuf", ("entries",), finite=True) for name in ("g4_track_id", "truth_block_id")),
        # cm and GeV; NaN where a generator knows none
        *(
            ArrayRule(name, "iuf", ("entries",), lowest=-1e9, highest=1e9)
            for name in ("x", "y", "z", "px", "py", "pz", "energy")
        ),
    )
}


@dataclass
class SourceFile:
    """Content of one file.

    `events` (E,) of `EVENT_DTYPE` are the events; `sources`, which their `source` indexes, the file, or the parts of one that
    holds events of several jobs under the same numbers; their geometry is the smallest that has the channels. `tps` trigger
    primitives, whose `event` indexes `events`; `tp_truth` arrays (N,) by branch name, parallel to `tps`; `mctruths` and
    `mcparticles` arrays by branch name with an `event` index. The last three are None where the file has no such truth, which
    `lacks` names.
    """

    sources: list[Source]
    events: np.ndarray
    tps: TriggerPrimitives
    tp_truth: dict[str, np.ndarray] | None
    mctruths: dict[str, np.ndarray] | None
    mcparticles: dict[str, np.ndarray] | None
    lacks: tuple[str, ...] = ()


def read_source(path: str | os.PathLike | RootFile, min_sot: int = 2) -> SourceFile:
    """Read a file of trigger primitives, leaving out those of fewer than `min_sot` samples (noise, mostly).

    `path` may be an address (root://...) too. Trees are read as TTree or RNTuple.

    Raises DataError, naming the file, when it is missing, damaged, not ROOT, lacks the tree of primitives or a branch of it, has
    no event, or channels of no geometry that is known.
    """
    path = root_file(path)
    with naming_the_file(path), opened_root_file(path) as file:
        trees = find_trees(file, path)
        tp_tree = trees[TP_FOLDER]
        lacks = _lacks(tp_tree, TRUTH_BRANCHES)
        has_truth = not lacks
        columns, tp_stretches = _read_tps(tp_tree, TRUTH_BRANCHES if has_truth else (), min_sot, path)
        tables = {}
        for name, branches in TRUTH_TREES.items():
            missing = _lacks(trees[name], (*KEYS, *branches), f"{name}/") if name in trees else [name]
            if not missing:
                tables[name] = read_branches(trees[name], (*KEYS, *branches), path)
            lacks += missing
        stretches = {TP_FOLDER: tp_stretches, **{name: Stretches.of(table) for name, table in tables.items()}}
        events, numbers = number_events(stretches, [name for name in stretches if name != PARTICLES], path)
        if len(events) == 0:
            raise DataError(f"{path}: its trees have no entries, so it holds no event; leave it out")
        columns["event"] = numbers[TP_FOLDER][columns["entry"]]
        for name, table in tables.items():
            table["event"] = numbers[name]
        tps, truth = _in_order(columns, has_truth)
        whole = source_of(path)._replace(geometry=smallest_with(tps.channel))
        sources = [whole.part(number) for number in range(events["source"].max(initial=0) + 1)]
        return SourceFile(sources, events, tps, truth, tables.get("mctruths"), tables.get(PARTICLES), tuple(lacks))


def find_trees(file: Any, path: RootFile) -> dict[str, Any]:
    """Find the trees by the end of their path, whatever folder they are in; TP_FOLDER holds exactly one."""
    names = sorted(file.keys(cycle=False, filter_classname=TREE_CLASSES))
    makers = [name for name in names if TP_FOLDER in name.split("/")[:-1]]
    if len(makers) != 1:
        problem = (
            f"has no tree {TP_FOLDER}/..." if not makers else f"has several trees {TP_FOLDER}/...: {', '.join(makers)}"
        )
        raise DataError(f"{path}: {problem}; a file with trigger primitives of one maker is needed. Found: {names}")
    parent = makers[0].split(TP_FOLDER)[0]
    others = {name: file[parent + name] for name in ("mctruths", PARTICLES) if parent + name in names}
    return {TP_FOLDER: file[makers[0]], **others}


def read_branches(
    tree: Any, branches: tuple[str, ...], path: RootFile, start: int = 0, stop: int | None = None
) -> dict:
    found = set(tree.keys())
    missing = [name for name in branches if name not in found]
    if missing:
        raise DataError(f"{path}: tree {tree.name} lacks the branch(es) {missing}. Found: {sorted(found)}")
    columns = tree.arrays(branches, entry_start=start, entry_stop=stop, library="np")
    odd = [name for name, column in columns.items() if column.ndim != 1 or column.dtype.kind not in "biuf"]
    if odd:
        raise DataError(
            f"{path}: tree {tree.name} holds several values, or no number, per entry in the branch(es) {odd}: this is another "
            "layout; write a tree with one entry a trigger primitive (or particle) and one number a branch"
        )
    rules = [BRANCH_RULES[name] for name in branches if name in BRANCH_RULES]
    where = f"{path}: tree {tree.name}" + (f" from entry {start}" if start else "")
    remedy = "make the file again or leave it out"
    checked(columns, rules, where, remedy)
    for name in [name for name in TP_BRANCHES if name in columns and columns[name].dtype.kind == "f"]:
        broken = np.flatnonzero(columns[name] % 1)
        if len(broken):
            value = columns[name][broken[0]]
            raise DataError(f"{where}: {name}[{broken[0]}] is {value}, a whole number is needed; {remedy}")
    return columns


def _lacks(tree: Any, branches: Sequence[str], prefix: str = "") -> list[str]:
    """Those of the branches that a tree has not."""
    return [prefix + name for name in branches if name not in tree.keys()]  # noqa: SIM118 (a tree is no dictionary)


def _read_tps(tree: Any, truth: tuple[str, ...], min_sot: int, path: RootFile) -> tuple[dict, Stretches]:
    """Return the columns of the TPs with enough samples, with the `entry` of each, and how events stand in the whole tree."""
    parts, stretches = [], []
    for start in range(0, max(tree.num_entries, 1), ENTRIES_AT_A_TIME):
        part = read_branches(tree, (*KEYS, *TP_BRANCHES, *truth), path, start, start + ENTRIES_AT_A_TIME)
        stretches.append(Stretches.of(part))
        wanted = np.flatnonzero(part["samples_over_threshold"] >= min_sot)
        kept = {name: part[name][wanted] for name in (*TP_BRANCHES, *truth)}
        parts.append({**kept, "entry": start + wanted})
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return columns, Stretches.concatenate(stretches)


def _in_order(columns: dict, has_truth: bool) -> tuple[TriggerPrimitives, dict[str, np.ndarray] | None]:
    """Trigger primitives in canonical order, and their truth."""
    tps = TriggerPrimitives(
        event=columns["event"],
        channel=columns["channel"].astype(np.int64),
        start=(columns["time_start"] // CLOCKS_PER_TICK).astype(np.int64),
        sot=columns["samples_over_threshold"].astype(np.int64),
        to_peak=columns["samples_to_peak"].astype(np.int64),
        integral=columns["adc_integral"].astype(np.int64),
        peak=columns["adc_peak"].astype(np.int64),
    )
    order = tps.order()
    return tps.take(order), {name: columns[name][order] for name in TRUTH_BRANCHES} if has_truth else None
