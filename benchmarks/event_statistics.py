"""What events look like in the detector, as named lists of numbers: the same measurement of real and of simulated events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from python.detector.calibration import adc_per_mev
from python.detector.geometry import PITCH_CM, PLANES, TICK_CM, WRAP, X
from python.ingest.clustering import Clusters, ClusterSettings, make_clusters
from python.ingest.trigger_primitives import TriggerPrimitives
from python.ingest.truth import label_clusters

ENERGY_BINS_MEV = ((5, 15), (15, 30), (30, 60))
CLUSTER_CUT_MEV = 2.0
BLIP_CM = 2.0
NEAR_CM = 60.0


@dataclass
class Statistic:
    """Values (n,) and the event that each belongs to."""

    values: np.ndarray
    event: np.ndarray


@dataclass
class Sample:
    """Events as they were recorded. `electron_energy`, `deposited` (E,) MeV; `signal` (N,) marks the neutrino's primitives."""

    tps: TriggerPrimitives
    signal: np.ndarray
    electron_energy: np.ndarray
    deposited: np.ndarray


def statistics(sample: Sample) -> dict[str, Statistic]:
    """Measure a sample, plane by plane; names begin with the plane."""
    calibration = adc_per_mev("measured")
    clusters = make_clusters(sample.tps, ClusterSettings(energy_cut=0.0), calibration)
    is_signal, is_main = label_clusters(clusters, sample.tps.integral, sample.signal)
    result: dict[str, Statistic] = {}
    for plane, name in enumerate(PLANES):
        rows = np.flatnonzero(sample.signal & (sample.tps.plane == plane))
        chosen = np.flatnonzero((clusters.plane == plane) & (is_signal == 1))
        main = chosen[is_main[chosen] == 1]
        found = {
            **_of_primitives(sample, rows),
            **_of_clusters(sample, clusters, chosen),
            **_of_mains(sample, clusters, main, rows),
            **_of_blips(sample, clusters, main, rows, plane, calibration),
        }
        result.update({f"{name} {key}": value for key, value in found.items()})
    return result


def _of_primitives(sample: Sample, rows: np.ndarray) -> dict[str, Statistic]:
    tps, n_events = sample.tps, len(sample.deposited)
    event = tps.event[rows]
    everyone = np.arange(n_events)
    adc = np.bincount(event, weights=tps.integral[rows], minlength=n_events)
    seen = (adc > 0) & (sample.deposited > 0)
    return {
        "TPs per event": Statistic(np.bincount(event, minlength=n_events), everyone),
        "peak ADC": Statistic(tps.peak[rows], event),
        "integral ADC": Statistic(tps.integral[rows], event),
        "SOT": Statistic(tps.sot[rows], event),
        "time to peak / SOT": Statistic(tps.to_peak[rows] / tps.sot[rows], event),
        "ADC per MeV": Statistic(adc[seen] / sample.deposited[seen], everyone[seen]),
    }


def _of_clusters(sample: Sample, clusters: Clusters, chosen: np.ndarray) -> dict[str, Statistic]:
    everyone = np.arange(len(sample.deposited))
    event = clusters.event[chosen]
    large = event[clusters.energy[chosen] >= CLUSTER_CUT_MEV]
    return {
        "clusters per event": Statistic(np.bincount(event, minlength=len(everyone)), everyone),
        "clusters >= 2 MeV per event": Statistic(np.bincount(large, minlength=len(everyone)), everyone),
    }


def _of_mains(sample: Sample, clusters: Clusters, main: np.ndarray, rows: np.ndarray) -> dict[str, Statistic]:
    event = clusters.event[main]
    energy = sample.electron_energy[event]
    signal_adc = np.bincount(sample.tps.event[rows], weights=sample.tps.integral[rows], minlength=len(sample.deposited))
    channels, ticks = clusters.n_channels[main], (clusters.end - clusters.start)[main]
    result = {
        "main TPs": Statistic(clusters.n_tps[main], event),
        "main channels": Statistic(channels, event),
        "main ticks": Statistic(ticks, event),
        "main energy / Te": Statistic(clusters.energy[main] / energy, event),
        "main ADC / signal ADC": Statistic(clusters.adc[main] / signal_adc[event], event),
    }
    for low, high in ENERGY_BINS_MEV:
        inside = (energy >= low) & (energy < high)
        result[f"main channels, Te {low}-{high} MeV"] = Statistic(channels[inside], event[inside])
        result[f"main ticks, Te {low}-{high} MeV"] = Statistic(ticks[inside], event[inside])
    return result


def _of_blips(
    sample: Sample, clusters: Clusters, main: np.ndarray, rows: np.ndarray, plane: int, calibration: np.ndarray
) -> dict[str, Statistic]:
    """Signal primitives outside the main cluster of their event, in events that have one."""
    tps = sample.tps
    members = np.concatenate([clusters.members[clusters.indptr[i] : clusters.indptr[i + 1]] for i in main])
    in_main = np.zeros(len(tps), bool)
    in_main[members] = True
    rows = rows[np.isin(tps.event[rows], clusters.event[main])]
    blips = rows[~in_main[rows]]
    events = clusters.event[main]
    n_events = len(sample.deposited)

    def fraction(weight: np.ndarray) -> Statistic:
        outside = np.bincount(tps.event[blips], weights=weight[blips], minlength=n_events)
        everything = np.bincount(tps.event[rows], weights=weight[rows], minlength=n_events)
        return Statistic((outside / np.maximum(everything, 1))[events], events)

    return {
        "blip share of TPs": fraction(np.ones(len(tps))),
        "blip share of ADC": fraction(tps.integral.astype(float)),
        "blip distance (cm)": _distance(tps, blips, members, plane),
        "blip TP energy (MeV)": Statistic(tps.integral[blips] / calibration[plane], tps.event[blips]),
    }


def _distance(tps: TriggerPrimitives, rows: np.ndarray, members: np.ndarray, plane: int) -> Statistic:
    """Distance in the plane, cm, of the primitives `rows` from the nearest of `members` in their event, APA and face."""
    place = np.stack([tps.local * PITCH_CM[plane], (tps.start + tps.to_peak) * TICK_CM], axis=-1)
    turn = np.array([0.0 if plane == X else WRAP * PITCH_CM[plane], 0.0])
    group = (tps.event * 4 + tps.apa) * 3 + tps.face + 1
    distance = np.full(len(tps), np.nan)
    for number in np.intersect1d(group[rows], group[members]):
        mine = rows[group[rows] == number]
        targets = place[members[group[members] == number]]
        distance[mine] = KDTree(np.concatenate([targets - turn, targets, targets + turn])).query(place[mine])[0]
    near = rows[np.isfinite(distance[rows])]
    return Statistic(distance[near], tps.event[near])


def brems_is_forward(
    position: np.ndarray, energy: np.ndarray, is_brems: np.ndarray, direction: np.ndarray
) -> bool | None:
    """Whether an electron's bremsstrahlung lies ahead of its track: the sign that tells head from tail.

    `position` (n, 3) cm and `energy` (n,) of its true deposits, `is_brems` (n,) those of its photons. Only those 2 to 60 cm from
    the track count. None when there are none.
    """
    track, brems = position[~is_brems], position[is_brems]
    if not len(track) or not len(brems):
        return None
    distance = KDTree(track).query(brems)[0]
    far = (distance > BLIP_CM) & (distance < NEAR_CM)
    if not far.any():
        return None
    centre = np.average(brems[far], axis=0, weights=energy[is_brems][far])
    return bool((centre - np.average(track, axis=0, weights=energy[~is_brems])) @ direction > 0)
