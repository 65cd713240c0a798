"""Points become features of order one, each plane in columns of its own; a cloud becomes their sum and their largest."""

import keras
import numpy as np
import pytest

from python.data.point_clouds import POINT_COLUMNS
from python.detector.calibration import adc_per_mev
from python.detector.geometry import WIRE_ANGLE_DEG
from python.networks.point_layers import N_COLUMNS, TYPICAL_POINTS, PointFeatures, PointPool
from tests.point_samples import padded_points

COUNTS = (9, 5, 1, 0)
SIZE = 10


WIDTHS = (0.25, 1.0)
each_width = pytest.mark.parametrize("widths", [(), WIDTHS])
N_SAME_DRIFT = 14  # features that each width adds to a point


def features_of(points, widths=()):
    return keras.ops.convert_to_numpy(PointFeatures(widths)(np.asarray(points, np.float32)))


def of_each_plane(features):
    """The columns of each plane, (..., 3, F), and which plane the point is on, (..., 3)."""
    return features[..., :-3].reshape(*features.shape[:-1], 3, -1), features[..., -3:]


def point(**columns):
    """One point (9,), of the middle of a track on plane X if nothing else is said."""
    usual = {"plane": 2, "start": -0.3, "end": 0.4, "integral": 4000.0, "height": 500.0, "in_cluster": 1}
    return np.array([*({**dict.fromkeys(POINT_COLUMNS, 0.0), **usual, **columns}.values()), 1], np.float32)


def changed(**columns):
    """Which features (F,) are others when a point has these columns."""
    return (features_of([[point(**columns)]]) != features_of([[point()]]))[0, 0]


# ---------------------------------------------------------------------------- features
@each_width
def test_padding_is_zero_and_says_nothing_whatever_it_holds(widths):
    points = padded_points(COUNTS, SIZE)
    here = points[..., -1] == 1
    features = features_of(points, widths)
    assert np.all(features[~here] == 0)
    assert np.all(np.any(features[here] != 0, axis=-1))
    points[~here, :-1] = 2.0
    np.testing.assert_array_equal(features_of(points, widths), features)


@each_width
def test_features_are_finite_and_of_order_one(widths):
    points = padded_points((SIZE,) * 300, SIZE)
    features = features_of(points, widths)
    assert features.dtype == np.float32
    assert np.abs(features).max() < 5
    spread = of_each_plane(features)[0].max(axis=(0, 1)) - of_each_plane(features)[0].min(axis=(0, 1))
    assert spread.min() > 0.2
    extreme = [point(across=1e4, start=-1e4, peak=1e4, end=1e4, integral=1e7, height=1e5), point(integral=0, height=0)]
    assert np.all(np.isfinite(features_of([extreme], widths)))


@each_width
def test_a_point_fills_the_columns_of_its_plane_alone(widths):
    points = padded_points((9,), 9)
    apart, on = of_each_plane(features_of(points, widths)[0])
    plane = points[0, :, 0].astype(int)
    np.testing.assert_array_equal(on, np.eye(3)[plane])
    for number in range(3):
        assert np.all(apart[plane != number, number] == 0)
        assert np.all(np.any(apart[plane == number, number] != 0, axis=-1))


def test_the_same_energy_on_another_plane_is_the_same_in_other_columns():
    """The planes' gains differ by a factor of four."""
    integrals = 3.0 * adc_per_mev("measured")
    points = [point(plane=plane, integral=integral) for plane, integral in enumerate(integrals)]
    apart, _ = of_each_plane(features_of([points])[0])
    np.testing.assert_allclose(apart[0, 0], apart[2, 2], rtol=1e-5)
    np.testing.assert_allclose(apart[1, 1], apart[2, 2], rtol=1e-5)


