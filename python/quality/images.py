"""Data quality: what the images hold, what stands there twice, and what belongs together across files and planes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from python.data.layouts import merged_events
from python.data.metadata import EVENT_KEY, event_numbers, group_numbers
from python.data.overlaps import find_overlaps, shortened
from python.data.sources import with_common_sources
from python.detector.geometry import PLANES
from python.quality.check import (
    FAIL,
    OK,
    SKIPPED,
    WARN,
    Check,
    Labelled,
    Sample,
    grade,
    holds_several,
    per_cent,
)
from python.quality.energies import old_metadata
from python.samples.splits import repeated_rows

MAX_EMPTY = 0.01
MAX_REPEATED = 0.5
MAX_CROPPED, MAX_LOST_CHARGE = 0.05, 0.02
_CLUSTER = ("channel", "arrival", "first_channel", "first_tick", "apa", *EVENT_KEY)


def empty_images(sample: Sample) -> Check:
    empty = sample.found.images.sums() <= 0
    status, finding = grade(empty.mean(), 0, MAX_EMPTY), f"{empty.sum()} without any charge"
    remedy = "look what the image size crops away, or make these files again"
    return sample.check("empty images", status, empty.sum(), len(empty), finding, remedy)


def cropped_charge(sample: Sample) -> Check:
    lost, energy = sample.table["lost_charge"].astype(float), sample.table["cluster_energy"].astype(float)
    known = np.isfinite(lost) & np.isfinite(energy)
    if not known.any():
        return sample.skipped("cropped charge", "old files do not record what was cropped")
    lost, energy = lost[known], energy[known]
    share, cropped = np.sum(lost * energy) / max(energy.sum(), 1e-9), lost > 0
    finding = f"{per_cent(cropped.mean())} of the images are cropped, {100 * share:.2f} % of all charge is lost"
    status = WARN if share > MAX_LOST_CHARGE or cropped.mean() > MAX_CROPPED else OK
    remedy = "make larger images (--image-size of make_images.sh)"
    return sample.check("cropped charge", status, cropped.sum(), len(lost), finding, remedy, lost_charge=share)


def repeated_images(sample: Sample) -> Check:
    keys = sample.found.image_keys()
    drawn = sample.found.images.sums() > 0  # empty images are all alike, and have a check of their own
    again = drawn.copy()
    again[np.unique(keys, return_index=True)[1]] = False
    contrary = again & ~repeated_rows(sample.table, keys)
    finding = f"{per_cent(again.mean())} have the pixels of an image before them"
    if contrary.any():
        finding += f", {contrary.sum()} of those with other labels"
    remedy = "training leaves repetitions out; look whether a source was converted twice"
    status = grade(again.mean(), 0, MAX_REPEATED)
    return sample.check(
        "repeated images", status, again.sum(), len(keys), finding, remedy, repeated_fraction=again.mean()
    )


def repeated_clusters(sample: Labelled) -> Check:
    table = sample.table[np.isfinite(sample.table["arrival"])]
    if len(table) == 0:
        return sample.skipped("repeated clusters", "old files do not say where an image's cluster lies")
    n = len(table) - 1 - group_numbers(*(table[name] for name in _CLUSTER)).max()
    finding = f"{n} show a cluster that another image shows" if n else "every cluster is shown once"
    remedy = "a source is there twice: name one folder of them, or remove the copies"
    return sample.check("repeated clusters", FAIL if n else OK, n, len(table), finding, remedy)


def events_in_files(sample: Sample) -> Check:
    repeated, lines = find_overlaps(sample.table, sample.found.sources, sample.found.files)
    n, events = repeated.sum(), event_numbers(sample.table).max() + 1
    finding = f"{events} events, each in one file"
    if n:
        finding = "\n".join([f"{n} images are of sources that an earlier file holds:", *shortened(lines)])
    remedy = (
        "training reads each source from the first file that holds it: name one folder of them, or remove the copies"
    )
    return sample.check("events and files", WARN if n else OK, n, len(sample.table), finding, remedy, events=events)


def merged_event_numbers(sample: Sample) -> Check:
    """Old files hold event numbers as floating-point numbers, which tell the large ones not apart."""
    merged, start = np.zeros(len(sample.table), bool), 0
    for file in sample.found.files:
        rows = slice(start, start + file["images"])
        start = rows.stop
        metadata = old_metadata(file["file"])
        if metadata is not None:
            merged[rows] = merged_events(sample.table["event"][rows], metadata.dtype)
    n = merged.sum()
    finding = f"{n} images have event numbers that their files do not tell apart" if n else "event numbers are exact"
    remedy = "events with one number count as one: make these files again, in the project's own format"
    return sample.check("event numbers", WARN if n else OK, n, len(merged), finding, remedy)


# ---------------------------------------------------------------------------- between planes
def planes_of_sources(samples: Sequence[Sample]) -> Check:
    """Directions need the three planes of a source."""
    names = {source.id: source.name for sample in samples for source in sample.found.sources}
    held = {sample.plane: [source.id for source in sample.found.sources] for sample in samples}
    everywhere = set.intersection(*map(set, held.values()))
    lacking = sorted(names.keys() - everywhere, key=lambda source: names[source])
    finding = f"{len(everywhere)} sources on {', '.join(held)}"
    if lacking:
        finding = f"{len(lacking)} sources are not on all of {', '.join(held)}, among them {names[lacking[0]]}"
    n = sum(int(np.sum(np.isin(held[sample.plane], lacking)[sample.table["source"]])) for sample in samples)
    total = sum(len(sample.found) for sample in samples)
    remedy = "make the missing planes, or leave these sources out where directions are trained"
    return Check("planes", "all", WARN if lacking else OK, n, total, finding, remedy)


def matches(samples: Sequence[Sample]) -> list[Check]:
    """A match number stands at most once on a plane of a source, and for clusters of one event."""
    _, tables = with_common_sources([(sample.found.sources, sample.table) for sample in samples])
    plane = np.repeat([PLANES.index(sample.plane) for sample in samples], list(map(len, tables)))
    table = np.concatenate(tables)
    known = table["match_id"] >= 0
    table, plane = table[known], plane[known]
    match, event = table["match_id"], event_numbers(table)
    if len(match) == 0:
        return [Check("match numbers", "all", SKIPPED, 0, 0, "no image has one: the planes cannot be put together")]
    group = group_numbers(match, table["source"])
    cell = group_numbers(plane, group)
    repeated, torn = np.bincount(cell)[cell] > 1, holds_several(group, event)
    several = np.bincount(group[np.unique(cell, return_index=True)[1]])
    whole = int(np.sum(several == len(samples)))
    found = f"{len(several)} matches, {whole} of them on all of {', '.join(sample.plane for sample in samples)}"
    twice = f"{repeated.sum()} images share their number with another of their source and plane"
    across = f"{torn.sum()} images have the number of a cluster of another event"
    remedy = "a source is there twice, or one file joins several sources: convert each source once and by itself"
    return [
        Check(
            "match numbers", "all", FAIL if repeated.any() else OK, int(repeated.sum()), len(match),
            twice if repeated.any() else found, remedy, {"matches": float(len(several)), "complete": float(whole)},
        ),
        Check(
            "matched events", "all", FAIL if torn.any() else OK, int(torn.sum()), len(match),
            across if torn.any() else "every match joins clusters of one event", remedy,
        ),
    ]  # fmt: skip
