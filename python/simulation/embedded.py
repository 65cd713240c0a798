"""The data set that is there when none is named: made on first use, once, and kept in the project's folder."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from python.general_purpose_libs import PROJECT, Progress, log, writing_to
from python.ingest.products import ProductSettings
from python.processes.cores import processor_cores
from python.simulation.production import produce
from python.simulation.settings import SimulationSettings

HOME = PROJECT / "data" / "simulated"
SETTINGS = SimulationSettings(events=4000, products=ProductSettings(volumes=True))


def embedded_data_set() -> Path:
    """Return the folder of the embedded data set, made first when it is not there.

    It is made beside its place and moved there when complete, so a folder that is there is whole; an attempt that was cut
    short goes on. Several processes at once wait for the one that is at it.
    """
    folder = embedded_folder()
    if folder.exists():
        return folder
    unfinished = folder.with_suffix(".unfinished")
    with _alone(folder.with_suffix(".lock")):
        if folder.exists():
            return folder
        log.info(
            "no data are named: making the embedded data set of %d simulated events, once, about a minute",
            SETTINGS.events,
        )
        with Progress("simulating", "events") as progress:
            produce(SETTINGS, unfinished, processor_cores(), progress)
        with writing_to(folder):
            _put_in_place(unfinished, folder)
    log.info("kept in %s", folder)
    return folder


def embedded_folder() -> Path:
    """Return where the embedded data set is, or will be."""
    return HOME / f"{SETTINGS.channel}_{SETTINGS.data_set_key}"


def _put_in_place(unfinished: Path, folder: Path) -> None:
    try:
        unfinished.rename(folder)
    except OSError:  # another machine on the same disk, which the lock does not reach, was first: with the same bytes
        if not folder.exists():
            raise


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Wait until no other process on this machine is at the same work."""
    with writing_to(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("waiting for another process that is making the embedded data set")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
