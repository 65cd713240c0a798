"""Arrays that are there of all parts or of none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def concatenated_if_known(parts: Sequence[np.ndarray | None]) -> np.ndarray | None:
    """All parts in order; None where one is missing, or there is none."""
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if known and len(known) == len(parts) else None
