"""Electrons and positrons in liquid argon, step by step: what they lose, whom they knock on, what they radiate, how they scatter.

A condensed history of class II (M. J. Berger, 1963): rare violent events are sampled one by one, the many weak ones of a step
together. Above the cuts of materials.py these are knock-on electrons and photons. The loss of a step below the cuts
fluctuates with the variance of Bohr, and is drawn from a gamma distribution of that mean and variance. Positrons are followed
like electrons, and annihilate at rest.

Elastic scattering follows the screened Rutherford cross-section of Moliere with Z(Z+1) for Z^2, so that the electrons of the
atom count as well (which is why a particle that knocks on another does not turn besides). In mu = (1 - cos) / 2,

    dsigma/dmu = A (1 + A) sigma / (mu + A)^2,   A = chi_a^2 / 4.

Scatterings with mu > mu_c, of which a step has half a one on average, are sampled one by one; hundreds below together
make one deflection of the distribution of von Mises and Fisher, whose mean cosine is the product of theirs. The mean free path
of transport and the tail of single scattering are thus exact. Scatterings sampled one by one are thinned by 1 - beta^2 mu,
the spin of the electron (N. F. Mott). Facts: G. Moliere, Z. Naturforsch. 2a, 133 and 3a, 78; H. A. Bethe, Phys. Rev. 89, 1256.

The length of a deposit is the straight distance between the ends of its step, as the full simulation of the experiment records
it and takes its recombination from. Steps are as long as there. A path of length s with transport mean free path l is bent to
s sqrt(2 (t - 1 + exp(-t))) / t on average, t = s / l. That of an electron that stops follows the charge of the isolated deposits
of 15 to 150 keV in the 50 charged-current reference events: 0.34 of its range at 15 keV to 0.5, where the same theory gives 0.5.
"""

from __future__ import annotations

import math

from python.physics.compiled import kernel
from python.physics.constants import ELECTRON_MASS_MEV
from python.physics.materials import (
    ATOMIC_NUMBER,
    ATOMS_PER_CM3,
    CLASSICAL_RADIUS_CM,
    COLLISION_SCALE,
    DELTA_CUT_MEV,
    DELTA_RATE,
    PHOTON_CUT_MEV,
    PHOTON_RATE,
    RANGE,
    SOFT_LOSS,
    grid_position,
    lookup,
)
from python.simulation.tracks import (
    ELECTRON,
    ENERGY,
    KIND,
    PHOTON,
    POSITRON,
    U,
    V,
    W,
    advance,
    deposit,
    inside,
    isotropic,
    push,
    radiate,
    top,
    turn,
)

STEP_CM = 0.03  # an electron whose range is shorter stops within a step
STOP_MEV = 0.155  # has that range
STOP_STRAIGHTNESS, STOP_STRAIGHTNESS_PER_MEV = 0.31, 1.4
SINGLE_SCATTERINGS = 0.5  # of a step, on average
SCREENING_MEV2 = 2.007e-5 * ATOMIC_NUMBER ** (2 / 3)  # chi_a^2 p^2 without the Born correction
BORN = 3.34 * (ATOMIC_NUMBER / 137.036) ** 2
SCATTERING_MEV2_CM = (
    math.pi * (CLASSICAL_RADIUS_CM * ELECTRON_MASS_MEV) ** 2 * ATOMIC_NUMBER * (ATOMIC_NUMBER + 1) * ATOMS_PER_CM3
)


@kernel
def soft_loss(energy, length, table, rng):
    """Energy in MeV lost below the cuts on `length` cm; less than 0 or more than `energy` is not possible."""
    at_start = lookup(table, SOFT_LOSS, grid_position(energy))
    middle = max(energy - 0.5 * length * at_start, 0.5 * energy)
    mean = length * lookup(table, SOFT_LOSS, grid_position(middle))
    gamma = 1 + middle / ELECTRON_MASS_MEV
    beta2 = 1 - 1 / (gamma * gamma)
    hardest = min(DELTA_CUT_MEV, 0.5 * middle)
    variance = COLLISION_SCALE * length * hardest * (1 / beta2 - 0.5 * hardest / middle)
    return min(variance / mean * rng.standard_gamma(mean * mean / variance), energy)


@kernel
def screening(energy):
    """Return A, p^2 beta^2 in MeV^2 and beta^2 at a kinetic energy in MeV."""
    momentum2 = energy * (energy + 2 * ELECTRON_MASS_MEV)
    beta2 = momentum2 / (energy + ELECTRON_MASS_MEV) ** 2
    return 0.25 * SCREENING_MEV2 * (1 + BORN / beta2) / momentum2, momentum2 * beta2, beta2


@kernel
def straight_length(energy, length):
    """Mean straight distance in cm between the ends of a path of `length` cm of an electron of `energy` MeV."""
    a, momentum2_beta2, _ = screening(energy)
    turns = 2 * SCATTERING_MEV2_CM / momentum2_beta2 * length * (math.log1p(1 / a) - 1 / (1 + a))
    return length * math.sqrt(2 * (turns + math.expm1(-turns))) / turns


