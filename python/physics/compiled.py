"""`kernel`: numba's njit, kept on disk and renewed whenever any source of a room that compiles changes.

numba renews what it keeps when the file of a function changes, but not when a function or a constant that it takes from
another file does; the physics of yesterday would then run unnoticed. So the folder is named by a digest of all sources. It lies
in the place that the environment variable NUMBA_CACHE_DIR names, or beside the compiled modules.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from numba import config, njit

ROOMS = ("detector", "ingest", "physics", "simulation")  # that compiled functions take functions and constants from


@cache
def _folder() -> Path:
    here = Path(__file__).parent
    sources = [source for room in ROOMS for source in sorted((here.parent / room).glob("*.py"))]
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
    beside = (
        here / "__pycache__" if os.access(here, os.W_OK) else Path(tempfile.gettempdir(), f"pointing-{os.getuid()}")
    )
    return Path(config.CACHE_DIR or beside) / f"kernels-{digest}"


def kernel(function: Callable) -> Callable:
    """Compile `function` at its first call, or load what an earlier process compiled."""
    usual = config.CACHE_DIR
    config.CACHE_DIR = str(_folder())
    try:
        return njit(cache=True, error_model="numpy")(function)
    finally:
        config.CACHE_DIR = usual
