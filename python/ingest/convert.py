"""One ROOT file of trigger primitives to image files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from python.general_purpose_libs import writing_to
from python.ingest.legacy_layout import check_legacy_events
from python.ingest.overlay import Background, overlay_name
from python.ingest.product_files import ProductSummary, write_products
from python.ingest.products import ProductSettings
from python.ingest.readout import read_readout
from python.ingest.root_file import RootFile, root_file


def convert(
    path: str | os.PathLike | RootFile,
    folder: Path,
    settings: ProductSettings,
    progress: Callable[[int, int], None] | None = None,
    background: Background | None = None,
) -> ProductSummary:
    """Convert the ROOT file at a path or an address and write its image files into `folder`, see `write_products`.

    Where there is `background` its windows are laid over the events, and a file `overlay_name` tells which over which, and how.
    Raises DataError when the file is not what it should be, OutputError when a file cannot be written.
    """
    path = root_file(path)
    readout, overlay = read_readout(path, settings.min_sot), None
    if settings.legacy_layout:
        check_legacy_events(readout.events["event"], path)
    if background is not None:
        readout, overlay = background.over(readout, path)
    record = Path(folder) / overlay_name(path.stem)
    with writing_to(record):
        record.unlink(missing_ok=True)  # it tells of files that are replaced now
    summary = write_products(readout, settings, folder, path.stem, progress)
    if overlay is not None:
        overlay.write(record)
    return summary
