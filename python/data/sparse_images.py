"""Images held sparse: a row per image, made dense a batch at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Protocol, Self

import numpy as np

NetworkInputs = np.ndarray | dict[str, np.ndarray]  # what a network takes: one array, or several by name
IMAGES_AT_A_TIME = 20_000  # what is worked on in one go, so that intermediate arrays stay small


def gather(indptr: np.ndarray, rows: np.ndarray, at_most: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return how many entries each of `rows` has, its first `at_most` alone where that is given, and where they stand."""
    first = indptr[rows]
    counts = indptr[rows + 1] - first
    if at_most is not None:
        counts = np.minimum(counts, at_most)
    ends = np.cumsum(counts)
    return counts, np.repeat(first - ends + counts, counts) + np.arange(counts.sum())


class ImageStore(Protocol):
    """N images of one shape (H, W): those in memory are `SparseImages`, those that stay on disk `StreamedImages`."""

    @property
    def shape(self) -> tuple[int, int]: ...

    @property
    def counts(self) -> np.ndarray: ...

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self: ...

    def __len__(self) -> int: ...

    def take(self, rows: np.ndarray) -> Self: ...

    def read(self, rows: np.ndarray) -> SparseImages: ...

    def dense(self, rows: np.ndarray) -> np.ndarray: ...

    def sums(self) -> np.ndarray: ...

    def keys(self) -> np.ndarray: ...

    def fit_to(self, shape: Sequence[int]) -> tuple[Self, np.ndarray]: ...


def content_keys(contents: Iterable[bytes]) -> np.ndarray:
    """Return an integer (N,) for each content, equal where two are; of a content no more than a digest is kept."""
    numbers: dict[bytes, int] = {}
    digests = (hashlib.blake2b(content, digest_size=16).digest() for content in contents)
    return np.fromiter((numbers.setdefault(digest, len(numbers)) for digest in digests), np.int64)


