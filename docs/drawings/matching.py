"""One simulated electron on the three planes: clusters at one time, and the heights that U and V give."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from docs.drawings.drawing import BLUE, GREEN, ORANGE, new_drawing, save
from python.data.data_origin import DataFolders
from python.data.image_set import ImageSet, load_images
from python.detector.geometry import (
    PEAK_OFFSET_TICKS,
    PLANES,
    U,
    V,
    X,
    columns_run_backwards,
    y_of_induction_channel,
    z_of_x_channel,
)
from python.plots import style
from python.plots.images import draw_image
from python.simulation.backgrounds import NOMINAL_RATES
from python.simulation.production import produce
from python.simulation.settings import SimulationSettings

SETTINGS = SimulationSettings(
    events=12, channel="es", seed=12, energy=(25.0, 35.0), background=dict.fromkeys(NOMINAL_RATES, 0.0)
)
COLOURS = (BLUE, ORANGE, GREEN)
SHOWN_TICKS, SHOWN_CHANNELS = 110, 26
WIDE_CM = 8.0  # of z that is drawn either side of the cluster


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        produce(SETTINGS, Path(folder))
        planes = [load_images(DataFolders([folder]), plane) for plane in PLANES]
    rows = main_track_on_every_plane(planes)
    figure = new_drawing(10.4, 3.6)
    panels = figure.subplots(1, 4, width_ratios=(1, 1, 1, 1.5))
    moment = float(planes[X].metadata["arrival"][rows[X]])
    for plane, axes in enumerate(panels[:3]):
        _draw_cluster(axes, planes[plane], rows[plane], plane, moment)
    panels[0].set_ylabel("time after the arrival on X [ticks]", fontsize=10)
    _draw_wires(panels[3], planes, rows)
    save(figure, "matching")


def main_track_on_every_plane(planes: list[ImageSet]) -> list[int]:
    """The rows of U, V and X that are one matched main track: the one whose planes agree best in energy."""
    tables = [images.metadata for images in planes]
    found = []
    for x in np.flatnonzero((tables[X]["is_main_track"] == 1) & (tables[X]["match_id"] >= 0)):
        rows = [np.flatnonzero(table["match_id"] == tables[X]["match_id"][x]) for table in tables]
        if all(len(row) == 1 for row in rows):
            energies = [float(table["cluster_energy"][row[0]]) for table, row in zip(tables, rows, strict=True)]
            found.append((max(energies) / min(energies), [int(row[0]) for row in rows]))
    return min(found)[1]


def _draw_cluster(axes: Axes, images: ImageSet, row: int, plane: int, moment: float) -> None:
    """The charge of one cluster against the time since `moment`, in ticks, the plane's offset taken off."""
    image, facts = images.images[row], images.metadata[row]
    draw_image(axes, image, Normalize(0, float(np.percentile(image[image > 0], 99))))
    first_row = np.flatnonzero(image.sum(axis=1))[0]
    row_of_moment = moment - facts["first_tick"] + PEAK_OFFSET_TICKS[plane] + first_row
    column = np.average(np.arange(image.shape[1]), weights=image.sum(axis=0))
    times = np.arange(-40, 41, 20)
    axes.set_yticks(row_of_moment + times, labels=times)
    axes.set(
        xlim=(column - SHOWN_CHANNELS / 2, column + SHOWN_CHANNELS / 2),
        ylim=(row_of_moment - SHOWN_TICKS / 2, row_of_moment + SHOWN_TICKS / 2),
    )
    axes.axhline(row_of_moment, color=style.GREY, linestyle=":", linewidth=1.2)
    axes.set_title(f"{PLANES[plane]}: {facts['cluster_energy']:.0f} MeV", fontsize=11, color=COLOURS[plane])
    axes.set_xlabel("channel", fontsize=10)


def _draw_wires(axes: Axes, planes: list[ImageSet], rows: list[int]) -> None:
    """The wires of U and V through the middle of their clusters, and the z of the X cluster, in the plane of the wires."""
    facts = planes[X].metadata[rows[X]]
    apa, face = facts["apa"], facts["face"]
    middles = [_middle_channel(planes[plane], rows[plane]) for plane in range(3)]
    z_x = float(z_of_x_channel(apa, middles[X]))
    z = np.linspace(z_x - WIDE_CM, z_x + WIDE_CM, 201)
    heights = []
    for plane in (U, V):
        y = y_of_induction_channel(
            plane, np.full(z.shape, apa), np.full(z.shape, face), np.full(z.shape, middles[plane]), z
        )
        heights.append(float(np.interp(z_x, z, y)))
        axes.plot(z, y, color=COLOURS[plane], linewidth=2, label=f"wire of {PLANES[plane]}: y = {heights[-1]:.1f} cm")
        axes.plot(z_x, heights[-1], "o", color=COLOURS[plane], markersize=7)
    axes.axvline(z_x, color=COLOURS[X], linewidth=2, label=f"wire of X: z = {z_x:.1f} cm")
    style.describe(axes, "z [cm]", "y [cm]")
    axes.set_title("wires of U and V cross X at one height", fontsize=11)
    axes.xaxis.label.set_size(10)
    axes.yaxis.label.set_size(10)
    axes.tick_params(labelsize=8)
    axes.set(xlim=(z[0], z[-1]), ylim=(np.mean(heights) - WIDE_CM, np.mean(heights) + WIDE_CM))
    axes.set_aspect("equal")
    axes.legend(fontsize=8, loc="lower left")


def _middle_channel(images: ImageSet, row: int) -> float:
    """The channel within its plane in the middle of a cluster's charge."""
    facts = images.metadata[row]
    sums = images.images[row].sum(axis=0)
    columns = np.flatnonzero(sums)
    column = np.average(np.arange(len(sums)), weights=sums)
    backwards = columns_run_backwards(facts["plane"], facts["apa"], facts["face"])
    offset = columns[-1] - column if backwards else column - columns[0]
    return float(facts["first_channel"] + offset)


if __name__ == "__main__":
    main()
