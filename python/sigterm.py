"""SIGTERM outside the work that hears it itself: a process says a word before it ends, and takes away what is half written."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator


class _Terminated(KeyboardInterrupt):
    """SIGTERM has come, and there is nothing to go on with."""


@contextlib.contextmanager
def sigterm_heard(request: BaseException | None = None) -> Iterator[None]:
    """Let SIGTERM raise `request` inside; without one, it ends the process as it always does, once it was said.

    A second SIGTERM ends the process at once.
    """

    def stop(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise request or _Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except _Terminated:
        print("asked to stop (SIGTERM)", file=sys.stderr)
        sys.stdout.flush()
        signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
