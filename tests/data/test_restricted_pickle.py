import contextlib
import datetime
import io
import os
import pickle
import pickletools
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from python.data import restricted_pickle
from python.data.restricted_pickle import member_types, read_member
from python.general_purpose_libs import DataError

PROTOCOLS = (2, 3, 4, 5)


def write_pickle(path, payload: bytes, shape=(1,)) -> Path:
    """An NPZ file whose array `x` has the given pickle behind a header that promises an array of objects."""
    header = {"descr": "|O", "fortran_order": False, "shape": shape}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.npy", "w") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        stream.write(payload)
    return path


def objects(*values) -> np.ndarray:
    array = np.empty(len(values), object)
    for number, value in enumerate(values):
        array[number] = value
    return array


class Calls:
    """Calls `function` when unpickled."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def assert_same(found, expected):
    assert type(found) is type(expected) or isinstance(expected, np.ndarray)
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key in expected:
            assert_same(found[key], expected[key])
    elif isinstance(expected, (list, tuple)):
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    else:
        np.testing.assert_array_equal(found, expected)
        if isinstance(expected, np.ndarray):
            assert (found.shape, found.dtype) == (expected.shape, expected.dtype.newbyteorder("="))  # NumPy swaps bytes


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.floats(width=32).map(np.float32)
    | st.integers(-5, 5).map(np.int64)
    | st.lists(st.integers(-9, 9), max_size=4).map(lambda numbers: np.array(numbers, ">i4"))
    | st.lists(st.text("abc", min_size=1), min_size=1, max_size=4).map(np.array),
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(values, min_size=1, max_size=4), st.sampled_from([3, 4]))
def test_data_come_back_as_they_were(tmp_path, content, protocol):
    array = objects(*content)
    found = read_member(write_pickle(tmp_path / "a.npz", pickle.dumps(array, protocol), array.shape), "x")
    assert type(found) is np.ndarray
    assert_same(list(found), content)


def test_plain_and_pickled_arrays_of_one_file(tmp_path):
    images = np.array([np.eye(3, dtype=np.float32)] * 2, object)  # NumPy makes one array of Python floats of these
    np.savez_compressed(tmp_path / "a.npz", images=images, number=np.arange(4.0), names=np.array(["U", "V"]))
    types = member_types(tmp_path / "a.npz")
    assert types == {"images": np.dtype(object), "number": np.dtype(float), "names": np.dtype("<U1")}
    np.testing.assert_array_equal(read_member(tmp_path / "a.npz", "images"), images)
    assert read_member(tmp_path / "a.npz", "number").tolist() == [0, 1, 2, 3]
    with pytest.raises(DataError, match=r"a\.npz: lacks the array metadata"):
        read_member(tmp_path / "a.npz", "metadata")


def test_numpy_1_spelling(tmp_path):
    array = objects({"image": np.arange(6, dtype=np.float32).reshape(2, 3), "energy": np.float64(2.5)})
    payload = pickle.dumps(array, 3).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert b"cnumpy.core.multiarray" in payload
    found = read_member(write_pickle(tmp_path / "a.npz", payload), "x")
    assert_same(list(found), list(array))


def test_column_order_of_an_image_is_kept(tmp_path):
    image = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    assert_same(read_member(write_pickle(tmp_path / "a.npz", pickle.dumps(objects(image), 4)), "x")[0], image)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("place", ["whole", "element", "in a dictionary", "in a list of a dictionary", "key"])
def test_a_command_is_refused_by_name_and_not_run(tmp_path, protocol, place):
    marker = tmp_path / "marker"
    hostile = Calls(os.system, f"touch {marker}")
    content = {
        "whole": hostile,
        "element": objects(hostile),
        "in a dictionary": objects({"event": 1, "plane": hostile}),
        "in a list of a dictionary": objects({"event": [1, (2, [hostile])]}),
        "key": objects({hostile: 1}),
    }[place]
    payload = pickle.dumps(content, protocol)
    with pytest.raises(DataError, match=r"a\.npz: array x holds a pickled posix\.system, which is not data"):
        read_member(write_pickle(tmp_path / "a.npz", payload), "x")
    assert not marker.exists()
    with contextlib.suppress(TypeError):  # the file is dangerous indeed: the exit code is no key
        pickle.loads(payload)
    assert marker.exists()


@pytest.mark.parametrize(
    "function",
    [
        eval,
        exec,
        open,
        getattr,
        pickle.loads,
        np.load,
        np.fromfile,
        np.memmap,
        np.save,
        np.frombuffer,
        datetime.datetime,
    ],
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_other_function_is_reached(tmp_path, function, protocol):
    payload = pickle.dumps(objects(Calls(function, "1")), protocol)
    with pytest.raises(DataError, match=rf"a\.npz: array x holds a pickled \S+{function.__name__}, which is not data"):
        read_member(write_pickle(tmp_path / "a.npz", payload), "x")


@pytest.mark.parametrize(
    "name",
    [
        "numpy.f2py compile",
        "numpy.f2py.crackfortran eval",
        "numpy load",
        "numpy.core.multiarray fromfile",
        "numpy._core.multiarray _reconstruct.__globals__",
        "numpy dtype.__class__",
        "numpy ndarray.tofile",
        "numpy.core.multiarray __builtins__",
        "_codecs lookup",
        "_codecs encode.__self__",
        "os system",
        "posix system",
        "__builtin__ eval",
        "builtins eval",
        "\x1b[2J evil",
    ],
)
@pytest.mark.parametrize("by", ["GLOBAL", "STACK_GLOBAL"])
def test_names_beside_the_admitted_ones(tmp_path, name, by):
    module, name = name.split(" ")
    texts = [b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, name)]
    payload = f"c{module}\n{name}\n".encode() if by == "GLOBAL" else b"".join(texts) + b"\x93"
    with pytest.raises(DataError, match="which is not data") as caught:
        read_member(write_pickle(tmp_path / "a.npz", b"\x80\x04" + payload + b"."), "x")
    assert name in str(caught.value)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"Pname\n.", "PERSID"),
        (b"\x80\x02X\x01\x00\x00\x00aQ.", "BINPERSID"),
        (b"(S'touch marker'\nios\nsystem\n.", "STRING"),
        (b"(ios\nsystem\n.", "INST"),
        (b"\x80\x02\x82\x01.", "EXT1"),
        (b"\x80\x04N)\x81.", "NEWOBJ"),
        (b"\xff.", "unknown pickle instruction"),
        (b"", "truncated"),
        (b"\x80\x04]", "truncated"),
        (b"\x80\x04N.", "something else than the array"),
        (b"\x80\x04Nr\xff\xff\xff\xff.", "skips from object 0 to 4294967295"),  # 64 GB of memory in Python 3.11
        (b"\x80\x04N" + b"(t" * 30_001 + b".", "more than 30000 tuples"),
    ],
)
def test_instructions_that_data_do_not_need(tmp_path, payload, reason):
    with pytest.raises(DataError, match=rf"a\.npz: array x holds .*{reason}"):
        read_member(write_pickle(tmp_path / "a.npz", payload), "x")


def test_too_many_instructions_and_bytes(tmp_path, monkeypatch):
    path = write_pickle(tmp_path / "a.npz", pickle.dumps(objects(*"abcdefgh"), 4), (8,))
    assert read_member(path, "x").tolist() == list("abcdefgh")
    with monkeypatch.context() as patch:
        patch.setattr(restricted_pickle, "MAX_INSTRUCTIONS", 20)
        with pytest.raises(DataError, match="more than 20 instructions"):
            read_member(path, "x")
    monkeypatch.setattr(restricted_pickle, "MAX_PICKLED_BYTES", 20)
    with pytest.raises(DataError, match="bytes of pickled objects, at most 20 are read"):
        read_member(path, "x")


def rebuilt(state):
    """An array made as NumPy's pickles make it, from any state."""
    made, arguments, _ = np.empty(1, object).__reduce__()
    instance = Calls(made, *arguments)
    instance.call = (*instance.call, state)
    return instance


