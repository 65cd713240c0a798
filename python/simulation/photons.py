"""Photons in liquid argon, from one interaction to the next: Compton scattering, pair production, absorption.

Free paths follow NIST XCOM. Compton scattering is that on free electrons (Klein and Nishina), sampled by the mixture of
J. C. Butcher and H. Messel, Nucl. Phys. 20, 15 (1960). The electron of photoelectric absorption gets all energy: what its atom
keeps, 3.2 keV from the K shell, is released within micrometres. Electron and positron of a pair share the energy uniformly.
Coherent scattering, which turns photons a little but takes no energy, is left out of the paths as well.
"""

from __future__ import annotations

import math

from python.physics.compiled import kernel
from python.physics.constants import ELECTRON_MASS_MEV
from python.physics.materials import (
    ATTENUATION,
    COMPTON_SHARE,
    PAIR_SHARE,
    PHOTON_CUT_MEV,
    grid_position,
    lookup,
)
from python.simulation.tracks import (
    ELECTRON,
    ENERGY,
    PHOTON,
    POSITRON,
    U,
    V,
    W,
    advance,
    inside,
    push,
    radiate,
    top,
    turn,
)


@kernel
def compton_share(energy, rng):
    """Share of its `energy` MeV that a photon keeps in a Compton scattering."""
    least = 1 / (1 + 2 * energy / ELECTRON_MASS_MEV)
    logarithmic, linear = -math.log(least), 0.5 * (1 - least * least)
    while True:
        if rng.random() * (logarithmic + linear) < logarithmic:
            share = least ** (1 - rng.random())
        else:
            share = math.sqrt(least * least + rng.random() * (1 - least * least))
        versine = ELECTRON_MASS_MEV * (1 - share) / (energy * share)
        sine2 = versine * (2 - versine)
        if rng.random() < 1 - share * sine2 / (1 + share * share):
            return share


@kernel
def scatter_photon(track, stack, rng):
    """Put the photon that goes on and the electron that recoils on the stack; return the new stack."""
    energy = track[ENERGY]
    kept = energy * compton_share(energy, rng)
    stack = push(stack, track, PHOTON, kept)
    photon = top(stack)
    turn(photon, ELECTRON_MASS_MEV * (1 / kept - 1 / energy), rng)
    stack = push(stack, track, ELECTRON, energy - kept)
    electron = top(stack)
    momentum2 = 0.0
    for axis in (U, V, W):
        electron[axis] = energy * track[axis] - kept * photon[axis]
        momentum2 += electron[axis] ** 2
    for axis in (U, V, W):
        electron[axis] /= math.sqrt(momentum2)
    return stack


@kernel
def make_pair(track, stack, rng):
    """Put the electron and positron of a pair on the stack; return the new stack."""
    available = track[ENERGY] - 2 * ELECTRON_MASS_MEV
    share = rng.random()
    for kind, energy in ((ELECTRON, share * available), (POSITRON, available - share * available)):
        stack = push(stack, track, kind, energy)
        radiate(top(stack), ELECTRON_MASS_MEV / (energy + ELECTRON_MASS_MEV), rng)
    return stack


@kernel
def follow_photon(track, stack, table, rng):
    """Follow a photon to its next interaction, and put what comes out of it on the stack.

    Returns the stack and the energy in MeV that left the volume.
    """
    energy = track[ENERGY]
    position = grid_position(energy)
    if energy > PHOTON_CUT_MEV:
        advance(track, rng.standard_exponential() / lookup(table, ATTENUATION, position))
    if not inside(track):
        return stack, energy
    process = rng.random() - lookup(table, COMPTON_SHARE, position)
    if energy > PHOTON_CUT_MEV and process < 0:
        stack = scatter_photon(track, stack, rng)
    elif energy > 2 * ELECTRON_MASS_MEV and process < lookup(table, PAIR_SHARE, position):
        stack = make_pair(track, stack, rng)
    else:
        stack = push(stack, track, ELECTRON, energy)
    return stack, 0.0
