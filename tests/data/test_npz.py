import contextlib
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from python.data.npz import read_npz
from python.general_purpose_libs import DataError


class Hostile:
    """Runs when unpickled: makes a file."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return (open, (str(self.target), "w"))


def test_plain_arrays(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.arange(3.0), name=np.array(["U", "V"]))
    found = read_npz(tmp_path / "a.npz")
    assert found["x"].tolist() == [0, 1, 2]
    assert found["name"].tolist() == ["U", "V"]


def test_old_volumes_with_dictionaries_and_object_arrays(tmp_path):
    images = np.empty(2, object)
    images[:] = [np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32)]
    metadata = np.array([{"event": 5, "energy": np.float32(3.5), "tags": ["a", None, True]}, {"event": 6}], object)
    np.savez(tmp_path / "v.npz", images=images, metadata=metadata)
    found = read_npz(tmp_path / "v.npz")
    assert found["metadata"][0]["energy"] == np.float32(3.5)
    assert found["images"][0].sum() == 6


def test_a_hostile_pickle_is_refused_and_not_run(tmp_path):
    target = tmp_path / "made"
    np.savez(tmp_path / "bad.npz", metadata=np.array([Hostile(target), 1], object))
    with pytest.raises(DataError, match=r"bad\.npz.*open"):
        read_npz(tmp_path / "bad.npz")
    assert not target.exists()
    # the file is dangerous indeed: NumPy's own reader runs it
    np.load(tmp_path / "bad.npz", allow_pickle=True)["metadata"][0].close()
    assert target.exists()


@pytest.mark.parametrize("name", ["system", "eval", "loads", "fromfile", "load"])
def test_no_function_is_reachable(tmp_path, name):
    module = {"system": "os", "eval": "builtins", "loads": "pickle", "fromfile": "numpy", "load": "numpy"}[name]
    payload = b"\x80\x04c" + module.encode() + b"\n" + name.encode() + b"\n."
    header = np.lib.format.header_data_from_array_1_0(np.empty(1, object))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive, archive.open("x.npy", "w") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        stream.write(payload)
    with pytest.raises(DataError, match=name):
        read_npz(tmp_path / "a.npz")


def test_broken_files_are_named(tmp_path):
    np.savez(tmp_path / "good.npz", x=np.arange(1000.0))
    content = (tmp_path / "good.npz").read_bytes()
    (tmp_path / "empty.npz").write_bytes(b"")
    (tmp_path / "cut.npz").write_bytes(content[: len(content) // 2])
    (tmp_path / "text.npz").write_text("not a zip file")
    (tmp_path / "folder.npz").mkdir()
    for name, reason in {
        "empty": "0 bytes",
        "cut": "truncated",
        "text": "not an NPZ",
        "folder": "",
        "no": "no such",
    }.items():
        with pytest.raises(DataError, match=rf"{name}\.npz.*{reason}"):
            read_npz(tmp_path / f"{name}.npz")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.data())
def test_damage_never_shows_another_error(tmp_path, data):
    path = tmp_path / "a.npz"
    np.savez(path, x=np.arange(20.0), objects=np.array([{"a": 1}, 2], object))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    with contextlib.suppress(DataError):
        read_npz(path)


def test_a_pickle_of_something_else_is_refused(tmp_path):
    header = np.lib.format.header_data_from_array_1_0(np.empty(1, object))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive, archive.open("x.npy", "w") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        stream.write(pickle.dumps([1, 2, 3]))
    with pytest.raises(DataError, match="header states"):
        read_npz(tmp_path / "a.npz")
