"""Which data files a run has read, and whether they are still the same."""

from __future__ import annotations

import hashlib
import os
import zipfile
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
    except Exception:  # zipfile raises errors of many kinds on what is no archive
        content = "damaged"
    return {"file": str(path), "bytes": size, "content": content}


def changed_files(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for each file that is missing, new or of other content; files that were only moved are the same."""
    was, is_ = ({(Path(file["file"]).name, file["content"]): file for file in files} for files in (before, now))
    lost = [file for key, file in was.items() if key not in is_]
    new = [file for key, file in is_.items() if key not in was]
    names_lost, names_new = ({Path(file["file"]).name for file in files} for files in (lost, new))
    changed = [f"{file['file']}: has other content" for file in new if Path(file["file"]).name in names_lost]
    missing = [f"{file['file']}: is not there" for file in lost if Path(file["file"]).name not in names_new]
    added = [f"{file['file']}: is new" for file in new if Path(file["file"]).name not in names_lost]
    return changed + missing + added
