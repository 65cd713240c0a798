"""What two nested settings, such as configurations, do not have in common."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from python.config.declared import Declaration
from python.config.problems import dotted
from python.config.schema import NOT_INTERPRETED, PLACE, RunConfig


def differences(there: Any, asked: Any, ignored: Collection[str] = (), path: str = "") -> list[str]:
    """Return a line for each value that differs, with its dotted path; `ignored` are paths that are left out."""
    if path in ignored:
        return []
    if isinstance(there, dict) and isinstance(asked, dict):
        return [
            line
            for key in {**there, **asked}
            for line in differences(there.get(key), asked.get(key), ignored, f"{path}.{key}".lstrip("."))
        ]
    return [] if there == asked else [f"{path}: there it is {there!r}, asked for is {asked!r}"]


def no_settings(config: RunConfig) -> tuple[str, ...]:
    """Dotted paths of the keys that make no other training: those that nobody interprets, and those that name places.

    What lies at a place is compared where it is read: data by their content, a run by its folder.
    """
    sections = Declaration.of(type(config)).sections
    places = [
        dotted((*path, key)) for path, keys in sections for key, node in keys.items() if PLACE.items() <= node.items()
    ]
    return (*NOT_INTERPRETED, *places)
