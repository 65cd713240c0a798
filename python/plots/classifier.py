"""Plots of a classifier over all samples: what is confused with what, how scores separate, and what a threshold does.

Arguments as in `python.metrics.classification`: `labels` (N,), `scores` (N, C) in the order of `class_names`. Each function
returns one figure and draws it also for few, one or no samples. Error bars and bands hold 68.27 %. Of two classes only the last,
positive one is drawn where the other would say the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_curve

from python.metrics.classification import (
    Estimate,
    area_under_roc,
    binomial_interval,
    calibration_bins,
    check_classification,
    confusion_counts,
    described_classes,
    ranking,
)
from python.plots import style

_THRESHOLDS = np.linspace(0, 1, 201)


# ---------------------------------------------------------------------------- decisions
def plot_confusion_matrix(labels: ArrayLike, scores: ArrayLike, class_names: Sequence[str]) -> Figure:
    """Counts of true class (rows) against decided class (columns), and the fraction of the row with its interval."""
    labels, scores = check_classification(labels, scores, class_names)
    counts = confusion_counts(labels, scores)
    trials = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(trials, 1)
    low, high = binomial_interval(counts, trials)
    figure = style.new_figure("Confusion matrix")
    axes = style.panels(figure)[0]
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(counts.shape):
        text = f"{counts[row, column]:,}"
        if trials[row, 0]:
            percent = 100 * np.array([shares[row, column], low[row, column], high[row, column]])
            text += "\n{:.1f} %\n[{:.1f}, {:.1f}]".format(*percent)
        ink = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, text, ha="center", va="center", fontsize=13, color=ink)
    style.describe(axes, "decided class", "true class")
    axes.grid(visible=False)
    axes.set_xticks(range(len(class_names)), class_names)
    axes.set_yticks(range(len(class_names)), class_names, rotation=90, va="center")
    figure.colorbar(image, ax=axes, label="fraction of the true class")
    return figure


# ---------------------------------------------------------------------------- ranking
def plot_roc_curve(labels: ArrayLike, scores: ArrayLike, class_names: Sequence[str]) -> Figure:
    """Efficiency against the misidentified fraction with the area under the curve, and rejection against efficiency."""
    labels, scores = check_classification(labels, scores, class_names)
    described = _one_against_rest(labels, class_names)
    return plot_roc_curves({class_names[c]: (is_positive, ranking(scores, c)) for _, c, is_positive in described})


def plot_roc_curves(
    parts: Mapping[str, tuple[np.ndarray, np.ndarray]], title: str = "Receiver operating characteristic"
) -> Figure:
    """The same of several named selections: of each whether its samples are of the class, (n,) bool, and their scores (n,)."""
    figure = style.new_figure(title)
    roc, rejection = style.panels(figure, 1, 2)
    for index, (name, (is_positive, score)) in enumerate(parts.items()):
        area = area_under_roc(is_positive, score)
        look = {"color": style.colour(index), "linestyle": style.line_style(index)}
        if np.isnan(area.value):
            roc.plot([], [], **look, label=f"{name}: undefined")
            continue
        misidentified, efficiency, _ = roc_curve(is_positive, score)
        roc.plot(misidentified, efficiency, **look, label=f"{name}: AUC {with_interval(area)}")
        some = misidentified > 0
        rejection.plot(efficiency[some], 1 / misidentified[some], **look, label=name)
    roc.plot([0, 1], [0, 1], color=style.GREY, linestyle=":", label="by chance")
    chance = np.linspace(0.01, 1, 100)
    rejection.plot(chance, 1 / chance, color=style.GREY, linestyle=":", label="by chance")
    style.describe(roc, "others taken for this class (fraction)", "efficiency", "ROC curve")
    style.show_fraction_axis(roc)
    style.show_fraction_axis(roc, "x")
    style.describe(rejection, "efficiency", "1 / fraction of others taken for this class", "Background rejection")
    rejection.set_yscale("log")
    style.show_fraction_axis(rejection, "x")
    style.show_legend(roc, "lower right")
    style.show_legend(rejection, "upper right")
    return figure


def plot_precision_recall(labels: ArrayLike, scores: ArrayLike, class_names: Sequence[str]) -> Figure:
    """Purity of the selected samples against efficiency, with the average precision; dotted: no selection at all."""
    labels, scores = check_classification(labels, scores, class_names)
    figure = style.new_figure("Precision and recall")
    axes = style.panels(figure)[0]
    for index, c, is_positive in _one_against_rest(labels, class_names):
        look = {"color": style.colour(index), "linestyle": style.line_style(index)}
        if not is_positive.any():
            axes.plot([], [], **look, label=f"{class_names[c]}: no entries")
            continue
        precision, recall, _ = precision_recall_curve(is_positive, ranking(scores, c))
        average = average_precision_score(is_positive, ranking(scores, c))
        axes.plot(recall, precision, **look, label=f"{class_names[c]}: average precision {average:.4f}")
        axes.axhline(is_positive.mean(), color=style.colour(index), linestyle=":", linewidth=1)
    style.describe(axes, "recall (efficiency)", "precision (purity)")
    style.show_fraction_axis(axes)
    style.show_fraction_axis(axes, "x")
    style.show_legend(axes, "lower left")
    return figure


def plot_against_threshold(labels: ArrayLike, scores: ArrayLike, class_names: Sequence[str]) -> Figure:
    """Accuracy, precision and recall of the selection by a score of at least the threshold; a panel for each described class.

    Accuracy counts the class against the rest. Precision ends where nothing is selected any more.
    """
    labels, scores = check_classification(labels, scores, class_names)
    figure = style.new_figure("Accuracy, precision and recall against the threshold")
    described = _one_against_rest(labels, class_names)
    for axes, (_, c, is_positive) in zip(style.panels(figure, len(described)), described, strict=True):
        selected, right = (
            len(some) - np.searchsorted(np.sort(some), _THRESHOLDS) for some in (scores[:, c], scores[is_positive, c])
        )
        rejected = np.count_nonzero(~is_positive) - (selected - right)
        everything = np.full_like(selected, len(labels))
        shares = (
            ("accuracy", right + rejected, everything),
            ("precision (purity)", right, selected),
            ("recall (efficiency)", right, np.full_like(selected, np.count_nonzero(is_positive))),
        )
        for index, (name, successes, trials) in enumerate(shares):
            _draw_share(axes, index, name, successes, trials)
        if len(class_names) == 2:
            axes.axvline(0.5, color=style.GREY, linestyle=":", label="decision")
        style.describe(axes, f"threshold on the score of {class_names[c]}", "fraction")
        style.show_fraction_axis(axes)
        axes.set_xlim(0, 1)
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=10, frameon=False)
    return figure


def _draw_share(axes: Axes, index: int, name: str, successes: np.ndarray, trials: np.ndarray) -> None:
    """A fraction at each of _THRESHOLDS with its band, and in the legend where it is largest but for an empty selection."""
    look = {"color": style.colour(index), "linestyle": style.line_style(index)}
    filled = trials > 0
    if not filled.any():
        axes.plot([], [], **look, label=f"{name}: no entries")
        return
    at, share = _THRESHOLDS[filled], successes[filled] / trials[filled]
    low, high = binomial_interval(successes[filled], trials[filled])
    axes.fill_between(at, low, high, color=style.colour(index), alpha=0.2, linewidth=0)
    best = "" if name.startswith("recall") else f",\nhighest {share.max():.4f} at {at[share.argmax()]:.3g}"
    axes.plot(at, share, **look, label=f"{name}{best}")


# ---------------------------------------------------------------------------- scores
def plot_score_distribution(labels: ArrayLike, scores: ArrayLike, class_names: Sequence[str]) -> Figure:
    """Score by true class, linear and logarithmic, in the same bins; a row of panels for each described class."""
    labels, scores = check_classification(labels, scores, class_names)
    described = described_classes(class_names)
    n_bins = next(n for n in (50, 20, 10) if len(labels) >= 20 * n or n == 10)
    edges = np.linspace(0, 1, n_bins + 1)
    figure = style.new_figure("Score distribution by true class")
    all_axes = style.panels(figure, len(described), 2)
    for row, c in enumerate(described):
        pair = all_axes[2 * row : 2 * row + 2]
        for axes, scale in zip(pair, ("linear", "log"), strict=True):
            for index, name in enumerate(class_names):
                mine = scores[labels == index, c]
                counts = np.histogram(mine, edges)[0]
                look = {"color": style.colour(index), "linestyle": style.line_style(index), "linewidth": 1.8}
                axes.stairs(counts, edges, **look, label=f"{name} ({len(mine):,})")
            style.describe(axes, f"score of {class_names[c]}", f"entries per {edges[1]:.2g}", "" if row else scale)
            axes.set_xlim(0, 1)
            if len(class_names) == 2:
                axes.axvline(0.5, color=style.GREY, linestyle=":", label="decision")
        if len(labels):
            pair[1].set_yscale("log")
            pair[1].set_ylim(bottom=0.5)
    style.show_legend(all_axes[0])
    return figure


def plot_calibration(labels: ArrayLike, scores: ArrayLike, class_names: Sequence[str]) -> Figure:
    """How often a sample with a given score is of that class, with the expected calibration error (ECE)."""
    labels, scores = check_classification(labels, scores, class_names)
    figure = style.new_figure("Calibration of the scores")
    axes, strip = style.panels(figure, 2, 1, height_ratios=(3, 1), share_x=True)
    for index, c, is_positive in _one_against_rest(labels, class_names):
        draw_calibration((axes, strip), index, is_positive, scores[:, c], class_names[c])
    axes.plot([0, 1], [0, 1], color=style.GREY, linestyle=":", label="calibrated")
    style.describe(axes, "", "fraction of the class")
    style.show_fraction_axis(axes)
    style.show_legend(axes, "upper left")
    style.describe(strip, "score (mean of the bin)", "entries")
    if len(labels):
        strip.set_yscale("log")
        strip.set_ylim(bottom=0.5)
    return figure


# ---------------------------------------------------------------------------- shared
class Positions(NamedTuple):
    """Where points stand along an axis, (B,), and half the widths of their bins, where these are shown."""

    x: np.ndarray
    half_widths: np.ndarray | None = None

    @classmethod
    def of_bins(cls, edges: np.ndarray) -> Positions:
        """The middles of the bins between `edges` (B + 1,)."""
        return cls((edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2)


def _one_against_rest(labels: np.ndarray, class_names: Sequence[str]) -> list[tuple[int, int, np.ndarray]]:
    """(running index, class, is of that class) of each described class."""
    return [(index, c, labels == c) for index, c in enumerate(described_classes(class_names))]


def draw_calibration(
    panels: tuple[Axes, Axes], index: int, is_positive: np.ndarray, score: np.ndarray, name: str
) -> None:
    """Draw how often samples (N,) of a score are positive, with its error in the legend, and how many there are below."""
    axes, strip = panels
    edges = np.linspace(0, 1, 11)
    groups = calibration_bins(is_positive, score, len(edges) - 1)
    error = groups.expected_error()
    label = f"{name}: ECE {error:.4f}" if np.isfinite(error) else f"{name}: no entries"
    draw_fractions(axes, index, Positions(groups.mean_score), groups.positives, groups.entries, label)
    counts = np.histogram(score, edges)[0]
    strip.stairs(counts, edges, color=style.colour(index), linestyle=style.line_style(index), linewidth=1.8)


def draw_fractions(
    axes: Axes,
    index: int,
    at: Positions,
    successes: np.ndarray,
    entries: np.ndarray,
    label: str,
) -> None:
    """Fractions (B,) with binomial error bars; bins without entries are left out."""
    filled = entries > 0
    share = successes[filled] / entries[filled]
    low, high = binomial_interval(successes[filled], entries[filled])
    axes.errorbar(
        at.x[filled],
        share,
        xerr=None if at.half_widths is None else at.half_widths[filled],
        yerr=np.maximum([share - low, high - share], 0),
        color=style.colour(index),
        marker=style.marker(index),
        markersize=6,
        linestyle="none",
        capsize=2,
        label=label,
    )


def with_interval(estimate: Estimate) -> str:
    return f"{estimate.value:.4f} [{estimate.low:.4f}, {estimate.high:.4f}]"
