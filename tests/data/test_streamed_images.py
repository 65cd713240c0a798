import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from python.data.data_origin import DataFolders
from python.data.image_set import load_images
from python.data.sparse_images import SparseImages
from python.general_purpose_libs import DataError
from tests.synthetic import write_folder, write_old_file


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("streamed"), n=12, files=3, kind="volumes")


@pytest.fixture(scope="module")
def both(folder):
    return load_images(DataFolders([folder]), "X", kind="volumes"), load_images(
        DataFolders([folder], streamed=True), "X", kind="volumes"
    )


def equal_parts(numbers):
    """Which of the numbers are equal, whatever their values."""
    return numbers[:, None] == numbers[None, :]


def test_streamed_sets_say_what_sets_in_memory_say(both):
    memory, streamed = both
    assert np.array_equal(memory.metadata.tobytes(), streamed.metadata.tobytes())
    assert memory.sources == streamed.sources
    assert memory.cuts == streamed.cuts
    assert memory.images.shape == streamed.images.shape
    assert np.array_equal(memory.images.counts, streamed.images.counts)
    assert np.array_equal(memory.images.sums(), streamed.images.sums())
    assert np.array_equal(equal_parts(memory.image_keys()), equal_parts(streamed.image_keys()))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.integers(0, 35), max_size=20), st.lists(st.integers(0, 35), min_size=1, max_size=36))
def test_any_rows_are_read_in_any_order(both, rows, kept):
    memory, streamed = (images.keep("some", np.array(kept)) for images in both)
    rows = np.array([row % len(kept) for row in rows], np.int64)
    assert np.array_equal(memory.network_inputs(rows), streamed.network_inputs(rows))


def test_memory_does_not_hold_the_pixels(both):
    _, streamed = both
    assert streamed.images.nbytes <= 40 * len(streamed)


def test_files_that_change_in_use_are_named(folder, tmp_path):
    copy = tmp_path / "data"
    shutil.copytree(folder, copy)
    streamed = load_images(DataFolders([copy], streamed=True), "X", kind="volumes")
    path = copy / "file1_volume_planeX.npz"
    content = path.read_bytes()
    path.write_bytes(content[:200])
    with pytest.raises(DataError, match=r"file1_volume_planeX\.npz: has become shorter"):
        streamed.images.dense(np.arange(36))
    path.unlink()
    with pytest.raises(DataError, match=r"file1_volume_planeX\.npz: cannot be read any more"):
        streamed.images.dense(np.arange(36))
    assert streamed.images.dense(np.arange(12)).any()


def test_what_cannot_be_streamed_is_refused_with_the_remedy(folder, tmp_path):
    (tmp_path / "compressed").mkdir()
    np.savez_compressed(tmp_path / "compressed" / "a_volume_planeX.npz", **np.load(folder / "file0_volume_planeX.npz"))
    with pytest.raises(DataError, match="is compressed and cannot be streamed; make it again"):
        load_images(DataFolders([tmp_path / "compressed"], streamed=True), "X", kind="volumes")
    write_old_file(tmp_path / "old" / "a_volume_planeX.npz", n=4)
    with pytest.raises(DataError, match=r"old.*cannot be streamed"):
        load_images(DataFolders([tmp_path / "old"], streamed=True), "X", kind="volumes")
    with pytest.raises(DataError, match="loading"):
        load_images(DataFolders([folder], streamed=True), "X", kind="volumes").fit_to((64, 16, 1))


def test_an_empty_choice_is_an_empty_array(both):
    assert both[1].images.read(np.array([], np.int64)).counts.shape == (0,)
    assert isinstance(both[1].images.read([3]), SparseImages)
