"""What a network looks at: which planes matter over all samples, and which patches or points of some of them.

Of a classifier the answer is the score of the class that it answers with, of a direction the direction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from python.metrics.classification import Estimate, decisions, fraction
from python.metrics.directions import opening_angles
from python.metrics.paired import change_of_mean, change_of_quantile
from python.metrics.weighted import quantile_estimates
from python.networks.answering import KerasNetwork
from python.plots.explanation import Change
from python.runs.predictions import ClassPredictions, DirectionPredictions, Predictions
from python.training.hiding import (
    POINTS,
    NamedInputs,
    Region,
    answers_without,
    answers_without_each,
    by_name,
    planes_seen,
    regions_of,
)
from python.training.task import Samples
from python.training.trained import Told, Trained

LEVEL = 0.68


@dataclass(frozen=True)
class Merit:
    """How good all answers are, and by how much that changes where something is hidden: None where nothing is."""

    value: Estimate
    change: Estimate | None = None


@dataclass(frozen=True)
class Explained:
    """One sample: its row, its inputs, what was hidden of them in turn and how much each changed the answer, (R,).

    `saliency` has the norms of gradients by each input, of the inputs' shapes; None where they are not to be had.
    """

    row: int
    title: str
    inputs: NamedInputs
    regions: list[Region]
    changes: np.ndarray
    saliency: NamedInputs | None


@dataclass(frozen=True)
class Question:
    """What is asked of answers of one kind: the merit of many as metrics are named and in words, and the change of one."""

    merit: str
    words: str
    change: Change


ABOUT_CLASSES = Question("accuracy", "accuracy", Change("fall of the score", signed=True, least=0.01))
ABOUT_DIRECTIONS = Question(
    "containment_68_deg", "angle that holds 68 % [°]", Change("turn of the direction [°]", signed=False, least=1.0)
)


def question_of(predictions: Predictions) -> Question:
    return ABOUT_CLASSES if isinstance(predictions, ClassPredictions) else ABOUT_DIRECTIONS


def planes_that_matter(
    trained: Trained, samples: Samples, whole: Predictions, seed: int, told: Told = lambda _done, _total: None
) -> dict[str, Merit]:
    """How good the answers are with every plane, under "", and with each of them hidden, by its name.

    `whole` are the answers for all samples; `told` hears how far the work on each plane is.
    """
    inputs = by_name(samples.set.network_inputs(np.arange(1)))
    found = {"": Merit(_merit(whole, seed))}
    for plane in planes_seen(inputs, trained.config.plane):
        without = answers_without(trained, samples, plane, told)
        found[plane] = Merit(_merit(without, seed), _change_of_merit(whole, without, seed))
    return found


def chosen_rows(samples: Samples, number: int, seed: int) -> np.ndarray:
    """So many samples at random, or all, the classes in turn where there are several."""
    order = np.random.default_rng(seed).permutation(len(samples.set))
    labels = samples.labels[order]
    turn = np.empty(len(order), np.int64)  # the first of each class, then the second of each
    for label in np.unique(labels):
        turn[labels == label] = np.arange(np.count_nonzero(labels == label))
    return order[np.lexsort((labels, turn))][:number]


def explained_sample(trained: Trained, samples: Samples, whole: Predictions, row: int) -> Explained:
    """What the answer for one sample depends on; of one without charge or points nothing can be hidden."""
    inputs = by_name(samples.set.network_inputs(np.array([row])))
    regions = regions_of(inputs, trained.config.plane)
    without = answers_without_each(trained, samples, row, regions)
    return Explained(
        row, _title(whole, row), inputs, regions, _changes(whole, row, without), _saliency(trained, inputs)
    )


def _saliency(trained: Trained, inputs: NamedInputs) -> NamedInputs | None:
    if not isinstance(trained.network, KerasNetwork):
        return None
    from python.networks.saliency import gradient_norms, has_gradients

    if not has_gradients():
        return None
    found = gradient_norms(trained.network.model, inputs)
    if POINTS in found:  # columns differ in their units: each counts by how much it varies over the points
        points = inputs[POINTS][..., :-1]
        there = inputs[POINTS][..., -1] > 0
        spread = points[there].std(axis=0)
        found[POINTS] = np.sqrt(np.sum((found[POINTS][..., :-1] * spread) ** 2, axis=-1))
    return {name: values[..., 0] if values.ndim == 4 else values for name, values in found.items()}


# ---------------------------------------------------------------------------- answers of either kind
def _merit(predictions: Predictions, seed: int) -> Estimate:
    values = _values(predictions)
    if isinstance(predictions, ClassPredictions):
        return fraction(int(values.sum()), len(values))
    return quantile_estimates(values, np.ones(len(values)), [LEVEL], seed)[0]


def _change_of_merit(before: Predictions, after: Predictions, seed: int) -> Estimate:
    if isinstance(before, ClassPredictions):
        return change_of_mean(_values(before), _values(after))
    return change_of_quantile(_values(before), _values(after), LEVEL, seed)


def _values(predictions: Predictions) -> np.ndarray:
    """What the merit is the mean, or the quantile, of: (N,) whether answers are right, or their angles to the truth."""
    if isinstance(predictions, ClassPredictions):
        return decisions(predictions.scores) == predictions.labels
    return _angles(predictions)


def _angles(predictions: Predictions) -> np.ndarray:
    if not isinstance(predictions, DirectionPredictions):
        raise TypeError("answers are classes or directions")
    return opening_angles(predictions.direction_drift_frame, predictions.true_direction_drift_frame)


def _changes(whole: Predictions, row: int, without: Predictions) -> np.ndarray:
    if isinstance(whole, ClassPredictions) and isinstance(without, ClassPredictions):
        answered = decisions(whole.scores[[row]])[0]
        return whole.scores[row, answered] - without.scores[:, answered]
    if isinstance(whole, DirectionPredictions) and isinstance(without, DirectionPredictions):
        direction = np.tile(whole.direction_drift_frame[row], (len(without), 1))
        return opening_angles(direction, without.direction_drift_frame)
    raise TypeError("answers are classes or directions")


def _title(whole: Predictions, row: int) -> str:
    clusters = whole.clusters
    told = f"event {clusters.event[row]}, {clusters.cluster_energy[row]:.1f} MeV"
    if isinstance(whole, ClassPredictions):
        answered, names = decisions(whole.scores[[row]])[0], whole.class_names
        score = whole.scores[row, answered]
        return f"{told}: {names[answered]}, score {score:.3f}; in truth {names[whole.labels[row]]}"
    return f"{told}: {_angles(whole)[row]:.1f}° from the true direction"


def described(each: Explained, whole: Predictions) -> dict[str, Any]:
    """The same as plain JSON values: which event, and each region that was hidden with the change that it made."""
    clusters, regions = whole.clusters, each.regions
    return {
        "source": str(clusters.sources[clusters.source[each.row]]),
        "event": int(clusters.event[each.row]),
        "answer": each.title,
        "hidden": [
            {"plane": region.plane, **_where(region), "change": float(change)}
            for region, change in zip(regions, each.changes, strict=True)
        ],
    }


def _where(region: Region) -> dict[str, list[int]]:
    if isinstance(region.where, tuple):
        rows, columns = region.where
        return {"rows": [rows.start, rows.stop], "columns": [columns.start, columns.stop]}
    return {"points": region.where.tolist()}
