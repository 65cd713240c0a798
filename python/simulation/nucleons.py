"""Neutrons, protons and alphas in liquid argon, simply: what they leave to be seen, not how they get there.

Protons and alphas deposit all energy at a point, with their range as the length: below 50 and 10 MeV it is a few wires at most.
R = a T^b was fitted to the ranges in argon of NIST PSTAR (1-50 MeV, within 6 % above 2 MeV) and ASTAR (3-8 MeV, within 3 %).

A neutron slows down by elastic scattering, whose recoils are too densely ionising to be seen and count as energy carried out.
It excites 40Ar to 1.461 MeV at most once, with the chance 1 - (1.5 MeV / T)^4 (an inelastic cross-section of a fifth of the
elastic one, a loss of 4.8 % of the energy in an elastic scattering), and is captured by 40Ar 328 us later on average: 0.66 b at
2200 m/s, falling as 1/v, so that the time is the same at any energy. Distances from where it started are exponential, in any
direction. That of the excitation, 30 cm, is round; that of the capture, 190 cm, gives the root mean square of 265 cm that some
350 collisions on the way from 2 MeV to thermal energies, 10 cm apart, add up to. Every second neutron that starts above 57 keV
falls into the window that the cross-section has there, where the scattering length is some 30 m (that of the planned pulsed
neutron source), and goes that far. All this is good to a factor of two at best. The photons of the capture follow the levels and
intensities of 41Ar (C. D. Nesaraja and E. A. McCutchan, Nucl. Data Sheets 133, 1 (2016), thermal capture): always 6.0989 MeV
together.
"""

from __future__ import annotations

import numpy as np

from python.physics.compiled import kernel
from python.simulation.tracks import (
    ALPHA,
    ENERGY,
    KIND,
    PHOTON,
    TIME,
    X,
    Y,
    Z,
    advance,
    deposit,
    inside,
    isotropic,
    push,
)

PROTON_RANGE_CM, PROTON_EXPONENT = 0.00281, 1.70
ALPHA_RANGE_CM, ALPHA_EXPONENT = 0.000496, 1.418
SHORTEST_RANGE_MEV = 0.1  # slower ones are given its range

EXCITATION_MEV, EXCITATION_THRESHOLD_MEV, EXCITATION_POWER = 1.461, 1.5, 4.0
EXCITATION_DISTANCE_CM, CAPTURE_DISTANCE_CM, CAPTURE_TIME_US = 30.0, 190.0, 328.0
WINDOW_MEV, WINDOW_DISTANCE_CM, WINDOW_SHARE = 0.057, 3000.0, 0.5

NEUTRON_SEPARATION_MEV = 6.0989
LEVELS = np.array(
    [0.0, 0.1673, 0.5161, 1.0347, 1.3539, 2.3981, 2.7334, 2.9487, 3.0096, 3.3268, 3.9682, 4.2700, NEUTRON_SEPARATION_MEV]
)  # fmt: skip
# level from, level to, photons per 100 captures
TRANSITIONS = np.array(
    [
        (12, 2, 10.79), (12, 3, 0.24), (12, 4, 51.2), (12, 5, 9.11), (12, 6, 3.91), (12, 7, 3.72), (12, 8, 1.02),
        (12, 9, 8.0), (12, 10, 4.09), (12, 11, 0.93), (11, 1, 0.93), (10, 2, 1.86), (10, 4, 2.7), (9, 2, 5.49),
        (9, 3, 0.19), (9, 4, 0.5), (8, 1, 0.82), (7, 1, 1.58), (7, 2, 0.78), (6, 1, 2.6), (5, 1, 0.27), (5, 2, 1.3),
        (5, 4, 5.58), (4, 0, 2.14), (4, 1, 48.5), (4, 2, 8.93), (3, 1, 1.02), (2, 0, 23.5), (2, 1, 6.14), (1, 0, 74.0),
    ]
)  # fmt: skip


def branching() -> np.ndarray:
    """(levels, levels) chances that a level decays to each or a lower one, cumulated along the second axis."""
    intensity = np.zeros((len(LEVELS), len(LEVELS)))
    start, end = TRANSITIONS[:, :2].astype(int).T
    intensity[start, end] = TRANSITIONS[:, 2]
    intensity[0, 0] = 1.0
    cumulated = intensity.cumsum(axis=1) / intensity.sum(axis=1, keepdims=True)
    cumulated[:, -1] = 1.0
    return cumulated


@kernel
def follow_nucleus(track, particle, deposited):
    """Stop a proton or alpha at once; return the deposits and the energy in MeV outside the volume."""
    energy = track[ENERGY]
    if not inside(track):
        return deposited, energy
    scale, exponent = (ALPHA_RANGE_CM, ALPHA_EXPONENT) if track[KIND] == ALPHA else (PROTON_RANGE_CM, PROTON_EXPONENT)
    if energy > 0.0:
        length = scale * max(energy, SHORTEST_RANGE_MEV) ** exponent
        deposited = deposit(deposited, particle, track, energy, length)
    return deposited, 0.0


@kernel
def release_photon(track, stack, energy, rng):
    """Put a photon of any direction on the stack; return the new stack."""
    isotropic(track, rng)
    return push(stack, track, PHOTON, energy)


@kernel
def follow_neutron(track, stack, levels, chances, rng):
    """Put the photons that a neutron makes onto the stack.

    Returns it and the energy in MeV that the neutron does not hand on: negative by what the nuclei add to it.
    """
    energy = track[ENERGY]
    x, y, z = track[X], track[Y], track[Z]
    if energy > EXCITATION_THRESHOLD_MEV and rng.random() > (EXCITATION_THRESHOLD_MEV / energy) ** EXCITATION_POWER:
        isotropic(track, rng)
        advance(track, EXCITATION_DISTANCE_CM * rng.standard_exponential())
        stack = release_photon(track, stack, EXCITATION_MEV, rng)
        energy -= EXCITATION_MEV
    track[X], track[Y], track[Z] = x, y, z
    isotropic(track, rng)
    escapes = energy > WINDOW_MEV and rng.random() < WINDOW_SHARE
    advance(track, (WINDOW_DISTANCE_CM if escapes else CAPTURE_DISTANCE_CM) * rng.standard_exponential())
    track[TIME] += CAPTURE_TIME_US * rng.standard_exponential()
    level = len(levels) - 1
    while level > 0:
        chance, lower = rng.random(), 0
        while chance >= chances[level, lower]:
            lower += 1
        stack = release_photon(track, stack, levels[level] - levels[lower], rng)
        level = lower
    return stack, energy - levels[-1]
