"""Turning the inputs of a track is the same as making the inputs of the turned track, for every element of the group."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python.data.point_clouds import POINT_COLUMNS
from python.samples.symmetries import ELEMENTS, group, random_elements, transform_directions, transform_inputs

COS, SIN = np.cos(np.radians(35.71)), np.sin(np.radians(35.71))
EVERY = [np.array(signs) for signs in itertools.product((1, -1), repeat=3)]
SHAPE = (40, 25)  # rows and columns of 1 cm about the middle
PLANES = {
    "u": (-SIN, COS),
    "v": (SIN, COS),
    "x": (0.0, 1.0),
}  # shares of y' and of z' in the coordinate across the wires


def tracks(n, seed=0):
    """Deposits (n, 30, 3) in cm about the middle, drift frame, of tracks that bend, and their charges (n, 30)."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=(n, 1, 3)) * 0.4 + rng.normal(size=(n, 30, 3)) * 0.2
    return np.cumsum(steps, axis=1) - steps.sum(axis=1, keepdims=True) / 2, rng.uniform(60, 800, (n, 30))


def across(deposits, plane):
    of_y, of_z = PLANES[plane]
    return of_y * deposits[..., 1] + of_z * deposits[..., 2]


def image(deposits, charge, plane):
    """Images (n, *SHAPE, 1) with pixels of 1 cm, the largest charge of each."""
    images = np.zeros((len(deposits), *SHAPE, 1), np.float32)
    row = np.floor(deposits[..., 0]).astype(int) + SHAPE[0] // 2
    column = np.floor(across(deposits, plane) + SHAPE[1] / 2).astype(int)
    inside = (row >= 0) & (row < SHAPE[0]) & (column >= 0) & (column < SHAPE[1])
    number = np.broadcast_to(np.arange(len(deposits))[:, None], row.shape)
    np.maximum.at(images, (number[inside], row[inside], column[inside], 0), charge[inside])
    return images


def points(deposits, charge):
    """Points (n, 90 + 5, 9) of deposits that last from 0.3 cm before to 0.5 cm after; the last five are padding."""
    n, k = charge.shape
    made = np.zeros((n, 3 * k + 5, len(POINT_COLUMNS) + 1), np.float32)
    for number, plane in enumerate(PLANES):
        rows = made[:, number * k : (number + 1) * k]
        rows[..., 0] = number
        rows[..., 1] = across(deposits, plane)
        rows[..., 3] = deposits[..., 0]
        rows[..., 5], rows[..., 6], rows[..., 7], rows[..., 8] = charge, charge / 9, charge > 300, 1
    made[:, : 3 * k, 2] = made[:, : 3 * k, 3] - 0.3
    made[:, : 3 * k, 4] = made[:, : 3 * k, 3] + 0.5
    return made


def offsets(shifts):
    """From shifts (n, 3, 3) of the planes' clusters in space: arrival of U, of V less that of X, height by U less that by V."""
    u, v, x = shifts[:, 0], shifts[:, 1], shifts[:, 2]
    return np.stack([u[:, 0] - x[:, 0], v[:, 0] - x[:, 0], u[:, 1] - v[:, 1]], axis=1).astype(np.float32)


def inputs_of(n=6, signs=(1, 1, 1), seed=0):
    """The inputs of tracks whose deposits are turned by `signs`, made anew from the deposits."""
    deposits, charge = tracks(n, seed)
    shifts = np.random.default_rng([seed, 1]).normal(size=(n, 3, 3))
    if signs[1] * signs[2] < 0:
        shifts = shifts[:, [1, 0, 2]]  # what U saw, V sees now
    deposits, shifts = deposits * signs, shifts * signs
    made = {plane: image(deposits, charge, plane) for plane in PLANES}
    return {
        **made,
        "offsets": offsets(shifts),
        "points": points(deposits, charge),
        "energy": np.ones((n, 1), np.float32),
    }


def sorted_points(array):
    """Points in an order of their own, and lines from start to end as mirrored ones have it: 0.5 before to 0.3 after."""
    return np.stack([rows[np.lexsort(np.round(rows, 3).T)] for rows in array])


@pytest.mark.parametrize("signs", EVERY)
def test_turned_inputs_are_those_of_the_turned_track(signs):
    turned = transform_inputs(inputs_of(), np.tile(signs, (6, 1)))
    anew = inputs_of(signs=signs)
    for plane in PLANES:
        assert anew[plane].any()
        np.testing.assert_array_equal(turned[plane], anew[plane], err_msg=plane)
    np.testing.assert_allclose(turned["offsets"], anew["offsets"], atol=1e-6)
    if signs[0] < 0:  # a line that is turned round in time starts at its end
        length = anew["points"][:, :-5, 3:4] * [1.0]
        anew["points"][:, :-5, 2:3], anew["points"][:, :-5, 4:5] = length - 0.5, length + 0.3
    np.testing.assert_allclose(sorted_points(turned["points"]), sorted_points(anew["points"]), atol=2e-6)
    assert np.array_equal(turned["energy"], anew["energy"])


