"""Sky maps of true and predicted directions in detector axes: holes and clusters where there should be none."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from python.metrics.directions import DirectionResults
from python.plots import style

_NSIDES = (8, 4, 2, 1)  # 768 to 12 pixels
_EVENTS_PER_PIXEL = 10
_GRID_LONGITUDE = np.radians(np.linspace(-180, 180, 361))
_GRID_LATITUDE = np.radians(np.linspace(-90, 90, 181))


def plot_direction_maps(results: DirectionResults) -> Figure:
    """Healpix maps of the true and of the predicted directions in detector axes, Mollweide, on one scale.

    North is up (y), longitude 0 the beam (z), longitude 90 degrees x, the drift. Colours give the weight in a pixel over that of
    isotropic events. Pixels are as small as leaves ten events in each.
    """
    import healpy  # a second, and nothing else needs it here

    figure = style.new_figure("Directions in detector axes: north is y (up), longitude 0 is z (beam), 90° is x (drift)")
    nside = next(
        (nside for nside in _NSIDES if len(results) >= _EVENTS_PER_PIXEL * healpy.nside2npix(nside)), _NSIDES[-1]
    )
    maps = [_density(healpy, vectors, results.weight, nside) for vectors in results.in_detector_axes()]
    top = max(2.0, *(float(values.max()) for values in maps))
    all_axes = figure.subplots(2, 1, subplot_kw={"projection": "mollweide"})
    for axes, values, name in zip(all_axes, maps, ("true", "predicted"), strict=True):
        mesh = _draw_map(axes, healpy, values, nside, Normalize(0, top))
        axes.set_title(f"{name} directions: {_spread(values, results)}", fontsize=11, pad=10)
        if results.weight.sum() == 0:
            style.say(axes, "no events")
    bar = figure.colorbar(mesh, ax=list(all_axes), fraction=0.03, pad=0.03, aspect=35)
    bar.set_label("events over those of an isotropic sky", fontsize=11)
    return figure


def _pixels(healpy, vectors: np.ndarray, nside: int) -> np.ndarray:
    """Pixel (...,) of vectors (..., 3) in detector axes; healpy's north is its third axis, its longitude goes from x to y."""
    return healpy.vec2pix(nside, vectors[..., 2], vectors[..., 0], vectors[..., 1])


def _density(healpy, vectors: np.ndarray, weights: np.ndarray, nside: int) -> np.ndarray:
    """Weight in each pixel over its mean; zeros without events."""
    summed = np.bincount(_pixels(healpy, vectors, nside), weights=weights, minlength=healpy.nside2npix(nside))
    return summed / summed.mean() if summed.any() else summed


def _draw_map(axes: Axes, healpy, values: np.ndarray, nside: int, scale: Normalize):
    longitude = (_GRID_LONGITUDE[1:] + _GRID_LONGITUDE[:-1]) / 2
    latitude = (_GRID_LATITUDE[1:, None] + _GRID_LATITUDE[:-1, None]) / 2
    z, x = np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude)
    y = np.broadcast_to(np.sin(latitude), z.shape)
    shown = values[_pixels(healpy, np.stack([x, y, z], axis=-1), nside)]
    mesh = axes.pcolormesh(_GRID_LONGITUDE, _GRID_LATITUDE, shown, cmap="viridis", norm=scale, rasterized=True)
    axes.set_xticks(np.radians([-90, 0, 90]), ["-90° (-x)", "0° (beam)", "90° (+x)"], fontsize=9, color="white")
    axes.set_yticks(np.radians([-60, -30, 0, 30, 60]), ["-60°", "-30°", "0°", "30°", "60°"], fontsize=9)
    axes.grid(visible=True, color="white", alpha=0.4, linewidth=0.6)
    return mesh


def _spread(values: np.ndarray, results: DirectionResults) -> str:
    """How uneven the map is, beside what chance alone does to isotropic events."""
    total = results.weight.sum()
    if total == 0:
        return "none"
    by_chance = np.sqrt(np.sum(results.weight**2) * len(values)) / total
    return f"{len(results):,} events, pixels vary by {values.std():.2f}, by chance {by_chance:.2f}"