def test_charge_and_place_have_columns_of_their_own():
    place = changed(across=1.0, start=0.5, peak=0.8, end=1.4)
    charge = changed(integral=9000.0, height=900.0)
    cluster = changed(in_cluster=0)
    assert not np.any(place & charge)
    assert not np.any((place | charge) & cluster)
    apart, on = of_each_plane(place | charge | cluster)
    np.testing.assert_array_equal(apart.all(axis=-1), [False, False, True])  # nothing is left without a meaning
    assert not on.any()


@pytest.mark.parametrize("column", ["across", "start", "peak", "end", "integral", "height", "in_cluster"])
def test_every_column_is_seen(column):
    assert changed(**{column: 0.1 if column in ("across", "peak") else 0.0}).any()


def test_another_cluster_is_seen_and_the_own_one_is_not():
    """Where points tell the energy of their cluster; all other features are those of points that do not."""
    lone, mine = point(in_cluster=0), point(in_cluster=1)

    def told(one, energy):
        return features_of([[np.insert(one, len(POINT_COLUMNS), energy)]])[0, 0]

    assert np.array_equal(told(mine, 8.0), told(mine, 0.0))
    of_none, of_small, of_large = (of_each_plane(told(lone, energy)[None])[0][0, 2] for energy in (0.0, 2.5, 20.0))
    assert np.flatnonzero(of_none != of_small).tolist() == np.flatnonzero(of_none != of_large).tolist()
    assert np.sum(of_small != of_large) == 1
    without, _ = of_each_plane(features_of([[lone]])[0])
    assert set(without[0, 2].tolist()) <= set(of_none.tolist())


def test_small_steps_are_seen_near_the_reference_and_large_ones_far_from_it():
    def step(here, there):
        one, other = features_of([[point(across=here), point(across=there)]])[0]
        return np.abs(one - other).max()

    assert step(0.0, 0.1) > 0.08
    assert step(40.0, 40.1) < 0.02
    assert step(40.0, 50.0) > 0.1


# ---------------------------------------------------------------------------- what lies at the same drift
def deposits(places, energies=None):
    """Points (3 n, 9) of energy deposits at `places` (n, 3) cm in the drift frame, one on each plane, a deposit after another."""
    sine, cosine = np.sin(np.radians(WIRE_ANGLE_DEG)), np.cos(np.radians(WIRE_ANGLE_DEG))
    points = []
    for place, energy in zip(places, np.ones(len(places)) if energies is None else energies, strict=True):
        drift, height, along = place
        across = (cosine * along - sine * height, cosine * along + sine * height, along)
        for plane, integral in enumerate(energy * adc_per_mev("measured")):
            points.append(point(plane=plane, across=across[plane], peak=drift, integral=integral))
    return np.array(points)


def same_drift(points, widths=WIDTHS):
    """What the points (n, 9) are told of each width, (n, widths, 14), fine scales brought back to cm."""
    apart, _ = of_each_plane(features_of([points], widths)[0])
    told = apart.sum(axis=-2)[:, -N_SAME_DRIFT * len(widths) :].reshape(len(points), len(widths), N_SAME_DRIFT)
    cm = np.sinh(2 * told) / 2
    return {"log_amount": told[..., :3] / 0.3, "place": cm[..., 3:6], "off": cm[..., 9:12], "height": cm[..., 12:]}


def test_three_planes_give_the_place_of_a_deposit_in_space():
    """The deposits are further apart along the drift than any width, so that each is seen alone."""
    places = np.array([[0.0, 3.0, -1.5], [9.0, -12.0, 20.0], [-25.0, 0.5, 0.0]])
    points = deposits(places, [50.0, 30.0, 90.0])
    told = same_drift(points)
    height, unlike = told["height"][..., 0], told["height"][..., 1]
    np.testing.assert_allclose(height, np.repeat(places[:, 1], 3)[:, None] * [1, 1], rtol=3e-3, atol=3e-3)
    np.testing.assert_allclose(unlike, 0, atol=0.03)
    across = points[:, 1].reshape(3, 1, 1, 3)
    np.testing.assert_allclose(told["place"].reshape(3, 3, 2, 3), np.broadcast_to(across, (3, 3, 2, 3)), rtol=2e-3)
    own = np.diagonal(told["off"].reshape(3, 3, 2, 3), axis1=1, axis2=3)  # from the charge of the point's own plane
    np.testing.assert_allclose(own, 0, atol=0.02)
    seen = np.exp(told["log_amount"].reshape(3, -1))
    np.testing.assert_allclose(seen, np.array([50.0, 30.0, 90.0])[:, None] * np.ones(18), rtol=2e-3)


