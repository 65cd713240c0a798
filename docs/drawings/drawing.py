"""What the drawings share: `python -m docs.drawings.NAME` makes docs/drawings/*.svg anew, always the same bytes."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from python.plots import style

FOLDER = Path(__file__).resolve().parent
BLUE, ORANGE, GREEN, PINK = (style.colour(index) for index in range(4))


def new_drawing(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), layout="constrained")


def plain(axes: Axes, x: tuple[float, float], y: tuple[float, float]) -> Axes:
    """Axes to draw a sketch in: no frame, both directions on one scale."""
    axes.set(xlim=x, ylim=y, aspect="equal")
    axes.set_axis_off()
    return axes


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str, width: float = 1.8) -> None:
    axes.annotate(
        "",
        xytext=start,
        xy=end,
        arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": width, "shrinkA": 0, "shrinkB": 0},
    )


def save(figure: Figure, name: str) -> None:
    """Write docs/drawings/NAME.svg without the time and with names that do not change from call to call."""
    path = FOLDER / f"{name}.svg"
    with mpl.rc_context({"svg.hashsalt": name}):
        figure.savefig(path, metadata={"Date": None})
    print(path)
