"""Whatever a data file holds, it is read whole or refused with its name: no file is a traceback."""

import contextlib

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from numpy.exceptions import ComplexWarning

from python.data.data_origin import DataFolders
from python.data.image_file import write_image_file
from python.data.image_set import load_images
from python.data.npz import read_npz
from python.data.point_clouds import PointClouds, read_point_file, write_point_file
from python.general_purpose_libs import DataError
from python.quality.quality import FAIL, check_folders
from tests.data.test_point_clouds import point_file
from tests.synthetic import image_file, old_volume_rows, write_old_file, write_old_volume_file

N = 6
COLUMNS = (11, 12, 13, 14, 18)
FORMATS = ("clusters", "volumes", "points", "old volumes", *(f"{columns} columns" for columns in COLUMNS))
NAMES = {"points": "a_points.npz", "volumes": "a_volume_planeX.npz", "old volumes": "a_volume_planeX.npz"}
RECORD = np.dtype([("event", "i8"), ("energy", "f4")])
DTYPES = ("?", "i1", "u1", "<i4", ">i8", "u8", "f2", ">f4", "f8", "g", "c8", "S3", "U3", "O", "M8[s]", RECORD)
NUMBERS = (np.nan, np.inf, -np.inf, -1, 0, 0.5, 3, 127, 2**31, 2**53 + 1, 2**62, 1e30, 1e300)
OBJECTS = (None, {}, {"event": 1}, [1, 2], "text", 10**400, 1j, np.ones(3), np.datetime64("now"))


def arrays_of(kind, folder):
    """The arrays of a sound file."""
    path = folder / NAMES.get(kind, "a_planeX.npz")
    if kind == "points":
        write_point_file(path, point_file())
    elif kind == "old volumes":
        write_old_volume_file(path, list(np.eye(8, 12, dtype=np.float32) * np.ones((N, 1, 1))), old_volume_rows(N))
    elif kind in ("clusters", "volumes"):
        content = image_file(N)
        content.kind = kind
        write_image_file(path, content)
    else:
        write_old_file(path, N, int(kind.split()[0]))
    return read_npz(path)


@pytest.fixture(scope="module", params=FORMATS)
def sound(request, tmp_path_factory):
    """A format and the arrays of a sound file of it."""
    return request.param, arrays_of(request.param, tmp_path_factory.mktemp("sound"))


def read(kind, folder):
    """What a training does first with the only file of `folder`; DataError where it is refused."""
    if kind == "points":
        found = read_point_file(folder / NAMES[kind])
        assert np.all(np.isfinite(found.neighbours))
        clouds = found.clouds
        return PointClouds.concatenate([clouds, clouds]).padded(np.arange(len(clouds)), 4)
    of = "volumes" if kind.endswith("volumes") else "clusters"
    for streamed in (False, True):
        with contextlib.suppress(DataError) if streamed else contextlib.nullcontext():  # older files cannot be
            found = load_images(DataFolders([folder], streamed=streamed), "X", kind=of)
            np.concatenate([found.image_keys(), found.images.sums()])
            found.pictures(np.arange(len(found)))
    found = load_images(DataFolders([folder]), "X", kind=of)
    return found.fit_to((16, 10)).network_inputs(np.arange(len(found)))


# ---------------------------------------------------------------------------- what may be wrong with one array
def retyped(draw, array):
    dtype = draw(st.sampled_from(DTYPES))
    with np.errstate(all="ignore"), contextlib.suppress(TypeError, ValueError, OverflowError, ComplexWarning):
        return array.astype(dtype)
    return np.zeros(array.shape, dtype)


def reshaped(draw, array):
    changes = [
        lambda: array[None],
        lambda: array[..., None],
        lambda: array.reshape(-1),
        lambda: np.asarray(array.reshape(-1)[0]) if array.size else array[None],
        lambda: array.T,
        lambda: np.zeros((0, *array.shape[1:]), array.dtype),
        lambda: np.zeros((*array.shape[:-1], 0), array.dtype),
    ]
    return draw(st.sampled_from(changes))()


def resized(draw, array):
    if array.ndim == 0:
        return np.repeat(array, 2)
    rows = draw(st.lists(st.integers(0, max(len(array) - 1, 0)), max_size=2 * N))
    return array[rows] if len(array) else array


def revalued(draw, array):
    if array.size == 0 or array.dtype.kind not in "biufUO":
        return array
    array = array.copy()
    value = draw(st.sampled_from((*NUMBERS, *OBJECTS) if array.dtype.kind == "O" else NUMBERS))
    with np.errstate(all="ignore"), contextlib.suppress(ValueError, OverflowError):
        array.reshape(-1)[draw(st.integers(0, array.size - 1))] = value
    return array


def objects(draw, array):
    """Boxed: dictionaries, lists, numbers, in an array of any shape."""
    shape = draw(st.sampled_from([(), array.shape[:1], array.shape]))
    boxed = np.empty(shape, object)
    for place in np.ndindex(shape):
        boxed[place] = draw(st.sampled_from(OBJECTS)) if boxed.size < 2 * N else {"event": 1}
    return boxed


