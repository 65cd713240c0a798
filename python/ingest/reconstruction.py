"""What is reconstructed of trigger primitives: clusters, which of them are one deposit, and what the truth calls them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from python.data.metadata import EVENT_KEY, empty_metadata
from python.detector.calibration import adc_per_mev
from python.ingest.clustering import Clusters, ClusterSettings, make_clusters
from python.ingest.matching import Matches, match_planes
from python.ingest.readout import Readout
from python.ingest.truth import label_clusters


@dataclass
class Reconstruction:
    """The clusters (C) in a readout with their matches, and the labels `is_marley` and `is_main` (C,), -1 without truth.

    `settings` say what makes a cluster, `adc_per_mev` (3,) calibrates U, V, X. Labels are passed on to the metadata, and decide
    nothing else but around what volumes in the older layout are made.
    """

    readout: Readout
    settings: ClusterSettings
    adc_per_mev: np.ndarray
    clusters: Clusters
    matches: Matches
    is_marley: np.ndarray
    is_main: np.ndarray

    def metadata(self, chosen: np.ndarray) -> np.ndarray:
        """Rows of the metadata table for the clusters `chosen` (numbers), all but `lost_charge` and `drift_frame`."""
        clusters, matches, truth = self.clusters, self.matches, self.readout.truth
        event = clusters.event[chosen]
        table = empty_metadata(len(chosen))
        for name in EVENT_KEY:
            table[name] = self.readout.events[name][event]
        if self.readout.times is not None:
            table["time"] = self.readout.times[event]
        table["is_marley"] = self.is_marley[chosen]
        table["is_main_track"] = self.is_main[chosen]
        table["is_es_interaction"] = truth.is_es[event]
        for i, axis in enumerate("xyz"):
            table[f"true_pos_{axis}"] = truth.vertex[event, i]
            table[f"particle_momentum_{axis}"] = truth.electron_momentum[event, i]
            table[f"nu_momentum_{axis}"] = truth.nu_momentum[event, i]
        table["true_electron_energy"] = truth.electron_energy[event]
        table["true_nu_energy"] = truth.nu_energy[event]
        table["cluster_energy"] = clusters.energy[chosen]
        table["plane"] = clusters.plane[chosen]
        table["match_id"] = matches.match_id[chosen]
        table["apa"] = clusters.apa[chosen]
        table["face"] = matches.face[chosen]
        table["first_tick"] = clusters.start[chosen]
        table["first_channel"] = clusters.first_channel[chosen]
        table["arrival"] = clusters.arrival[chosen]
        table["channel"] = clusters.channel[chosen]
        table["n_tps"] = clusters.n_tps[chosen]
        table["cluster"] = chosen
        table["cluster_first_tick"] = clusters.start[chosen]
        table["cluster_first_channel"] = clusters.first_channel[chosen]
        return table


def reconstruct(
    readout: Readout, settings: ClusterSettings, energy_calibration: str = "measured", first_match: int = 0
) -> Reconstruction:
    """Cluster, match and label what was read out; match numbers count on from `first_match`. No truth decides anything."""
    calibration = adc_per_mev(energy_calibration)
    clusters = make_clusters(readout.tps, settings, calibration)
    labels = label_clusters(clusters, readout.tps.integral, readout.signal)
    return Reconstruction(readout, settings, calibration, clusters, match_planes(clusters, first_match), *labels)
