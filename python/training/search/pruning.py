"""Which trials of a search are hopeless: the median stopping rule.

D. Golovin et al., "Google Vizier: A Service for Black-Box Optimization", KDD 2017, section 3.2.2. Here the best loss so far is
compared with the best losses so far, not with running averages.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from python.config.schema import Search
from python.metrics.merit import loss_of
from python.training.search.trials import Trial


def hopeless_above(trials: Sequence[Trial], epochs: int, search: Search) -> list[float | None]:
    """For each of `epochs` epochs, from the first, the loss above which a trial's best so far is hopeless.

    That is the median, over the trials that ran to their end, of the best loss up to that epoch; the best of one that stopped
    early stands for the epochs that it left out. None where no trial is pruned: in the first epochs, and while too few
    have ended. Empty without pruning.
    """
    if search.pruning is None:
        return []
    best = [_best_so_far(trial, epochs, search.objective) for trial in trials if trial.status == "done" and trial.curve]
    if len(best) < search.pruning.startup_trials:
        return [None] * epochs
    medians = np.median(best, axis=0)
    first = search.pruning.warmup_epochs
    return [float(value) if epoch >= first and np.isfinite(value) else None for epoch, value in enumerate(medians)]


def _best_so_far(trial: Trial, epochs: int, objective: str) -> np.ndarray:
    """The smallest loss up to each epoch, (epochs,); infinite before the first that is finite."""
    losses = np.array([loss_of(objective, value) for value in trial.curve[:epochs]])
    losses = np.append(np.where(np.isfinite(losses), losses, np.inf), [np.inf] * (epochs - len(losses)))
    return np.minimum.accumulate(losses)
