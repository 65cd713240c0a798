"""Drift: from deposits of energy to the electrons that arrive at each wire in each tick.

Of the electrons that a deposit sets free some recombine at once and some are caught by impurities on their way. The others
drift to the wire planes at 1.6058 mm/us and spread out meanwhile. All three planes see every electron.

What the 89 thousand simulated deposits (SimIDEs) of the project's two reference files, `es_tpstream.root` and
`cc_tpstream.root`, say, and where the constants come from:
- electrons per MeV, as a function of the drift time, end at a sharp upper edge. It falls with a lifetime of 9.4 ms (quantiles
  0.8 to 0.99: 9.3 to 9.5) and starts at 0.7175 electrons per pair: the modified box model has its highest recombination factor
  there, 0.716. The ratio of the sums alone, of which showers of other dE/dx are part, gives anything from 9 to 13 ms.
- variances in time and across the wires, from the curvature of the logarithm of the charge of point-like deposits, follow the
  nominal 4.0 and 8.8 cm2/s within a tenth, when spreading ends 10 cm before the wires, where the response of wires begins.
- the tick of a deposit is the nearest integer: the mean residual is 0.003 of a tick.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from python.detector.geometry import (
    ACTIVE_Y_CM,
    APA_PITCH_Z_CM,
    CHANNELS_PER_APA,
    CHANNELS_PER_CM_Y,
    CHANNELS_PER_CM_Z,
    FIRST_CHANNEL,
    MAX_X_CM,
    OFFSET,
    PITCH_CM,
    PLANES,
    ROW_BORDERS_Z_CM,
    SIGN_Y,
    SIGN_Z,
    TICK_CM,
    TICK_US,
    TICKS_PER_WINDOW,
    WIRE_PLANE_X_CM,
    WRAP,
    X_CHANNELS_PER_FACE,
    X_FIRST_WIRE_Z_CM,
    U,
    V,
    X,
    drift_ticks,
)
from python.physics.compiled import kernel
from python.simulation.records import Charge, Deposits

ENERGY_PER_PAIR_MEV = 23.6e-6  # Miyajima et al., Phys. Rev. A 9 (1974) 1438
LIFETIME_US = 9400.0
FIELD_KV_CM = 0.5
DENSITY_G_CM3 = 1.396
BOX_A, BOX_B = 0.93, 0.212  # B in kV/cm g/cm2 per MeV: ArgoNeuT, JINST 8 (2013) P08005
MIN_DEDX_MEV_CM = 1.0  # nothing ionises less; below, the modified box model runs the wrong way
DIFFUSION_ALONG_CM2_US = 4.0e-6
DIFFUSION_ACROSS_CM2_US = 8.8e-6
FARTHEST_TICKS, FARTHEST_CM = 10.0, 1.5  # beyond what an electron is ever displaced
RESPONSE_STARTS_CM = 10.0  # spreading from there on is part of the measured response of the wires

# Electrons move in packets. A wire collects thousands of electrons, whose number hardly fluctuates, but few packets: those of
# 600, drawn one by one, would add 5 % of noise to the charge of a wire on a track and 24 % to that of the wire beside it; these
# add 1.6 and 8 %. Their displacements fill the unit cube evenly, by an additive recurrence whose steps are the powers of 1/g,
# g^4 = g + 1 (M. Roberts, "The unreasonable effectiveness of quasirandom sequences", 2018), from a random start: every packet
# by itself is still random.
PACKET_ELECTRONS = 150
EVEN_STEPS = (1 / 1.2207440846057596) ** np.arange(1, 4)
N_QUANTILES = 4096
NORMAL_QUANTILE = ndtri((np.arange(N_QUANTILES) + 0.5) / N_QUANTILES)

# A packet is one integer, so that sorting packets sorts them by wire and time: event | channel | tick | signal | electrons.
ELECTRON_BITS, TICK_BITS, CHANNEL_BITS = 10, 13, 15
SIGNAL_BIT = 1 << ELECTRON_BITS
PLACE_SHIFT = ELECTRON_BITS + 1


def drift(deposits: Deposits, rng: np.random.Generator, planes: np.ndarray | None = None) -> Charge:
    """Carry the electrons of `deposits`, events in any order and each in the argon of its geometry, to the wires.

    `planes` bool (D, 3) are the planes on which each deposit is wanted, by default all. Lost is what lies between the wire planes
    or beyond the cathode, what arrives outside the readout window, and what comes down where there are no wires: outside the
    APAs and in the gaps of a few cm between them.
    """
    can_arrive = _can_arrive(deposits)
    planes = np.ones((len(deposits), len(PLANES)), bool) if planes is None else planes
    deposits, planes = deposits.take(can_arrive), planes[can_arrive]
    electrons = surviving_electrons(deposits, rng)
    packets = -(-electrons // PACKET_ELECTRONS)
    along, across = diffusion_cm(deposits.position[:, 0])
    keys = np.empty(3 * int(packets.sum()), np.int64)
    arrival = drift_ticks(deposits.position[:, 0]) + deposits.time / TICK_US
    clouds = _Clouds(
        deposits.event.astype(np.int64), deposits.position.astype(float), deposits.is_signal.astype(np.int64),
        arrival, electrons, packets, along / TICK_CM, across, planes,
    )  # fmt: skip
    n_keys = _scatter(clouds, rng.random(3), keys)
    return _collect(np.sort(keys[:n_keys]))


def _can_arrive(deposits: Deposits) -> np.ndarray:
    """Mark the deposits (D,) between a wire plane and the cathode whose electrons may come within the readout window."""
    distance, height = np.abs(deposits.position[:, 0]), np.abs(deposits.position[:, 1])
    arrival = drift_ticks(distance) + deposits.time / TICK_US
    in_time = (arrival > -FARTHEST_TICKS) & (arrival < TICKS_PER_WINDOW + FARTHEST_TICKS)
    near = (height > ACTIVE_Y_CM[0] - FARTHEST_CM) & (height < ACTIVE_Y_CM[1] + FARTHEST_CM)
    return (distance > WIRE_PLANE_X_CM) & (distance < MAX_X_CM) & in_time & near


def recombination_factor(dedx: np.ndarray) -> np.ndarray:
    """Share of the electrons that escape recombination at a dE/dx in MeV/cm: the modified box model at 0.5 kV/cm."""
    density = BOX_B * np.maximum(dedx, MIN_DEDX_MEV_CM) / (DENSITY_G_CM3 * FIELD_KV_CM)
    return np.log(BOX_A + density) / density


def surviving_electrons(deposits: Deposits, rng: np.random.Generator) -> np.ndarray:
    """Electrons (D,) int64 of each deposit that reach the wires: each of them independently of the others."""
    pairs = np.floor(deposits.energy / ENERGY_PER_PAIR_MEV + rng.random(len(deposits))).astype(np.int64)
    return rng.binomial(pairs, arriving_share(deposits.energy / deposits.length, deposits.position[:, 0]))


def arriving_share(dedx: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Share of the electrons set free with a dE/dx in MeV/cm at x in cm that neither recombine nor are caught on their way."""
    return recombination_factor(dedx) * np.exp(-drift_ticks(x) * TICK_US / LIFETIME_US)


