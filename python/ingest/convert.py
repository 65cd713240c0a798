"""One ROOT file of trigger primitives to image files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from python.ingest.legacy_layout import check_legacy_events
from python.ingest.product_files import ProductSummary, write_products
from python.ingest.products import ProductSettings
from python.ingest.readout import read_readout
from python.ingest.root_file import RootFile, root_file


def convert(
    path: str | os.PathLike | RootFile,
    folder: Path,
    settings: ProductSettings,
    progress: Callable[[int, int], None] | None = None,
) -> ProductSummary:
    """Convert the ROOT file at a path or an address and write its image files into `folder`, see `write_products`.

    Raises DataError when the file is not what it should be, OutputError when a file cannot be written.
    """
    path = root_file(path)
    readout = read_readout(path, settings.min_sot)
    if settings.legacy_layout:
        check_legacy_events(readout.events["event"], path)
    return write_products(readout, settings, folder, path.stem, progress)
