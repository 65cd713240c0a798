"""Which data files a run has read, and whether they are still the same."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from python.general_purpose_libs import DataError


def file_facts(path: str | os.PathLike) -> dict[str, Any]:
    """Name and size of an NPZ file, and a digest of its `content`: of the checksums that its own directory lists.

    That costs nothing, and content that they do not fit cannot be read. A damaged file, which was skipped, is "damaged". Raises
    DataError when the file has been removed.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        with zipfile.ZipFile(path) as archive:
            members = sorted((member.filename, member.CRC, member.file_size) for member in archive.infolist())
        content = hashlib.sha256(repr(members).encode()).hexdigest()[:16]
    except OSError as error:
        raise DataError(f"{path}: was removed while it was read ({error.strerror})") from error
    except Exception:  # noqa: BLE001 (zipfile raises errors of many kinds on what is no archive)
        content = "damaged"
    return {"file": str(path), "bytes": size, "content": content}


def changed_files(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for each file that is missing, new or of other content; else one when images come in another order.

    A file is what it holds: where it lies and what it is called only decide when it is read, and samples follow their files.
    """
    lost, new = _beyond(before, now), _beyond(now, before)
    names_lost, names_new = ({Path(file["file"]).name for file in files} for files in (lost, new))
    changed = [f"{file['file']}: has other content" for file in new if Path(file["file"]).name in names_lost]
    missing = [f"{file['file']}: is not there" for file in lost if Path(file["file"]).name not in names_new]
    added = [f"{file['file']}: is new" for file in new if Path(file["file"]).name not in names_lost]
    return changed + missing + added or _in_another_order(before, now)


def _content(file: Mapping[str, Any]) -> tuple:
    return tuple(sorted((name, value) for name, value in file.items() if name not in ("file", "bytes")))


def _beyond(files: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of `files` whose content is not, or not so often, among the others."""
    left = Counter(map(_content, others))
    beyond = []
    for file in files:
        if left[_content(file)]:
            left[_content(file)] -= 1
        else:
            beyond.append(file)
    return beyond


def _in_another_order(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[str]:
    was, is_ = ([file for file in files if "images" in file] for files in (before, now))
    for one, other in zip(was, is_, strict=True):
        if _content(one) != _content(other):
            return [
                f"{other['file']}: is read where {one['file']} was, and the samples would come in another order; name the "
                "folders in their old order, or give the files their old names"
            ]
    return []
