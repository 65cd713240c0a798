"""Reconstructed numbers of invented volumes, in closed form, and what they may not depend on."""

import numpy as np
import pytest

from channel_tagging.baseline import count_scores, plain_numbers, tree_scores
from channel_tagging.volume_numbers import NAMES, SHARES, SIZES, volume_numbers
from python.data.image_set import ImageSet
from python.data.metadata import empty_metadata
from python.data.sparse_images import SparseImages
from python.detector.calibration import adc_per_mev
from python.detector.geometry import PITCH_CM, TICK_CM, X

SHAPE = (208, 1242)
MEV = adc_per_mev("measured")[X]


def volumes(images):
    table = empty_metadata(len(images))
    table["plane"] = X
    return ImageSet(SparseImages.from_dense(np.array(images, np.float32)), table, [], kind="volumes")


def blank():
    return np.zeros(SHAPE, np.float32)


def track(heavy_end=True):
    """20 MeV along ten channels, more of it in the last ones."""
    image = blank()
    image[100:110, 620] = np.linspace(1, 3, 10)[:: 1 if heavy_end else -1] * MEV
    return image


def numbers_of(image):
    """Names and numbers, sizes in their units."""
    found = dict(zip(NAMES, volume_numbers(volumes([image]))[0], strict=True))
    return {name: np.expm1(value) if name in SIZES else value for name, value in found.items()}


def some(n=12, seed=0):
    """Volumes with a track in the middle and blips anywhere."""
    rng = np.random.default_rng(seed)
    images = []
    for blips in rng.integers(0, 9, n):
        image = blank()
        for step in range(rng.integers(1, 15)):
            image[100 + step, 610 + 3 * step : 625 + 3 * step] = rng.uniform(0.2, 2) * MEV / 15
        for channel, tick in zip(rng.integers(0, 208, blips), rng.integers(0, 1230, blips), strict=True):
            image[channel, tick : tick + 8] = rng.uniform(0.05, 4) * MEV / 8
        images.append(image)
    return np.array(images)


def test_numbers_of_a_track_and_two_blips():
    image = track()
    image[150, 600:642] = 1.5 * MEV / 42
    image[60, 620] = 0.4 * MEV
    found = numbers_of(image)
    assert found["number of blips"] == pytest.approx(2)
    assert found["energy of the main cluster [MeV]"] == pytest.approx(20, rel=1e-5)
    assert found["energy of all blips [MeV]"] == pytest.approx(1.9, rel=1e-5)
    assert found["share of energy in the main cluster"] == pytest.approx(20 / 21.9, rel=1e-5)
    assert found["extent in channels [cm]"] == pytest.approx(10 * PITCH_CM[X])
    assert found["extent in ticks [cm]"] == pytest.approx(TICK_CM)
    assert found["length of the main cluster [cm]"] == pytest.approx(9 * PITCH_CM[X])
    assert found["width across its axis [cm]"] == pytest.approx(0, abs=1e-6)
    assert found["runs of the main cluster"] == pytest.approx(10)
    assert found["number of runs"] == pytest.approx(12)
    assert found["peak of the main cluster [100 ADC]"] == pytest.approx(3 * MEV / 100)
    assert found["largest run of the main cluster [MeV]"] == pytest.approx(3)
    assert [found[f"energy of blip {rank} [MeV]"] for rank in (1, 2, 3)] == pytest.approx([1.5, 0.4, 0], abs=1e-5)
    centre = np.average(np.arange(100, 110), weights=np.linspace(1, 3, 10))
    distances = np.hypot((np.array([150, 60]) - centre) * PITCH_CM[X], np.array([0.5, 0]) * TICK_CM)
    assert [found[f"distance of blip {rank} [cm]"] for rank in (1, 2)] == pytest.approx(distances, rel=1e-5)
    assert found["nearest blip [cm]"] == pytest.approx(min(distances))
    assert found["furthest blip [cm]"] == pytest.approx(max(distances))
    assert found["mean distance of blip energy [cm]"] == pytest.approx(np.average(distances, weights=[1.5, 0.4]))
    assert [found[f"blips above {cut} MeV"] for cut in (0.3, 0.5, 1.0, 2.0)] == pytest.approx([2, 1, 1, 0], abs=1e-9)


