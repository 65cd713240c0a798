"""Makes a simulated data set: file by file, on several processor cores, going on where an earlier attempt stopped.

Every file has random streams of its own, derived from the seed and the file's number. So it does not matter which process
makes it, when, or after which others: the same settings give the same bytes.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from python.config.differences import differences
from python.data.input_files import find_files
from python.detector.geometry import DUNE_1X2X2
from python.general_purpose_libs import ConfigError, DataError, log, read_json, write_json, writing_to
from python.ingest.product_files import ProductSummary, output_names
from python.simulation.event_list import EventList, plan_events
from python.simulation.events import simulate_file
from python.simulation.settings import EVENTS_PER_FILE, SimulationSettings

SETTINGS_FILE = "simulation.json"
SECONDS_BETWEEN_LOOKS = 1.0


@dataclass(frozen=True)
class Part:
    """The files of a data set that one of `of` jobs makes, every `of`-th: the jobs together make all, whatever their order."""

    number: int = 1
    of: int = 1

    def files(self, n_files: int) -> range:
        """Numbers of its files of `n_files`. Raises ConfigError where none is left for it."""
        if self.of > n_files:
            raise ConfigError(
                f"{n_files} files of {EVENTS_PER_FILE} events cannot be made in {self.of} parts; divide them in {n_files} at most"
            )
        return range(self.number - 1, n_files, self.of)

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


WHOLE = Part()


def produce(
    settings: SimulationSettings,
    folder: Path,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
    part: Part = WHOLE,
) -> ProductSummary:
    """Make the files of the data set, or of a part of it, that are not in `folder` yet; return what those gave.

    Raises ConfigError when `folder` holds another data set, OutputError when a file cannot be written.
    """
    folder = Path(folder)
    events = plan_events(settings)
    numbers = part.files(events.n_files)
    claim(folder, settings, events)
    missing = [number for number in numbers if not _is_there(settings, folder, events.stem(number))]
    all_events = sum(events.size(number) for number in numbers)
    finished = all_events - sum(events.size(number) for number in missing)
    if finished:
        log.info("%s: %d of %d events are there already", folder, finished, all_events)
    total = ProductSummary("simulated")
    for number, summary in _made(settings, events, folder, missing, workers):
        total += summary
        finished += events.size(number)
        if progress:
            progress(finished, all_events)
    return total


def _is_there(settings: SimulationSettings, folder: Path, stem: str) -> bool:
    return all((folder / name).exists() for name in output_names(stem, settings.products))


def claim(folder: Path, settings: SimulationSettings, events: EventList) -> None:
    """Write the settings into `folder`, or compare them with those that are there. ConfigError: it holds something else."""
    described = {**settings.described(), "made_of": events.described()}
    path = folder / SETTINGS_FILE
    others = _image_files(folder)
    if path.exists() and others:
        found = differences(
            {"geometry": DUNE_1X2X2.name, **read_json(path)}, described
        )  # which older releases do not record
        if found:
            raise ConfigError(
                f"{folder} holds another simulated data set; give a new folder with -o, or the same settings to go on with it:"
                "\n  " + "\n  ".join(found)
            )
    elif others:
        raise ConfigError(f"{folder} holds image files of another origin ({others[0].name}, ...); give a new folder")
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_json(path, described)


def _image_files(folder: Path) -> list[Path]:
    """Image files that are in `folder` already. Raises DataError where it cannot be told, as in a subfolder that is locked."""
    if not folder.is_dir():
        return []
    found = find_files([folder], lambda path: path.suffix == ".npz")
    if found.problems:
        raise DataError(
            "\n  ".join([f"{folder}: what it holds cannot be told; give a new folder, or mend", *found.problems])
        )
    return found.paths


def _made(
    settings: SimulationSettings, events: EventList, folder: Path, numbers: list[int], workers: int
) -> Iterator[tuple[int, ProductSummary]]:
    """Make the files `numbers` and yield each, with its summary, as it is finished."""
    workers = min(workers, len(numbers))
    if workers <= 1:
        for number in numbers:
            yield number, simulate_file(settings, events, folder, number)
        return
    # spawn: a fork would copy the threads' locks of whatever library the caller has loaded
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, initializer=_become_worker, initargs=(os.getpid(),))
    try:
        number_of = {pool.submit(simulate_file, settings, events, folder, number): number for number in numbers}
        for future in as_completed(number_of):
            yield number_of[future], future.result()
    except BaseException:
        processes = list(pool._processes.values())
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()
        for number in numbers:  # and no others: another part may be made in this folder at this moment
            for unfinished in folder.glob(f".{events.stem(number)}_*"):
                unfinished.unlink()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _become_worker(parent: int) -> None:
    """Leave Ctrl-C to the parent, and end when it has ended, however that happened."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(SECONDS_BETWEEN_LOOKS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
