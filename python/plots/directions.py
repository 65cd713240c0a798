"""Plots of a direction regressor over all events: opening angle, cosine, components, and the predicted uncertainty.

Each function takes `python.metrics.directions.DirectionResults`, returns one figure and draws it also for few, one or no events.
Histograms are weighted; error bars and brackets hold 68.27 %.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from python.metrics.classification import Estimate, Estimates
from python.metrics.directions import DirectionResults, calibration, direction_statistics, pull_coverage
from python.metrics.weighted import mean_estimate
from python.plots import style

SHOWN_CONTAINMENTS = (50, 68, 90)
CALIBRATION_TARGET = 0.2  # |actual / predicted - 1| that the predicted uncertainty is to stay within
_COMPONENTS = ("x' (along the drift)", "y'", "z'")
_COMPONENT_BINS = np.linspace(-1, 1, 41)
_COLOUR_RANGE = 300  # weights may differ by more; the rest shares the lightest colour
_BIAS_BINS = np.linspace(-1, 1, 11)


# ---------------------------------------------------------------------------- angles
def plot_angle_distribution(results: DirectionResults, seed: int = 0) -> Figure:
    """Opening angles and the share of events within them, with the containment angles; dotted: directions at random."""
    figure = style.new_figure(f"Angle between true and predicted direction ({len(results):,} events)")
    density, within = style.panels(figure, 2, 1, share_x=True)
    edges = np.linspace(0, 180, 91 if len(results) >= 1000 else 37)
    style.describe(density, "", f"share of events per {edges[1]:.0f}°")
    style.describe(within, "opening angle [°]", "share within the angle")
    style.show_fraction_axis(within)
    within.set(xlim=(0, 180), xticks=range(0, 181, 20))
    if _says_why_empty(density, results):
        return figure
    shares = np.histogram(results.angle, edges, weights=results.weight)[0] / results.weight.sum()
    density.stairs(shares, edges, color=style.colour(0), linewidth=1.8)
    random = -np.diff(np.cos(np.radians(edges))) / 2
    density.stairs(random, edges, color=style.GREY, linestyle=":", label="directions at random")
    order = np.argsort(results.angle)
    inside = np.cumsum(results.weight[order]) / results.weight.sum()
    within.step([0, *results.angle[order]], [0, *inside], where="post", color=style.colour(0), linewidth=1.8)
    angles = np.linspace(0, 180, 181)
    within.plot(angles, (1 - np.cos(np.radians(angles))) / 2, color=style.GREY, linestyle=":")
    found = direction_statistics(results, seed)
    for index, percent in enumerate(SHOWN_CONTAINMENTS, start=1):
        estimate = found[f"containment_{percent}_deg"]
        look = {"color": style.colour(index), "linestyle": style.line_style(index), "linewidth": 1.4}
        density.axvline(estimate.value, **look, label=f"{percent} % within {in_degrees(estimate)}")
        within.plot([0, estimate.value, estimate.value], [percent / 100, percent / 100, 0], **look)
    axis = found["axis_68_deg"]
    density.plot([], [], linestyle="none", label=f"mean {in_degrees(found['mean_deg'])}")
    density.plot([], [], linestyle="none", label=f"axis alone: 68 % within {in_degrees(axis)}")
    style.show_legend(density, "upper right")
    return figure


def plot_cosine_distribution(results: DirectionResults, seed: int = 0) -> Figure:
    """Cosines of the opening angle with the one that 68 % exceed, and the shares of good and of reversed directions."""
    figure = style.new_figure(f"Cosine between true and predicted direction ({len(results):,} events)")
    axes = style.panels(figure)[0]
    edges = np.linspace(-1, 1, 81 if len(results) >= 1000 else 21)
    style.describe(axes, "cosine of the opening angle", f"share of events per {edges[1] - edges[0]:.3g}")
    axes.set_xlim(-1, 1)
    if _says_why_empty(axes, results):
        return figure
    shares = np.histogram(results.cosine, edges, weights=results.weight)[0] / results.weight.sum()
    axes.stairs(shares, edges, color=style.colour(0), linewidth=1.8)
    axes.axhline((edges[1] - edges[0]) / 2, color=style.GREY, linestyle=":", label="directions at random")
    found = direction_statistics(results, seed)
    angle = found["containment_68_deg"]
    label = f"68 % above {np.cos(np.radians(angle.value)):.3f}: within {in_degrees(angle)}"
    axes.axvline(np.cos(np.radians(angle.value)), color=style.colour(1), linestyle="--", label=label)
    for low, high, name, text in (
        (0.9, 1, "share_cos_above_0_9", "cos > 0.9"),
        (-1, -0.9, "share_reversed", "reversed, cos < -0.9"),
    ):
        index = 2 if low > 0 else 3
        axes.axvspan(low, high, color=style.colour(index), alpha=0.2, label=f"{text}: {in_percent(found[name])}")
    axes.plot([], [], linestyle="none", label=f"right half, cos > 0: {in_percent(found['head_tail_accuracy'])}")
    axes.set_yscale("log")
    axes.set_ylim(0.5 * min(shares[shares > 0].min(), edges[1] - edges[0]), 2)
    style.show_legend(axes, "upper center")
    return figure


# ---------------------------------------------------------------------------- components
def plot_components(results: DirectionResults) -> Figure:
    """Predicted against true component in the drift frame, and the mean difference in bins of the true component."""
    figure = style.new_figure("Components of the direction in the drift frame")
    all_axes = style.panels(figure, 2, 3, height_ratios=(2, 1), share_x=True)
    for component, name in enumerate(_COMPONENTS):
        above, below = all_axes[component], all_axes[component + 3]
        truth, predicted = results.truth[:, component], results.predicted[:, component]
        style.describe(above, "", f"predicted {name}")
        style.describe(below, f"true {name}", "predicted - true")
        above.set(xlim=(-1, 1), ylim=(-1, 1))
        if _says_why_empty(above, results):
            continue
        if len(results) > 1000:
            counts, _, _ = np.histogram2d(truth, predicted, [_COMPONENT_BINS] * 2, weights=results.weight)
            lowest = max(counts[counts > 0].min(), counts.max() / _COLOUR_RANGE)
            norm = LogNorm(lowest, counts.max()) if lowest < counts.max() else None
            above.pcolormesh(
                _COMPONENT_BINS,
                _COMPONENT_BINS,
                np.ma.masked_equal(counts.T, 0),
                cmap="viridis_r",
                norm=norm,
                rasterized=True,
            )
        else:
            above.plot(truth, predicted, ".", color=style.colour(0), markersize=5, alpha=0.7)
        above.plot([-1, 1], [-1, 1], color=style.colour(1), linestyle="--", linewidth=1)
        total = mean_estimate(predicted - truth, results.weight)
        above.set_title(f"bias {total.value:+.4f} [{total.low:+.4f}, {total.high:+.4f}]", fontsize=10)
        _draw_bias(below, truth, predicted - truth, results.weight)
    return figure


def _draw_bias(axes: Axes, truth: np.ndarray, difference: np.ndarray, weights: np.ndarray) -> None:
    group = np.clip(np.searchsorted(_BIAS_BINS, truth, side="right") - 1, 0, len(_BIAS_BINS) - 2)
    found = [
        mean_estimate(difference[group == number], weights[group == number]) for number in range(len(_BIAS_BINS) - 1)
    ]
    bias = Estimates.of(found)
    draw_estimates(axes, 0, (_BIAS_BINS[1:] + _BIAS_BINS[:-1]) / 2, bias)
    axes.axhline(0, color=style.GREY, linestyle=":")


# ---------------------------------------------------------------------------- uncertainty
def plot_uncertainty_calibration(results: DirectionResults, seed: int = 0, calibrated: bool = False) -> Figure:
    """The angle that holds 68 % against the angle that is predicted to, by the network or `calibrated`, with the band of 20 %;
    beneath, their ratio."""
    figure = style.new_figure(
        f"Predicted uncertainty of the direction, {'calibrated' if calibrated else 'as the network says'}"
    )
    axes, ratio = style.panels(figure, 2, 1, height_ratios=(3, 1), share_x=True)
    style.describe(axes, "", "angle that holds 68 % [°]")
    style.describe(ratio, "predicted 68 % angle, mean of the group [°]", "actual / predicted")
    if results.predicted_68_deg is None:
        style.say(axes, "the network predicts no uncertainty")
        return figure
    if _says_why_empty(axes, results):
        return figure
    groups = calibration(results, seed=seed)
    reach = 1.1 * max(np.max(groups.predicted), np.max(groups.actual.value), 1.0)
    line = np.array([0, reach])
    low, high = 1 - CALIBRATION_TARGET, 1 + CALIBRATION_TARGET
    axes.fill_between(
        line, low * line, high * line, color=style.GREY, alpha=0.2, label=f"within {100 * CALIBRATION_TARGET:.0f} %"
    )
    axes.plot(line, line, color=style.GREY, linestyle=":", label="calibrated")
    text = f"groups of about {int(np.median(groups.entries)):,} events, worst off by {100 * groups.worst_ratio():.0f} %"
    draw_estimates(axes, 0, groups.predicted, groups.actual, label=text)
    coverage = f"within their own predicted angle: {in_percent(pull_coverage(results))} (68 % wanted)"
    axes.plot([], [], linestyle="none", label=coverage)
    axes.set(xlim=(0, reach), ylim=(0, reach))
    sound = groups.predicted > 0
    ratios = Estimates(*(part[sound] / groups.predicted[sound] for part in groups.actual))
    ratio.axhspan(low, high, color=style.GREY, alpha=0.2)
    ratio.axhline(1, color=style.GREY, linestyle=":")
    draw_estimates(ratio, 0, groups.predicted[sound], ratios)
    style.show_legend(axes, "upper left")
    return figure


# ---------------------------------------------------------------------------- shared
def draw_estimates(
    axes: Axes,
    index: int,
    x: np.ndarray,
    estimates: Estimates,
    label: str = "_",
    line: bool = False,
) -> None:
    """Points (B,) with error bars, in colour and marker of `index`; those without a value are left out."""
    known = np.isfinite(estimates.value) & np.isfinite(x)
    value, low, high = (part[known] for part in estimates)
    errors = np.nan_to_num(np.maximum([value - low, high - value], 0))  # NaN: a single event
    axes.errorbar(
        x[known],
        value,
        yerr=errors,
        color=style.colour(index),
        marker=style.marker(index),
        markersize=6,
        linestyle=style.line_style(index) if line else "none",
        capsize=2,
        label=label,
    )


def in_degrees(estimate: Estimate) -> str:
    """`22.5° [21.9, 23.0]`, without brackets where there is no interval."""
    return f"{estimate.value:.1f}°" + _brackets(estimate, "{:.1f}")


def in_percent(estimate: Estimate) -> str:
    """`91.2 % [90.9, 91.5]`, without brackets where there is no interval."""
    return f"{100 * estimate.value:.1f} %" + _brackets(Estimate(*(100 * part for part in estimate)), "{:.1f}")


def _brackets(estimate: Estimate, form: str) -> str:
    return f" [{form.format(estimate.low)}, {form.format(estimate.high)}]" if np.isfinite(estimate.low) else ""


def _says_why_empty(axes: Axes, results: DirectionResults) -> bool:
    if results.weight.sum() > 0:
        return False
    style.say(axes, "no events" if len(results) == 0 else "all events have weight 0")
    return True
