"""Requests to stop: Ctrl-C, the batch system's SIGTERM, and a time that was set; and where in the work they are heard."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator

from python.general_purpose_libs import StopRequested, Terminated

_urgent: list[Callable[[], KeyboardInterrupt]] = []  # made when they are heard: the remedy may be another one by then
_timely: list[Callable[[], KeyboardInterrupt]] = []
_holding = False
_remedy = ""


def stop_requested() -> bool:
    """Whether anybody asked for the end, or the time is over."""
    return bool(_urgent or _timely)


def raise_if_stop_requested() -> None:
    """Raise the KeyboardInterrupt or StopRequested that was asked for, also because the time is over.

    For places where nothing of worth is lost.
    """
    for request in (*_urgent, *_timely):
        raise request()


def raise_if_stop_is_urgent() -> None:
    """The same, but not because the time is over.

    For loops: what a signal's handler raises is lost when it strikes in a destructor or a callback of foreign code.
    """
    for request in _urgent:
        raise request()


@contextlib.contextmanager
def requests_held() -> Iterator[None]:
    """Let no request strike inside, where it would leave work half done or get lost in foreign code: it is asked for there.

    A second Ctrl-C strikes all the same, for who does not want to wait.
    """
    global _holding
    before, _holding = _holding, True
    try:
        yield
    finally:
        _holding = before


def go_on_with(remedy: str) -> None:
    """What a request to stop tells from now on to do afterwards."""
    global _remedy
    _remedy = remedy


@contextlib.contextmanager
def stop_on_request(remedy: str = "start again", after_minutes: float | None = None) -> Iterator[None]:
    """Turn SIGTERM, with which batch systems ask a job to end, into StopRequested; let no Ctrl-C get lost.

    The same is asked for `after_minutes`. That never strikes, but waits to be heard, where what was done is not lost. SIGTERM
    becomes `Terminated` then: who starts again what stopped for its time must not start again what was told to stop. `remedy`
    says what to do afterwards, until `go_on_with` is told something else.
    """
    asked = StopRequested if after_minutes is None else Terminated

    def stop(number: int, _frame: object) -> None:
        if number == signal.SIGALRM:
            _timely.append(lambda: StopRequested(f"{after_minutes:g} minutes are over; {_remedy}"))
            return
        terminated, again = number == signal.SIGTERM, bool(_urgent)
        _urgent.append((lambda: asked(f"asked to stop (SIGTERM); {_remedy}")) if terminated else KeyboardInterrupt)
        if not _holding or (again and not terminated):
            raise _urgent[-1]()

    _forget()
    go_on_with(remedy)
    numbers = [signal.SIGTERM, signal.SIGALRM]
    ignored = signal.getsignal(signal.SIGINT) is not signal.default_int_handler  # as it is for jobs in the background
    if not ignored:
        numbers.append(signal.SIGINT)
    before = {number: signal.signal(number, stop) for number in numbers}
    if after_minutes is not None:
        signal.setitimer(signal.ITIMER_REAL, 60 * after_minutes)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
        _forget()  # what was asked of what ended here


def _forget() -> None:
    _urgent.clear()
    _timely.clear()
