"""Sources are known by what they hold, not by what they are called."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from python.data.metadata import empty_metadata
from python.data.sources import Source, shortest_endings, source_of_file, with_common_sources


def test_a_file_is_known_by_its_content(tmp_path):
    for name, content in (("a/tp.root", b"one"), ("b/tp.root", b"two"), ("b/copy.root", b"one")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    one, two, copy = (source_of_file(tmp_path / name) for name in ("a/tp.root", "b/tp.root", "b/copy.root"))
    assert one.name == two.name
    assert one.id != two.id
    assert one.id == copy.id == hashlib.sha256(b"one").hexdigest()[:32]  # what sha256sum begins with


def test_sources_are_joined_by_identity_and_not_by_name():
    parts = [[Source("a", "1"), Source("b", "2")], [Source("a", "3"), Source("c", "2")]]
    tables = [empty_metadata(2), empty_metadata(2)]
    for table in tables:
        table["source"] = [0, 1]
    sources, tables = with_common_sources(list(zip(parts, tables, strict=True)))
    assert sources == [Source("a", "1"), Source("b", "2"), Source("a", "3")]
    assert np.concatenate([table["source"] for table in tables]).tolist() == [0, 1, 2, 1]


@pytest.mark.parametrize(
    ("paths", "endings"),
    [
        (["/d/one", "/d/two"], ["one", "two"]),
        (["/d/one/out", "/d/two/out", "/d/three"], ["one/out", "two/out", "three"]),
        (["/d/out", "/d/more/out", "/out"], ["d/out", "more/out", "out"]),
        (["/d"], ["d"]),
    ],
)
def test_shortest_endings_tell_paths_apart(paths, endings):
    assert shortest_endings(list(map(Path, paths))) == endings
