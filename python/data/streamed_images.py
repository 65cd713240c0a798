"""Images that stay on disk: only where each one stands is held in memory, and a batch is read when it is asked for."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from python.data.restricted_pickle import read_header
from python.data.sparse_images import SparseImages
from python.general_purpose_libs import DataError

_REMEDY = 'make it again with make_images.sh, or set dataset_parameters.loading to "memory"'
_LOCAL_HEADER = 30  # bytes of a zip member's own header before its name


@dataclass
class StreamedImages:
    """N images of one shape (H, W) in own image files, the counterpart of `SparseImages` on disk; 40 bytes an image.

    Image i has `counts[i]` pixels from pixel `first[i]` on in the file `paths[file[i]]`. `adc` (N,) are the sums and `content`
    (N,) numbers that are equal, but for one chance in 2^64 a pair, exactly where the pixels are.
    """

    paths: list[Path]
    pixels_at: list[tuple[int, np.dtype]]  # where, in bytes, the pixel numbers of each file begin, and their type
    values_at: list[tuple[int, np.dtype]]
    file: np.ndarray
    first: np.ndarray
    counts: np.ndarray
    adc: np.ndarray
    content: np.ndarray
    shape: tuple[int, int]

    @classmethod
    def of_file(cls, path: Path, images: SparseImages) -> StreamedImages:
        """Index one file that holds `images`. Raises DataError when its arrays are compressed."""
        hashes = [
            hashlib.blake2b(
                images.indices[start:stop].tobytes() + images.data[start:stop].tobytes(), digest_size=8
            ).digest()
            for start, stop in zip(images.indptr[:-1], images.indptr[1:], strict=True)
        ]
        return cls(
            [path],
            [_place_of(path, "indices")],
            [_place_of(path, "data")],
            np.zeros(len(images), np.int32),
            images.indptr[:-1].astype(np.int64),
            images.counts,
            images.sums(),
            np.frombuffer(b"".join(hashes), np.int64),
            images.shape,
        )

    @classmethod
    def concatenate(cls, parts: Sequence[StreamedImages]) -> StreamedImages:
        """Join indices of files with images of one shape."""
        shapes = {part.shape for part in parts}
        if len(shapes) != 1:
            raise ValueError(f"images of one shape are needed. Received: {sorted(shapes)}")
        before = np.cumsum([0, *(len(part.paths) for part in parts)])
        return cls(
            [path for part in parts for path in part.paths],
            [place for part in parts for place in part.pixels_at],
            [place for part in parts for place in part.values_at],
            np.concatenate([part.file + n for part, n in zip(parts, before, strict=False)]).astype(np.int32),
            np.concatenate([part.first for part in parts]),
            np.concatenate([part.counts for part in parts]),
            np.concatenate([part.adc for part in parts]),
            np.concatenate([part.content for part in parts]),
            shapes.pop(),
        )

    def __len__(self) -> int:
        return len(self.file)

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return sum(array.nbytes for array in (self.file, self.first, self.counts, self.adc, self.content))

    def sums(self) -> np.ndarray:
        """ADC sum of each image, float64 (N,)."""
        return self.adc

    def keys(self) -> np.ndarray:
        """Return an integer (N,) for each image, equal exactly where two images have the same pixels."""
        return np.unique(self.content, return_inverse=True)[1]

    def take(self, rows: np.ndarray) -> StreamedImages:
        """Return the index of the given rows, in that order."""
        return replace(
            self,
            file=self.file[rows],
            first=self.first[rows],
            counts=self.counts[rows],
            adc=self.adc[rows],
            content=self.content[rows],
        )

    def read(self, rows: np.ndarray) -> SparseImages:
        """Read the images `rows`, in that order. Raises DataError when a file is no longer what it was."""
        rows = np.asarray(rows, np.int64)
        found: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        for number in np.unique(self.file[rows]):
            with _opened(self.paths[number]) as file:
                for row in rows[self.file[rows] == number]:
                    pixels, values = (
                        _read(file, place, self.first[row], self.counts[row], self.paths[number])
                        for place in (self.pixels_at[number], self.values_at[number])
                    )
                    found[int(row)] = (pixels, values)
        return SparseImages.from_pixels([found[int(row)] for row in rows], self.shape)

    def dense(self, rows: np.ndarray) -> np.ndarray:
        """Return the images `rows` as a dense float32 array (len(rows), H, W)."""
        return self.read(rows).dense(np.arange(len(rows)))

    def fit_to(self, shape: Sequence[int]) -> tuple[StreamedImages, np.ndarray]:
        """Images on disk are as they are. Raises DataError."""
        raise DataError(
            f"images of {self.shape[0]} x {self.shape[1]} cannot be fit to {shape[0]} x {shape[1]} while they are streamed; "
            'give input_shape the size of the images, or set dataset_parameters.loading to "memory"'
        )


def _place_of(path: Path, name: str) -> tuple[int, np.dtype]:
    """Where the values of the array `name` begin in the uncompressed NPZ, in bytes, and their type."""
    with zipfile.ZipFile(path) as archive, _opened(path) as file:
        if f"{name}.npy" not in archive.namelist():
            raise DataError(f"{path}: is a file of older code and cannot be streamed; {_REMEDY}")
        member = archive.getinfo(f"{name}.npy")
        if member.compress_type != zipfile.ZIP_STORED:
            raise DataError(f"{path}: is compressed and cannot be streamed; {_REMEDY}")
        file.seek(member.header_offset)
        header = file.read(_LOCAL_HEADER)
        lengths = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
        file.seek(member.header_offset + _LOCAL_HEADER + lengths)
        _, dtype = read_header(file)
        return file.tell(), dtype


def _opened(path: Path) -> BinaryIO:
    try:
        return open(path, "rb")
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read any more ({error.strerror}); bring it back and resume the run"
        ) from error


def _read(file: BinaryIO, place: tuple[int, np.dtype], first: int, count: int, path: Path) -> np.ndarray:
    start, dtype = place
    found = os.pread(file.fileno(), int(count) * dtype.itemsize, start + int(first) * dtype.itemsize)
    if len(found) != count * dtype.itemsize:
        raise DataError(f"{path}: has become shorter while it was in use; bring it back and resume the run")
    return np.frombuffer(found, dtype)