OBJECT = np.dtype(object)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ((1, (10**6,), OBJECT, False, [1, 2]), "does not fit its shape"),  # NumPy reads beyond the list: a crash
        ((1, (1,), OBJECT, False, []), "does not fit its shape"),
        ((1, (-1, -1), OBJECT, False, [1]), "does not fit its shape"),
        ((1, (1,), OBJECT, False, b"12345678"), "does not fit its shape"),  # bytes as addresses of objects
        ((1, (10**9,), np.dtype("f8"), False, b"12345678"), "does not fit its shape"),
        ((1, (1,), np.dtype("f8"), False, [1.0]), "does not fit its shape"),
        ((1, (2,), np.dtype("f4,f4"), False, bytes(16)), "neither number, text nor object"),
        ((1, (1,), np.dtype("M8[s]"), False, bytes(8)), "neither number, text nor object"),
        ((1, (1,), "f8", False, bytes(8)), "damaged"),
        ((1,), "damaged"),
    ],
)
def test_arrays_that_contradict_themselves(tmp_path, state, reason):
    payload = pickle.dumps(objects(rebuilt(state)), 4)
    with pytest.raises(DataError, match=rf"a\.npz: array x .*{reason}"):
        read_member(write_pickle(tmp_path / "a.npz", payload), "x")


