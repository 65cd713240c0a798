"""Values that a JSON parser lets through and that no file can hold once more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from python.config.problems import Path, Problem

DEEPEST = 50


def unstorable_values(node: Any, path: Path = ()) -> Iterator[Problem]:
    """Numbers beyond a float, halves of Unicode characters and endless nesting, each with its path."""
    if len(path) > DEEPEST:
        yield Problem(path[:3], f"sections and lists are nested more than {DEEPEST} deep; make it flatter")
    elif isinstance(node, dict):
        for key, value in node.items():
            if _is_broken(key):
                yield Problem((*path, key), "the key holds half a Unicode character; correct it")
            else:
                yield from unstorable_values(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from unstorable_values(value, (*path, index))
    elif isinstance(node, int | float) and not -1e308 < node < 1e308:
        yield Problem(path, "the number is too large; write a finite number or null")
    elif isinstance(node, str) and _is_broken(node):
        yield Problem(path, "the text holds half a Unicode character; correct it")


def _is_broken(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
