"""Asking a network about samples, a batch at a time, whatever it runs on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from python.data.sparse_images import NetworkInputs
from python.networks.answering import AsksInBatches
from python.processes.stop_requests import raise_if_stop_is_urgent
from python.training.task import View

PREDICTION_BATCH = 512
PREDICTION_BYTES = 2**24  # of inputs at a time: the activations of a network take many times as much


class Shown(Protocol):
    """What can be shown to a network: samples that give what it takes of some of their rows."""

    def __len__(self) -> int: ...

    def network_inputs(self, rows: np.ndarray) -> NetworkInputs: ...


Alteration = Callable[
    [NetworkInputs, np.ndarray], NetworkInputs
]  # of inputs (n, ...), and of which places (n,) they are


@dataclass(frozen=True)
class Altered:
    """The `rows` of samples, any of them several times, of which a network is shown other inputs than they have."""

    samples: Shown
    rows: np.ndarray
    alter: Alteration

    def __len__(self) -> int:
        return len(self.rows)

    def network_inputs(self, rows: np.ndarray) -> NetworkInputs:
        return self.alter(self.samples.network_inputs(self.rows[rows]), rows)


def predict(
    network: AsksInBatches,
    samples: Shown,
    rows: np.ndarray,
    views: Sequence[View] = (View(),),
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> np.ndarray:
    """Return the outputs of the network for the samples `rows` in each view, (K, len(rows), C).

    Those of the members of an ensemble count as views too. `progress` is told how many rows are done, of how many.
    """
    answers, size = [], prediction_batch(samples)
    for start in range(0, len(rows), size):
        raise_if_stop_is_urgent()
        # filled up: in smaller batches the last bits would be other ones
        inputs = samples.network_inputs(np.resize(rows[start : start + size], size))
        shown = []
        for view in views:
            outputs = np.asarray(network.predict_on_batch(view.show(inputs)))
            members = outputs[:, None] if outputs.ndim == 2 else outputs
            shown += [view.undo(members[:, member]) for member in range(members.shape[1])]
        answers.append(np.stack(shown))
        progress(min(start + size, len(rows)), len(rows))
    return np.concatenate(answers, axis=1)[:, : len(rows)]


def prediction_batch(samples: Shown) -> int:
    """How many of the samples a network is asked about at a time."""
    one = samples.network_inputs(np.arange(min(1, len(samples))))
    inputs = one.values() if isinstance(one, dict) else [one]
    return int(np.clip(PREDICTION_BYTES // max(sum(each.nbytes for each in inputs), 1), 1, PREDICTION_BATCH))
