"""Hypothesis strategies for trigger primitives, crowded so that clusters form."""

from hypothesis import strategies as st

from tests.ingest.root_files import make_tps


def primitives(max_size=40, wild=False):
    """Primitives on few neighbouring channels, near the wraps and faces' border too; `wild` ones have impossible numbers."""
    base = st.sampled_from([0, 10, 796, 798, 1596, 1600, 2076, 2078, 2556, 2560, 5 * 2560 // 2, 10236, 11840, 30716])
    channel = st.builds(lambda first, step: min(first + step, 30719), base, st.integers(0, 5))
    sot = st.integers(0 if wild else 1, 40)
    row = st.tuples(
        st.integers(0, 2), channel, st.integers(0, 60), sot, st.integers(0, 60 if wild else 1),
        st.integers(0, 10**7), st.integers(0, 2**14),
    )  # fmt: skip
    return st.lists(row, max_size=max_size).map(make_tps)