def test_a_place_is_the_mean_over_the_charge_near_in_drift():
    """Two deposits 0.5 cm apart along the drift: each weighs the other by a Gaussian of the width, and by its charge."""
    points = deposits(np.array([[0.0, 0.0, 1.0], [0.5, 0.0, 3.0]]), [10.0, 40.0])
    told = same_drift(points)
    weight = np.exp(-0.5 * (0.5 / np.array(WIDTHS)) ** 2)
    np.testing.assert_allclose(told["log_amount"][0, :, 2], np.log(10 + weight * 40 + 0.02), rtol=1e-4)
    expected = (10 * 1 + weight * 40 * 3) / (10 + weight * 40)
    np.testing.assert_allclose(told["place"][0, :, 2], expected, rtol=3e-3)


def test_what_a_point_is_told_does_not_depend_on_the_order_of_the_others():
    points = padded_points((SIZE,), SIZE)
    order = np.random.default_rng(2).permutation(SIZE)
    features = features_of(points, WIDTHS)
    np.testing.assert_allclose(features_of(points[:, order], WIDTHS), features[:, order], rtol=1e-4, atol=1e-5)


def test_widths_add_columns_and_leave_the_others():
    points = padded_points(COUNTS, SIZE)
    without, _ = of_each_plane(features_of(points))
    using, _ = of_each_plane(features_of(points, WIDTHS))
    assert using.shape[-1] == without.shape[-1] + len(WIDTHS) * N_SAME_DRIFT
    np.testing.assert_array_equal(using[..., : without.shape[-1]], without)


# ---------------------------------------------------------------------------- from points to the event
def test_the_pool_is_the_sum_and_the_largest_over_the_points_that_are_there():
    points = padded_points(COUNTS, SIZE)
    features = np.random.default_rng(1).exponential(size=(len(COUNTS), SIZE, 4)).astype(np.float32)
    pooled = keras.ops.convert_to_numpy(PointPool()(features, points))
    for row, count in enumerate(COUNTS):
        kept = np.concatenate([features[row, :count], np.zeros((1, 4))])
        expected = np.concatenate([kept.sum(axis=0) / TYPICAL_POINTS, kept.max(axis=0)])
        np.testing.assert_allclose(pooled[row], expected, rtol=1e-5)
    assert np.all(pooled[3] == 0)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_saved_layers_give_the_same(policy, tmp_path):
    """Also in half precision, whose largest number is below the charge of a point."""
    points = padded_points(COUNTS, SIZE)
    points[0, 0, POINT_COLUMNS.index("integral")] = 1e5
    usual = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        entry = keras.Input((None, N_COLUMNS))
        model = keras.Model(entry, PointPool()(keras.ops.relu(PointFeatures(WIDTHS)(entry)), entry))
    finally:
        keras.config.set_dtype_policy(usual)
    model.save(tmp_path / "layers.keras")
    loaded = keras.models.load_model(tmp_path / "layers.keras", safe_mode=True)
    pooled = model.predict_on_batch(points)
    np.testing.assert_array_equal(loaded.predict_on_batch(points), pooled)
    single = keras.ops.convert_to_numpy(PointPool()(np.maximum(features_of(points, WIDTHS), 0), points))
    np.testing.assert_allclose(pooled.astype(np.float32), single, rtol=5e-3, atol=5e-3)
