"""Sources: the files of trigger primitives, or the parts of a simulation, that images come from.

A name is for readers and repeats from job to job: what tells sources apart is a digest of their content. So the same file is one
source whatever it is called and however often it was converted, and two files of one name are two. Files of older code do not
record it; their sources are known by the place of the file, which says less.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from io import BufferedIOBase
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from python.detector.geometry import DUNE_1X2X2, GEOMETRIES, Geometry

DIGITS = 32  # of the hexadecimal digest: 128 bits
BY_PLACE = "place:"  # how the identity of a source begins that its file does not record


class Source(NamedTuple):
    """`name` to read, `id` to tell apart, and the `geometry` whose channels it has, which is the first where none is recorded."""

    name: str
    id: str
    geometry: Geometry = DUNE_1X2X2

    @property
    def recorded_id(self) -> str:
        """The digest of the content, "" where the file does not record it."""
        return "" if self.id.startswith(BY_PLACE) else self.id

    def part(self, number: int) -> Source:
        """Part `number`, from 0, of a file that joins several jobs with the same events; the first goes by the file's name."""
        return self._replace(name=f"{self.name}#{number + 1}", id=f"{self.id}#{number + 1}") if number else self


def source_of_file(path: str | os.PathLike) -> Source:
    """The source that a file is: the first digits of its SHA-256."""
    with open(path, "rb") as file:
        return source_of_content(Path(path).name, file)


def source_of_content(name: str, stream: BufferedIOBase) -> Source:
    """The same of what a stream gives."""
    return Source(name, hashlib.file_digest(stream, "sha256").hexdigest()[:DIGITS])


def digest_of(values: Mapping[str, Any]) -> str:
    """The digest of plain JSON values that decide the content of a source."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:DIGITS]


def place_of(path: Path, directory: Path, plane: str = "") -> tuple[str, str]:
    """The place of a file below a data folder, the same for its planes: one to read, which begins with the folder's name, and
    the whole one."""
    parts = [part for part in path.relative_to(directory).with_suffix("").parts if part != plane]
    below = "/".join([*parts[:-1], parts[-1].replace(f"_plane{plane}", "")])
    folder = directory.resolve()
    return f"{folder.name}/{below}", f"{folder.as_posix()}/{below}"


def shortest_endings(paths: Sequence[Path]) -> list[str]:
    """The least of the end of each path that no other path ends with."""
    endings = []
    for path in paths:
        others = [other.parts for other in paths if other != path]
        parts = path.relative_to(path.anchor).parts
        lengths = range(1, len(parts) + 1)
        n = next((n for n in lengths if all(other[-n:] != parts[-n:] for other in others)), len(parts))
        endings.append("/".join(parts[len(parts) - n :]))
    return endings


def source_by_place(name: str, place: str) -> Source:
    """A source of which only the place of its file is known."""
    return Source(name, BY_PLACE + place)


def source_arrays(sources: Sequence[Source]) -> dict[str, np.ndarray]:
    """The arrays by which a file holds sources: names and digests, "" for one that is not recorded."""
    return {
        "sources": np.array([source.name for source in sources], np.str_),
        "source_ids": np.array([source.recorded_id for source in sources], np.str_),
    }


def geometry_arrays(sources: Sequence[Source]) -> dict[str, np.ndarray]:
    """The array by which a file of products holds their geometries, by name."""
    return {"source_geometries": np.array([source.geometry.name for source in sources], np.str_)}


def sources_from_arrays(arrays: Mapping[str, np.ndarray], place: str) -> list[Source]:
    """The sources of an own file, which may lack the arrays "source_ids" and "source_geometries", as older ones do.

    `place` is where the file is, by which those sources are known whose digest it does not record.
    """
    names = [str(name) for name in arrays["sources"]]
    ids = [str(digest) for digest in arrays.get("source_ids", [""] * len(names))]
    geometries = [GEOMETRIES[str(name)] for name in arrays.get("source_geometries", [DUNE_1X2X2.name] * len(names))]
    product = re.sub("_(volume|points)$", "", place)  # clusters, volumes and points of one source have one identity
    return [
        Source(name, digest or f"{BY_PLACE}{product}/{name}", geometry)
        for name, digest, geometry in zip(names, ids, geometries, strict=True)
    ]


def with_common_sources(parts: Sequence[tuple[Sequence[Source], np.ndarray]]) -> tuple[list[Source], list[np.ndarray]]:
    """All sources, each once, and the tables of metadata with `source` counted along them."""
    numbers: dict[str, int] = {}
    sources: list[Source] = []
    tables = []
    for own, metadata in parts:
        for source in own:
            if source.id not in numbers:
                numbers[source.id] = len(sources)
                sources.append(source)
        number = np.array([numbers[source.id] for source in own], np.int32)
        table = metadata.copy()
        if len(table):
            table["source"] = number[table["source"]]
        tables.append(table)
    return sources, tables
