"""The next point of a search: a function of its space, its seed and the trials so far, so that a search can be resumed.

J. Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NeurIPS 2011: the tree of Parzen estimators (TPE) of hyperopt.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from python.config.search_space import Dimension
from python.training.search.trials import Trial

RANDOM_TRIALS = 10  # before TPE begins; with hyperopt's own 20 a search of 20 trials would be random throughout
GOOD = (
    1.0  # the best GOOD sqrt(n) of n trials are taken for good ones; hyperopt's own 0.25 finds less in 20 to 60 trials
)
TPE_DRAWS, RANDOM_DRAWS = 5, 200  # that may be spent on finding a point that was not tried before

Values = Mapping[str, Any]


def propose(
    dimensions: Mapping[str, Dimension], trials: Sequence[Trial], pending: Sequence[Values], number: int, seed: int
) -> dict[str, Any]:
    """The values of trial `number`, plain JSON values by name, after `trials` in the order in which they ended.

    `pending` are the values of trials that still run. They count as bad ones, as failed trials do: TPE then looks elsewhere. A
    point that was tried comes again only where (hardly) any other is left.
    """
    tried = [*(trial.values for trial in trials), *pending]
    values: dict[str, Any] = {}
    for values in _draws(dimensions, trials, pending, np.random.default_rng([seed, number])):
        if values not in tried:
            break
    return values


def _draws(
    dimensions: Mapping[str, Dimension],
    trials: Sequence[Trial],
    pending: Sequence[Values],
    generator: np.random.Generator,
) -> Iterator[dict[str, Any]]:
    """Points by TPE, then random ones; random ones alone where too little is known."""
    from hyperopt import rand, tpe
    from hyperopt.base import Domain

    domain = Domain(lambda point: point, {name: _node(name, each) for name, each in dimensions.items()})
    known = _hyperopt_trials(dimensions, trials, pending)
    comparable = sum(trial.has_loss for trial in trials)
    knows_enough = len(trials) >= RANDOM_TRIALS and comparable >= GOOD * math.sqrt(len(known))
    for draw in range(TPE_DRAWS + RANDOM_DRAWS):
        if knows_enough and draw < TPE_DRAWS:
            [found] = tpe.suggest([len(known)], domain, known, generator, n_startup_jobs=0, gamma=GOOD, verbose=False)
        else:
            [found] = rand.suggest([len(known)], domain, known, generator)
        yield {name: _value(each, found["misc"]["vals"][name][0]) for name, each in dimensions.items()}


def _node(name: str, dimension: Dimension) -> Any:
    from hyperopt import hp

    if dimension.form == "choice":
        return hp.randint(name, len(dimension.values))
    low, high, *step = dimension.values
    if step:  # wider by half a step at each end, so that the outermost values are as likely as the others
        return hp.quniform(name, low - step[0] / 2, high + step[0] / 2, step[0])
    return hp.uniform(name, low, high) if dimension.form == "uniform" else hp.loguniform(name, *np.log([low, high]))


def _value(dimension: Dimension, found: Any) -> Any:
    """The JSON value of what hyperopt found: the index of a choice, or a number that rounding may put just outside."""
    if dimension.form == "choice":
        return dimension.values[int(found)]
    low, high, *step = dimension.values
    if not step:
        return min(max(float(found), float(low)), float(high))
    if all(float(value).is_integer() for value in dimension.values):
        return int(min(max(round(found), low), high))
    steps = min(max(round((found - low) / step[0]), 0), round((high - low) / step[0]))
    return float(f"{low + steps * step[0]:.12g}")  # 0.3, not 0.30000000000000004


def _found(dimension: Dimension, value: Any) -> Any:
    """The inverse of `_value`."""
    return dimension.values.index(value) if dimension.form == "choice" else value


def _hyperopt_trials(dimensions: Mapping[str, Dimension], trials: Sequence[Trial], pending: Sequence[Values]) -> Any:
    """hyperopt's account of the trials, in the order in which they ended, those without a loss last.

    It takes a trial without a loss for infinitely bad: so it keeps away from where trials failed, and from where others are under
    way. A NaN would attract it. They come last because it forgets the oldest: a network that was too large stays too large.
    """
    from hyperopt.base import JOB_STATE_DONE, STATUS_FAIL, STATUS_OK, Trials

    known = Trials()
    points: list[tuple[Mapping[str, Any], float | None]] = [
        (trial.values, trial.loss) for trial in trials if trial.has_loss
    ]
    points += [(trial.values, None) for trial in trials if not trial.has_loss]
    points += [(values, None) for values in pending]
    for index, (values, loss) in enumerate(points):
        found = {name: [_found(each, values[name])] for name, each in dimensions.items()}
        place = {"tid": index, "cmd": None, "idxs": {name: [index] for name in dimensions}, "vals": found}
        result = {"status": STATUS_FAIL} if loss is None else {"status": STATUS_OK, "loss": loss}
        [document] = known.new_trial_docs([index], [None], [result], [place])
        known.insert_trial_doc({**document, "state": JOB_STATE_DONE})
    known.refresh()
    return known
