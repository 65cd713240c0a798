"""What a finished training leaves in its run folder, and the text that it prints."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from python.config.load import dump_config
from python.config.schema import RunConfig
from python.data.geometry import PLANES
from python.data.image_set import ImageSet
from python.data.splits import PARTS, Split
from python.general_purpose_libs import atomic_path, write_json, write_text
from python.reporting.image_plots import plot_samples
from python.reporting.report import save_figures, write_report
from python.training.task import Evaluation, Task

IDENTITY = ("event", "source", "plane", "match_id")
ENERGIES = ("cluster_energy", "true_electron_energy", "true_nu_energy")


def save_npz(path: Path, arrays: dict[str, Any]) -> None:
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, **arrays)


def save_split(folder: Path, images: ImageSet, parts: Split) -> None:
    """splits.npz: for every image its identity, its group and its part (0 train, 1 val, 2 test)."""
    part = np.empty(len(images), np.int8)
    for number, name in enumerate(PARTS):
        part[getattr(parts, name)] = number
    save_npz(
        folder / "splits.npz",
        {
            "part": part,
            "part_names": np.array(PARTS),
            "group": parts.group,
            "sources": np.array(images.sources),
            **{name: images.metadata[name] for name in IDENTITY},
        },
    )


def save_predictions(path: Path, predictions: dict[str, np.ndarray], images: ImageSet, rows: np.ndarray) -> None:
    """Predictions and truth of `rows` with energies and event identity."""
    table = images.metadata[rows]
    save_npz(
        path,
        {
            **predictions,
            "row": rows,
            "sources": np.array(images.sources),
            **{name: table[name] for name in (*IDENTITY, *ENERGIES)},
        },
    )


def save_history(folder: Path, history: dict[str, list[float]]) -> None:
    """training_history.json and .csv, one row an epoch."""
    write_json(folder / "training_history.json", history)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["epoch", *history])
    writer.writerows([epoch, *values] for epoch, values in enumerate(zip(*history.values(), strict=True), start=1))
    write_text(folder / "training_history.csv", text.getvalue())


def save_samples(folder: Path, images: ImageSet, labels: np.ndarray, names: tuple[str, ...], number: int) -> None:
    """samples/*.png: the first `number` images in an order that alternates between the classes."""
    by_class = [np.flatnonzero(labels == value) for value in range(len(names))]
    order = [row for rank in range(number) for rows in by_class if rank < len(rows) for row in rows[rank : rank + 1]]
    figures = {}
    for row in order[:number]:
        table = images.metadata[row]
        title = f"{names[labels[row]]}, plane {PLANES[table['plane']]}, event {table['event']}, {table['cluster_energy']:.1f} MeV"
        figures[f"sample_{len(figures):03d}_{names[labels[row]]}"] = plot_samples(
            images.images[int(row)][None], [title]
        )
    save_figures(figures, folder / "samples")


def save_results(
    folder: Path, task: Task, config: RunConfig, evaluation: Evaluation, facts: dict[str, str], network: str
) -> dict[str, Any]:
    """Write metrics.json, plots/*.png and report.pdf; return the metrics."""
    metrics, table, figures = task.problem.evaluate(evaluation)
    write_json(folder / "metrics.json", metrics)
    save_figures(figures, folder / "plots")
    write_report(
        folder / "report.pdf",
        f"{task.schema.name}: {config.model_name}",
        facts,
        metrics=table,
        cuts=evaluation.samples.set.cuts,
        texts={"Configuration": json.dumps(dump_config(config), indent=2, ensure_ascii=False), "Network": network},
        figures=figures,
    )
    return metrics