@kernel
def scatter(track, energy, length, rng):
    """Turn the track as `length` cm of argon do with an electron of `energy` MeV."""
    a, momentum2_beta2, beta2 = screening(energy)
    number = SCATTERING_MEV2_CM / momentum2_beta2 * length / (a * (1 + a))
    if number <= SINGLE_SCATTERINGS:
        cut, single = 0.0, number
    else:
        cut = a * (number - SINGLE_SCATTERINGS) / (number * a + SINGLE_SCATTERINGS)
        single = SINGLE_SCATTERINGS
        mean_mu = number * a * (1 + a) * (math.log1p(cut / a) - cut / (cut + a))
        cosine = math.exp(-2 * mean_mu)
        # concentration of the distribution with that mean cosine: A. Banerjee et al., J. Mach. Learn. Res. 6, 1345 (2005)
        concentration = cosine * (3 - cosine * cosine) / -math.expm1(-4 * mean_mu)
        versine = -math.log1p(rng.random() * math.expm1(-2 * concentration)) / concentration
        turn(track, versine, rng)
    next_scattering = rng.standard_exponential()
    while next_scattering < single:
        share = rng.random()
        mu = (cut * (1 + a) + share * a * (1 - cut)) / (1 + a - share * (1 - cut))
        if rng.random() > beta2 * mu:
            turn(track, 2 * mu, rng)
        next_scattering += rng.standard_exponential()


@kernel
def knock_on(energy, rng):
    """Energy in MeV, from the cut to energy / 2, that a particle of `energy` MeV gives to an electron (Moller)."""
    gamma = 1 + energy / ELECTRON_MASS_MEV
    a, b = ((gamma - 1) / gamma) ** 2, (2 * gamma - 1) / gamma**2
    low = DELTA_CUT_MEV / energy
    while True:
        share = 0.5 * low / (0.5 - rng.random() * (0.5 - low))
        other = share / (1 - share)
        weight = 1 - b * share + a * share * share + other * other - b * share * other
        if rng.random() * (2 - b + 0.25 * a) < weight:
            return share * energy


@kernel
def photon_energy(energy, rng):
    """Energy in MeV, from the cut to `energy`, of a photon radiated by a particle of `energy` MeV."""
    while True:
        photon = PHOTON_CUT_MEV * (energy / PHOTON_CUT_MEV) ** rng.random()
        y = photon / energy
        if rng.random() < 1 - y + 0.75 * y * y:
            return photon


@kernel
def violent_event(track, delta_share, stack, rng):
    """Knock on an electron or radiate a photon, with the given odds for the first; return the new stack."""
    energy = track[ENERGY]
    if rng.random() < delta_share:
        if energy <= 2 * DELTA_CUT_MEV:
            return stack
        given = knock_on(energy, rng)
        stack = push(stack, track, ELECTRON, given)
        # momentum and energy of the two together: T' (T + 2m) / (T (T' + 2m)) = cos^2
        mass = 2 * ELECTRON_MASS_MEV
        turn(top(stack), 1 - math.sqrt(given * (energy + mass) / (energy * (given + mass))), rng)
    else:
        given = photon_energy(energy, rng)
        stack = push(stack, track, PHOTON, given)
        radiate(top(stack), ELECTRON_MASS_MEV / (energy + ELECTRON_MASS_MEV), rng)
    track[ENERGY] -= given
    return stack


@kernel
def annihilate(track, stack, rng):
    """Two photons of the electron's mass, back to back; return the new stack."""
    isotropic(track, rng)
    stack = push(stack, track, PHOTON, ELECTRON_MASS_MEV)
    track[U], track[V], track[W] = -track[U], -track[V], -track[W]
    return push(stack, track, PHOTON, ELECTRON_MASS_MEV)


@kernel
def follow_electron(track, particle, stack, deposited, table, rng):
    """Follow an electron or positron until it stops or leaves.

    What it knocks on and radiates goes onto `stack`; deposits are those of `particle`, a row of the initial particles.
    Returns the stack, the deposits and the energy in MeV that left the volume.
    """
    at_rest = 2 * ELECTRON_MASS_MEV if track[KIND] == POSITRON else 0.0
    while track[ENERGY] > STOP_MEV:
        energy = track[ENERGY]
        position = grid_position(energy)
        delta_rate, photon_rate = lookup(table, DELTA_RATE, position), lookup(table, PHOTON_RATE, position)
        advance(track, 0.5 * STEP_CM)
        if not inside(track):
            return stack, deposited, energy + at_rest
        loss = soft_loss(energy, STEP_CM, table, rng)
        middle = energy - 0.5 * loss
        deposited = deposit(deposited, particle, track, loss, straight_length(middle, STEP_CM))
        track[ENERGY] -= loss
        scatter(track, middle, STEP_CM, rng)
        advance(track, 0.5 * STEP_CM)
        # at most one at the end of a step, which has a few in a hundred on average
        if rng.random() < (delta_rate + photon_rate) * STEP_CM and track[ENERGY] > STOP_MEV:
            stack = violent_event(track, delta_rate / (delta_rate + photon_rate), stack, rng)
    if not inside(track):
        return stack, deposited, track[ENERGY] + at_rest
    if track[ENERGY] > 0.0:
        length = lookup(table, RANGE, grid_position(track[ENERGY]))
        length *= STOP_STRAIGHTNESS + STOP_STRAIGHTNESS_PER_MEV * track[ENERGY]
        deposited = deposit(deposited, particle, track, track[ENERGY], length)
    if track[KIND] == POSITRON:
        stack = annihilate(track, stack, rng)
    return stack, deposited, 0.0
