"""Calibrated answers: scores made too sure and mended by a temperature; lobes on the sphere and the angle that holds 68 %."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from docs.drawings.drawing import BLUE, GREEN, ORANGE, new_drawing, save
from python.directions.sphere import angle_of_68
from python.metrics.classification import calibration_bins
from python.metrics.tagging import CC, ES, fit_temperature, with_temperature
from python.plots import style

N_EVENTS, TOO_SURE, SEED = 40_000, 2.5, 1
LOBES = ((4.0, 1.0, BLUE), (20.0, 1.0, ORANGE), (20.0, 0.6, GREEN))  # kappa, probability of the head, colour


def main() -> None:
    draw_scores()
    draw_lobes()


def draw_scores() -> None:
    """How often an event is ES against the score that says so, before and after temperature scaling."""
    generator = np.random.default_rng(SEED)
    log_odds = generator.normal(0, 1.5, N_EVENTS)
    labels = np.where(generator.random(N_EVENTS) < 1 / (1 + np.exp(-log_odds)), ES, CC)
    es = 1 / (1 + np.exp(-TOO_SURE * log_odds))
    scores = np.stack([1 - es, es], axis=1)
    temperature = fit_temperature(labels, scores)
    figure = new_drawing(6.4, 4.2)
    axes = figure.subplots()
    for index, (when, shown) in enumerate((("as they come", scores), ("after", with_temperature(scores, temperature)))):
        bins = calibration_bins(labels == ES, shown[:, ES])
        label = when if index == 0 else f"divided by temperature {temperature:.2f}"
        axes.plot(
            bins.mean_score,
            bins.positives / bins.entries,
            color=style.colour(index),
            marker=style.marker(index),
            linestyle=style.line_style(index),
            label=label,
        )
    axes.plot([0, 1], [0, 1], color=style.GREY, linestyle=":", label="calibrated")
    style.describe(axes, "score of ES", "share that is ES")
    style.show_fraction_axis(axes)
    style.show_legend(axes, "upper left")
    save(figure, "scores")


def draw_lobes() -> None:
    """Probability against the opening angle, with the angle that holds 68 % marked."""
    figure = new_drawing(10.4, 3.6)
    density, within = figure.subplots(1, 2)
    angle = np.linspace(0, 180, 181)
    for kappa, head, colour in LOBES:
        name = f"kappa {kappa:.0f}" + (f", head {100 * head:.0f} %" if head < 1 else "")
        cosine = np.cos(np.radians(angle))
        shape = (head * np.exp(kappa * (cosine - 1)) + (1 - head) * np.exp(kappa * (-cosine - 1))) * np.sin(
            np.radians(angle)
        )
        share = np.concatenate([[0], np.cumsum((shape[1:] + shape[:-1]) / 2)])
        angle_68 = float(angle_of_68(np.array([kappa]), head)[0])
        density.plot(
            angle, shape / share[-1] / (angle[1] - angle[0]), color=colour, label=f"{name}: 68 % in {angle_68:.0f}°"
        )
        within.plot(angle, share / share[-1], color=colour, label=name)
        for axes in (density, within):
            axes.axvline(angle_68, color=colour, linestyle=":", linewidth=1.2)
    within.axhline(0.6827, color=style.GREY, linewidth=0.8)
    _label(density, "probability per degree")
    _label(within, "probability within the angle")
    save(figure, "lobes")


def _label(axes: Axes, text: str) -> None:
    style.describe(axes, "opening angle to the predicted direction [degrees]", text)
    axes.set_xlim(0, 180)
    axes.xaxis.label.set_size(10)
    axes.yaxis.label.set_size(10)
    style.show_legend(axes)


if __name__ == "__main__":
    main()
