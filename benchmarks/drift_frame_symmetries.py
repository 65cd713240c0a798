"""Which symmetries of the drift frame hold for images: half a turn about the drift does, the mirrors do not.

Electrons of one direction in the drift frame (x' = distance from the wires, y' = y or -y by face, z' = z) are simulated on both
faces of APAs of both parities, as are electrons of the turned and the mirrored directions. The images of these are then brought
back by what the wire map says: half a turn (y', z') -> (-y', -z') reverses the columns of all planes; y' -> -y' swaps U and V;
z' -> -z' swaps them and reverses all columns; x' -> -x' reverses the rows. Each is compared with the images of the original
direction, plane by plane: the mean images, and the moments of single images. U and V have different pulses and no pulse is
symmetric in time, so the mirrors leave a difference, which is measured here. The little that half a turn leaves is the clusters'
doing: primitives that start in one tick are taken in order of channel number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import chi2, ks_2samp

from benchmarks.record import ROOT, save_result
from python.data.metadata import event_keys
from python.data.sparse_images import SparseImages
from python.detector.drift_frame import to_detector_frame
from python.detector.geometry import APA_PITCH_Z_CM, PLANES, U, V
from python.ingest.products import Products, ProductSettings, make_products
from python.ingest.readout import Readout
from python.ingest.trigger_primitives import TriggerPrimitives
from python.ingest.truth import EventTruth
from python.simulation.drift import drift
from python.simulation.records import Particles
from python.simulation.response import respond
from python.simulation.transport import transport

DIRECTION = np.array([0.3, 0.55, 0.78]) / np.linalg.norm([0.3, 0.55, 0.78])  # on no axis or plane of symmetry
ENERGY_MEV = 20.0
ELECTRON = 11
PLACES = ((-1, 0), (-1, 1), (1, 0), (1, 1))  # face, odd APA
DRIFT_CM = (60.0, 300.0)
HEIGHT_CM, ALONG_CM = (60.0, 540.0), (50.0, 180.0)  # |y| and z within the APA: nothing of an event leaves it
EVENTS_AT_A_TIME = 250
WINDOW = (129, 33)  # ticks and channels about the centre of charge, odd so that reversing keeps the centre
MOMENTS = ("log ADC", "log peak", "columns", "rows", "correlation", "column skewness", "row skewness", "rc2", "r2c")
COMPARED = ("log ADC", "log peak", "columns", "rows", "row skewness")  # by Kolmogorov-Smirnov distance
N_EVENTS = 2500  # a place and symmetry
SHOWN = (slice(16, 113), slice(4, 29))  # of WINDOW, in the picture
PICTURE = ROOT / "benchmarks" / "results" / "drift_frame_symmetries.png"


@dataclass(frozen=True)
class Symmetry:
    """What it does to a direction (signs of x', y', z'), and what undoes it in images."""

    signs: tuple[int, int, int]
    reverses_columns: bool = False
    reverses_rows: bool = False
    swaps_induction: bool = False

    def plane(self, plane: int) -> int:
        """The plane that sees a turned or mirrored electron as `plane` sees the original one."""
        return {U: V, V: U}.get(plane, plane) if self.swaps_induction else plane

    def bring_back(self, images: list[np.ndarray], plane: int) -> np.ndarray:
        """Of images of the three planes, those to be compared with the original ones of `plane`, turned round as those are."""
        rows, columns = (slice(None, None, -1 if turn else 1) for turn in (self.reverses_rows, self.reverses_columns))
        return images[self.plane(plane)][:, rows, columns]


ORIGINAL = Symmetry((1, 1, 1))
SYMMETRIES = {
    "half a turn": Symmetry((1, -1, -1), reverses_columns=True),
    "mirror y'": Symmetry((1, -1, 1), swaps_induction=True),
    "mirror z'": Symmetry((1, 1, -1), reverses_columns=True, swaps_induction=True),
    "mirror x'": Symmetry((-1, 1, 1), reverses_rows=True),
}


@dataclass
class Seen:
    """Images of one plane: the sum of n and of their squares, each WINDOW, and the MOMENTS (n, 9) of every one."""

    total: np.ndarray
    squares: np.ndarray
    moments: np.ndarray

    @classmethod
    def of(cls, images: np.ndarray) -> Seen:
        return cls(images.sum(axis=0, dtype=float), (images.astype(float) ** 2).sum(axis=0), moments(images))

    def __add__(self, other: Seen) -> Seen:
        joined = np.concatenate([self.moments, other.moments])
        return Seen(self.total + other.total, self.squares + other.squares, joined)

    @property
    def mean(self) -> np.ndarray:
        return self.total / len(self.moments)

    @property
    def error(self) -> np.ndarray:
        """Statistical error of the mean image."""
        n = len(self.moments)
        return np.sqrt((self.squares / n - self.mean**2) / n)


def measure(symmetry: Symmetry, place: tuple[int, int], n_events: int, seed: list[int]) -> list[Seen]:
    """Simulate the turned or mirrored electron at a place and bring its images back; one Seen a plane."""
    rng = np.random.default_rng(seed)
    parts = []
    for first in range(0, n_events, EVENTS_AT_A_TIME):
        products = simulate(DIRECTION * symmetry.signs, place, min(EVENTS_AT_A_TIME, n_events - first), rng)
        images = [main_images(products, plane) for plane in range(len(PLANES))]
        parts.append([Seen.of(symmetry.bring_back(images, plane)) for plane in range(len(PLANES))])
    return together(parts)


def together(parts: list[list[Seen]]) -> list[Seen]:
    """Join samples, plane by plane."""
    return [sum(seen[1:], seen[0]) for seen in zip(*parts, strict=True)]


def simulate(direction: np.ndarray, place: tuple[int, int], n_events: int, rng: np.random.Generator) -> Products:
    """Simulate electrons along `direction` (3,), drift frame, on a face of APAs of a parity, and cluster what is seen."""
    face, odd = place
    height = rng.uniform(*HEIGHT_CM, n_events) * (1 if odd else -1)
    along = rng.uniform(*ALONG_CM, n_events) + APA_PITCH_Z_CM * rng.integers(0, 2, n_events)
    electrons = Particles(
        event=np.arange(n_events),
        pdg=np.full(n_events, ELECTRON),
        energy=np.full(n_events, ENERGY_MEV),
        position=np.stack([face * rng.uniform(*DRIFT_CM, n_events), height, along], axis=-1),
        direction=to_detector_frame(np.tile(direction, (n_events, 1)), np.full(n_events, face)),
        time=np.zeros(n_events),
        is_signal=np.ones(n_events, bool),
    )
    deposits, _ = transport(electrons, rng)
    tps, signal, _ = respond(drift(deposits, rng), n_events, rng, ProductSettings().min_sot)
    return products_of(tps, signal, n_events)


def products_of(tps: TriggerPrimitives, signal: np.ndarray, n_events: int) -> Products:
    """Cluster, match and label primitives as for image files. Of the truth, which no image needs, nothing is filled in."""
    events = event_keys(np.arange(n_events), run=1, subrun=1)
    return make_products(Readout([], events, tps, EventTruth.unknown(n_events), signal))


def main_images(products: Products, plane: int) -> np.ndarray:
    """Return the images (n, *WINDOW) of the main clusters that are in the drift frame."""
    found = products.images(PLANES[plane])
    return centred(found.images[(found.metadata["is_main_track"] == 1) & (found.metadata["drift_frame"] == 1)])


def centred(images: SparseImages) -> np.ndarray:
    """Return dense images (n, *WINDOW), the centre of charge in the middle pixel; what lies outside is dropped."""
    image, row, column = images.pixels()
    dense = np.zeros((len(images), *WINDOW), np.float32)
    places = []
    for position, size in zip((row, column), WINDOW, strict=True):
        centre = np.bincount(image, weights=images.data * position, minlength=len(images)) / images.sums()
        places.append(position - np.rint(centre).astype(np.int64)[image] + size // 2)
    inside = np.all([(place >= 0) & (place < size) for place, size in zip(places, WINDOW, strict=True)], axis=0)
    dense[image[inside], places[0][inside], places[1][inside]] = images.data[inside]
    return dense


def moments(images: np.ndarray) -> np.ndarray:
    """Return the MOMENTS (n, 9) of images (n, *WINDOW).

    Logarithms of ADC sum and peak, extents in pixels, and of the charge about its centre: correlation of row and column,
    skewness, and the mixed third moments <row column^2> and <row^2 column>, all in units of the standard deviations.
    """
    lit = images > 0
    share = images / images.sum(axis=(1, 2), keepdims=True, dtype=float)
    position = [np.arange(size) - size // 2.0 for size in WINDOW]
    unit = []
    for axis, places in enumerate(position):
        profile = share.sum(axis=2 - axis)
        offset = places - (profile @ places)[:, None]
        width = np.sqrt((profile * offset**2).sum(axis=1))
        unit.append(offset / np.maximum(width, 1e-9)[:, None])
    row, column = unit

    def mean(of_row: np.ndarray, of_column: np.ndarray) -> np.ndarray:
        return np.einsum("nrc,nr,nc->n", share, of_row, of_column, optimize=True)

    flat_row, flat_column = np.ones_like(row), np.ones_like(column)
    return np.stack(
        [
            np.log(images.sum(axis=(1, 2))), np.log(images.max(axis=(1, 2))),
            lit.any(axis=1).sum(axis=1), lit.any(axis=2).sum(axis=1),
            mean(row, column), mean(flat_row, column**3), mean(row**3, flat_column),
            mean(row, column**2), mean(row**2, column),
        ],
        axis=-1,
    )  # fmt: skip


def homogeneity(groups: list[np.ndarray]) -> tuple[float, int]:
    """Chi squared, and its degrees of freedom, of groups (n_g, k) having one mean: Wald's, with the covariance within them."""
    sizes = np.array([len(group) for group in groups])
    means = np.stack([group.mean(axis=0) for group in groups])
    within = sum((len(group) - 1) * np.cov(group.T) for group in groups) / (sizes.sum() - len(groups))
    offset = means - np.average(means, axis=0, weights=sizes)
    return float(np.einsum("g,gi,gi->", sizes, offset, np.linalg.solve(within, offset.T).T)), offset[1:].size


def compare(seen: Seen, original: Seen) -> dict[str, Any]:
    """Compare the mean images, the means of all moments together, and the distributions of single moments.

    `difference` is the sum of the absolute difference over that of the mean image, and `by_chance` what statistics alone give.
    `shift` is the largest of a moment's mean, in standard deviations of the moment.
    """
    chi_squared, freedom = homogeneity([seen.moments, original.moments])
    by_chance = np.sqrt(2 / np.pi) * np.hypot(seen.error, original.error).sum()
    difference = np.abs(seen.mean - original.mean).sum()
    shift = (seen.moments.mean(axis=0) - original.moments.mean(axis=0)) / original.moments.std(axis=0)
    largest = int(np.argmax(np.abs(shift)))
    distance = {}
    for name in COMPARED:
        values = (part.moments[:, MOMENTS.index(name)] for part in (seen, original))
        distance[name] = round(float(ks_2samp(*values).statistic), 3)
    return {
        "images": [len(seen.moments), len(original.moments)],
        "difference": round(float(difference / original.mean.sum()), 4),
        "by_chance": round(float(by_chance / original.mean.sum()), 4),
        "times_chance": round(float(difference / by_chance), 2),
        "chi2": round(chi_squared, 1),
        "degrees_of_freedom": freedom,
        "p": float(f"{chi2.sf(chi_squared, freedom):.2g}"),
        "shift": {MOMENTS[largest]: round(float(shift[largest]), 3)},
        "ks": distance,
    }


def draw(columns: dict[str, list[tuple[Seen, Seen]]], table: dict[str, dict[str, Any]]) -> None:
    """Draw, plane by plane, the mean image of each sample and below it its difference from the one that it is compared with."""
    figure, axes = plt.subplots(2 * len(PLANES), len(columns), figsize=(15, 19), sharex=True, sharey=True)
    height, width = WINDOW
    edges = [SHOWN[1].start - width // 2, SHOWN[1].stop - width // 2, SHOWN[0].start - height // 2]
    extent = (edges[0] - 0.5, edges[1] - 0.5, edges[2] - 0.5, SHOWN[0].stop - height // 2 - 0.5)
    for plane, plane_name in enumerate(PLANES):
        for place, (name, pairs) in enumerate(columns.items()):
            seen, other = (part.mean[SHOWN] for part in pairs[plane])
            highest = other.max()
            upper, lower = axes[2 * plane : 2 * plane + 2, place]
            image = upper.imshow(seen / highest, cmap="viridis", vmin=0, vmax=1, **_look(extent))
            change = lower.imshow((seen - other) / highest, cmap="RdBu_r", vmin=-0.1, vmax=0.1, **_look(extent))
            found = table[name][plane_name]
            upper.set_title(name if plane == 0 else "", fontsize=11)
            lower.set_title(f"{found['times_chance']:.2f} x chance\nchi2 {found['chi2']:.0f} / 9", fontsize=9)
        axes[2 * plane, 0].set_ylabel(f"{plane_name}: mean image\ntick")
        axes[2 * plane + 1, 0].set_ylabel(f"{plane_name}: difference\ntick")
        figure.colorbar(image, ax=axes[2 * plane], pad=0.01, label="of the highest")
        figure.colorbar(change, ax=axes[2 * plane + 1], pad=0.01, label="of the highest")
    for axis in axes[-1]:
        axis.set_xlabel("channel")
    figure.suptitle(
        "Places: each against the other three. Half a turn and mirrors: brought back, against the original at all places",
        x=0.45,
        y=0.92,
    )
    figure.savefig(PICTURE, dpi=60, bbox_inches="tight")
    plt.close(figure)


def _look(extent: tuple[float, ...]) -> dict[str, Any]:
    return {"origin": "lower", "aspect": "auto", "extent": extent, "interpolation": "nearest"}


def main() -> None:
    original = [measure(ORIGINAL, place, N_EVENTS, [0, number]) for number, place in enumerate(PLACES)]
    columns = {}
    for number, (face, odd) in enumerate(PLACES):
        name = f"x {'>' if face > 0 else '<'} 0, {'odd' if odd else 'even'}"
        columns[name] = list(zip(original[number], together(original[:number] + original[number + 1 :]), strict=True))
    for stream, (name, symmetry) in enumerate(SYMMETRIES.items(), start=1):
        changed = [measure(symmetry, place, N_EVENTS, [stream, number]) for number, place in enumerate(PLACES)]
        columns[name] = list(zip(together(changed), together(original), strict=True))
    table = {
        name: {plane: compare(*pair) for plane, pair in zip(PLANES, pairs, strict=True)}
        for name, pairs in columns.items()
    }
    draw(columns, table)
    settings = {"events": N_EVENTS * len(PLACES), "energy_mev": ENERGY_MEV, "direction": DIRECTION.round(4).tolist()}
    save_result("drift_frame_symmetries", {**settings, "compared": table})


if __name__ == "__main__":
    main()
