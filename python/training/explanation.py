"""The page of what a network looks at: asked, drawn and written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from python.config.task_schema import ImageKind
from python.data.point_clouds import POINT_COLUMNS
from python.detector.geometry import PLANES
from python.general_purpose_libs import log, utc_now, write_json
from python.metrics.classification import Estimate
from python.plots.explanation import Part, plot_planes_that_matter, plot_sample_explained
from python.plots.report import Report, save_figures, write_report
from python.plots.text_lines import cut_table_text, metrics_table
from python.runs.files import EXPLANATION_FILE, PLOTS, REPORT_FILE
from python.training.explaining import (
    Explained,
    Question,
    chosen_rows,
    described,
    explained_sample,
    planes_that_matter,
    question_of,
)
from python.training.hiding import ACROSS, PEAK, PLANE, POINTS
from python.training.provenance import git_commit
from python.training.trained import Trained
from python.version import VERSION

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INTEGRAL, IN_CLUSTER = (POINT_COLUMNS.index(name) for name in ("integral", "in_cluster"))
Progressed = Callable[[int, int], None]


def explain(
    trained: Trained,
    data: Sequence[str],
    folder: Path,
    number: int,
    skip_bad_files: bool = False,
    progress: Progressed = lambda _done, _total: None,
) -> dict[str, Any]:
    """Ask the network about data folders whose truth is known with parts of them hidden, and return what explain.json holds.

    Writes that, plots and a report into the empty `folder`; `number` samples are drawn one by one. Raises DataError where no
    truth is known, OutputError.
    """
    samples = trained.known(data, skip_bad_files)
    log.info("%s", cut_table_text(samples.set.cuts))
    seed = trained.config.dataset_parameters.random_seed
    whole = trained.answers_of(samples, np.arange(len(samples.set)), progress)
    question = question_of(whole)
    merits = planes_that_matter(trained, samples, whole, seed, progress)
    values = {plane: merit.value for plane, merit in merits.items()}
    changes = {plane: merit.change for plane, merit in merits.items() if merit.change is not None}
    figures = {"planes": plot_planes_that_matter(question.words, values, changes, len(samples.set))}
    looked_at = [explained_sample(trained, samples, whole, int(row)) for row in chosen_rows(samples, number, seed)]
    for place, each in enumerate(looked_at):
        figures[f"sample_{place:03d}"] = _drawn(each, trained, question)
    if looked_at and looked_at[0].saliency is None:
        log.warning("no gradients are shown: they need the network in Keras (--runtime keras) on TensorFlow")
    facts = {
        "network": str(trained.run),
        "data": ", ".join(data),
        "samples": str(len(samples.set)),
        "seed": str(seed),
        "release": f"{VERSION}, commit {git_commit() or 'not known'}",
    }
    told = {
        **facts,
        "task": trained.task.schema.name,
        "made": utc_now(),
        question.merit: _as_json(values[""]),
        "hidden_planes": {
            plane: {question.merit: _as_json(values[plane]), "change": _as_json(change)}
            for plane, change in changes.items()
        },
        "change_of_an_answer": question.change.words,
        "samples_explained": [described(each, whole) for each in looked_at],
    }
    save_figures(figures, folder / PLOTS)
    title = f"{trained.task.schema.name}: {trained.config.model_name}, what it looks at"
    report = Report(title, facts, _table(question, values, changes), samples.set.cuts, figures=figures)
    write_report(folder / REPORT_FILE, report)
    write_json(folder / EXPLANATION_FILE, told)
    return told


def _table(question: Question, values: dict[str, Estimate], changes: dict[str, Estimate]) -> list[list[str]]:
    """Rows of the report's table: what is hidden, how good the answers then are, and the change."""
    columns = (question.merit, f"change_of_{question.merit}")
    rows = {}
    for plane, value in values.items():
        flat = _flat(columns[0], value) | (_flat(columns[1], changes[plane]) if plane in changes else {})
        rows[f"without plane {plane}" if plane else "network"] = flat
    return metrics_table(rows, columns)


def _flat(name: str, estimate: Estimate) -> dict[str, float | None]:
    return {name + end: value for end, value in zip(("", "_low", "_high"), _as_json(estimate), strict=True)}


def _as_json(estimate: Estimate) -> list[float | None]:
    """Value, low and high."""
    return [float(value) if np.isfinite(value) else None for value in estimate]


# ---------------------------------------------------------------------------- what is drawn
def _drawn(each: Explained, trained: Trained, question: Question) -> Figure:
    parts = [*_images(each, trained), *_points(each)]
    return plot_sample_explained(each.title, parts, question.change)


def _images(each: Explained, trained: Trained) -> list[Part]:
    turned = trained.task.architecture(trained.config).images == ImageKind.VOLUMES
    parts = []
    for name, plane in (("image", trained.config.plane), *((plane.lower(), plane) for plane in PLANES)):
        if name not in each.inputs or POINTS in each.inputs:  # of both, points show more
            continue
        seen = each.inputs[name][0, ..., 0]
        occlusion = np.full(seen.shape, np.nan)
        for region, change in zip(each.regions, each.changes, strict=True):
            if region.name == name:
                occlusion[region.where] = change
        saliency = None if each.saliency is None else each.saliency[name][0]
        if turned:
            seen, occlusion, saliency = seen.T, occlusion.T, None if saliency is None else saliency.T
        parts.append(Part(plane, seen, occlusion, saliency))
    return parts


def _points(each: Explained) -> list[Part]:
    if POINTS not in each.inputs:
        return []
    points = each.inputs[POINTS][0]
    occlusion = np.full(len(points), np.nan)
    for region, change in zip(each.regions, each.changes, strict=True):
        if region.name == POINTS:
            occlusion[region.where] = change
    parts = []
    for number, plane in enumerate(PLANES):
        mine = (points[:, -1] > 0) & (points[:, PLANE] == number)
        saliency = None if each.saliency is None else each.saliency[POINTS][0][mine]
        near = points[mine, IN_CLUSTER] == 1
        parts.append(Part(plane, points[mine][:, [ACROSS, PEAK, INTEGRAL]], occlusion[mine], saliency, near))
    return parts
