"""One ROOT file of trigger primitives to image files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from python.general_purpose_libs import log
from python.ingest.legacy_layout import check_legacy_events
from python.ingest.products import EVENTS_AT_A_TIME, ProductSettings, ProductSummary, ProductWriter
from python.ingest.root_file import RootFile, root_file
from python.ingest.root_reader import read_source
from python.ingest.truth import event_truth, signal_tps


def convert(
    path: str | os.PathLike | RootFile,
    folder: Path,
    settings: ProductSettings,
    progress: Callable[[int, int], None] | None = None,
) -> ProductSummary:
    """Convert the ROOT file at a path or an address and write its image files into `folder`.

    `progress(events done, all events)` is called on the way.

    Raises DataError when the file is not what it should be, OutputError when a file cannot be written. A file appears
    complete or not at all, in place of any older one.
    """
    path = root_file(path)
    source = read_source(path, settings.min_sot)
    if settings.legacy_layout:
        check_legacy_events(source.events["event"], path)
    n_events = len(source.events)
    log.debug("%s: %d events, %d trigger primitives with enough samples", path, n_events, len(source.tps))
    if source.tp_truth is None or source.mctruths is None:
        log.info("%s: holds no simulation truth; labels that it would give are recorded as unknown", path)
    signal = signal_tps(source)
    track = None if source.tp_truth is None else source.tp_truth["bt_primary_track_id"]
    writer = ProductWriter(source.sources, source.events, event_truth(source), settings)
    for first in range(0, n_events, EVENTS_AT_A_TIME):
        last = min(first + EVENTS_AT_A_TIME, n_events)
        rows = slice(*np.searchsorted(source.tps.event, [first, last]))
        writer.add(
            source.tps.take(rows), None if signal is None else signal[rows], None if track is None else track[rows]
        )
        if progress:
            progress(last, n_events)
    return writer.write(Path(folder), path.stem)
