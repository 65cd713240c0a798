"""Files that appear in folders one after another, as a detector writes them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from python.general_purpose_libs import log

SECONDS_BETWEEN_LOOKS = 2.0
IDLE_S = 300.0  # without a new file, after which no more are expected


def arrivals(
    folders: Sequence[Path], pattern: str, done: Collection[str], idle_s: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[list[Path]]:  # fmt: skip
    """Yield the files that are complete and not `done` yet, by name, at every look at which there are some.

    A file is complete when it has not grown from one look to the next. Names stand for files wherever they lie. Ends `idle_s`
    seconds, IDLE_S when left out, after the last one.
    """
    idle_s = IDLE_S if idle_s is None else idle_s
    taken, waited = set(done), 0.0
    seen: dict[Path, tuple[int, int] | None] = {}
    while waited <= idle_s:
        now = {path: _state(path) for folder in folders for path in sorted(folder.rglob(pattern))}
        complete = [path for path, state in now.items() if state and seen.get(path) == state and path.name not in taken]
        seen = now
        if complete:
            taken.update(path.name for path in complete)
            waited = 0.0
            yield sorted(complete, key=lambda path: path.name)
            continue
        sleep(SECONDS_BETWEEN_LOOKS)
        waited += SECONDS_BETWEEN_LOOKS
    log.info("no new file for %.0f s: no more are expected", idle_s)


def _state(path: Path) -> tuple[int, int] | None:
    """Size and time of change; None where there is nothing to be read yet."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_size, found.st_mtime_ns) if found.st_size else None