CHANGES = (retyped, reshaped, resized, revalued, objects)


@st.composite
def changed_arrays(draw, sound):
    arrays = dict(sound)
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from(sorted(arrays)))
        what = draw(st.sampled_from(("change", "change", "change", "remove", "add", "swap")))
        if what == "change":
            arrays[name] = draw(st.sampled_from(CHANGES))(draw, arrays[name])
        elif what == "remove" and len(arrays) > 1:
            del arrays[name]
        elif what == "add":
            arrays[draw(st.sampled_from(("points", "images", "metadata", "format_version", "more")))] = arrays[name]
        elif what == "swap":
            arrays[draw(st.sampled_from(sorted(arrays)))] = arrays[name]
    return arrays


def assert_whole_or_named(kind, path):
    try:
        read(kind, path.parent)
        said = None
    except DataError as error:
        said = str(error)
    event("read" if said is None else "refused")
    assert said is None or (str(path) in said and len(said) < 3000)


ANY = settings(suppress_health_check=list(HealthCheck), max_examples=40)


@ANY
@given(st.data())
def test_a_file_of_other_arrays_is_whole_or_named(sound, tmp_path, data):
    kind, arrays = sound
    path = tmp_path / NAMES.get(kind, "a_planeX.npz")
    np.savez(path, **data.draw(changed_arrays(arrays)))
    assert_whole_or_named(kind, path)


@ANY
@given(st.data())
def test_a_file_of_other_bytes_is_whole_or_named(sound, tmp_path, data):
    kind, arrays = sound
    path = tmp_path / NAMES.get(kind, "a_planeX.npz")
    np.savez(path, **arrays)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    length = data.draw(st.just(len(content)) | st.integers(0, len(content)))
    path.write_bytes(content[:length])
    assert_whole_or_named(kind, path)


# ---------------------------------------------------------------------------- what was met
METADATA = {
    "records": (
        lambda metadata: np.zeros(len(metadata), RECORD),
        "metadata holds records with the fields event, energy",
    ),
    "dictionaries": (
        lambda metadata: np.array([{"event": 1}] * len(metadata)),
        r"metadata holds Python objects \(dict\)",
    ),
    "one object": (lambda _: np.array({"event": 1}, object), r"metadata holds Python objects \(dict\)"),
    "one number": (lambda _: np.array(3.0), r"metadata has the shape \(\), "),
    "texts": (lambda metadata: metadata.astype(str), "metadata holds text, "),
}


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("case", METADATA)
def test_metadata_that_are_no_table_are_said_and_can_be_skipped(tmp_path, case, own):
    change, reason = METADATA[case]
    write_image_file(tmp_path / "sound_planeX.npz", image_file(N, source="sound.root"))
    arrays = arrays_of("clusters" if own else "18 columns", tmp_path)
    np.savez(tmp_path / "a_planeX.npz", **{**arrays, "metadata": change(arrays["metadata"])})
    with pytest.raises(DataError, match=rf"a_planeX\.npz: {reason}"):
        load_images(DataFolders([tmp_path]), "X")
    assert len(load_images(DataFolders([tmp_path], skip_bad_files=True), "X")) == N
    (files, *_) = check_folders([tmp_path], "X").of("X")
    assert (files.status, files.values) == (FAIL, {"files": 2, "broken": 1})


def test_a_table_of_boxed_numbers_is_a_table(tmp_path):
    """Of older code; the project's own files hold no objects, which could not be streamed."""
    arrays = arrays_of("18 columns", tmp_path)
    np.savez(tmp_path / "a_planeX.npz", **{**arrays, "metadata": arrays["metadata"].astype(object)})
    assert len(load_images(DataFolders([tmp_path]), "X")) == N
    arrays = arrays_of("clusters", tmp_path)
    np.savez(tmp_path / "a_planeX.npz", **{**arrays, "data": arrays["data"].astype(object)})
    with pytest.raises(DataError, match=r"data holds Python objects \(float\), numbers needed"):
        load_images(DataFolders([tmp_path]), "X")


def test_an_odd_array_is_named_and_not_the_others(tmp_path):
    arrays = arrays_of("clusters", tmp_path)
    np.savez(
        tmp_path / "a_planeX.npz", **{**arrays, "indptr": arrays["indptr"][:-1], "apa": arrays["apa"].astype(float)}
    )
    with pytest.raises(DataError) as caught:
        load_images(DataFolders([tmp_path]), "X")
    (line,) = [line for line in str(caught.value).splitlines() if "a_planeX.npz" in line]
    assert "indptr has the shape (6,), (7,) is needed; apa holds numbers, whole numbers needed; make it again" in line


def test_numbers_that_the_table_cannot_hold_are_refused(tmp_path):
    """They would be others, without a word."""
    arrays = arrays_of("clusters", tmp_path)
    np.savez(tmp_path / "a_planeX.npz", **{**arrays, "apa": np.full(N, 257)})
    with pytest.raises(DataError, match=r"apa\[0\] is 257, a whole number from -128 to 127 is needed"):
        load_images(DataFolders([tmp_path]), "X")
