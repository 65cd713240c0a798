"""NPZ files: read without trusting them, as no code in a file is ever run, and written whole or not at all."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from python.data.restricted_pickle import read_header, read_member, refusing
from python.general_purpose_libs import DataError, atomic_path

COMPRESSION = 1  # a tenth larger than the usual 6, in a third of the time


def read_npz(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Read every array of an NPZ file.

    Object arrays, as old volume files hold them, are read by `restricted_pickle`. Raises DataError that names the file when it
    is missing, empty, truncated, damaged or holds anything else.
    """
    path = Path(path)
    with refusing(path):
        if path.stat().st_size == 0:
            raise DataError(f"{path}: the file is empty (0 bytes)")
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
            found = {name: _plain_array(archive.read(f"{name}.npy")) for name in names}
    return {name: read_member(path, name) if array is None else array for name, array in found.items()}


def write_npz(path: str | os.PathLike, arrays: Mapping[str, Any], compressed: bool = True) -> None:
    """Write the arrays atomically: the same arrays give the same bytes. Raises OutputError.

    Only what is not compressed can be read in parts.
    """
    method = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with (
        atomic_path(path) as temporary,
        zipfile.ZipFile(temporary, "w", method, compresslevel=COMPRESSION) as archive,
    ):
        for name, values in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(values), allow_pickle=False)


def _plain_array(content: bytes) -> np.ndarray | None:
    """The array, None where it is pickled."""
    stream = io.BytesIO(content)
    if read_header(stream)[1].hasobject:
        return None
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)
