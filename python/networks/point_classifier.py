"""The classifier on points that several tasks share: the points around a cluster, its energy, and numbers of its neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from python.networks.class_output import class_output
from python.networks.event_inputs import event_features, event_input, number_features, number_input
from python.networks.point_event import event_of_points, point_input
from python.networks.point_parameters import PointNetworkParameters


def point_classifier(
    classes: Sequence[str], parameters: PointNetworkParameters, n_columns: int, n_numbers: int
) -> keras.Model:
    """The network from points (N, max_points, n_columns + 1), the log of the energy (N, 1) and numbers (N, n_numbers), which it
    does not take where there are none, to the probabilities of `classes`.
    """
    taken = {"points": point_input(parameters, n_columns + 1), "energy": event_input("energy")}
    known = [event_features(taken["energy"], "energy")]
    if n_numbers:
        taken["numbers"] = number_input(n_numbers)
        known.append(number_features(taken["numbers"]))
    features = event_of_points(taken["points"], known, parameters)
    return keras.Model(taken, class_output(classes)(features), name="point_network")
