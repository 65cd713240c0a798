"""Progress of long work: a bar on a terminal, nothing extra in a log."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(items: Sequence[T], title: str) -> Iterable[T]:
    """Iterate over `items` under a bar on standard error, when that is a terminal."""
    return tqdm(items, desc=title, disable=not sys.stderr.isatty(), leave=False)
