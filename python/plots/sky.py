"""Where the star may be: the whole sky with the regions of 50, 68 and 90 %, and the part of it that matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike
from scipy.ndimage import gaussian_filter

from python.plots import style

LEVELS = (0.5, 0.68, 0.9)

_CONTOUR_WIDTHS = {0.5: 2.2, 0.68: 1.5, 0.9: 0.9}
_TRUTH, _CANDIDATE, _GALAXY = style.PALETTE[1], style.PALETTE[4], style.PALETTE[2]
_LINES = "#BBBBBB"
_LARGEST_CANDIDATE = 45.0  # points squared
_TELLS_NOTHING = 0.05  # bits
_LEAST_TOP = 6.0  # of the colours, over an isotropic sky: a map that claims little looks pale
_ZOOM_HALF_WIDTHS = (0.4, 60.0)  # degrees, smallest and largest
_SMALLEST_OUTLINE = 3.0
_ZOOM_PIXELS = 400
_SMALLEST_DETAIL = 0.07  # degrees, of the order of a map's smallest pixels
_SCALES = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)  # degrees that a bar may have
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 45)  # degrees between lines of the sky's net

# galactic pole and the node of the plane in ICRS: Hipparcos and Tycho Catalogues, ESA SP-1200 (1997), vol. 1, 1.5.3
_GALACTIC_POLE = (192.85948, 27.12825)


class Sky(Protocol):
    """A probability density on the sphere, as `python.pointing.sky_map.SkyMap` is one; directions are unit vectors to it."""

    @property
    def frame(self) -> str: ...
    @property
    def peak(self) -> np.ndarray: ...
    @property
    def information(self) -> float: ...
    def density_at(self, directions: ArrayLike) -> np.ndarray: ...
    def level_of(self, directions: ArrayLike) -> np.ndarray: ...
    def area(self, level: ArrayLike) -> np.ndarray: ...
    def radius(self, level: ArrayLike) -> np.ndarray: ...


@dataclass(frozen=True)
class Candidates:
    """Neutrino candidates: unit vectors (n, 3) to where each says that the star is, in the map's frame, and weights (n,)."""

    toward_star: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True)
