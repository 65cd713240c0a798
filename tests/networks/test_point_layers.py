"""Points become features of order one, each plane in columns of its own; a cloud becomes their sum and their largest."""

import keras
import numpy as np
import pytest

from python.data.energy import adc_per_mev
from python.data.point_clouds import POINT_COLUMNS
from python.networks.point_layers import N_COLUMNS, TYPICAL_POINTS, PointFeatures, PointPool
from tests.point_samples import padded_points

COUNTS = (9, 5, 1, 0)
SIZE = 10


def features_of(points):
    return keras.ops.convert_to_numpy(PointFeatures()(np.asarray(points, np.float32)))


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
def test_padding_is_zero_whatever_it_holds():
    points = padded_points(COUNTS, SIZE)
    here = points[..., -1] == 1
    features = features_of(points)
    assert np.all(features[~here] == 0)
    assert np.all(np.any(features[here] != 0, axis=-1))
    points[~here, :-1] = 7.0
    np.testing.assert_array_equal(features_of(points), features)


def test_features_are_finite_and_of_order_one():
    points = padded_points((SIZE,) * 300, SIZE)
    features = features_of(points)
    assert features.dtype == np.float32
    assert np.abs(features).max() < 4
    spread = of_each_plane(features)[0].max(axis=(0, 1)) - of_each_plane(features)[0].min(axis=(0, 1))
    assert spread.min() > 0.2
    extreme = [point(across=1e4, start=-1e4, peak=1e4, end=1e4, integral=1e7, height=1e5), point(integral=0, height=0)]
    assert np.all(np.isfinite(features_of([extreme])))


def test_a_point_fills_the_columns_of_its_plane_alone():
    points = padded_points((9,), 9)
    apart, on = of_each_plane(features_of(points)[0])
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


def test_small_steps_are_seen_near_the_reference_and_large_ones_far_from_it():
    def step(here, there):
        one, other = features_of([[point(across=here), point(across=there)]])[0]
        return np.abs(one - other).max()

    assert step(0.0, 0.1) > 0.08
    assert step(40.0, 40.1) < 0.02
    assert step(40.0, 50.0) > 0.1


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
        model = keras.Model(entry, PointPool()(keras.ops.relu(PointFeatures()(entry)), entry))
    finally:
        keras.config.set_dtype_policy(usual)
    model.save(tmp_path / "layers.keras")
    loaded = keras.models.load_model(tmp_path / "layers.keras", safe_mode=True)
    pooled = model.predict_on_batch(points)
    np.testing.assert_array_equal(loaded.predict_on_batch(points), pooled)
    single = keras.ops.convert_to_numpy(PointPool()(np.maximum(features_of(points), 0), points))
    np.testing.assert_allclose(pooled.astype(np.float32), single, rtol=5e-3, atol=5e-3)
