"""Waiting for what other processes do: as long as a loaded machine needs, and no longer than it takes."""

import time

PATIENCE_S = 120


def wait_until(happens, still=lambda: True):
    """What `happens()` returns, once it is something; `still()` holds until then."""
    deadline = time.monotonic() + PATIENCE_S
    while not (result := happens()):
        assert still()
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return result
