"""Sources that several files hold: one that was converted twice, or a folder with copies of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from python.data.metadata import event_numbers
from python.data.sources import Source
from python.general_purpose_libs import log

SHOWN = 5


def file_of_each(files: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Number (N,) of the file that each image, as read, comes from."""
    counts = [file["images"] for file in files]
    return np.repeat(np.arange(len(counts)), counts)


def find_overlaps(
    metadata: np.ndarray, sources: Sequence[Source], files: Sequence[Mapping[str, Any]]
) -> tuple[np.ndarray, list[str]]:
    """Mark, bool (N,), the images of files that repeat a source, and tell of each such file.

    A file repeats a source when it shares an event with an earlier one. All its images of this source are marked: what another
    conversion, with other cuts perhaps, calls a match is another one there.
    """
    repeated, lines = np.zeros(len(metadata), bool), []
    file, event = file_of_each(files), event_numbers(metadata)
    pairs = np.unique(np.stack([metadata["source"], file]), axis=1)
    held, counts = np.unique(pairs[0], return_counts=True)
    for source in held[counts > 1].tolist():
        events_of: dict[int, set[int]] = {}
        for number in pairs[1][pairs[0] == source].tolist():
            rows = (metadata["source"] == source) & (file == number)
            mine = set(event[rows].tolist())
            before = next((other for other, others in events_of.items() if mine & others), None)
            if before is None:
                events_of[number] = mine
                continue
            repeated |= rows
            common = len(mine & events_of[before])
            more = f", with {len(mine) - common} more" if len(mine) > common else ""
            places = f"{files[before]['file']} and again in {files[number]['file']}{more}"
            lines.append(f"{common} events of {sources[source].name} are in {places}")
    return repeated, lines


def without_repeated_sources(
    metadata: np.ndarray, sources: Sequence[Source], files: Sequence[Mapping[str, Any]]
) -> tuple[np.ndarray, str | None]:
    """Mark, bool (N,), the images to keep so that every source counts once; and what to say of it in the table of cuts.

    That is None when no source is repeated; else a warning names the files.
    """
    repeated, lines = find_overlaps(metadata, sources, files)
    if not lines:
        return ~repeated, None
    log.warning("a source that several files hold is read from the first:\n  %s", "\n  ".join(shortened(lines)))
    names = [sources[number].name for number in np.unique(metadata["source"][repeated])]
    n_events = len(np.unique(event_numbers(metadata)[repeated]))
    step = f"without {n_events} events of sources that an earlier file holds ({', '.join(shortened(names))})"
    return ~repeated, step


def shortened(lines: Sequence[str]) -> list[str]:
    """The first few of many lines, and how many more there are."""
    more = len(lines) - SHOWN
    return [*lines[:SHOWN], f"and {more} more"] if more > 0 else list(lines)
