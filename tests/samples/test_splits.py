import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python.data.metadata import empty_metadata
from python.data.sparse_images import SparseImages
from python.general_purpose_libs import DataError
from python.samples.splits import repeated_rows, split

FRACTIONS = (0.7, 0.15, 0.15)


def table(sources, events):
    result = empty_metadata(len(events))
    result["source"], result["event"] = sources, events
    return result


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30), st.integers(0, 80)), min_size=60, max_size=200),
    st.integers(0, 2**31),
)
def test_no_event_and_no_duplicate_is_on_two_sides(rows, seed):
    sources, events, keys = np.array(rows).T
    metadata = table(sources, events)
    try:
        parts = split(metadata, keys, FRACTIONS, seed)
    except DataError:
        return
    part = np.empty(len(rows), int)
    for number, members in enumerate((parts.train, parts.val, parts.test)):
        part[members] = number
    assert sorted(np.concatenate([parts.train, parts.val, parts.test])) == list(range(len(rows)))
    for identity in (sources * 1000 + events, keys):
        for value in np.unique(identity):
            assert len(set(part[identity == value])) == 1
    again = split(metadata, keys, FRACTIONS, seed)
    np.testing.assert_array_equal(again.test, parts.test)


def test_fractions_are_met_and_seeds_differ():
    metadata, keys = table(0, np.arange(2000) // 2), np.arange(2000)
    metadata["source"] = 0
    one, other = split(metadata, keys, FRACTIONS, 1), split(metadata, keys, FRACTIONS, 2)
    assert [len(one.train), len(one.val), len(one.test)] == pytest.approx([1400, 300, 300], abs=2)
    assert len(set(one.test) & set(other.test)) < 100


def test_the_same_event_number_in_two_files_is_two_events():
    metadata = table(np.repeat([0, 1], 50), np.tile(np.arange(50), 2))
    group = split(metadata, np.arange(100), FRACTIONS, 0).group
    assert len(np.unique(group)) == 100
    by_source = split(table(np.repeat(np.arange(20), 5), np.arange(100)), np.arange(100), FRACTIONS, 0, "source")
    assert len(np.unique(by_source.group)) == 20


def test_too_few_groups():
    with pytest.raises(DataError, match=r"too few.*val"):
        split(table(0, np.zeros(50, int)), np.arange(50), FRACTIONS, 0)


def test_repeated_images():
    dense = np.zeros((5, 3, 3), np.float32)
    dense[[0, 1, 2], 1, 1] = 5
    dense[3, 1, 2] = 5
    metadata = table(0, np.arange(5))
    metadata["is_main_track"] = [0, 0, 1, 0, 0]
    keys = SparseImages.from_dense(dense).keys()
    assert keys[0] == keys[1] == keys[2] != keys[3]
    assert repeated_rows(metadata, keys).tolist() == [False, True, False, False, False]
