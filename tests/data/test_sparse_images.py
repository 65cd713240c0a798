import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from python.data.sparse_images import SparseImages

DENSE = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 6), st.integers(1, 9), st.integers(1, 9)),
    elements=st.sampled_from([0, 0, 0, 1, 60, 512.5]),
)


@given(DENSE)
def test_round_trip(dense):
    sparse = SparseImages.from_dense(dense)
    np.testing.assert_array_equal(np.asarray(sparse), dense)
    np.testing.assert_array_equal(sparse[-1], dense[-1])
    assert sparse.sums() == pytest.approx(dense.sum(axis=(1, 2)))


@given(DENSE, st.data())
def test_rows_in_any_order_and_number(dense, data):
    rows = np.array(data.draw(st.lists(st.integers(0, len(dense) - 1), max_size=12)), int)
    sparse = SparseImages.from_dense(dense)
    np.testing.assert_array_equal(sparse.dense(rows), dense[rows])
    np.testing.assert_array_equal(np.asarray(sparse.take(rows)), dense[rows])


@given(DENSE, st.data())
def test_flip_columns(dense, data):
    which = np.array(data.draw(st.lists(st.booleans(), min_size=len(dense), max_size=len(dense))))
    flipped = np.asarray(SparseImages.from_dense(dense).flip_columns(which))
    expected = np.where(which[:, None, None], dense[:, :, ::-1], dense)
    np.testing.assert_array_equal(flipped, expected)


@given(DENSE, st.integers(0, 5), st.integers(0, 5))
def test_padding_is_even_and_loses_nothing(dense, more_rows, more_columns):
    _, height, width = dense.shape
    padded, lost = SparseImages.from_dense(dense).fit_to((height + more_rows, width + more_columns))
    top, left = more_rows // 2, more_columns // 2
    result = np.asarray(padded)
    np.testing.assert_array_equal(result[:, top : top + height, left : left + width], dense)
    assert result.sum() == pytest.approx(dense.sum())
    assert not lost.any()


@given(DENSE, st.integers(1, 9), st.integers(1, 9))
def test_lost_charge_is_what_the_crop_leaves_out(dense, height, width):
    sparse = SparseImages.from_dense(dense)
    fitted, lost = sparse.fit_to((height, width))
    assert fitted.shape == (height, width)
    np.testing.assert_allclose(fitted.sums(), sparse.sums() * (1 - lost), rtol=1e-6, atol=1e-3)


def test_crop_follows_the_charge():
    dense = np.zeros((1, 4, 32), np.float32)
    dense[0, 1, 25] = 1000
    dense[0, 1, 2] = 1
    fitted, lost = SparseImages.from_dense(dense).fit_to((4, 16))
    assert fitted.sums() == pytest.approx([1000])
    assert lost == pytest.approx([1 / 1001])


def test_large_images_number_their_pixels_beyond_16_bits():
    dense = np.zeros((2, 208, 1242), np.float32)
    dense[1, 207, 1241] = 7
    np.testing.assert_array_equal(np.asarray(SparseImages.from_dense(dense)), dense)


def test_concatenate_refuses_mixed_sizes():
    one, other = (SparseImages.from_dense(np.zeros((1, 2, width), np.float32)) for width in (2, 3))
    with pytest.raises(ValueError, match="one shape"):
        SparseImages.concatenate([one, other])
