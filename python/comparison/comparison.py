"""Finished runs of one task side by side: which is best, by how much, on which events, and in what they differ.

Runs are ranked only where they were tested on the same events. Where they were not, they can be measured again on the events
that all of them share.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from python.comparison.answers import Answers, Statistic
from python.config.problems import did_you_mean
from python.general_purpose_libs import ConfigError, with_progress
from python.metrics.classification import ONE_SIGMA, Metrics
from python.metrics.merit import larger_is_better
from python.runs.files import HISTORY_FILE, METRICS_FILE, predictions_file
from python.runs.headlines import is_known

REPLICAS = 1000  # of a bootstrap: also shares of a few per cent are then known
TOLD_APART = 0.025  # ahead in a smaller share of samples: 95 % on both sides
NOT_SETTINGS = ("$schema", "version", "description", "notes")
NAMES = {  # of metrics, in tables and plots
    "auc": "AUC",
    "baseline_auc": "baseline AUC",
    "es_efficiency_at_4_percent_cc_passing": "ES where 4 % of CC pass",
    "containment_68_deg": "68 % [°]",
    "median_deg": "median [°]",
    "axis_68_deg": "axis, 68 % [°]",
    "head_tail_accuracy": "head-tail",
    "gkvm_containment_68_deg_above_5_mev": "gkvm > 5 MeV, 68 % [°]",
}
LACKING = {  # files of a run, and what it means when there is none
    METRICS_FILE: "the metrics are those of the predictions, where there are any",
    predictions_file("test"): "not in the plot against energy",
    HISTORY_FILE: "not among the learning curves",
}
ABSENT = object()  # in `differing_settings`: a configuration without the key


@dataclass(frozen=True)
class ComparedRun:
    """A finished run; `lacks` names the files, of those in LACKING, that its folder does not hold."""

    name: str
    folder: Path
    config: Mapping[str, Any]
    metrics: Metrics
    history: Mapping[str, Sequence[float | None]] | None
    answers: Answers | None
    lacks: tuple[str, ...] = ()


class Difference(NamedTuple):
    """A run's metric minus the best run's on the same events, its 68.27 % interval from drawing events anew for both, and
    the share of such samples in which the run is ahead of the best."""

    value: float
    low: float
    high: float
    ahead: float

    @property
    def told_apart(self) -> bool:
        return self.ahead < TOLD_APART


@dataclass(frozen=True)
class Comparison:
    """Runs, the best first where `ranked`, else in the order in which they were given.

    `differences` to the first run, None where there is none; `settings` as in `differing_settings`; `notes` say why there is no
    ranking and what is missing. `n_common` is the number of events that all runs were measured on, None where they differ.
    """

    task: str
    metric: str
    runs: list[ComparedRun]
    ranked: bool
    differences: list[Difference | None]
    settings: dict[str, list[Any]]
    notes: list[str]
    n_common: int | None
    on_shared: bool

    @property
    def order(self) -> str:
        """How the table is ordered, in words."""
        if len(self.runs) == 1:
            return "one run, nothing to rank"
        if not self.ranked:
            return "not ranked: the order of the runs says nothing"
        better = "larger" if larger_is_better(self.metric) else "smaller"
        return f"ranked by {self.metric}, {better} is better"

    def rank(self, number: int) -> int | None:
        """From 1; None without a ranking, or for a run without the metric."""
        known = self.runs[number].metrics.get(self.metric) is not None
        return number + 1 if self.ranked and len(self.runs) > 1 and known else None


def compare(
    task: str,
    runs: Sequence[ComparedRun],
    headline: str,
    *,
    metric: str | None = None,
    shared_events: bool = False,
    seed: int = 0,
) -> Comparison:
    """Compare runs of `task` by `metric`, else by `headline`; with `shared_events` on the events that all were tested on.

    ConfigError when `metric` ranks nothing or no run knows it, or when there are no shared events to measure on.
    """
    runs, n_left_out = _on_shared_events(runs) if shared_events else (list(runs), 0)
    if metric is not None:
        require_metric(metric, [run.metrics for run in runs])
    metric = metric or headline
    obstacle = _obstacle(runs, metric)
    notes = [*([obstacle] if obstacle else []), *_missing(runs)]
    differences: list[Difference | None] = [None] * len(runs)
    n_events = None
    if obstacle is None:
        runs.sort(key=lambda run: _merit(run.metrics, metric), reverse=True)
        known = _known_answers(runs)
        if len(known) == len(runs):
            answers, unclear = _aligned(known)
            n_events, n_left_out = len(known[0]), n_left_out + unclear
            statistics = [each.statistic(metric) for each in answers]
            differences = paired_differences(statistics, len(answers[0]), not larger_is_better(metric), seed)
            if statistics[0] is None and len(runs) > 1:
                notes.append(f"the runs are not compared event by event: {metric} has no such difference")
    if n_left_out:
        notes.append(
            f"events that are not told apart, {n_left_out:,}, are left out where runs are compared event by event"
        )
    settings = differing_settings([run.config for run in runs])
    return Comparison(task, metric, runs, obstacle is None, differences, settings, notes, n_events, shared_events)


def best_of(runs: Sequence[tuple[Path, Metrics]], metric: str, number: int) -> list[Path]:
    """The folders of the `number` best by their own `metric`, in the order given; ConfigError as in `require_metric`."""
    require_metric(metric, [metrics for _, metrics in runs])
    known = [run for run in runs if is_known(run[1].get(metric))]
    chosen = sorted(known, key=lambda run: _merit(run[1], metric), reverse=True)[:number]
    return [folder for folder, _ in known if any(folder is best for best, _ in chosen)]


def name_of(metric: str) -> str:
    """What a table or plot calls the metric."""
    return NAMES.get(metric, metric.replace("_", " "))


# ---------------------------------------------------------------------------- settings
def differing_settings(
    configs: Sequence[Mapping[str, Any]], ignored: Collection[str] = NOT_SETTINGS
) -> dict[str, list[Any]]:
    """Dotted path and values of each setting in which the configurations differ; ABSENT where one does not have it.

    Keys in `ignored` are left out at the top level.
    """
    found: dict[str, list[Any]] = {}
    _collect([{key: value for key, value in config.items() if key not in ignored} for config in configs], "", found)
    return found


def _collect(values: Sequence[Any], path: str, found: dict[str, list[Any]]) -> None:
    if all(isinstance(value, Mapping) for value in values):
        for key in dict.fromkeys(key for value in values for key in value):
            _collect([value.get(key, ABSENT) for value in values], f"{path}.{key}".lstrip("."), found)
    elif any(value != values[0] for value in values):
        found[path] = list(values)


# ---------------------------------------------------------------------------- events
def _obstacle(runs: Sequence[ComparedRun], metric: str) -> str | None:
    """Why the runs cannot be ranked, in words; None when they can."""
    if all(run.metrics.get(metric) is None for run in runs):
        return f"no ranking is given: {metric} is undefined for every run"
    if len(runs) == 1:
        return None
    unknown = [run.name for run in runs if run.answers is None]
    if unknown:
        return f"no ranking is given: it is not known which events {', '.join(unknown)} {_was(unknown)} tested on"
    if unlike := _different_classes(runs):
        return f"no ranking is given: {unlike}"
    of_events: dict[Any, list[ComparedRun]] = {}
    for run in runs:
        of_events.setdefault(frozenset(Counter(_events(run)).items()), []).append(run)
    if len(of_events) > 1:
        told = "; ".join(
            f"{', '.join(run.name for run in group)}: {len(_events(group[0])):,}" for group in of_events.values()
        )
        shared = len(_shared(runs))
        remedy = f"; --common compares on those {shared:,}" if shared else ""
        return (
            f"no ranking is given: the runs were tested on different events ({told}), "
            f"of which {shared:,} are the same for all{remedy}"
        )
    return None


def _different_classes(runs: Sequence[ComparedRun]) -> str | None:
    """That the runs tell apart different classes, in words; None where they do not."""
    of_classes: dict[tuple[str, ...], list[str]] = {}
    for run in runs:
        of_classes.setdefault(getattr(run.answers, "class_names", ()), []).append(run.name)
    if len(of_classes) == 1:
        return None
    told = "; ".join(f"{', '.join(names)}: {', '.join(classes)}" for classes, names in of_classes.items())
    return f"the runs tell apart different classes ({told})"


def _known_answers(runs: Sequence[ComparedRun]) -> list[Answers]:
    return [run.answers for run in runs if run.answers is not None]


def _events(run: ComparedRun) -> Sequence[Hashable]:
    return () if run.answers is None else run.answers.events


def _shared(runs: Sequence[ComparedRun]) -> set[Hashable]:
    return set.intersection(*(set(_events(run)) for run in runs))


def _on_shared_events(runs: Sequence[ComparedRun]) -> tuple[list[ComparedRun], int]:
    """The runs measured again on the events that all were tested on, and how many events were left out as not told apart."""
    unknown = [run.name for run in runs if run.answers is None]
    if unknown:
        raise ConfigError(
            f"--common: it is not known which events {', '.join(unknown)} {_was(unknown)} tested on; leave {_them(unknown)} out"
        )
    if unlike := _different_classes(runs):
        raise ConfigError(f"--common: {unlike}; compare those of the same classes")
    answers, n_left_out = _aligned(_known_answers(runs))
    if not len(answers[0]):
        raise ConfigError(
            "--common: the runs share no event that they were tested on; compare others, or without --common"
        )
    measured = [
        replace(run, answers=own, metrics={**own.metrics(), **_of_network(run.metrics)})
        for run, own in zip(runs, answers, strict=True)
    ]
    return measured, n_left_out


def _of_network(metrics: Metrics) -> Metrics:
    """What does not depend on the events."""
    return {key: value for key, value in metrics.items() if key == "n_parameters"}


def _aligned(all_answers: Sequence[Answers]) -> tuple[list[Answers], int]:
    """The answers for the events that all have, in one order; those that stand twice in one of them are left out and counted."""
    counted = [Counter(answers.events) for answers in all_answers]
    shared = [event for event in counted[0] if all(event in counts for counts in counted)]
    events = [event for event in shared if all(counts[event] == 1 for counts in counted)]
    chosen = []
    for answers in all_answers:
        row_of = {event: row for row, event in enumerate(answers.events)}
        chosen.append(answers.select(np.array([row_of[event] for event in events], dtype=np.int64)))
    return chosen, len(shared) - len(events)


# ---------------------------------------------------------------------------- merit
def require_metric(metric: str, all_metrics: Sequence[Metrics]) -> None:
    """Raise ConfigError when the metric ranks nothing, or is not among those of any run."""
    known = dict.fromkeys(name for metrics in all_metrics for name, value in metrics.items() if is_known(value))
    merits = [name for name in known if larger_is_better(name) is not None]
    if metric not in merits:
        why = "ranks nothing" if metric in known else "is known of no run"
        raise ConfigError(
            f"{metric} {why}{did_you_mean(metric, merits)}; name a metric that the runs have with --sort: "
            + (", ".join(merits[:6]) or "they have none")
        )


def _merit(metrics: Metrics, metric: str) -> float:
    value = metrics.get(metric)
    if not is_known(value):
        return -math.inf
    return value if larger_is_better(metric) else -value


def paired_differences(
    statistics: Sequence[Statistic | None], n_events: int, smaller: bool, seed: int = 0, replicas: int = REPLICAS
) -> list[Difference | None]:
    """Differences to the first statistic when events are drawn anew, the same for all; None for the first.

    Each of `n_events` counts a Poisson number of times in each sample. Where the difference is undefined, as of the first
    itself or with fewer than two events, it is None.
    """
    known = [statistic for statistic in statistics if statistic is not None]
    if len(known) < len(statistics) or n_events < 2:
        return [None] * len(statistics)
    first, *others = known
    generator = np.random.default_rng(seed)
    samples = np.full((replicas, len(others)), np.nan)
    for number in with_progress(range(replicas), "drawing events anew", "samples"):
        counts = generator.poisson(1.0, n_events)
        samples[number] = np.array([other(counts) for other in others]) - first(counts)
    once = np.ones(n_events, dtype=np.int64)
    values = [other(once) - first(once) for other in others]
    return [None, *(_difference(*each, smaller) for each in zip(values, samples.T, strict=True))]


def _difference(value: float, samples: np.ndarray, smaller: bool) -> Difference | None:
    samples = samples[np.isfinite(samples)]
    if not np.isfinite(value) or not samples.size:
        return None
    low, high = np.quantile(samples, [(1 - ONE_SIGMA) / 2, (1 + ONE_SIGMA) / 2])
    gain = -samples if smaller else samples
    ahead = np.mean(gain > 0) + np.mean(gain == 0) / 2
    return Difference(value, float(low), float(high), float(ahead))


# ---------------------------------------------------------------------------- words
def _missing(runs: Sequence[ComparedRun]) -> list[str]:
    names = {file: [run.name for run in runs if file in run.lacks] for file in LACKING}
    return [f"no {file} of {', '.join(names[file])}: {meaning}" for file, meaning in LACKING.items() if names[file]]


def _was(names: Sequence[str]) -> str:
    return "was" if len(names) == 1 else "were"


def _them(names: Sequence[str]) -> str:
    return "it" if len(names) == 1 else "them"
