"""Where a ROOT file is, on a disk or at an address such as root://, and how it is opened, whatever may be wrong with it."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from python.data.sources import Source, source_of_content, source_of_file
from python.general_purpose_libs import ConfigError, DataError, reason_of

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
# By scheme: the packages that read it, and how else to get a file.
_READERS = {
    "root": ("fsspec-xrootd xrootd", "copy the file here with xrdcp"),
    "http": ("aiohttp requests", "fetch the file with curl -O"),
    "https": ("aiohttp requests", "fetch the file with curl -O"),
}


@dataclass(frozen=True)
class RemoteFile:
    """A file at an address, with the name and stem that a path would have."""

    url: str

    def __str__(self) -> str:
        return self.url

    @property
    def scheme(self) -> str:
        return urlsplit(self.url).scheme

    @property
    def name(self) -> str:
        return PurePosixPath(urlsplit(self.url).path).name

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem


RootFile = Path | RemoteFile


def place_to_tell(file: RootFile) -> Path:
    """The whole path of a file, links keeping their names; of one at an address its host and path."""
    if isinstance(file, Path):
        return Path(os.path.abspath(file))  # noqa: PTH100 (resolve would follow links)
    return Path("/", urlsplit(file.url).netloc, urlsplit(file.url).path.lstrip("/"))


def source_of(file: RootFile) -> Source:
    """The source that a file is, by its content."""
    if isinstance(file, Path):
        return source_of_file(file)
    import fsspec

    with fsspec.open(file.url, "rb") as stream:
        return source_of_content(file.name, stream)


def root_file(place: str | os.PathLike | RemoteFile) -> RootFile:
    """The file at a path or an address."""
    if isinstance(place, RemoteFile):
        return place
    address = _ADDRESS.match(os.fspath(place))
    if address and address[1].lower() == "file":
        return Path(urlsplit(os.fspath(place)).path)
    return RemoteFile(os.fspath(place)) if address else Path(place)


def is_missing(file: RootFile) -> bool:
    """Whether there is certainly no such file."""
    try:
        return isinstance(file, Path) and not file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # that it cannot be reached is said when it is opened
        return False


def require_reader(file: RootFile) -> None:
    """Raise ConfigError where this Python cannot read from the address, with what it lacks."""
    if isinstance(file, Path):
        return
    import fsspec

    if not file.name:
        raise ConfigError(f"{file}: names no file; give its whole address")
    try:
        fsspec.get_filesystem_class(file.scheme)
    except (ImportError, ValueError) as error:
        if file.scheme not in _READERS:
            raise ConfigError(
                f"{file}: addresses with {file.scheme}:// are not read here ({reason_of(error)}); copy the file here"
            ) from error
        packages, otherwise = _READERS[file.scheme]
        raise ConfigError(
            f"{file}: this Python lacks what reads {file.scheme}://; install it with `{sys.executable} -m pip install "
            f"{packages}`, or {otherwise}"
        ) from error


@contextmanager
def naming_the_file(file: RootFile) -> Iterator[None]:
    """Turn whatever goes wrong in reading into a DataError that names the file.

    uproot raises errors of a dozen kinds on damaged files, down to zlib's and struct's, and has no common base for them.
    """
    try:
        yield
    except DataError as error:
        raise error if str(file) in str(error) else DataError(f"{file}: {error}") from error
    except (MemoryError, ConfigError):
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {reason_of(error)}"
        if isinstance(file, RemoteFile):
            raise DataError(
                f"{file}: cannot be read from there, or is damaged ({reason}); look whether it is there and you may read it "
                "(kinit, voms-proxy-init), or copy it here"
            ) from error
        raise DataError(f"{file}: damaged or incomplete ROOT file ({reason}); copy it again or leave it out") from error


@contextmanager
def opened_root_file(file: RootFile) -> Iterator[Any]:
    """Open a ROOT file, with the plain mistakes told apart first."""
    require_reader(file)
    if isinstance(file, Path):
        _look_at(file)
    import uproot

    with uproot.open(file if isinstance(file, Path) else {file.url: None}) as opened:
        yield opened


def _look_at(path: Path) -> None:
    """Raise DataError for what is no ROOT file at first sight."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise DataError(f"{path}: is a folder; name the ROOT files in it")
        with path.open("rb") as file:
            magic = file.read(4)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    if status.st_size == 0:
        raise DataError(f"{path}: is empty (0 bytes); copy it again or leave it out")
    if magic != b"root":
        raise DataError(f"{path}: is not a ROOT file (it begins with {magic!r})")