@pytest.mark.parametrize("signs", EVERY)
def test_volumes_turn_as_images_of_clusters_whose_axes_are_exchanged(signs):
    def volumes(made):
        return {plane: made[plane].transpose(0, 2, 1, 3) for plane in PLANES}

    turned = transform_inputs(volumes(inputs_of()), np.tile(signs, (6, 1)), "volumes")
    for plane, anew in volumes(inputs_of(signs=signs)).items():
        np.testing.assert_array_equal(turned[plane], anew, err_msg=plane)


ALONE = [(plane, signs) for plane in PLANES for signs in EVERY if plane == "x" or signs[1] * signs[2] > 0]


@pytest.mark.parametrize(("plane", "signs"), ALONE)
def test_one_plane_alone_turns_where_u_and_v_are_not_exchanged(plane, signs):
    turned = transform_inputs({"image": inputs_of()[plane]}, np.tile(signs, (6, 1)))
    assert np.array_equal(turned["image"], inputs_of(signs=signs)[plane])


ELEMENT = st.sampled_from([tuple(signs.tolist()) for signs in EVERY])


@given(st.lists(st.tuples(ELEMENT, ELEMENT), min_size=1, max_size=6))
def test_two_turns_are_their_product_and_inputs_stay_in_step_with_labels(pairs):
    """Every sample turns by its own element, whatever the others do; twice the same is nothing."""
    one, other = np.array(pairs).swapaxes(0, 1)
    before = inputs_of(len(pairs))
    untouched = {name: values.copy() for name, values in before.items()}
    once = transform_inputs(before, one)
    for name in before:
        np.testing.assert_array_equal(before[name], untouched[name], err_msg=name)
    twice = transform_inputs(once, other)
    at_once = transform_inputs(before, one * other)
    for name in before:
        np.testing.assert_array_equal(twice[name], at_once[name], err_msg=name)
    back = transform_inputs(transform_inputs(before, one), one)
    assert all(np.array_equal(back[name], before[name]) for name in before)
    truth = np.random.default_rng(2).normal(size=(len(pairs), 5))
    assert np.array_equal(transform_directions(truth, one), truth * np.pad(one, ((0, 0), (0, 2)), constant_values=1))
    for row, signs in enumerate(one):  # each as if it were alone
        alone = transform_inputs({name: values[row : row + 1] for name, values in before.items()}, signs[None])
        assert all(np.array_equal(alone[name][0], once[name][row]) for name in before)


def test_half_a_turn_is_a_rotation_and_mirrors_are_not():
    for name, signs in ELEMENTS.items():
        assert np.prod(signs) == (1 if name == "rotation" else -1)


@pytest.mark.parametrize("names", [*itertools.combinations(ELEMENTS, 0), *itertools.combinations(ELEMENTS, 1)])
def test_the_group_of_one_element_is_it_and_nothing(names):
    assert group(names).tolist() == [[1, 1, 1], *(list(ELEMENTS[name]) for name in names)]


@given(st.lists(st.sampled_from(sorted(ELEMENTS))))
def test_the_group_closes(names):
    found = {tuple(signs) for signs in group(tuple(names)).tolist()}
    assert len(found) == len(group(tuple(names)))
    assert group(tuple(names))[0].tolist() == [1, 1, 1]
    assert all(tuple(np.multiply(a, b).tolist()) in found for a in found for b in found)
    assert {ELEMENTS[name] for name in names} <= found


def test_all_names_together_give_all_eight():
    assert len(group(tuple(ELEMENTS))) == 8


def test_elements_are_drawn_with_their_probability_and_independently():
    signs = random_elements(("rotation", "mirror_x"), 0.25, 20_000, np.random.default_rng(3))
    turned, mirrored = signs[:, 1] < 0, signs[:, 0] < 0
    assert np.array_equal(signs[:, 1], signs[:, 2])
    for share, expected in ((turned.mean(), 0.25), (mirrored.mean(), 0.25), ((turned & mirrored).mean(), 0.0625)):
        assert share == pytest.approx(expected, abs=5 * np.sqrt(expected / 20_000))
    assert np.all(random_elements((), 1.0, 5, np.random.default_rng(3)) == 1)
    assert np.all(random_elements(("mirror_y",), 1.0, 5, np.random.default_rng(3)) == [1, -1, 1])


def test_the_views_of_a_perfect_network_agree():
    """A network that answers with the direction that it is shown: undone, every view says the same."""
    direction = np.random.default_rng(4).normal(size=(7, 4))
    for signs in group(tuple(ELEMENTS)):
        every = np.tile(signs, (7, 1))
        shown = transform_directions(direction, every)
        assert np.array_equal(transform_directions(shown, every), direction)
