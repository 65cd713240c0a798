"""Blips against a plain search over pairs of runs, their properties in closed form, and their boxes on pictures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from python.data.blips import CHANNEL_LIMIT, TICK_LIMIT, boxes_of, find_blips, find_runs
from python.data.image_set import ImageSet
from python.data.metadata import empty_metadata
from python.data.sparse_images import SparseImages
from python.ingest.clustering import ClusterSettings

SMALL = arrays(np.float32, (3, 5, 14), elements=st.sampled_from([0, 0, 0, 0, 1, 2, 7]))


def volumes(*images):
    return SparseImages.from_dense(np.array(images, np.float32))


def blank(shape=(20, 60)):
    return np.zeros(shape, np.float32)


def pixels_of_blips(image):
    """Sets of pixels, found by looking at every pair of pixels."""
    found = []
    for channel, tick in np.argwhere(image).tolist():
        near = [
            group
            for group in found
            if any(abs(c - channel) <= CHANNEL_LIMIT and abs(t - tick) <= TICK_LIMIT + 1 for c, t in group)
        ]
        found = [group for group in found if group not in near] + [set().union({(channel, tick)}, *near)]
    return found


def test_limits_are_those_of_the_clusters_of_ingest():
    settings = ClusterSettings()
    assert (settings.channel_limit, settings.tick_limit) == (CHANNEL_LIMIT, TICK_LIMIT)


@given(SMALL)
def test_blips_are_those_of_a_plain_search(images):
    blips = find_blips(volumes(*images))
    for number, image in enumerate(images):
        rows = slice(blips.indptr[number], blips.indptr[number + 1])
        found = zip(
            blips.charge[rows],
            blips.channel[rows],
            blips.tick[rows],
            blips.peak[rows],
            blips.first_channel[rows],
            blips.last_channel[rows],
            blips.first_tick[rows],
            blips.last_tick[rows],
            strict=True,
        )
        expected = []
        for group in pixels_of_blips(image):
            channel, tick = np.array(sorted(group)).T
            adc = image[channel, tick]
            centre = [np.average(place, weights=adc) for place in (channel, tick)]
            expected.append((adc.sum(), *centre, adc.max(), channel.min(), channel.max(), tick.min(), tick.max()))
        assert np.allclose(sorted(found), sorted(expected))
        assert np.all(np.diff(blips.charge[rows]) <= 0)
        assert np.all(blips.image[rows] == number)


@given(SMALL)
def test_charge_and_runs_are_all_told_once(images):
    store = volumes(*images)
    blips = find_blips(store)
    assert np.allclose(np.bincount(blips.image, weights=blips.charge, minlength=3), store.sums())
    assert np.array_equal(np.bincount(blips.of_run, minlength=len(blips)), blips.n_runs)
    assert np.allclose(np.bincount(blips.of_run, weights=blips.runs.charge, minlength=len(blips)), blips.charge)
    assert np.array_equal(blips.image[blips.of_run], blips.runs.image)


@pytest.mark.parametrize(("channels", "gap", "together"), [(0, 3, 1), (0, 4, 2), (2, 3, 1), (2, 4, 2), (3, -5, 2)])
def test_limits_are_kept_exactly(channels, gap, together):
    image = blank()
    image[4, 10:20] = 5.0
    image[4 + channels, 20 + gap : 30 + gap] = 5.0
    assert len(find_blips(volumes(image))) == together


def test_nothing_touches_across_the_borders_of_channels_and_images():
    one, other = blank(), blank()
    one[3, 55:] = one[8, :5] = one[-1, 55:] = 2.0
    other[0, :5] = other[0, 55:] = 2.0
    assert np.diff(find_blips(volumes(one, other)).indptr).tolist() == [3, 2]


def test_pixels_in_any_order_and_volumes_without_charge():
    store = volumes(blank(), np.tri(20, 60), blank())
    shuffled = np.random.default_rng(0).permutation(len(store.data))
    mixed = SparseImages(store.indptr, store.indices[shuffled], store.data[shuffled], store.shape)
    blips = find_blips(mixed)
    assert blips.indptr.tolist() == [0, 0, 1, 1]
    assert blips.n_runs.tolist() == [20]
    nothing = find_blips(store[:1])
    assert (len(nothing), len(nothing.runs), nothing.indptr.tolist()) == (0, 0, [0, 0])


def test_a_run_is_an_unbroken_row_of_ticks():
    image = blank()
    image[2, 4:7] = 1.0, 2.0, 1.0
    image[2, 8] = 6.0
    runs = find_runs(volumes(image))
    assert runs.first_tick.tolist() == [4, 8]
    assert runs.last_tick.tolist() == [6, 8]
    assert runs.charge.tolist() == [4, 6]
    assert runs.tick.tolist() == [5, 8]
    assert runs.peak.tolist() == [2, 6]


def test_boxes_hold_the_charge_of_the_pictures_and_the_main_cluster_comes_first():
    image = blank()
    image[3:5, 40:44], image[12, 7:9] = 10.0, 100.0
    image_set = ImageSet(volumes(blank(), image), empty_metadata(2), [], kind="volumes")
    none, boxes = boxes_of(image_set.images)
    assert none.shape == (0, 5)
    assert boxes[:, 4].tolist() == [1, 0]
    picture = image_set.pictures(np.array([1]))[0]
    held = [picture[b : t + 1, left : right + 1] for b, t, left, right, _ in boxes]
    assert [np.unique(part).tolist() for part in held] == [[100], [10]]
    assert sum(part.sum() for part in held) == picture.sum()


def test_the_main_cluster_is_that_in_the_middle():
    image = np.zeros((208, 1242), np.float32)
    image[104, 618:628] = 100  # the cluster that the volume is centred on
    image[30, 100:140] = 500
    image[100, 640:660] = 300  # near, but not in the middle
    blips = find_blips(SparseImages.from_dense(image[None]))
    assert blips.charge.tolist() == [1000, 20000, 6000]
    assert boxes_of(SparseImages.from_dense(image[None]))[0][:, 4].tolist() == [1, 0, 0]


def test_where_the_middle_is_empty_the_main_cluster_has_most_charge():
    image = np.zeros((208, 1242), np.float32)
    image[30, 100:140] = 50
    image[60, 100:140] = 500
    assert find_blips(SparseImages.from_dense(image[None])).channel.tolist() == [60, 30]
