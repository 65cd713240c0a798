"""What two nested settings, such as configurations, do not have in common."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any


def differences(there: Any, asked: Any, ignored: Collection[str] = (), path: str = "") -> list[str]:
    """Return a line for each value that differs, with its dotted path; keys in `ignored` are left out at every level."""
    if isinstance(there, dict) and isinstance(asked, dict):
        return [
            line
            for key in {**there, **asked}
            if key not in ignored
            for line in differences(there.get(key), asked.get(key), ignored, f"{path}.{key}".lstrip("."))
        ]
    return [] if there == asked else [f"{path}: there it is {there!r}, asked for is {asked!r}"]
