from hypothesis import given
from hypothesis import strategies as st

from python.config.differences import differences

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(), lambda inner: st.dictionaries(st.text(), inner), max_leaves=8
)


def test_every_difference_is_named_with_its_path():
    there = {"plane": "X", "model": {"epochs": 3, "rate": 0.1}, "notes": "old"}
    asked = {"plane": "X", "model": {"epochs": 5, "rate": 0.1}, "notes": "new", "seed": 1}
    assert differences(there, asked, ignored=("notes",)) == [
        "model.epochs: there it is 3, asked for is 5",
        "seed: there it is None, asked for is 1",
    ]


@given(VALUES)
def test_nothing_differs_from_itself(value):
    assert differences(value, value) == []
