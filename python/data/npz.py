"""Reading NPZ files without trusting them: no code in a file is ever run."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
import zlib
from pathlib import Path

import numpy as np

from python.general_purpose_libs import DataError

_NUMPY_NAMES = {"ndarray", "dtype", "_reconstruct", "scalar"}
_NUMPY_MODULES = {"numpy", "numpy.core.multiarray", "numpy._core.multiarray"}


class _ArraysOnly(pickle.Unpickler):
    """Admits NumPy arrays, dtypes and scalars; plain Python scalars and containers need no import and pass by themselves."""

    def find_class(self, module: str, name: str):
        if module in _NUMPY_MODULES and name in _NUMPY_NAMES:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it refers to {module}.{name}, which is not a NumPy array or a plain value")


def read_npz(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Read every array of an NPZ file.

    Object arrays, as old volume files hold them, go through an unpickler that admits NumPy arrays and plain Python values
    only. Raises DataError that names the file when it is missing, empty, truncated, damaged or holds anything else.
    """
    path = Path(path)
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{path}: the file is empty (0 bytes)")
        with zipfile.ZipFile(path) as archive:
            return {name.removesuffix(".npy"): _read_array(archive.read(name)) for name in archive.namelist()}
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataError(f"{path}: truncated or not an NPZ file ({error})") from error
    except (pickle.UnpicklingError, AttributeError, ImportError, IndexError, TypeError) as error:
        raise DataError(f"{path}: holds pickled data that are not admitted: {error}") from error
    except (ValueError, KeyError, NotImplementedError, RuntimeError, MemoryError) as error:
        raise DataError(f"{path}: damaged array ({error})") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error


def _read_array(content: bytes) -> np.ndarray:
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(stream)
    if not dtype.hasobject:
        return np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    array = _ArraysOnly(stream).load()
    if not isinstance(array, np.ndarray) or array.shape != shape:
        raise ValueError("a pickled array does not have the shape that its header states")
    return array
