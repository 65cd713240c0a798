"""Where on the sky the star may be: a probability density on pixels that are small where it matters.

All directions point TO the star, where it would be seen; its neutrinos fly the opposite way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp

LOWEST_ORDER = 5  # pixels of 1.8 degrees
HIGHEST_ORDER = 9  # of 0.11 degrees
FINEST_ORDER = 29  # that 64 bits can number
ICRS = "icrs"
DETECTOR = "detector"  # x along the drift, y up, z along the beam
SQUARE_DEGREES = (180 / np.pi) ** 2  # of a steradian
LogLikelihood = Callable[[np.ndarray], np.ndarray]  # of unit vectors (m, 3), (m,)

_LARGEST_SHARE = 1e-4  # of the probability in one pixel, above the highest order
_DEEPEST = 1e6  # below the peak: where a likelihood is 0, to split pixels by
_CHUNK = 2048  # directions of one call


@dataclass(frozen=True)
class SkyMap:
    """A normalised probability density on HEALPix pixels of several orders, nested, which cover the sphere once.

    `order` (n,) and `pixel` (n,) int64, `density` (n,) per steradian, in the sequence of the nested scheme; `frame` says what the
    axes are, `ICRS` or `DETECTOR`. ValueError where pixels overlap or leave gaps, or the density is negative or not normalised.
    """

    order: np.ndarray
    pixel: np.ndarray
    density: np.ndarray
    frame: str = DETECTOR

    def __post_init__(self) -> None:
        order, pixel = np.asarray(self.order, np.int64), np.asarray(self.pixel, np.int64)
        density = np.asarray(self.density, np.float64)
        if not order.shape == pixel.shape == density.shape == (len(order),):
            raise ValueError("order, pixel and density must be one number a pixel each")
        if self.frame not in (ICRS, DETECTOR):
            raise ValueError(f'the frame of a sky map is "{ICRS}" or "{DETECTOR}", not "{self.frame}"')
        if not ((order >= 0) & (order <= FINEST_ORDER) & (pixel >= 0)).all():
            raise ValueError(f"orders must be 0 to {FINEST_ORDER}, pixels not negative")
        along = np.argsort(_starts(order, pixel), kind="stable")
        for name, values in (("order", order), ("pixel", pixel), ("density", density)):
            object.__setattr__(self, name, values[along])
        ends = self._start + _lengths(self.order)
        if not (self._start[0] == 0 and (self._start[1:] == ends[:-1]).all() and ends[-1] == 12 << 2 * FINEST_ORDER):
            raise ValueError("the pixels do not cover the sphere once")
        if not (self.density >= 0).all() or not np.isclose(self.mass.sum(), 1, rtol=0, atol=1e-6):
            raise ValueError(f"the density must not be negative and must sum to 1, not to {self.mass.sum():.6g}")

    @classmethod
    def of(
        cls,
        log_likelihood: LogLikelihood,
        frame: str = DETECTOR,
        lowest_order: int = LOWEST_ORDER,
        highest_order: int = HIGHEST_ORDER,
    ) -> Self:
        """The map of a likelihood under a flat prior; constants in its logarithm, however large, make no difference.

        `log_likelihood` takes unit vectors (m, 3) in `frame` and gives (m,), of which -inf is 0. Pixels begin at `lowest_order`
        and are split until each holds little of the probability, or is of `highest_order`. What a pixel may hold is extrapolated
        from the steps to its neighbours, so that a peak much narrower than the first pixels is followed to where it is.
        ValueError where the likelihood is NaN or infinite, or 0 everywhere.
        """
        order = np.full(12 << 2 * lowest_order, lowest_order)
        pixel = np.arange(len(order))
        heights = _evaluated(log_likelihood, order, pixel)
        while (split := _to_split(order, pixel, heights, highest_order)).any():
            children = np.repeat(pixel[split] << 2, 4) + np.tile(np.arange(4), split.sum())
            finer = np.repeat(order[split] + 1, 4)
            order, pixel = np.concatenate([order[~split], finer]), np.concatenate([pixel[~split], children])
            heights = np.concatenate([heights[~split], _evaluated(log_likelihood, finer, children)])
            along = np.argsort(_starts(order, pixel))
            order, pixel, heights = order[along], pixel[along], heights[along]
        return cls(order, pixel, np.exp(heights - logsumexp(heights, b=_areas(order))), frame)

    def __len__(self) -> int:
        return len(self.order)

    # ------------------------------------------------------------------------ pixels
    @cached_property
    def mass(self) -> np.ndarray:
        """Probability (n,) of each pixel."""
        return self.density * _areas(self.order)

    @cached_property
    def centres(self) -> np.ndarray:
        """Unit vectors (n, 3) to the pixels' centres."""
        return _centres(self.order, self.pixel)

    def pixel_at(self, directions: ArrayLike) -> np.ndarray:
        """Indices (...,) of the pixels that directions (..., 3) lie in."""
        return _leaf_at(self._start, directions)

    def density_at(self, directions: ArrayLike) -> np.ndarray:
        """Probability per steradian (...,) at directions (..., 3)."""
        return self.density[self.pixel_at(directions)]

    def flat(self, order: int) -> np.ndarray:
        """Mean density (12 * 4**order,) per steradian in the pixels of one order, nested."""
        times = 4 ** np.maximum(order - self.order, 0)
        part = np.repeat(0.25 ** np.maximum(self.order - order, 0), times)  # of a pixel of that order, exact in binary
        index = (np.cumsum(part) - part).astype(np.int64)
        return np.bincount(index, weights=np.repeat(self.density, times) * part, minlength=12 * 4**order)

    # ------------------------------------------------------------------------ where it is
    @cached_property
    def peak(self) -> np.ndarray:
        """Unit vector (3,) to the centre of the densest pixel."""
        return self.centres[np.argmax(self.density)]

    @cached_property
    def mean(self) -> np.ndarray:
        """Mean (3,) of the unit vectors; its length is 1 for a point and 0 for a sky without a preferred side."""
        return self.mass @ self.centres

    @cached_property
    def information(self) -> float:
        """Bits by which the map is narrower than an isotropic sky: 0 for that, 10 for a 1024th of the sky."""
        some = self.mass > 0
        return max(0.0, float(self.mass[some] @ np.log2(4 * np.pi * self.density[some])))

    def radius(self, level: ArrayLike) -> np.ndarray:
        """Angles (...,) in degrees about the peak that hold the probabilities `level` (...,).

        Never less than a circle must have that is as dense as the peak everywhere, when pixels are larger than what is asked for.
        """
        level = np.asarray(level, float)
        angle = angle_between(self.centres, self.peak)
        outwards = np.argsort(angle, kind="stable")
        within = np.cumsum(self.mass[outwards]) - self.mass[outwards] / 2  # half of a pixel is nearer than its centre
        densest = level / (2 * np.pi * self.density.max())  # 1 - cos of that circle
        return np.maximum(np.interp(level, within, angle[outwards]), np.degrees(2 * np.arcsin(np.sqrt(densest / 2))))

    def area(self, level: ArrayLike) -> np.ndarray:
        """Square degrees (...,) of the smallest regions that hold the probabilities `level` (...,)."""
        return np.interp(np.asarray(level, float), self._inside, self._area_inside)

    def level_of(self, directions: ArrayLike) -> np.ndarray:
        """Probability (...,) of the smallest regions that reach directions (..., 3): searched, by density, until there.

        Where pixels are equally dense none comes first: half of the others are taken as searched before.
        """
        first, last = self._ranks_at(directions)
        return (self._inside[first] + self._inside[last]) / 2

    def searched_area(self, directions: ArrayLike) -> np.ndarray:
        """Square degrees (...,) of the smallest regions that reach directions (..., 3), as `level_of` has them."""
        first, last = self._ranks_at(directions)
        return (self._area_inside[first] + self._area_inside[last]) / 2

    def draw(self, n: int, generator: np.random.Generator) -> np.ndarray:
        """Unit vectors (n, 3) at random from the map, uniform within a pixel."""
        chosen = generator.choice(len(self), n, p=self.mass / self.mass.sum())
        within = generator.integers(0, _lengths(self.order[chosen]))
        return _centres(np.full(n, FINEST_ORDER), self._start[chosen] + within)

    @cached_property
    def _start(self) -> np.ndarray:
        return _starts(self.order, self.pixel)

    @cached_property
    def _densest_first(self) -> np.ndarray:
        return np.argsort(-self.density, kind="stable")

    @cached_property
    def _inside(self) -> np.ndarray:
        """Probability (n + 1,) of the densest 0 to n pixels."""
        return np.append(0.0, np.cumsum(self.mass[self._densest_first]))

    @cached_property
    def _area_inside(self) -> np.ndarray:
        return np.append(0.0, np.cumsum(_areas(self.order)[self._densest_first])) * SQUARE_DEGREES

    def _ranks_at(self, directions: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """How many pixels are denser, and how many as dense or denser, than those at `directions`."""
        falling = -self.density[self._densest_first]
        own = -self.density_at(directions)
        return np.searchsorted(falling, own, side="left"), np.searchsorted(falling, own, side="right")


def angle_between(one: ArrayLike, other: ArrayLike) -> np.ndarray:
    """Angles (...,) in degrees between unit vectors (..., 3), precise at any size."""
    one, other = np.asarray(one), np.asarray(other)
    return np.degrees(2 * np.arctan2(np.linalg.norm(one - other, axis=-1), np.linalg.norm(one + other, axis=-1)))


def even_directions(order: int) -> np.ndarray:
    """Unit vectors (12 * 4**order, 3) to the centres of the pixels of one order, nested."""
    pixel = np.arange(12 << 2 * order)
    return _centres(np.full(len(pixel), order), pixel)


# ---------------------------------------------------------------------------- pixels of several orders
def _starts(order: np.ndarray, pixel: np.ndarray) -> np.ndarray:
    """The first of the finest pixels within each."""
    return pixel << 2 * (FINEST_ORDER - order)


def _lengths(order: np.ndarray) -> np.ndarray:
    """How many of the finest pixels lie within each."""
    return np.int64(1) << 2 * (FINEST_ORDER - order)


def _areas(order: np.ndarray) -> np.ndarray:
    """Steradians."""
    return np.pi / 3 * 0.25**order


def _centres(order: np.ndarray, pixel: np.ndarray) -> np.ndarray:
    import healpy  # half a second, which other parts of the room need not spend

    return np.stack(healpy.pix2vec(1 << order, pixel, nest=True), axis=-1)


def _leaf_at(start: np.ndarray, directions: ArrayLike) -> np.ndarray:
    import healpy

    finest = healpy.vec2pix(1 << FINEST_ORDER, *np.moveaxis(np.asarray(directions, float), -1, 0), nest=True)
    return np.searchsorted(start, finest, side="right") - 1


# ---------------------------------------------------------------------------- where to look closer
def _evaluated(log_likelihood: LogLikelihood, order: np.ndarray, pixel: np.ndarray) -> np.ndarray:
    centres = _centres(order, pixel)
    heights = np.concatenate([log_likelihood(centres[i : i + _CHUNK]) for i in range(0, len(centres), _CHUNK)])
    if heights.shape != pixel.shape:
        raise ValueError(f"a log-likelihood gives one number a direction, not {heights.shape} for {pixel.shape}")
    if not (heights < np.inf).all():
        raise ValueError("the log-likelihood is NaN or infinite")
    return heights


def _to_split(order: np.ndarray, pixel: np.ndarray, heights: np.ndarray, highest_order: int) -> np.ndarray:
    """Which pixels may hold too much, were the logarithm to climb once more as far as its largest step to a neighbour."""
    top = heights.max()
    if top == -np.inf:
        raise ValueError("the likelihood is 0 in every direction")
    heights = np.maximum(heights - top, -_DEEPEST)
    log_mass = heights + np.log(_areas(order))
    return (order < highest_order) & (
        log_mass + _largest_steps(order, pixel, heights) > np.log(_LARGEST_SHARE) + logsumexp(log_mass)
    )


def _largest_steps(order: np.ndarray, pixel: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """The largest difference (n,) in height between each pixel and one that touches it, whatever their sizes."""
    import healpy

    start = _starts(order, pixel)
    steps = np.zeros(len(pixel))
    for beside in healpy.get_all_neighbours(1 << order, pixel, nest=True):
        own = np.flatnonzero(beside >= 0)  # some pixels have seven neighbours
        other = np.searchsorted(start, _starts(order[own], beside[own]), side="right") - 1
        difference = np.abs(heights[own] - heights[other])
        np.maximum.at(steps, own, difference)
        np.maximum.at(steps, other, difference)
    return steps
