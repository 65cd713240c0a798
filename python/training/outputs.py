"""What a finished training leaves in its run folder, and the text that it prints."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from python.config.load import dump_config
from python.config.schema import RunConfig
from python.data.metadata import EVENT_KEY
from python.data.npz import write_npz
from python.data.sources import source_arrays
from python.general_purpose_libs import write_json, write_text
from python.plots.history import plot_training_history
from python.plots.report import Report, save_figures, write_report
from python.runs.files import (
    CALIBRATION_FILE,
    HISTORY_FILE,
    HISTORY_TABLE,
    METRICS_FILE,
    PLOTS,
    REPORT_FILE,
    SAMPLES,
    SPLITS_FILE,
)
from python.runs.predictions import Predictions
from python.samples.splits import PARTS, Split
from python.training.task import Evaluation, LearningProblem, SampleSet, Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure

IDENTITY = (*EVENT_KEY, "plane", "match_id")


def part_of_each(parts: Split) -> np.ndarray:
    """The part of every sample, int8 (N,): its place in PARTS."""
    part = np.empty(len(parts.group), np.int8)
    for number, name in enumerate(PARTS):
        part[getattr(parts, name)] = number
    return part


def save_split(folder: Path, samples: SampleSet, parts: Split) -> None:
    """splits.npz: for every sample its identity, its group and its part (0 train, 1 val, 2 test)."""
    write_npz(
        folder / SPLITS_FILE,
        {
            "part": part_of_each(parts),
            "part_names": np.array(PARTS),
            "group": parts.group,
            **source_arrays(samples.sources),
            **{name: samples.metadata[name] for name in IDENTITY},
        },
    )


def save_history(folder: Path, history: Mapping[str, Sequence[float | None]]) -> None:
    """training_history.json and .csv, one row an epoch."""
    write_json(folder / HISTORY_FILE, history)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["epoch", *history])
    writer.writerows([epoch, *values] for epoch, values in enumerate(zip(*history.values(), strict=True), start=1))
    write_text(folder / HISTORY_TABLE, text.getvalue())


def calibrated(folder: Path, problem: LearningProblem, answered: Mapping[str, Predictions]) -> dict[str, Predictions]:
    """The answers of each part, "val" among them, corrected by those; what corrects them is left in calibration.json."""
    calibration = problem.calibration(answered["val"])
    if calibration is None:
        return dict(answered)
    write_json(folder / CALIBRATION_FILE, calibration)
    return {part: problem.calibrated(predictions, calibration) for part, predictions in answered.items()}


@dataclass(frozen=True)
class Told:
    """What is told beside what an evaluation finds: the `title` of the report, `facts` for its first page, the `network` in
    words, `figures` that are there already, and `metrics` of another source."""

    title: str
    facts: Mapping[str, str]
    network: str
    figures: Mapping[str, Figure] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)


def save_results(
    folder: Path, task: Task, config: RunConfig, evaluation: Evaluation[Any, Any], told: Told
) -> dict[str, Any]:
    """Evaluate, write metrics.json, samples/*.png, plots/*.png and report.pdf, and return the metrics."""
    problem = task.problem_of(config)
    metrics, table, evaluated = problem.evaluate(evaluation)
    learnt = evaluation.learnt
    history = {} if learnt is None else {"training_history": plot_training_history(learnt.history)}
    figures, metrics = {**history, **evaluated, **told.figures}, {**metrics, **told.metrics}
    singles, figures["samples"] = problem.sample_figures(evaluation.samples, config.save_outputs.sample_images)
    save_figures(singles, folder / SAMPLES)
    write_json(folder / METRICS_FILE, metrics)
    save_figures(figures, folder / PLOTS)
    report = Report(
        told.title,
        dict(told.facts),
        metrics=table,
        cuts=evaluation.samples.set.cuts,
        texts={
            "Configuration": json.dumps(dump_config(config), indent=2, ensure_ascii=False),
            "Network": told.network,
        },
        figures=figures,
    )
    write_report(folder / REPORT_FILE, report)
    return metrics
