"""The drift frame: how half a turn brings the two faces together, and what the three planes measure in it."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from docs.drawings.drawing import BLUE, GREEN, ORANGE, arrow, new_drawing, plain, save
from python.detector.drift_frame import to_drift_frame
from python.detector.geometry import PLANES, WIRE_ANGLE_DEG
from python.plots import style

TRACKS = {1: (np.array([1.3, 0.5]), np.array([1.1, 0.8])), -1: (np.array([-1.3, -0.5]), np.array([-1.1, -0.8]))}
ACROSS = {  # direction in (z', y') along which the columns of a plane count
    "U": (np.cos(np.radians(WIRE_ANGLE_DEG)), -np.sin(np.radians(WIRE_ANGLE_DEG))),
    "V": (np.cos(np.radians(WIRE_ANGLE_DEG)), np.sin(np.radians(WIRE_ANGLE_DEG))),
    "X": (1.0, 0.0),
}
MEASURED = {"U": "z′ - y′", "V": "z′ + y′", "X": "z′"}
COLOURS = {"U": BLUE, "V": ORANGE, "X": GREEN}


def main() -> None:
    draw_faces()
    draw_planes()


def draw_faces() -> None:
    figure = new_drawing(10.4, 3.7)
    detector, frame = figure.subplots(1, 2, width_ratios=(1.55, 1))
    _draw_detector(plain(detector, (-3.9, 3.9), (-2.45, 2.75)))
    _draw_frame(plain(frame, (-0.9, 4.1), (-2.45, 2.75)))
    save(figure, "drift_frame")


def _draw_detector(axes: Axes) -> None:
    axes.set_title("detector axes, seen along the beam: two tracks that differ", fontsize=11)
    axes.plot([0, 0], [-2, 2], color="black", linewidth=4)
    axes.text(0, -2.3, "wire planes", ha="center", fontsize=9)
    for side, face in ((-1, "face x < 0"), (1, "face x > 0")):
        axes.plot([3.1 * side, 3.1 * side], [-2, 2], color=style.GREY, linewidth=1.5, linestyle="--")
        axes.text(3.1 * side, -2.3, "cathode", ha="center", fontsize=9, color=style.GREY)
        axes.text(1.6 * side, 2.2, face, ha="center", fontsize=10)
        arrow(axes, (2.9 * side, -1.6), (1.9 * side, -1.6), style.GREY, 1.2)
        axes.text(2.4 * side, -1.45, "drift", ha="center", fontsize=8, color=style.GREY)
        start, step = TRACKS[side]
        arrow(axes, tuple(start), tuple(start + step), ORANGE, 3)
    arrow(axes, (0.15, -1.1), (0.95, -1.1), "black", 1.2)
    arrow(axes, (0.15, -1.1), (0.15, -0.3), "black", 1.2)
    axes.text(1.0, -1.1, "x", va="center", fontsize=10)
    axes.text(0.2, -0.2, "y", fontsize=10)


def _draw_frame(axes: Axes) -> None:
    axes.set_title("drift frame: the same track", fontsize=11)
    axes.plot([0, 0], [-2, 2], color="black", linewidth=4)
    axes.text(0, -2.3, "wire planes", ha="center", fontsize=9)
    axes.plot([3.1, 3.1], [-2, 2], color=style.GREY, linewidth=1.5, linestyle="--")
    axes.text(3.1, -2.3, "cathode", ha="center", fontsize=9, color=style.GREY)
    axes.text(1.6, 2.2, "both faces", ha="center", fontsize=10)
    for (side, (start, step)), (colour, width) in zip(TRACKS.items(), ((ORANGE, 5), (BLUE, 1.6)), strict=True):
        place, direction = (to_drift_frame(np.array([[*pair, 0.0]]), np.array([side]))[0, :2] for pair in (start, step))
        arrow(axes, tuple(place), tuple(place + direction), colour, width)
    arrow(axes, (0.15, -1.1), (0.95, -1.1), "black", 1.2)
    arrow(axes, (0.15, -1.1), (0.15, -0.3), "black", 1.2)
    axes.text(1.0, -1.1, "x'", va="center", fontsize=10)
    axes.text(0.2, -0.2, "y'", fontsize=10)


def draw_planes() -> None:
    figure = new_drawing(10.4, 3.3)
    for axes, plane in zip(figure.subplots(1, 3), PLANES, strict=True):
        _draw_plane(plain(axes, (-2.6, 2.9), (-2.35, 2.35)), plane)
    save(figure, "planes")


def _draw_plane(axes: Axes, plane: str) -> None:
    """Wires of a plane as lines, and the way in which its columns count; z' to the right, y' up."""
    across = np.array(ACROSS[plane])
    along = np.array([-across[1], across[0]])
    for step in np.arange(-3, 3.1, 0.5):
        ends = np.array([[-6], [6]]) * along + step * across
        inside = _clipped(ends, 1.75)
        if inside is not None:
            axes.plot(*inside.T, color=COLOURS[plane], linewidth=1, alpha=0.55)
    arrow(axes, tuple(-1.2 * across), tuple(1.2 * across), COLOURS[plane], 3)
    axes.set_title(f"{plane} columns: {MEASURED[plane]}", fontsize=11, color=COLOURS[plane])
    arrow(axes, (-2.3, -2.1), (-1.3, -2.1), "black", 1.2)
    arrow(axes, (-2.3, -2.1), (-2.3, -1.1), "black", 1.2)
    axes.text(-1.2, -2.1, "z'", va="center", fontsize=10)
    axes.text(-2.35, -1.0, "y'", ha="center", fontsize=10)


def _clipped(ends: np.ndarray, half: float) -> np.ndarray | None:
    """The part of a straight line between two `ends` (2, 2) that lies within a square, or None."""
    shares = np.linspace(0, 1, 2001)[:, None]
    points = ends[0] + shares * (ends[1] - ends[0])
    inside = points[np.all(np.abs(points) <= half, axis=1)]
    return inside[[0, -1]] if len(inside) > 1 else None


if __name__ == "__main__":
    main()
