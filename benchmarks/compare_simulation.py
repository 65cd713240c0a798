"""Real events beside simulated twins: same energies, directions and places, measured in the same way.

Every real event (60, of the full simulation of the experiment) is simulated N_TWINS times, without backgrounds, as in the real
files. So there are N_TWINS simulated samples as large as the real one and with the same neutrinos. A statistic agrees when the
real median lies where the medians of these samples lie: `p` is the two-sided fraction of them that are as far out. The same for
the Kolmogorov-Smirnov distance from all twins together. Medians of p < 0.01 are listed; of so many statistics one or two are by
chance. `from_true_charge` is the median of the real events' own true charge seen by the simulated wires and electronics: what
agrees there but not with the twins comes from the paths of particles, of which the real sample is 60 throws of the dice.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import uproot
from scipy.stats import ks_2samp

from benchmarks.event_statistics import Sample, Statistic, brems_is_forward, statistics
from benchmarks.record import REAL_FILES, ROOT, save_result
from benchmarks.response_on_true_deposits import true_charge
from python.detector.geometry import (
    ACTIVE_Y_CM,
    CHANNELS_PER_APA,
    FIRST_CHANNEL,
    PLANES,
    WIRE_PLANE_X_CM,
    X_CHANNELS_PER_FACE,
    X,
    apa_at,
    locate_channel,
    wire_coordinate,
)
from python.general_purpose_libs import DataError
from python.ingest.root_reader import read_source
from python.ingest.sim_deposits import read_sim_deposits
from python.ingest.trigger_primitives import TriggerPrimitives
from python.ingest.truth import event_truth
from python.simulation.drift import drift
from python.simulation.records import Particles
from python.simulation.response import respond
from python.simulation.transport import KIND_OF_PDG, transport

N_TWINS = 400
TWINS_AT_A_TIME = 20
LOWEST_P = 0.01
FEWEST_VALUES = 5
LARGEST_NOISE_ADC = 400
ELECTRON = 11
OUTGOING = 1  # status in `mctruths`
PICTURES = ROOT / "benchmarks" / "results"


@dataclass
class RealEvents:
    """Events of a file as they were recorded, the direction (E, 3) of their electrons, and what left the neutrino's vertex."""

    sample: Sample
    direction: np.ndarray
    particles: Particles


def read_real(path: Path) -> RealEvents:
    """Read recorded events with the particles of their truth."""
    source = read_source(path)
    truth = event_truth(source)
    if source.mctruths is None:
        raise DataError(f"{path}: holds no truth")
    table = source.mctruths
    outgoing = (table["status_code"] == OUTGOING) & np.isin(table["pdg"], list(KIND_OF_PDG))
    table = {name: column[outgoing] for name, column in table.items()}
    momentum = np.stack([table[f"p{axis}"] for axis in "xyz"], axis=-1) * 1e3
    mass = np.sqrt(np.maximum((table["energy"] * 1e3) ** 2 - np.sum(momentum**2, axis=-1), 0))
    particles = Particles(
        event=table["event"],
        pdg=table["pdg"].astype(np.int64),
        energy=table["energy"] * 1e3 - mass,
        position=np.stack([table[axis] for axis in "xyz"], axis=-1),
        direction=unit(momentum),
        time=np.zeros(len(momentum)),
        is_signal=np.ones(len(momentum), bool),
    )
    deposits = read_sim_deposits(path)
    on_x = locate_channel(deposits.channel).plane == X  # every plane sees all of the energy
    deposited = np.bincount(deposits.event[on_x], weights=deposits.energy[on_x], minlength=len(source.events))
    sample = Sample(source.tps, _is_signal(source.tps), truth.electron_energy, deposited)
    return RealEvents(sample, unit(truth.electron_momentum), particles)


