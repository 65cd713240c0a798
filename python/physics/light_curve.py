"""When the neutrinos of a core-collapse supernova arrive: an accretion phase and the cooling of the new neutron star.

The rate of events is taken to follow the luminosity,

    accretion ~ exp(-(t / 0.55 s)^2) / (1 + t / 0.5 s),   cooling ~ exp(-t / 4.7 s),

as fitted to the events of SN 1987A (G. Pagliaroli et al., Astropart. Phys. 31 (2009) 163), with a fifth of the energy in the
accretion (G. Pagliaroli et al., arXiv:0705.4032), so that 36 % arrive in the first second.
"""

from __future__ import annotations

import numpy as np

from python.physics.flux import integrate, sample_tabulated

SPAN_S = 10.0  # seconds of a burst that are looked at
ACCRETION_S, ACCRETION_ONSET_S, COOLING_S = 0.55, 0.5, 4.7
ACCRETION_SHARE = 0.2
_GRID = np.linspace(0.0, SPAN_S, 20_001)


def rate(seconds: np.ndarray) -> np.ndarray:
    """Events a second, of one event in all, at `seconds` after the first; 0 outside the SPAN_S, any shape."""
    accretion, cooling = (np.interp(seconds, _GRID, phase / integrate(_GRID, phase)) for phase in _phases())
    inside = (np.asarray(seconds) >= 0) & (np.asarray(seconds) <= SPAN_S)
    return np.where(inside, ACCRETION_SHARE * accretion + (1 - ACCRETION_SHARE) * cooling, 0.0)


def sample_times(count: int, rng: np.random.Generator) -> np.ndarray:
    """Seconds (count,) after the first neutrino, in no order."""
    return sample_tabulated(_GRID, rate(_GRID), count, rng)


def _phases() -> tuple[np.ndarray, np.ndarray]:
    accretion = np.exp(-((_GRID / ACCRETION_S) ** 2)) / (1 + _GRID / ACCRETION_ONSET_S)
    return accretion, np.exp(-_GRID / COOLING_S)
