"""Pickled arrays of old NPZ files, read without running anything that they hold.

A pickle is a program. Here its instructions are looked through before any is carried out: only those that build numbers,
texts, lists, tuples, sets, dictionaries and NumPy arrays are admitted, and their number bounds the memory they take. Names
are never imported: the few that NumPy arrays, types and scalars need are replaced by stand-ins that check what they are given,
because NumPy's own trust it (a list shorter than its array makes them read beyond its end).
"""

from __future__ import annotations

import io
import math
import os
import pickle
import pickletools
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

import numpy as np

from python.general_purpose_libs import DataError, reason_of

MAX_PICKLED_BYTES = 2**30  # of one array: 460 volumes of Python floats, which then take some 7 GB
MAX_INSTRUCTIONS = 10_000_000  # floats not counted: an empty set takes one byte in a file and 216 in memory
MAX_TUPLES = 30_000  # a volume has some 5; Python crashes when a key has 400,000 of them within each other

_INSTRUCTION_NAMES = """
PROTO FRAME STOP MARK NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 LONG4 BINFLOAT
SHORT_BINBYTES BINBYTES BINBYTES8 SHORT_BINUNICODE BINUNICODE BINUNICODE8
EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST APPEND APPENDS EMPTY_DICT SETITEM SETITEMS
EMPTY_SET ADDITEMS FROZENSET GLOBAL STACK_GLOBAL REDUCE BUILD
BINPUT LONG_BINPUT MEMOIZE BINGET LONG_BINGET
"""
_BY_CODE = {instruction.code: instruction for instruction in pickletools.opcodes}
_INSTRUCTIONS = frozenset(_INSTRUCTION_NAMES.split())
_NUMBERED_PUTS = ("BINPUT", "LONG_BINPUT")
_FLOATS = re.compile(rb"(?:G.{8})+", re.DOTALL)  # a volume of Python floats has a quarter of a million of them
_TYPE_CODE = re.compile(r"b1|[iufc]\d{1,2}|[SU]\d{1,9}|O8?")


def member_types(path: str | os.PathLike) -> dict[str, np.dtype]:
    """Return name and type of each array in an NPZ file; only headers are read. Raises DataError that names the file."""
    with refusing(path), zipfile.ZipFile(path) as archive:
        types = {}
        for name in archive.namelist():
            with archive.open(name) as stream:
                types[name.removesuffix(".npy")] = read_header(stream)[1]
        return types


def read_member(path: str | os.PathLike, member: str) -> np.ndarray:
    """Read one array of an NPZ file, plain or pickled (of Python objects).

    Raises DataError that names the file, the array and what was refused: anything but numbers, texts, containers and arrays,
    more than MAX_PICKLED_BYTES of them, or content that is damaged.
    """
    with refusing(path, member), zipfile.ZipFile(path) as archive:
        if f"{member}.npy" not in archive.namelist():
            raise DataError(f"{path}: lacks the array {member}")
        with archive.open(f"{member}.npy") as stream:
            shape, dtype = read_header(stream)
            if not dtype.hasobject:
                stream.seek(0)
                return np.lib.format.read_array(stream, allow_pickle=False)
            size = archive.getinfo(f"{member}.npy").file_size
            if size > MAX_PICKLED_BYTES:
                raise pickle.UnpicklingError(f"{size} bytes of pickled objects, at most {MAX_PICKLED_BYTES} are read")
            return _unpickled_array(stream.read(), shape)


@contextmanager
def refusing(path: str | os.PathLike, member: str | None = None) -> Iterator[None]:
    """Turn whatever a file provokes into a DataError that names it: a hostile one chooses the error."""
    where = f"{path}: array {member}" if member else f"{path}: the file"
    try:
        yield
    except DataError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except pickle.UnpicklingError as error:
        raise DataError(f"{where} holds {error}; it is not read") from error
    except zipfile.BadZipFile as error:
        raise DataError(f"{where} is truncated or not an NPZ file ({reason_of(error)})") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    except Exception as error:
        raise DataError(f"{where} is damaged or cannot be read ({type(error).__name__}: {reason_of(error)})") from error


