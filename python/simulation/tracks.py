"""The state of a particle on its way, the stack of those yet to be followed, and the list of deposits: kernels shared by all.

A track is a row of floats: position cm, direction, kinetic energy MeV, kind, time us, whether a photon is among its ancestors,
and the z at which the argon ends that it is in. A deposit is a row as well, of the columns of `Deposits` with the row of the
initial particle.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from python.detector.geometry import MAX_X_CM, MAX_Y_CM
from python.physics.compiled import kernel

X, Y, Z, U, V, W, ENERGY, KIND, TIME, FROM_PHOTON, MAX_Z = range(11)
TRACK_COLUMNS = 11
ELECTRON, POSITRON, PHOTON, NEUTRON, PROTON, ALPHA = 0.0, 1.0, 2.0, 3.0, 4.0, 5.0

# X, Y, Z are shared with the tracks
DEPOSIT_ENERGY, DEPOSIT_LENGTH, DEPOSIT_TIME, DEPOSIT_FROM_PHOTON, DEPOSIT_PARTICLE = range(3, 8)
DEPOSIT_COLUMNS = 8


@kernel
def inside(track):
    """Whether the track is in the active volume."""
    return abs(track[X]) <= MAX_X_CM and abs(track[Y]) <= MAX_Y_CM and 0.0 <= track[Z] <= track[MAX_Z]


@kernel
def advance(track, length):
    """Move on straight by `length` cm."""
    track[X] += length * track[U]
    track[Y] += length * track[V]
    track[Z] += length * track[W]


@kernel
def turn(track, versine, rng):
    """Turn the direction by the angle whose 1 - cos is `versine`, about an azimuth drawn uniformly."""
    azimuth = 2 * math.pi * rng.random()
    cosine = 1 - versine
    sine = math.sqrt(max(versine * (2 - versine), 0.0))
    along, across = sine * math.cos(azimuth), sine * math.sin(azimuth)
    u, v, w = track[U], track[V], track[W]
    # an orthonormal pair beside (u, v, w) without a singular direction: T. Duff et al., J. Comput. Graph. Tech. 6, 1 (2017)
    sign = math.copysign(1.0, w)
    a = -1 / (sign + w)
    b = u * v * a
    track[U] = cosine * u + along * (1 + sign * u * u * a) + across * b
    track[V] = cosine * v + along * sign * b + across * (sign + v * v * a)
    track[W] = cosine * w - along * sign * u - across * v


@kernel
def isotropic(track, rng):
    """Give the track any direction."""
    turn(track, 2 * rng.random(), rng)


@kernel
def radiate(track, mass_over_energy, rng):
    """Turn to a direction in which something light leaves a particle of the given mass / total energy.

    A dipole's 1 + cos^2 in the particle's rest frame, boosted: angles of about mass / energy.
    """
    beta = math.sqrt(max(1 - mass_over_energy * mass_over_energy, 0.0))
    cosine = 2 * rng.random() - 1
    while 2 * rng.random() > 1 + cosine * cosine:
        cosine = 2 * rng.random() - 1
    turn(track, (1 - beta) * (1 - cosine) / (1 + beta * cosine), rng)


@kernel
def copy(source, target):
    """Copy a row element by element (numba compiles this ten times faster than a slice)."""
    for i in range(len(source)):
        target[i] = source[i]


class Stack(NamedTuple):
    """Tracks yet to be followed, the first `depth` of `tracks` (S, TRACK_COLUMNS)."""

    tracks: np.ndarray
    depth: int | np.int64


@kernel
def push(stack, parent, kind, energy):
    """Put a particle on the stack where `parent` is, with its direction; return the new stack."""
    new = stack.tracks[stack.depth]
    copy(parent, new)
    new[KIND] = kind
    new[ENERGY] = energy
    if parent[KIND] == PHOTON:
        new[FROM_PHOTON] = 1.0
    return Stack(stack.tracks, stack.depth + 1)


@kernel
def top(stack):
    """The track that was put there last."""
    return stack.tracks[stack.depth - 1]


class Deposited(NamedTuple):
    """What was deposited so far, the first `written` of `rows` (D, DEPOSIT_COLUMNS)."""

    rows: np.ndarray
    written: int | np.int64


@kernel
def deposit(deposited, particle, track, energy, length):
    """Write a deposit where `track` is; return the new list, with longer rows if they were full."""
    deposits, count = deposited
    if count == len(deposits):
        longer = np.empty((2 * count, DEPOSIT_COLUMNS))
        for row in range(count):
            copy(deposits[row], longer[row])
        deposits = longer
    new = deposits[count]
    new[X], new[Y], new[Z] = track[X], track[Y], track[Z]
    new[DEPOSIT_ENERGY], new[DEPOSIT_LENGTH] = energy, length
    new[DEPOSIT_TIME], new[DEPOSIT_FROM_PHOTON], new[DEPOSIT_PARTICLE] = track[TIME], track[FROM_PHOTON], particle
    return Deposited(deposits, count + 1)
