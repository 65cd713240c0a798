"""What a spectrum of neutrinos makes of the electrons that are seen: how many at each reconstructed energy, and how far their
directions are from those of the neutrinos that struck them.

For elastic scattering the angle follows from both energies, and the neutrino's is not known: what the electron's tells of it
depends on the spectrum. For the charged current electrons fly nearly everywhere, a little more often one way than the other.
Tracks are reconstructed with less energy than electrons have, the more so the more photons they radiate; how much less is told
by simulated events (`tables/energy_response.json`).
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np

from python.physics import charged_current, elastic_scattering
from python.physics.constants import ELECTRON_MASS_MEV
from python.physics.elastic_scattering import ENERGY_GRID
from python.physics.flux import FLAVOURS, FLUENCES, REFERENCE_DISTANCE_KPC

TRAINED_ON = "gkvm"  # the spectrum of the events by which the networks that ship learnt
ELECTRON_GRID = np.linspace(1.0, 90.0, 357)  # MeV, at which all that follows is tabulated
RESPONSE = Path(__file__).parent / "tables" / "energy_response.json"
PARTS = 2  # of the scattered electrons of an energy, by their angles: one lobe for all has too wide a core and too short a tail
_STEP = ELECTRON_GRID[1] - ELECTRON_GRID[0]
_TINY = np.finfo(float).tiny


def es_mean_cosines(energy: np.ndarray, flux: str) -> np.ndarray:
    """Mean cosines (N, PARTS) of the angle between electrons of reconstructed energies (N,) in MeV and their neutrinos, scattered
    elastically: of equally many electrons each, those with the smallest angles first."""
    number, cosines = _es(flux)
    return np.stack([_averaged("es", (number, each), energy) for each in cosines], axis=1)


def cc_asymmetry(energy: np.ndarray, flux: str) -> np.ndarray:
    """The a (N,) of 1 + a cos, the distribution of the same angle for the charged current."""
    return _averaged("cc", _cc(flux), energy)


def spectrum(channel: str, energy: np.ndarray, flux: str) -> np.ndarray:
    """Matched main tracks (N,) a MeV, at reconstructed energies (N,), of a burst in 1 kt at 10 kpc; of "es" or "cc"."""
    return np.interp(energy, ELECTRON_GRID, _response(channel) @ true_spectrum(channel, ELECTRON_GRID, flux))


def true_spectrum(channel: str, energy: np.ndarray, flux: str) -> np.ndarray:
    """Electrons (N,) a MeV at true kinetic energies (N,), of the same."""
    return np.interp(energy, ELECTRON_GRID, _of(channel, flux)[0])


def es_share_in_training(energy: np.ndarray) -> np.ndarray:
    """The share (N,) of elastic scattering among main tracks of energies (N,) in MeV, where there are as many events of either
    channel, with the spectra of TRAINED_ON: of what identifiers of main tracks learn from."""
    es, cc = (spectrum(name, energy, TRAINED_ON) / _all(name) for name in ("es", "cc"))
    return es / np.maximum(es + cc, _TINY)


def _all(channel: str) -> float:
    """Events of a burst at all energies, in 1 kt at 10 kpc."""
    fluences = FLUENCES[TRAINED_ON]
    if channel == "es":
        return sum(elastic_scattering.expected_events(fluences, 1.0, REFERENCE_DISTANCE_KPC).values())
    return charged_current.expected_events(fluences, 1.0, REFERENCE_DISTANCE_KPC)


def _averaged(channel: str, known: tuple[np.ndarray, np.ndarray], energy: np.ndarray) -> np.ndarray:
    """What is known of electrons of each true energy, on average over those that are reconstructed with some energy."""
    number, value = known
    seen, weighted = _response(channel) @ number, _response(channel) @ (number * value)
    there = seen > _TINY
    return np.interp(energy, ELECTRON_GRID[there], weighted[there] / seen[there])


@cache
def _response(channel: str) -> np.ndarray:
    """How likely (R, T) a MeV electrons of each true energy are reconstructed with each energy, both on ELECTRON_GRID."""
    table = json.loads(RESPONSE.read_text(encoding="utf-8"))
    edges = np.array(table["edges_mev"])
    middle = np.sqrt(edges[1:] * edges[:-1])
    ratios = np.stack([np.interp(ELECTRON_GRID, middle, each) for each in np.array(table[channel]).T])  # quantiles by T
    matched = np.interp(ELECTRON_GRID, middle, table["matched"])
    place = np.clip((ratios * ELECTRON_GRID - ELECTRON_GRID[0]) / _STEP, 0, len(ELECTRON_GRID) - 1 - 1e-9)
    lower, upper = place.astype(int), place - place.astype(int)
    found = np.zeros((len(ELECTRON_GRID), len(ELECTRON_GRID)))
    column = np.broadcast_to(np.arange(len(ELECTRON_GRID)), place.shape)
    for row, share in ((lower, 1 - upper), (lower + 1, upper)):
        np.add.at(found, (row, column), share * matched / len(ratios) / _STEP)
    return _smoothed(found) * _STEP


def _smoothed(found: np.ndarray) -> np.ndarray:
    """Quantiles are points; 4 % of the energy between them, which does not change the sum."""
    width = 0.04 * ELECTRON_GRID
    weight = np.exp(-(((ELECTRON_GRID[:, None] - ELECTRON_GRID) / width) ** 2) / 2)
    return (weight / weight.sum(axis=0)) @ found


def _of(channel: str, flux: str) -> tuple[np.ndarray, np.ndarray]:
    return _es(flux) if channel == "es" else _cc(flux)


@cache
def _es(flux: str) -> tuple[np.ndarray, np.ndarray]:
    """Events a MeV on the ELECTRON_GRID, by true energy, and mean cosines of PARTS of them (PARTS, grid)."""
    nu, fluences = ENERGY_GRID[1:, None], FLUENCES[flux]
    weight = sum(
        fluences.of(pdg).density(nu) * elastic_scattering.differential_cross_section(nu, ELECTRON_GRID, np.array(pdg))
        for pdg in FLAVOURS
    )
    per_kt = elastic_scattering.ARGON_ATOMS_PER_KT * elastic_scattering.ARGON_Z * np.diff(ENERGY_GRID[:2])[0]
    total = weight.sum(axis=0)
    reached = np.cumsum(weight, axis=0) / np.maximum(total, _TINY)  # the angle grows with the neutrino's energy
    before = np.concatenate([np.zeros((1, len(total))), reached[:-1]])
    shares = [
        PARTS * (np.clip(reached, low, low + 1 / PARTS) - np.clip(before, low, low + 1 / PARTS))
        for low in np.arange(PARTS) / PARTS
    ]
    cosine = elastic_scattering.cosine(nu, ELECTRON_GRID)
    return total * per_kt, np.stack([(share * cosine).sum(axis=0) for share in shares])


@cache
def _cc(flux: str) -> tuple[np.ndarray, np.ndarray]:
    """Events a MeV and asymmetries on the ELECTRON_GRID, by true energy."""
    levels, fluences = charged_current.allowed_levels(), FLUENCES[flux]
    rate = np.zeros((len(levels.excitation), len(ELECTRON_GRID)))
    for number, excitation in enumerate(levels.excitation):
        nu = ELECTRON_GRID + charged_current.MASS_DIFFERENCE_MEV + excitation
        rate[number] = fluences.nue.density(nu) * charged_current.level_cross_sections(nu)[:, number]
    per_kt = elastic_scattering.ARGON_ATOMS_PER_KT * charged_current.normalisation(fluences)
    beta = np.sqrt(ELECTRON_GRID * (ELECTRON_GRID + 2 * ELECTRON_MASS_MEV)) / (ELECTRON_GRID + ELECTRON_MASS_MEV)
    slope = np.where(levels.is_fermi, 1.0, -1 / 3)[:, None] * beta
    total = rate.sum(axis=0)
    return total * per_kt, (rate * slope).sum(axis=0) / np.maximum(total, _TINY)
