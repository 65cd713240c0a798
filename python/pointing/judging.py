"""How good a burst's pointing was, where the simulation knows the star. Asked when the result stands, never before."""

from __future__ import annotations

from typing import Any

import numpy as np

from python.pointing.candidates import Truth
from python.pointing.pointing import Pointing
from python.pointing.sky_map import angle_between

_SAME = 1e-3  # of one direction, in the single precision of files


def true_star(truth: Truth) -> np.ndarray | None:
    """Unit vector (3,) to the star, in detector axes; None where it is not known, or neutrinos come from several directions."""
    flight = truth.flight[np.isfinite(truth.flight).all(axis=1)]
    if not len(flight) or np.ptp(flight, axis=0).max() > _SAME:
        return None
    mean = flight.mean(axis=0)
    return -mean / np.linalg.norm(mean)


def judgement(found: Pointing) -> dict[str, Any] | None:
    """Plain JSON values, None where nothing is known of the truth."""
    truth, star = found.candidates.truth, true_star(found.candidates.truth)
    if not np.any(truth.is_main_track >= 0):
        return None
    electron = truth.is_main_track == 1
    numbers = {
        "es": int(np.sum(electron & (truth.is_es == 1))),
        "cc": int(np.sum(electron & (truth.is_es == 0))),
        "other": int(np.sum(~electron)),
    }
    if star is None:
        return {"star_is_known": False, "true_numbers": numbers}
    seen = found.in_frame(star[None])[0]
    return {
        "star_is_known": True,
        "true_star_detector_axes": star.tolist(),
        "degrees_off": float(angle_between(found.star, star)),
        "vector_mean_degrees_off": None if found.vector_mean is None else float(angle_between(found.vector_mean, star)),
        "probability_searched": float(found.sky.level_of(seen)),
        "area_searched_deg2": float(found.sky.searched_area(seen)),
        "true_numbers": numbers,
    }