def simulate_twins(real: RealEvents, seed: int) -> tuple[Sample, list[bool | None]]:
    """Make TWINS_AT_A_TIME twins of every event, twin after twin; and tell whether the bremsstrahlung of each lies ahead."""
    n_events = len(real.direction)
    rng = np.random.default_rng(seed)
    particles = Particles.concatenate([real.particles] * TWINS_AT_A_TIME)
    particles.event = particles.event + np.repeat(np.arange(TWINS_AT_A_TIME) * n_events, len(real.particles))
    deposits, _ = transport(particles, rng)
    n_twins = n_events * TWINS_AT_A_TIME
    tps, _, _ = respond(drift(deposits, rng), n_twins, rng)
    seen = has_wires(deposits.position)
    deposited = np.bincount(deposits.event[seen], weights=deposits.energy[seen], minlength=n_twins)
    forward = []
    of_electron = particles.pdg[deposits.particle] == ELECTRON
    borders = np.searchsorted(deposits.event, np.arange(n_twins + 1))
    for event, (first, last) in enumerate(pairwise(borders)):
        mine = np.arange(first, last)[of_electron[first:last]]
        brems = deposits.from_photon[mine]
        forward.append(
            brems_is_forward(deposits.position[mine], deposits.energy[mine], brems, real.direction[event % n_events])
        )
    electron_energy = np.tile(real.sample.electron_energy, TWINS_AT_A_TIME)
    return Sample(tps, _is_signal(tps), electron_energy, deposited), forward


def respond_to_true_charge(path: Path, real: RealEvents) -> Sample:
    """Let the simulated wires and electronics see the charge that the real files say arrived: only they can differ then."""
    tps, _, _ = respond(true_charge(path), len(real.direction), np.random.default_rng(0))
    return Sample(tps, _is_signal(tps), real.sample.electron_energy, real.sample.deposited)


def _is_signal(tps: TriggerPrimitives) -> np.ndarray:
    """Mark the primitives that are the neutrino's: those larger than noise gets, as there is nothing else in these events.

    The true labels of the real files would not do. They miss a part of the small ones (on X 14 % of 400 to 1000 ADC, a third
    below 200), whose charge came earlier than the search for it begins.
    """
    return tps.integral > LARGEST_NOISE_ADC


def has_wires(position: np.ndarray) -> np.ndarray:
    """Mark the positions (D, 3) whose charge comes down on wires: elsewhere the real files have no true deposits either."""
    x, y, z = position.T
    channel = np.rint(wire_coordinate(X, apa_at(y, z), -1, y, z))
    on_wires = (channel >= 0) & (channel < X_CHANNELS_PER_FACE)
    return on_wires & (np.abs(x) > WIRE_PLANE_X_CM) & (np.abs(y) > ACTIVE_Y_CM[0]) & (np.abs(y) < ACTIVE_Y_CM[1])


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def real_forward(path: Path, directions: np.ndarray) -> list[bool | None]:
    """Tell for each event of a file whether the electron's own bremsstrahlung lies ahead of its track.

    True deposits carry the number of the particle that made them, negative for what its shower made. The number of the primary
    electron is that of the primary particle with its energy.
    """
    with uproot.open(path) as file:
        names = {name.split("/")[-1]: name for name in file.keys(cycle=False)}
        columns = ["Event", "channel", "energy", "x", "y", "z", "trackID"]
        deposits = file[names["simides"]].arrays(columns, library="np")
        particles = file[names["mcparticles"]].arrays(["Event", "pdg", "g4_track_id", "mother", "energy"], library="np")
    on_x = deposits["channel"] % CHANNELS_PER_APA >= FIRST_CHANNEL[X]
    deposits = {name: column[on_x] for name, column in deposits.items()}
    position = np.stack([deposits[axis] for axis in "xyz"], axis=-1)
    result = []
    for row, event in enumerate(np.unique(particles["Event"])):
        primary = (particles["Event"] == event) & (particles["mother"] == 0) & (particles["pdg"] == ELECTRON)
        number = particles["g4_track_id"][primary][np.argmax(particles["energy"][primary])]
        mine = (deposits["Event"] == event) & (np.abs(deposits["trackID"]) == number)
        result.append(
            brems_is_forward(position[mine], deposits["energy"][mine], deposits["trackID"][mine] < 0, directions[row])
        )
    return result