def test_arrays_of_objects_are_not_nested(tmp_path):
    with pytest.raises(DataError, match="an array of objects in another"):
        read_member(write_pickle(tmp_path / "a.npz", pickle.dumps(objects(objects(1)), 4)), "x")


def test_an_admitted_function_cannot_be_altered(tmp_path):
    payload = b"\x80\x03c_codecs\nencode\n}X\x09\x00\x00\x00_functionNsb."
    with pytest.raises(DataError, match="an altered NumPy function"):
        read_member(write_pickle(tmp_path / "a.npz", payload), "x")
    assert read_member(write_pickle(tmp_path / "b.npz", pickle.dumps(objects(b"x"), 2)), "x")[0] == b"x"


@pytest.mark.parametrize("shape", [(2,), (1, 1), ()])
def test_shape_of_the_header_has_to_hold(tmp_path, shape):
    with pytest.raises(DataError, match="something else than the array of objects that its header states"):
        read_member(write_pickle(tmp_path / "a.npz", pickle.dumps(objects(1), 4), shape), "x")


def test_every_truncation_is_a_data_error(tmp_path):
    payload = pickle.dumps(objects({"event": np.int64(1), "image": np.ones((2, 2))}), 4)
    for length in range(len(payload)):
        with pytest.raises(DataError, match=r"a\.npz: array x"):
            read_member(write_pickle(tmp_path / "a.npz", payload[:length]), "x")
    content = (write_pickle(tmp_path / "a.npz", payload)).read_bytes()
    (tmp_path / "b.npz").write_bytes(content[: len(content) // 2])
    for name, reason in {"b": "truncated or not an NPZ file", "c": "no such file"}.items():
        with pytest.raises(DataError, match=rf"{name}\.npz.*{reason}"):
            member_types(tmp_path / f"{name}.npz")


instructions = st.sampled_from([op.code.encode("latin1") for op in pickletools.opcodes])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
@given(
    st.binary(max_size=60)
    | st.lists(instructions | st.binary(max_size=9) | st.just(b"cnumpy\ndtype\n"), max_size=30).map(b"".join)
)
def test_any_bytes_give_a_data_error(tmp_path, payload):
    with pytest.raises(DataError, match=r"a\.npz: array x"):
        read_member(write_pickle(tmp_path / "a.npz", b"\x80\x04" + payload), "x")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
@given(st.data())
def test_damage_gives_data_or_a_data_error(tmp_path, data):
    array = objects({"event": np.int64(1), "image": np.ones((2, 2)), "names": ["a", ("b", 2.5)]}, 3)
    payload = bytearray(pickle.dumps(array, data.draw(st.sampled_from(PROTOCOLS))))
    for _ in range(data.draw(st.integers(1, 4))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(DataError):
        assert read_member(write_pickle(tmp_path / "a.npz", bytes(payload), (2,)), "x").shape == (2,)


def test_a_bomb_of_nested_keys_does_not_crash(tmp_path):
    """In a process of its own: what is guarded against is no exception but the end of Python."""
    stream = io.BytesIO()
    stream.write(b"\x80\x04})" + b"\x85" * 1_000_000 + b"Ns.")
    path = write_pickle(tmp_path / "a.npz", stream.getvalue())
    script = f"from python.data.restricted_pickle import read_member; read_member({str(path)!r}, 'x')"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "DataError" in ended.stderr
