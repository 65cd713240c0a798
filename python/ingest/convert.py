"""One ROOT file of trigger primitives, or of clusters of these, to image files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from python.general_purpose_libs import DataError, log, writing_to
from python.ingest.cluster_files import holds_clusters, read_clusters
from python.ingest.legacy_layout import check_legacy_events
from python.ingest.overlay import Background, overlay_name
from python.ingest.product_files import ProductSummary, write_products, write_reconstruction
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
    Clusters are taken as they are, whatever the settings say that a cluster is, and nothing can be laid over them.
    Raises DataError when the file is not what it should be, OutputError when a file cannot be written.
    """
    path, folder = root_file(path), Path(folder)
    if holds_clusters(path):
        return _convert_clusters(path, folder, settings, background)
    readout, overlay = read_readout(path, settings.min_sot), None
    if settings.legacy_layout:
        check_legacy_events(readout.events["event"], path)
    if background is not None:
        readout, overlay = background.over(readout, path)
    _remove_record(folder, path)
    summary = write_products(readout, settings, folder, path.stem, progress)
    if overlay is not None:
        overlay.write(folder / overlay_name(path.stem))
    return summary


def _convert_clusters(
    path: RootFile, folder: Path, settings: ProductSettings, background: Background | None
) -> ProductSummary:
    if background is not None:
        raise DataError(
            f"{path}: holds clusters, whose windows are gone, so nothing can be laid over them; name the file of trigger "
            "primitives that they were made of, or leave --overlay out"
        )
    found = read_clusters(path, settings.clusters, settings.energy_calibration)
    log.info("%s: holds clusters, which are taken as they are: options that make and cut clusters do nothing", path)
    if settings.legacy_layout:
        check_legacy_events(found.readout.events["event"], path)
    _remove_record(folder, path)
    return write_reconstruction(found, settings, folder, path.stem)


def _remove_record(folder: Path, path: RootFile) -> None:
    """What was laid over files that are replaced now is no longer true."""
    record = folder / overlay_name(path.stem)
    with writing_to(record):
        record.unlink(missing_ok=True)