def main() -> None:
    result: dict[str, Any] = {"twins": N_TWINS, "lowest_p": LOWEST_P}
    disagreements = []
    for kind, path in zip(("es", "cc"), REAL_FILES, strict=True):
        real = read_real(path)
        measured = statistics(real.sample)
        measured = {name: value for name, value in measured.items() if len(value.values) >= FEWEST_VALUES}
        parts = [simulate_twins(real, seed) for seed in range(N_TWINS // TWINS_AT_A_TIME)]
        twins = [statistics(part) for part, _ in parts]
        table = {
            name: compare(measured[name], [part[name] for part in twins], len(real.direction)) for name in measured
        }
        responded = statistics(respond_to_true_charge(path, real))
        for name, row in table.items():
            row["from_true_charge"] = round(float(np.median(responded[name].values)), 3)
        disagreements += [f"{kind} {name}" for name, row in table.items() if row["p"] < LOWEST_P]
        result[kind] = {
            "forward_bremsstrahlung": {
                "real": share(real_forward(path, real.direction)),
                "simulated": share([value for _, forward in parts for value in forward]),
            },
            "statistics": table,
        }
        draw(kind, measured, twins)
    result["disagreements"] = disagreements
    save_result("compare_simulation", result)


def share(forward: list[bool | None]) -> dict[str, float]:
    known = [value for value in forward if value is not None]
    return {"events": len(known), "forward": round(float(np.mean(known)), 3)}


def compare(real: Statistic, twins: list[Statistic], n_events: int) -> dict[str, float]:
    """Compare the real values with those of all twins, and with those of each set of twins for the chance of it."""
    everything = np.concatenate([part.values for part in twins])
    sets = [part.values[part.event // n_events == i] for part in twins for i in range(TWINS_AT_A_TIME)]
    sets = [values for values in sets if len(values)]
    medians = np.array([np.median(values) for values in sets])
    distances = np.array([ks_2samp(values, everything).statistic for values in sets])
    median, distance = np.median(real.values), ks_2samp(real.values, everything).statistic
    below, above = np.mean(medians <= median), np.mean(medians >= median)
    return {
        "n": len(real.values),
        "real": round(float(median), 3),
        "simulated": round(float(np.median(everything)), 3),
        "error": round(float(np.std(medians)), 3),
        "p": round(float(min(1.0, 2 * min(below, above))), 3),
        "ks": round(float(distance), 3),
        "ks_p": round(float(np.mean(distances >= distance)), 3),
    }


def draw(kind: str, real: dict[str, Statistic], twins: list[dict[str, Statistic]]) -> None:
    """Draw the cumulative distribution of every statistic, real (line) over all twins (area), one picture a plane."""
    for plane in PLANES:
        names = [name for name in real if name.startswith(plane)]
        figure, axes = plt.subplots(5, 5, figsize=(16, 14), layout="constrained")
        for axis, name in zip(axes.flat, names, strict=False):
            simulated = np.sort(np.concatenate([part[name].values for part in twins]))
            axis.fill_between(
                simulated, np.linspace(0, 1, len(simulated)), step="post", alpha=0.3, label="simulated twins"
            )
            values = np.sort(real[name].values)
            axis.step(values, np.arange(1, len(values) + 1) / len(values), where="post", color="black", label="real")
            axis.set_title(name, fontsize=9)
            axis.set_xlim(*np.quantile(np.concatenate([simulated, values]), [0.0, 0.99]))
        for axis in axes.flat[len(names) :]:
            axis.axis("off")
        axes.flat[0].legend(fontsize=8)
        figure.suptitle(f"{kind.upper()} events, plane {plane}: cumulative distributions")
        figure.savefig(PICTURES / f"compare_simulation_{kind}_{plane}.png", dpi=60)
        plt.close(figure)


if __name__ == "__main__":
    main()