@pytest.mark.parametrize("heavy_end", [True, False])
def test_blips_ahead_of_the_end_where_charge_crowds_lie_forward(heavy_end):
    image = track(heavy_end)
    image[150, 620] = MEV
    sign = 1 if heavy_end else -1
    found = numbers_of(image)
    assert found["forwardness of blips"] == pytest.approx(sign, abs=1e-6)
    assert found["one-sidedness of blips"] == pytest.approx(1)
    image[105, 20] = 3 * MEV  # aside: at a right angle to the track but for the distance to its centre
    found = numbers_of(image)
    assert found["forwardness of blip 1"] == pytest.approx(0, abs=0.03)
    assert found["forwardness of blip 2"] == pytest.approx(sign, abs=1e-6)
    assert found["forwardness of blips"] == pytest.approx(sign / 4, abs=0.03)
    assert found["alignment of blips with the axis"] == pytest.approx(1 / 4, abs=0.03)
    assert found["one-sidedness of blips"] == pytest.approx(np.sqrt(10) / 4, abs=0.03)


def test_opposite_blips_are_not_one_sided():
    image = blank()
    image[104, 620] = 9 * MEV
    image[64, 620] = image[144, 620] = MEV
    found = numbers_of(image)
    assert found["one-sidedness of blips"] == pytest.approx(0, abs=1e-6)
    assert found["forwardness of blips"] == found["alignment of blips with the axis"] == 0  # a single run has no axis


def test_mirror_images_have_the_same_numbers():
    images = some()
    numbers = volume_numbers(volumes(images))
    assert np.allclose(volume_numbers(volumes(images[:, ::-1])), numbers, atol=1e-5)
    assert np.allclose(volume_numbers(volumes(images[:, :, ::-1])), numbers, atol=1e-5)


def test_numbers_are_finite_and_of_order_one_and_those_of_no_charge_are_zero():
    images = [*some(), blank(), np.full(SHAPE, 100.0, np.float32)]
    images[0][:] = 0
    images[0][104, 620] = 1e-3  # hardly any
    numbers = volume_numbers(volumes(images))
    assert numbers.shape == (14, len(NAMES))
    assert np.all(np.isfinite(numbers))
    assert np.abs(numbers).max() < 12
    assert np.all(numbers[:, : len(SIZES)] >= 0)
    assert np.abs(numbers[:, len(SIZES) :]).max() <= 1 + 1e-6
    assert not numbers[12].any()
    assert volume_numbers(volumes(np.zeros((0, *SHAPE)))).shape == (0, len(NAMES))


def test_every_number_has_one_name_and_tells_volumes_apart():
    assert len(set(NAMES)) == len(NAMES) == len(SIZES) + len(SHARES)
    assert np.all(volume_numbers(volumes(some(40))).std(axis=0) > 0)


def test_truth_plays_no_part():
    image_set = volumes(some())
    before = volume_numbers(image_set)
    for column in image_set.metadata.dtype.names:
        if column != "plane":
            image_set.metadata[column] = 1
    assert np.array_equal(volume_numbers(image_set), before)


def test_trees_learn_what_the_numbers_tell():
    one_blip, two_blips = track(), track()
    one_blip[150, 620] = two_blips[150, 620] = two_blips[60, 620] = MEV
    labels = np.arange(80) % 2
    image_set = volumes(np.array([two_blips, one_blip]))
    image_set = image_set.keep("each often", labels)
    found = plain_numbers(image_set)
    assert found.trees == "boosted trees on reconstructed numbers"
    assert found.clusters.tolist() == [3, 2] * 40
    taught, asked = np.arange(60), np.arange(60, 80)
    of_trees = tree_scores(found.numbers, labels, taught, asked, seed=0)
    for scores in (of_trees, count_scores(found.clusters, labels, taught, asked)):
        assert scores.shape == (20, 2)
        assert np.allclose(scores.sum(axis=1), 1)
        assert np.array_equal(scores.argmax(axis=1), labels[60:])