def read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of the array whose .npy content `stream` is at; the stream then stands at its values."""
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(stream)
    return shape, dtype


def _unpickled_array(payload: bytes, shape: tuple[int, ...]) -> np.ndarray:
    _check_instructions(payload)
    array = _Unpickler(io.BytesIO(payload)).load()
    if not isinstance(array, PickledArray) or array.dtype != object or array.shape != shape:
        raise pickle.UnpicklingError("something else than the array of objects that its header states")
    return array.view(np.ndarray)


def _check_instructions(payload: bytes) -> None:
    """Raise UnpicklingError or ValueError unless all instructions are admitted, complete and few, and number objects in turn."""
    stream, puts, tuples = io.BytesIO(payload), 0, 0
    for _ in range(MAX_INSTRUCTIONS):
        if floats := _FLOATS.match(payload, stream.tell()):
            stream.seek(floats.end())
        code = stream.read(1)
        instruction = _BY_CODE.get(code.decode("latin1"))
        if instruction is None:
            raise pickle.UnpicklingError(f"the unknown pickle instruction {code!r}" if code else "a truncated pickle")
        name = instruction.name
        if name not in _INSTRUCTIONS:
            raise pickle.UnpicklingError(f"the pickle instruction {name}, which plain data do not need")
        argument: Any = instruction.arg.reader(stream) if instruction.arg else None
        if name in _NUMBERED_PUTS:
            if argument > puts:  # the memo would grow to this length at once
                raise pickle.UnpicklingError(f"a pickle that skips from object {puts} to {argument}")
            puts += 1
        tuples += name.startswith("TUPLE")
        if tuples > MAX_TUPLES:
            raise pickle.UnpicklingError(f"a pickle of more than {MAX_TUPLES} tuples")
        if name == "STOP":
            return
    raise pickle.UnpicklingError(f"a pickle of more than {MAX_INSTRUCTIONS} instructions")


class _Type:
    """Stands for a NumPy type: numbers, texts or objects, without fields."""

    __slots__ = ("dtype",)

    def __init__(self, code: str, *_: object) -> None:
        if not isinstance(code, str) or not _TYPE_CODE.fullmatch(code):
            raise pickle.UnpicklingError(f"the NumPy type {_shown(code)}, which is neither number, text nor object")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: tuple) -> None:
        _, byte_order, *structure = state[:5]
        if structure != [None, None, None]:
            raise pickle.UnpicklingError("a NumPy type with fields")
        self.dtype = self.dtype.newbyteorder(byte_order)


class PickledArray(np.ndarray):
    """Takes only a state in which shape, type and content agree."""

    def __setstate__(self, state: tuple) -> None:
        _, shape, kind, fortran_order, content = state
        dtype = kind.dtype
        container, size = (list, 1) if dtype.hasobject else (bytes, dtype.itemsize)
        if type(content) is not container or min(shape, default=0) < 0 or len(content) != math.prod(shape) * size:
            raise pickle.UnpicklingError("an array whose content does not fit its shape")
        if self.size or not self.dtype.hasobject:
            raise pickle.UnpicklingError("an array that is altered after it was made")
        if dtype.hasobject and any(isinstance(item, PickledArray) and item.dtype.hasobject for item in content):
            raise pickle.UnpicklingError(
                "an array of objects in another"
            )  # Python crashes when it frees a long chain of them
        # NumPy says that it takes its own bool; it takes Python's
        super().__setstate__((1, shape, dtype, bool(fortran_order), content))  # type: ignore[arg-type]


def _scalar(kind: _Type, content: bytes) -> np.generic:
    if len(content) != kind.dtype.itemsize:
        raise pickle.UnpicklingError("a number whose content does not fit its type")
    return np.frombuffer(content, kind.dtype)[0]


def _encode(text: str, encoding: str) -> bytes:
    """Bytes as pickles of protocol 2 spell them."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes in the encoding {_shown(encoding)}")
    return text.encode("latin1")


class _StandIn:
    """A function that a pickle may call and cannot alter."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable) -> None:
        self._function = function

    def __call__(self, *arguments: object) -> object:
        return self._function(*arguments)

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError("an altered NumPy function")


_STAND_INS = {
    ("numpy", "ndarray"): None,  # named as an argument, never called
    ("numpy", "dtype"): _StandIn(_Type),
    ("_codecs", "encode"): _StandIn(_encode),
}
for _module in ("numpy.core.multiarray", "numpy._core.multiarray"):  # NumPy 1 and 2
    _STAND_INS[_module, "_reconstruct"] = _StandIn(lambda *_: np.empty(0, object).view(PickledArray))
    _STAND_INS[_module, "scalar"] = _StandIn(_scalar)


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> _StandIn | None:
        if (module, name) not in _STAND_INS:
            raise pickle.UnpicklingError(f"a pickled {_shown(f'{module}.{name}')}, which is not data")
        return _STAND_INS[module, name]


def _shown(value: object) -> str:
    """Text of a file as a message may show it: no control characters, not too long."""
    return ascii(value)[:100].strip("'") if isinstance(value, str) else type(value).__name__
