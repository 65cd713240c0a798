"""From a burst to a direction: what each of the three networks sees and says."""

from __future__ import annotations

from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from docs.drawings.drawing import BLUE, GREEN, ORANGE, arrow, new_drawing, plain, save
from python.plots import style

BOXES = (  # left edge, colour, title, text
    (0.0, style.GREY, "supernova burst", "thousands of events\nin ten seconds:\nclusters on three planes"),
    (4.2, BLUE, "MT", "main-track identifier:\nwhich cluster is\nthe electron's track?"),
    (8.4, ORANGE, "CT", "channel tagger:\nES, which points,\nor CC, which does not?"),
    (12.6, GREEN, "ED", "electron direction:\nwhere did it fly,\nand how sure is that?"),
    (16.8, style.GREY, "sky map", "where the star is\n(being built)"),
)
WIDTH, HEIGHT = 3.4, 2.2


def main() -> None:
    figure = new_drawing(11, 1.55)
    axes = plain(figure.subplots(), (-0.15, 20.35), (-0.15, 2.35))
    for left, colour, title, text in BOXES:
        _box(axes, left, colour, title, text)
    for (left, *_), (following, *_) in pairwise(BOXES):
        arrow(axes, (left + WIDTH + 0.08, HEIGHT / 2), (following - 0.08, HEIGHT / 2), style.GREY)
    save(figure, "overview")


def _box(axes: Axes, left: float, colour: str, title: str, text: str) -> None:
    axes.add_patch(
        FancyBboxPatch(
            (left, 0), WIDTH, HEIGHT, boxstyle="round,pad=0,rounding_size=0.2", fc="white", ec=colour, lw=1.8
        )
    )
    axes.text(left + WIDTH / 2, 1.78, title, ha="center", va="center", fontsize=11, color=colour, weight="bold")
    axes.text(left + WIDTH / 2, 0.8, text, ha="center", va="center", fontsize=8.5)


if __name__ == "__main__":
    main()