class _View:
    """How a frame is drawn: `basis` has in its rows the vectors at longitude 0, at 90 degrees and north; in degrees.

    `sense` is -1 where longitude runs to the left, as on the sky seen from within; `middle` is the longitude in the middle.
    """

    basis: np.ndarray
    sense: int
    middle: float
    name: str

    @classmethod
    def of(cls, sky: Sky) -> _View:
        if sky.frame == "icrs":
            longitude = np.degrees(np.arctan2(sky.peak[1], sky.peak[0]))
            return cls(np.eye(3), -1, 30 * round(longitude / 30), "ICRS, right ascension runs to the left")
        middle = 90 * round(np.degrees(np.arctan2(sky.peak[0], sky.peak[2])) / 90)
        return cls(np.eye(3)[[2, 0, 1]], 1, middle, "detector axes: north is y (up), 0° is z (beam), 90° is x (drift)")

    def name_of(self, longitude: float) -> str:
        degrees = round(longitude) % 360
        axes = {0: "z (beam)", 90: "x (drift)", 180: "-z", 270: "-x"}
        return axes.get(degrees, f"{degrees}°") if self.sense > 0 else f"{degrees}°"

    def vectors(self, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
        """Unit vectors (..., 3) at degrees (...,)."""
        longitude, latitude = np.radians(longitude), np.radians(latitude)
        flat = np.cos(latitude)
        return np.stack([flat * np.cos(longitude), flat * np.sin(longitude), np.sin(latitude)], axis=-1) @ self.basis

    def angles(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Longitude and latitude (...,) in degrees of vectors (..., 3)."""
        x, y, z = np.moveaxis(np.asarray(vectors) @ self.basis.T, -1, 0)
        return np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))

    def on_page(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Radians (...,) to the right of the middle and upwards."""
        longitude, latitude = self.angles(vectors)
        return np.radians((self.sense * (longitude - self.middle) + 180) % 360 - 180), np.radians(latitude)

    def tangents(self, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Unit vectors (3,) to the right and upwards on the page at `centre`."""
        east = np.cross(self.basis[2], centre)
        if np.linalg.norm(east) < 1e-9:
            east = self.basis[1]
        east = east / np.linalg.norm(east)
        return self.sense * east, np.cross(centre, east)


def sky_figure(
    sky: Sky, title: str, candidates: Candidates | None = None, truth: np.ndarray | None = None, simulated: bool = False
) -> Figure:
    """The map as a whole, Mollweide, and a zoom on its peak with a bar of some degrees.

    Colours give the density, lines the smallest regions that hold 50, 68 and 90 %. Candidates are points whose areas go with
    their weights; `truth` is the unit vector (3,) to the star in the map's frame, where it is known. In ICRS the plane of the
    Galaxy is drawn; a map of a simulated burst says so.
    """
    view = _View.of(sky)
    figure = style.new_figure(title)
    grid = figure.add_gridspec(2, 2, height_ratios=(1.25, 1), width_ratios=(1, 1))
    whole = figure.add_subplot(grid[0, :], projection="mollweide")
    zoom, legend = figure.add_subplot(grid[1, 0], anchor="E"), figure.add_subplot(grid[1, 1])
    scale = Normalize(0, max(_LEAST_TOP, float(_over_isotropic(sky, sky.peak))))
    half_width = float(np.clip(1.9 * np.sqrt(sky.area(0.9) / np.pi), *_ZOOM_HALF_WIDTHS))
    _draw_whole(whole, sky, view, scale)
    mesh = _draw_zoom(zoom, sky, view, scale, half_width)
    _outline(whole, view, sky.peak, half_width)
    for axes, place, size in ((whole, view.on_page, 0.5), (zoom, _zoomed(view, sky.peak, half_width), 1.0)):
        _draw_marks(axes, place, size, candidates, truth)
        if sky.frame == "icrs":
            _draw_galaxy(axes, place)
    bar = figure.colorbar(mesh, ax=whole, fraction=0.02, pad=0.02, aspect=25)
    bar.set_label("probability over that of an isotropic sky", fontsize=10)
    bar.ax.tick_params(labelsize=9)
    _describe(legend, sky, view, candidates, truth)
    if simulated:
        look = {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": _TRUTH}
        figure.text(0.02, 0.97, "SIMULATED", color=_TRUTH, fontsize=12, weight="bold", ha="left", va="top", bbox=look)
    return figure


def _over_isotropic(sky: Sky, vectors: np.ndarray) -> np.ndarray:
    return 4 * np.pi * sky.density_at(vectors)


def _colours() -> Colormap:
    """White where nothing is, then darker blues: the lines and points upon it keep their contrast."""
    return LinearSegmentedColormap.from_list("sky", ["#FFFFFF", "#CFE3F3", "#7DB3DC", "#2F7DBB", "#0B4F8A"])


# ---------------------------------------------------------------------------- the whole sky
def _draw_whole(axes: Axes, sky: Sky, view: _View, scale: Normalize) -> None:
    right, up = np.linspace(-180, 180, 721), np.linspace(-90, 90, 361)
    middles = np.meshgrid((right[1:] + right[:-1]) / 2, (up[1:] + up[:-1]) / 2)
    vectors = view.vectors(view.middle + view.sense * middles[0], middles[1])
    density = _over_isotropic(sky, vectors)
    axes.pcolormesh(np.radians(right), np.radians(up), density, cmap=_colours(), norm=scale, rasterized=True)
    radius = np.sqrt(sky.area(LEVELS[-1]) / np.pi)
    levels = gaussian_filter(sky.level_of(vectors), np.clip(0.1 * radius, 0.5, 3), mode=("nearest", "wrap"))
    x, y = np.radians(middles)
    _draw_contours(axes, x, y, levels, float(np.clip(radius / 15, 0.3, 1)))
    ticks = np.arange(-150, 151, 30)
    names = [view.name_of(view.middle + view.sense * tick) for tick in ticks]
    axes.set_xticks(np.radians(ticks), names, fontsize=8, color="#444444")
    axes.set_yticks(np.radians(np.arange(-60, 61, 30)), [f"{tick}°" for tick in range(-60, 61, 30)], fontsize=9)
    axes.grid(visible=True, color=_LINES, linewidth=0.5)


def _draw_contours(axes: Axes, x: np.ndarray, y: np.ndarray, levels: np.ndarray, width: float = 1.0) -> None:
    widths = [width * _CONTOUR_WIDTHS[level] for level in LEVELS]
    if levels.min() < LEVELS[0]:
        axes.contour(x, y, levels, levels=LEVELS, colors="black", linewidths=widths)


def _outline(axes: Axes, view: _View, centre: np.ndarray, half_width: float) -> None:
    """The border of the zoom on the whole sky, large enough to be seen; none where it is most of that."""
    if half_width >= _ZOOM_HALF_WIDTHS[1] / 2:
        return
    half_width = max(half_width, _SMALLEST_OUTLINE)
    side = np.linspace(-half_width, half_width, 60)
    there = np.full_like(side, half_width)
    right = np.concatenate([side, there, -side, -there])
    up = np.concatenate([there, -side, -there, side])
    _draw_line(axes, *view.on_page(_from_plane(view, centre, right, up)), color=style.GREY, linewidth=0.9)


def _draw_line(axes: Axes, x: np.ndarray, y: np.ndarray, **look) -> None:
    """A line that is not drawn across the page where it leaves it on one side and comes in on the other."""
    jumps = np.flatnonzero(np.abs(np.diff(x)) > np.pi) + 1
    axes.plot(np.insert(x, jumps, np.nan), np.insert(y, jumps, np.nan), **look)


# ---------------------------------------------------------------------------- the zoom
def _from_plane(view: _View, centre: np.ndarray, right: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Unit vectors (..., 3) at so many degrees from `centre`, azimuthal equidistant: as far and in the same direction."""
    distance = np.hypot(right, up)
    to_right, upwards = view.tangents(centre)
    sideways = (right[..., None] * to_right + up[..., None] * upwards) / np.maximum(distance, 1e-12)[..., None]
    angle = np.radians(distance)[..., None]
    return np.cos(angle) * centre + np.sin(angle) * sideways


def _zoomed(view: _View, centre: np.ndarray, half_width: float):
    """The way from vectors to degrees in the zoom; those outside are NaN."""
    to_right, upwards = view.tangents(centre)

    def place(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        along = np.stack([vectors @ to_right, vectors @ upwards])
        sine = np.maximum(np.hypot(*along), 1e-12)
        right, up = along / sine * np.degrees(np.arctan2(sine, vectors @ centre))
        outside = np.maximum(np.abs(right), np.abs(up)) > half_width
        return np.where(outside, np.nan, right), np.where(outside, np.nan, up)

    return place


def _draw_zoom(axes: Axes, sky: Sky, view: _View, scale: Normalize, half_width: float):
    edges = np.linspace(-half_width, half_width, _ZOOM_PIXELS + 1)
    right, up = np.meshgrid((edges[1:] + edges[:-1]) / 2, (edges[1:] + edges[:-1]) / 2)
    vectors = _from_plane(view, sky.peak, right, up)
    smoothing = max(4.0, _SMALLEST_DETAIL / (edges[1] - edges[0]))
    density = gaussian_filter(_over_isotropic(sky, vectors), smoothing / 2)
    mesh = axes.pcolormesh(edges, edges, density, cmap=_colours(), norm=scale, rasterized=True)
    _draw_contours(axes, right, up, gaussian_filter(sky.level_of(vectors), smoothing))
    _draw_net(axes, view, vectors, right, up)
    _draw_scale(axes, half_width)
    axes.set(xlim=(-half_width, half_width), ylim=(-half_width, half_width), xticks=[], yticks=[], aspect="equal")
    return mesh


def _draw_net(axes: Axes, view: _View, vectors: np.ndarray, right: np.ndarray, up: np.ndarray) -> None:
    """Lines of equal longitude and latitude with their degrees, at the edges: regions are in the middle."""
    longitude, latitude = view.angles(vectors)
    middle = longitude[len(longitude) // 2, len(longitude) // 2]
    turned = (longitude - middle + 180) % 360 - 180
    turned = np.ma.masked_where(np.abs(turned) > 178, turned)  # no lines where it leaps, beyond a pole
    top, left = np.array([0.0, 1.0]), np.array([-1.0, 0.0])
    for values, shift, name, side in ((turned, middle, "longitude", top), (latitude, 0.0, "latitude", left)):
        step = next((step for step in _STEPS if np.ptp(values) / step <= 5), _STEPS[-1])
        first = np.ceil((values.min() + shift) / step) * step - shift
        lines = axes.contour(
            right,
            up,
            values,
            levels=np.arange(first, values.max(), step),
            colors=_LINES,
            linewidths=0.6,
            linestyles="solid",
        )
        said = {float(level): _degrees(level + shift, name) for level in lines.levels}
        pieces = [piece for pieces in lines.allsegs for piece in pieces if len(piece)]
        places = [_near_edge(piece, side, up.max()) for piece in pieces]
        inside = [place for place in places if max(map(abs, place)) < 0.95 * up.max()]
        if inside:  # or it would choose places itself
            axes.clabel(lines, fmt=said, fontsize=7, colors=style.GREY, manual=inside)


def _near_edge(line: np.ndarray, side: np.ndarray, half_width: float) -> tuple[float, float]:
    """Where a line (N, 2) is nearest to the edge, and of several such places the one farthest to a `side` (2,)."""
    from_edge = np.abs(np.abs(line).max(axis=1) - 0.88 * half_width)
    right, up = line[np.argmin(from_edge - 0.02 * line @ side)]
    return right, up


def _degrees(value: float, name: str) -> str:
    value = round(value, 1) + 0.0  # which makes -0 0
    return f"{value % 360 if name == 'longitude' else value:g}°"


def _draw_scale(axes: Axes, half_width: float) -> None:
    length = max((scale for scale in _SCALES if scale <= 0.6 * half_width), default=_SCALES[0])
    left, low = -0.92 * half_width, -0.9 * half_width
    axes.plot([left, left + length], [low, low], color="black", linewidth=3, solid_capstyle="butt")
    axes.text(left + length / 2, low + 0.03 * half_width, f"{length:g}°", ha="center", va="bottom", fontsize=11)


# ---------------------------------------------------------------------------- upon both
def _draw_marks(axes: Axes, place, size: float, candidates: Candidates | None, truth: np.ndarray | None) -> None:
    if candidates is not None and len(candidates.weight):
        areas = size * _LARGEST_CANDIDATE * candidates.weight / candidates.weight.max()
        axes.scatter(*place(candidates.toward_star), s=areas, color=_CANDIDATE, alpha=0.5, linewidths=0, zorder=1.5)
    if truth is not None:
        look = {"marker": "*", "s": 190 * size, "color": _TRUTH, "edgecolors": "white", "linewidths": 0.8, "zorder": 5}
        axes.scatter(*(np.atleast_1d(value) for value in place(truth)), **look)


def _draw_galaxy(axes: Axes, place) -> None:
    ra, dec = np.radians(_GALACTIC_POLE)
    pole = np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
    node = np.cross([0, 0, 1], pole) / np.linalg.norm(np.cross([0, 0, 1], pole))
    turn = np.radians(np.arange(0, 360.5, 0.5))[:, None]
    plane = np.cos(turn) * node + np.sin(turn) * np.cross(pole, node)
    _draw_line(axes, *place(plane), color=_GALAXY, linewidth=1.3, linestyle="--")


def _describe(axes: Axes, sky: Sky, view: _View, candidates: Candidates | None, truth: np.ndarray | None) -> None:
    """Legend and figures, in axes of their own."""
    axes.set_axis_off()
    handles = []
    for level in LEVELS:
        label = f"{100 * level:.0f} % within {_size(sky.area(level))}"
        handles.append(Line2D([], [], color="black", linewidth=_CONTOUR_WIDTHS[level], label=label))
    if truth is not None:
        label = f"true place, first within the {100 * float(sky.level_of(truth)):.0f} % region"
        handles.append(Line2D([], [], marker="*", markersize=13, color=_TRUTH, linestyle="", label=label))
    if candidates is not None:
        number = len(candidates.weight)
        label = f"{number:,} candidate{'s' if number != 1 else ''}, area by weight"
        handles.append(Line2D([], [], marker="o", markersize=7, color=_CANDIDATE, alpha=0.7, linestyle="", label=label))
    if sky.frame == "icrs":
        handles.append(Line2D([], [], color=_GALAXY, linestyle="--", label="plane of the Galaxy"))
    axes.legend(handles=handles, loc="upper left", fontsize=10, frameon=False)
    longitude, latitude = (float(value) for value in view.angles(sky.peak))
    names = ("right ascension", "declination") if sky.frame == "icrs" else ("longitude", "latitude")
    lines = [
        f"peak at {names[0]} {longitude % 360:.2f}°, {names[1]} {latitude:.2f}°",
        f"68 % within {sky.radius(0.68):.1f}° of it, 90 % within {sky.radius(0.9):.1f}°",
    ]
    if sky.information < _TELLS_NOTHING:
        lines = ["no direction stands out"]
    lines += [
        f"{sky.information:.1f} bits against an isotropic sky",
        view.name,
    ]
    axes.text(0.03, 0.02, "\n".join(lines), transform=axes.transAxes, fontsize=10, va="bottom", linespacing=1.5)


def _size(square_degrees: ArrayLike) -> str:
    value = float(np.asarray(square_degrees))
    return f"{value:,.0f} square degrees" if value >= 10 else f"{value:.2g} square degrees"
