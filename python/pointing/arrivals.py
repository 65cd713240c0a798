"""Files that appear in folders one after another, as a detector writes them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from python.general_purpose_libs import log

SECONDS_BETWEEN_LOOKS = 2.0
BETWEEN = "+"  # folders in a name
IDLE_S = 300.0  # without a new file, after which no more are expected


def arrivals(
    folders: Sequence[Path], pattern: str, done: Collection[str], idle_s: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[dict[str, Path]]:  # fmt: skip
    """Yield the files that are complete, whose names are not `done` yet, at every look at which there are some.

    A file is complete when it has not grown from one look to the next. Its name is that of its place below all folders, so that
    files of one name in two folders are two. Ends `idle_s` seconds, IDLE_S when left out, after the last one.
    """
    idle_s = IDLE_S if idle_s is None else idle_s
    taken, waited = set(done), 0.0
    home = os.path.commonpath([folder.absolute() for folder in folders])
    seen: dict[Path, tuple[int, int] | None] = {}
    while waited <= idle_s:
        now = {path: _state(path) for folder in folders for path in folder.absolute().rglob(pattern)}
        names = {_name(path, home): path for path, state in now.items() if state and seen.get(path) == state}
        complete = {name: names[name] for name in sorted(names.keys() - taken)}
        seen = now
        if complete:
            taken.update(complete)
            waited = 0.0
            yield complete
            continue
        sleep(SECONDS_BETWEEN_LOOKS)
        waited += SECONDS_BETWEEN_LOOKS
    log.info("no new file for %.0f s: no more are expected", idle_s)


def _name(path: Path, home: str) -> str:
    return BETWEEN.join(path.relative_to(home).parts)


def _state(path: Path) -> tuple[int, int] | None:
    """Size and time of change; None where there is nothing to be read yet."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_size, found.st_mtime_ns) if found.st_size else None
