"""Numbers of the other clusters of an event: against counting by hand, and whatever the order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from python.data.metadata import empty_metadata
from python.data.neighbours import ELSEWHERE_CM, LARGEST, NAMES, neighbours_of
from python.detector.geometry import PITCH_CM, TICK_CM, X


def clusters(rows):
    """A table of X clusters from (event, MeV, APA, face, channel, tick, match)."""
    table = empty_metadata(len(rows))
    names = ("event", "cluster_energy", "apa", "face", "channel", "arrival", "match_id")
    for number, row in enumerate(rows):
        for name, value in zip(names, row, strict=True):
            table[name][number] = value
    table["source"] = 0
    return table


def told(table):
    return dict(zip(NAMES, np.expm1(neighbours_of(table).astype(np.float64)).T, strict=True))


def test_what_an_event_holds_is_counted():
    """Three clusters in one drift volume and its neighbour in z, a fourth on the other face, and an event with one alone."""
    found = told(
        clusters(
            [
                (7, 3.0, 1, 1, 600, 1000, 4),
                (7, 12.0, 1, 1, 640, 1100, 5),
                (9, 8.0, 1, 1, 600, 1000, 6),
                (7, 5.0, 3, 1, 600, 1000, -1),
                (7, 2.5, 1, -1, 100, 1000, 7),
            ]
        )
    )
    assert found["others"].round(5).tolist() == [3, 3, 0, 3, 3]
    assert found["others of more energy"].round(5).tolist() == [2, 0, 0, 1, 3]
    np.testing.assert_allclose(found["energy of all others [MeV]"], [19.5, 10.5, 0, 17.5, 20], rtol=1e-5)
    np.testing.assert_allclose(found["energy [MeV] of other 1"], [12, 5, 0, 12, 12], rtol=1e-5)
    np.testing.assert_allclose(found["energy [MeV] of other 3"], [2.5, 2.5, 0, 2.5, 3], rtol=1e-5)
    assert found["match of other 1"].round(5).tolist() == [1, 0, 0, 1, 1]
    first = np.hypot(40 * PITCH_CM[X], 100 * TICK_CM)
    np.testing.assert_allclose(found["distance [cm] of other 1"][0], first, rtol=1e-4)
    np.testing.assert_allclose(found["distance [cm] of other 2"][0], 232.4, rtol=1e-4)  # the next APA in z
    np.testing.assert_allclose(found["distance [cm] of other 3"][[0, 1, 3]], ELSEWHERE_CM, rtol=1e-4)
    assert found["distance [cm] of other 1"][4] == found["distance [cm] of other 2"][4]
    assert all(values[2] == 0 for values in found.values())
    assert not any(found[f"{what} of other 4"].any() for what in ("energy [MeV]", "distance [cm]", "match"))


ROW = st.tuples(
    st.integers(0, 3), st.integers(20, 400).map(lambda e: e / 10), st.integers(0, 3), st.sampled_from([-1, 1]),
    st.integers(0, 959), st.integers(0, 6000), st.integers(-1, 3),
)  # fmt: skip


@given(st.lists(ROW, max_size=12, unique_by=lambda row: row[1]), st.randoms())
def test_numbers_follow_their_clusters_in_any_order(rows, random):
    order = list(range(len(rows)))
    random.shuffle(order)
    numbers = neighbours_of(clusters(rows))
    assert numbers.shape == (len(rows), 3 + 3 * LARGEST)
    assert numbers.dtype == np.float32
    assert np.array_equal(neighbours_of(clusters([rows[place] for place in order])), numbers[order])
    for row, mine in zip(rows, np.expm1(numbers.astype(np.float64)), strict=True):
        others = sorted((other[1] for other in rows if other[0] == row[0] and other is not row), reverse=True)
        largest = [*others, *[0.0] * LARGEST][:LARGEST]
        np.testing.assert_allclose(mine[3::3], largest, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(mine[2], sum(others), rtol=1e-5, atol=1e-4)
        np.testing.assert_allclose(mine[1], sum(energy > row[1] for energy in others), rtol=1e-5, atol=1e-6)


def test_what_is_not_known_leaves_numbers_finite():
    table = clusters([(1, 5.0, 1, 1, 600, 1000, 4), (1, 3.0, 1, 1, 600, 1000, 4)])
    table["cluster_energy"][0], table["arrival"][1], table["channel"][1] = np.nan, np.inf, np.nan
    assert np.all(np.isfinite(neighbours_of(table)))