def diffusion_cm(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Standard deviations in cm, along the drift and across it, of electrons that start at x in cm."""
    time_us = np.maximum(np.abs(x) - RESPONSE_STARTS_CM, 0) / (TICK_CM / TICK_US)
    return np.sqrt(2 * DIFFUSION_ALONG_CM2_US * time_us), np.sqrt(2 * DIFFUSION_ACROSS_CM2_US * time_us)


@kernel
def _even_normal(number, axis, start):
    """Standard normal displacement of packet `number` along one of the three axes."""
    return NORMAL_QUANTILE[int(N_QUANTILES * ((start[axis] + number * EVEN_STEPS[axis]) % 1.0))]


class _Clouds(NamedTuple):
    """The electrons of deposits (D,) where they arrive: `tick`, and standard deviations `along` in ticks and `across` in cm.

    `planes` (D, 3) is where they are wanted.
    """

    event: np.ndarray
    position: np.ndarray
    is_signal: np.ndarray
    tick: np.ndarray
    electrons: np.ndarray
    packets: np.ndarray
    along: np.ndarray
    across: np.ndarray
    planes: np.ndarray


@kernel
def row_at(z):
    """Row of APAs of z in cm, as `apa_at`."""
    row = 0
    while row < len(ROW_BORDERS_Z_CM) and z > ROW_BORDERS_Z_CM[row]:
        row += 1
    return row


@kernel
def induction_wire(plane, odd, right, y, z):
    """Position across the wires of U or V in channels, of y and z' in cm (on an odd APA, at x > 0), as `wire_coordinate`."""
    place = SIGN_Y[plane, odd, right] * CHANNELS_PER_CM_Y * y + OFFSET[plane, odd, right]
    return place + SIGN_Z[plane, odd, right] * CHANNELS_PER_CM_Z * z


@kernel
def _scatter(clouds, start, keys):
    """Displace the packets of each deposit and write one key a packet and plane; return how many arrived.

    `start` (3,) is where the recurrence of their displacements starts.
    """
    event, position, is_signal, tick, electrons, packets, along, across, planes = clouds
    n_keys = n_packets = 0
    for i in range(len(event)):
        right = 1 if position[i, 0] > 0 else 0
        left_over = electrons[i]
        for packet in range(packets[i]):
            size = left_over // (packets[i] - packet)
            left_over -= size
            n_packets += 1
            arrival = math.floor(tick[i] + along[i] * _even_normal(n_packets, 0, start) + 0.5)
            y = position[i, 1] + across[i] * _even_normal(n_packets, 1, start)
            z = position[i, 2] + across[i] * _even_normal(n_packets, 2, start)
            row = row_at(z)
            odd = 1 if y > 0 else 0
            z -= row * APA_PITCH_Z_CM
            wire = math.floor((z - X_FIRST_WIRE_Z_CM) / PITCH_CM[X] + 0.5)
            in_window = 0 <= arrival < TICKS_PER_WINDOW
            if not in_window or not 0 <= wire < X_CHANNELS_PER_FACE or not ACTIVE_Y_CM[0] <= abs(y) <= ACTIVE_Y_CM[1]:
                continue
            first = (event[i] << CHANNEL_BITS) + (2 * row + odd) * CHANNELS_PER_APA
            content = (arrival << PLACE_SHIFT) + is_signal[i] * SIGNAL_BIT + size
            for plane in (U, V, X):
                if not planes[i, plane]:
                    continue
                local = wire + X_CHANNELS_PER_FACE * right
                if plane != X:
                    local = math.floor(induction_wire(plane, odd, right, y, z) + 0.5) % WRAP
                keys[n_keys] = ((first + FIRST_CHANNEL[plane] + local) << (TICK_BITS + PLACE_SHIFT)) + content
                n_keys += 1
    return n_keys


def _collect(keys: np.ndarray) -> Charge:
    """Add up the packets, sorted, of the same event, channel and tick."""
    place, electrons, signal = np.empty(len(keys), np.int64), np.zeros(len(keys)), np.zeros(len(keys))
    n = _add_up(keys, place, electrons, signal)
    channel = place[:n] >> TICK_BITS
    return Charge(
        event=channel >> CHANNEL_BITS,
        channel=channel & ((1 << CHANNEL_BITS) - 1),
        tick=place[:n] & ((1 << TICK_BITS) - 1),
        electrons=electrons[:n].copy(),
        signal_electrons=signal[:n].copy(),
    )


@kernel
def _add_up(keys, place, electrons, signal):
    """Write each place once, with its electrons; return the number of places."""
    last = -1
    for key in keys:
        if last < 0 or place[last] != key >> PLACE_SHIFT:
            last += 1
            place[last] = key >> PLACE_SHIFT
        electrons[last] += key & (SIGNAL_BIT - 1)
        if key & SIGNAL_BIT:
            signal[last] += key & (SIGNAL_BIT - 1)
    return last + 1