class SparseImages:
    """N images of one shape (H, W), stored as the non-zero pixels of each (compressed sparse rows).

    `indptr` int64 (N + 1,), `indices` unsigned (K,) the pixel row * W + column, `data` float32 (K,) the ADC.
    A trigger-primitive image of 128 x 32 pixels has some 50 of them, so this takes about a fortieth of the dense array.
    """

    def __init__(self, indptr: np.ndarray, indices: np.ndarray, data: np.ndarray, shape: Sequence[int]) -> None:
        self.indptr = indptr
        self.indices = indices
        self.data = data
        self.shape = (int(shape[0]), int(shape[1]))

    @classmethod
    def from_pixels(cls, images: Iterable[tuple[np.ndarray, np.ndarray]], shape: Sequence[int]) -> SparseImages:
        """Build from (pixel index, ADC) pairs, one an image."""
        pixels, values, counts = [], [], [0]
        for pixel, value in images:
            pixels.append(pixel)
            values.append(value)
            counts.append(len(pixel))
        return cls(
            np.cumsum(counts, dtype=np.int64),
            _concatenate(pixels, index_dtype(shape)),
            _concatenate(values, np.float32),
            shape,
        )

    @classmethod
    def from_dense(cls, images: np.ndarray) -> SparseImages:
        """Build from a dense array (N, H, W)."""
        n, height, width = images.shape
        flat = images.reshape(n, height * width)
        rows, pixels = np.nonzero(flat)
        indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n))]).astype(np.int64)
        dtype = index_dtype((height, width))
        return cls(indptr, pixels.astype(dtype), flat[rows, pixels].astype(np.float32), (height, width))

    @classmethod
    def concatenate(cls, parts: Sequence[SparseImages]) -> SparseImages:
        """Join stores of one shape."""
        shapes = {part.shape for part in parts}
        if len(shapes) != 1:
            raise ValueError(f"images of one shape are needed. Received: {sorted(shapes)}")
        counts = np.concatenate([[0]] + [part.counts for part in parts])
        return cls(
            np.cumsum(counts, dtype=np.int64),
            np.concatenate([part.indices for part in parts]),
            np.concatenate([part.data for part in parts]),
            shapes.pop(),
        )

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def counts(self) -> np.ndarray:
        """Number of non-zero pixels of each image, (N,)."""
        return np.diff(self.indptr)

    @property
    def nbytes(self) -> int:
        return self.indptr.nbytes + self.indices.nbytes + self.data.nbytes

    def __getitem__(self, rows):
        """An integer gives one dense image (H, W); a slice, mask or index array gives a SparseImages of those rows."""
        if isinstance(rows, (int, np.integer)):
            return self.dense([range(len(self))[rows]])[0]
        return self.take(np.arange(len(self))[rows])

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        if copy is False:
            raise ValueError("sparse images cannot become a dense array without a copy")
        return self.dense(np.arange(len(self))).astype(dtype or np.float32, copy=False)

    def take(self, rows: np.ndarray) -> SparseImages:
        """Return the store of the given rows, in that order."""
        rows = np.asarray(rows, np.int64)
        counts, positions = gather(self.indptr, rows)
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return SparseImages(indptr, self.indices[positions], self.data[positions], self.shape)

    def read(self, rows: np.ndarray) -> SparseImages:
        """The same as `take`; images that stay on disk are read by it."""
        return self.take(rows)

    def dense(self, rows: np.ndarray) -> np.ndarray:
        """Return the images `rows` as a dense float32 array (len(rows), H, W)."""
        rows = np.asarray(rows, np.int64)
        size = self.shape[0] * self.shape[1]
        counts, positions = gather(self.indptr, rows)
        images = np.zeros(len(rows) * size, np.float32)
        images[np.repeat(np.arange(len(rows)) * size, counts) + self.indices[positions]] = self.data[positions]
        return images.reshape(len(rows), *self.shape)

    def pixels(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return image number, row and column of every non-zero pixel, each int64 (K,)."""
        row, column = np.divmod(self.indices.astype(np.int64), self.shape[1])
        return np.repeat(np.arange(len(self)), self.counts), row, column

    def sums(self) -> np.ndarray:
        """ADC sum of each image, float64 (N,)."""
        image = np.repeat(np.arange(len(self)), self.counts)
        return np.bincount(image, weights=self.data, minlength=len(self))

    def keys(self) -> np.ndarray:
        """Return an integer (N,) for each image, equal exactly where two images have the same pixels."""
        parts = (slice(first, end) for first, end in zip(self.indptr[:-1], self.indptr[1:], strict=True))
        return content_keys(self.indices[pixels].tobytes() + self.data[pixels].tobytes() for pixels in parts)

    def fit_to(self, shape: Sequence[int]) -> tuple[SparseImages, np.ndarray]:
        """Crop or pad every image to `shape`.

        A wider image is cropped about its charge-weighted centre, a narrower one is padded evenly on both sides.
        Returns the new store and the fraction (N,) of each image's ADC sum that the crop lost.
        """
        shape = (int(shape[0]), int(shape[1]))
        if shape == self.shape or len(self) == 0:
            return SparseImages(self.indptr, self.indices, self.data, shape), np.zeros(len(self))
        starts = range(0, len(self), IMAGES_AT_A_TIME)
        stores, lost = zip(*(self[start : start + IMAGES_AT_A_TIME]._fitted_to(shape) for start in starts), strict=True)
        return SparseImages.concatenate(stores), np.concatenate(lost)

    def _fitted_to(self, shape: tuple[int, int]) -> tuple[SparseImages, np.ndarray]:
        image, row, column = self.pixels()
        sums = self.sums()
        inside = np.ones(len(self.data), bool)
        moved = []
        for position, old, new in zip((row, column), self.shape, shape, strict=True):
            position = position - window_start(position, image, self.data, np.full(len(self), old), new)[image]
            inside &= (position >= 0) & (position < new)
            moved.append(position)
        pixels = (moved[0] * shape[1] + moved[1])[inside].astype(index_dtype(shape))
        kept = np.bincount(image[inside], minlength=len(self))
        fitted = SparseImages(np.concatenate([[0], np.cumsum(kept)]), pixels, self.data[inside], shape)
        lost = np.divide(sums - fitted.sums(), sums, out=np.zeros(len(self)), where=sums > 0)
        return fitted, np.maximum(lost, 0.0)

    def flip_columns(self, which: np.ndarray) -> SparseImages:
        """Return the store with the column order of the images marked in `which`, bool (N,), reversed."""
        image, row, column = self.pixels()
        flipped = np.where(np.asarray(which, bool)[image], self.shape[1] - 1 - column, column)
        return SparseImages(
            self.indptr, (row * self.shape[1] + flipped).astype(self.indices.dtype), self.data, self.shape
        )


def window_start(position: np.ndarray, image: np.ndarray, adc: np.ndarray, extent: np.ndarray, size: int) -> np.ndarray:
    """First row (or column) that each of n images shows in a window of `size`, int64 (n,).

    `position`, `image` and `adc` (K,) are the rows of the pixels, the image that each belongs to, and its charge; `extent` (n,)
    is how many rows an image has. One larger than the window is cropped about its charge-weighted centre; a smaller one stands in
    the middle, the odd row below, so its first row is negative.
    """
    n = len(extent)
    charge = np.bincount(image, weights=adc, minlength=n)
    moment = np.bincount(image, weights=adc * (position + 0.5), minlength=n)
    centre = np.divide(moment, charge, out=np.zeros(n), where=charge > 0)
    cropped = np.clip(np.rint(centre - size / 2), 0, np.maximum(extent - size, 0)).astype(np.int64)
    return np.where(extent > size, cropped, -((size - extent) // 2))


def index_dtype(shape: Sequence[int]) -> type:
    """The smallest unsigned type that numbers all pixels of an image."""
    return np.uint16 if shape[0] * shape[1] <= 2**16 else np.uint32


def _concatenate(parts: list[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate(parts).astype(dtype) if parts else np.empty(0, dtype)
