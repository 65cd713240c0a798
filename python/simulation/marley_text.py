"""The text of a list of events, which may be packed: gzip, bzip2, xz, or a zip archive of one file."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import zipfile
import zlib
from pathlib import Path

from python.general_purpose_libs import DataError

WRITE_AGAIN = (
    'MARLEY 1 writes lists that are read with the output format "ascii", "hepevt" or "json", MARLEY 2 with "ascii" or with '
    "`marley convert --output-format ascii -o LIST FILE`"
)
NAMED = {  # by their first bytes: what is not read, and what to do
    b"root": ("a ROOT file", WRITE_AGAIN),
    b"\x28\xb5\x2f\xfd": ("packed with zstd", "unpack it with `unzstd FILE`"),
    b"7z\xbc\xaf\x27\x1c": ("a 7-Zip archive", "unpack it with `7z x FILE`"),
    b"\x89HDF": ("an HDF5 file", WRITE_AGAIN),
}
BROKEN = (
    OSError, EOFError, ValueError, RuntimeError, struct.error, zlib.error, lzma.LZMAError, zipfile.BadZipFile,
)  # fmt: skip


def read_text(path: str | Path) -> str:
    """Return the text of a file, unpacked.

    Raises DataError for a file that cannot be read or unpacked, and one that is not text, which is named where it is known.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}; check the name of the MARLEY list") from error
    content = _unpacked(path, content)
    for beginning, (what, remedy) in NAMED.items():
        if content.startswith(beginning):
            raise DataError(f"{path} is {what}, not a list of events as text; {remedy}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DataError(f"{path}, line {line}: not text, so no list of events; {WRITE_AGAIN}") from error


def _unpacked(path: str | Path, content: bytes) -> bytes:
    for beginning, (name, unpack) in PACKED.items():
        if content.startswith(beginning):
            try:
                return unpack(content)
            except BROKEN as error:
                raise DataError(f"{path}, packed with {name}, cannot be unpacked ({error}); copy it again") from error
    return content


def _only_file_of(content: bytes) -> bytes:
    """The one file of a zip archive; ValueError when there are others."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [info.filename for info in archive.infolist() if not info.is_dir()]
        if len(names) != 1:
            raise ValueError(f"it holds {len(names)} files where one list is needed")
        return archive.read(names[0])


PACKED = {  # by their first bytes
    b"\x1f\x8b": ("gzip", gzip.decompress),
    b"BZh": ("bzip2", bz2.decompress),
    b"\xfd7zXZ\x00": ("xz", lzma.decompress),
    b"PK\x03\x04": ("zip", _only_file_of),
}
