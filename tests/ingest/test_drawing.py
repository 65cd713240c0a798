"""Pentagons by hand and by a plain transcription of the rule; images in position, charge and size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python.detector.calibration import adc_per_mev
from python.ingest.clustering import ClusterSettings, make_clusters
from python.ingest.drawing import draw_clusters, draw_samples
from python.ingest.root_reader import read_source
from tests.ingest.root_files import KINDS, make_tps, real_file
from tests.ingest.strategies import primitives

EVERYTHING = ClusterSettings(tot_cut=0, energy_cut=0.0, min_tps=1)
MEASURED = adc_per_mev("measured")
X_CHANNEL, U_CHANNEL = 1700, 100


def drawn(channel, start, sot, to_peak, integral, peak):
    samples = draw_samples(make_tps([(0, channel, start, sot, to_peak, integral, peak)]), np.array([0]))
    assert samples.tick.tolist() == list(range(start, start + sot))
    return samples.adc


def image_of(rows, shape=(128, 32), backwards=False):
    tps = make_tps(rows)
    clusters = make_clusters(tps, EVERYTHING, MEASURED)
    assert len(clusters) == 1
    images, lost = draw_clusters(tps, clusters, np.array([0]), np.array([backwards]), shape)
    return images[0], lost[0]


def test_pentagon_with_both_knots_half_way_up():
    """X, threshold 60, 8 samples, peak 40 above threshold: half-height knots make a triangle of area 8 * 40 / 2 = 160.

    Many pairs of heights have that area, from a pulse that rises late to one that falls early; the triangle is their middle.
    """
    adc = drawn(X_CHANNEL, 100, 8, 4, 60 * 8 + 160, 100)
    assert adc == pytest.approx([60, 70, 80, 90, 100, 90, 80, 70])


def test_pentagon_of_the_largest_area_is_a_trapezium():
    """Knots as high as the peak: area 4 / 2 * 40 + 4 / 2 * 40 + 8 * 40 / 4 = 240; more charge than that changes nothing."""
    full = [60, 80, 100, 100, 100, 100, 100, 80]
    assert drawn(X_CHANNEL, 100, 8, 4, 60 * 8 + 240, 100).tolist() == full
    assert drawn(X_CHANNEL, 100, 8, 4, 10**6, 100).tolist() == full


def test_pentagon_without_charge_above_threshold_keeps_its_peak():
    assert drawn(U_CHANNEL, 100, 8, 4, 70 * 8, 90).tolist() == [70, 70, 70, 80, 90, 80, 70, 70]


def test_knots_stand_at_whole_ticks_rounded_half_to_even():
    """Peak 3 after start: the rising knot, at start + 1.5, goes to 102 for 101 and to 102 for 100 (half to even)."""
    late = drawn(X_CHANNEL, 101, 6, 3, 60 * 6, 100)  # knots 102.5 -> 102 and 105.5 -> 106
    assert late.tolist() == pytest.approx([60, 60, 80, 100, 100 - 40 / 2, 60])
    early = drawn(X_CHANNEL, 100, 6, 3, 60 * 6, 100)  # knots 101.5 -> 102 and 104.5 -> 104
    assert early.tolist() == pytest.approx([60, 60, 60, 100, 60, 60])


@pytest.mark.parametrize("to_peak", [0, 3])
def test_peak_at_an_end(to_peak):
    adc = drawn(X_CHANNEL, 100, 4, to_peak, 60 * 4, 100)
    assert adc[to_peak] == 100
    assert adc.min() >= 60


def shoelace(points):
    x, y = np.array(points).T
    return abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def plain_pentagon(start, sot, to_peak, integral, peak, threshold):
    """Transcription of the rule, one sample and one pair of heights at a time; of all that come closest the mean."""
    t1, tp = start + sot, start + to_peak
    middle = (start + tp) / 2, (tp + t1) / 2
    heights = (0.0, 0.0)
    if integral > threshold * sot:
        misfits = {}
        for i in range(21):
            for j in range(21):
                h1, h2 = i / 20 * (peak - threshold), j / 20 * (peak - threshold)
                points = [(start, 0), (middle[0], h1), (tp, peak - threshold), (middle[1], h2), (t1, 0)]
                misfits[h1, h2] = abs(shoelace(points) - (integral - threshold * sot))
        least = min(misfits.values())
        heights = np.mean([pair for pair, misfit in misfits.items() if misfit < least + 1e-6], axis=0)
    knots = [(start, threshold), (round(middle[0]), threshold + heights[0]), (tp, peak)]
    knots += [(round(middle[1]), threshold + heights[1]), (t1, threshold)]
    times, values = zip(*sorted(knots, key=lambda knot: knot[0]), strict=True)
    inside = np.interp(np.arange(start, t1), times, values)
    inside[to_peak] = peak
    return inside


@given(
    start=st.integers(0, 6000), sot=st.integers(4, 60), where=st.floats(0.2, 0.8), peak=st.integers(80, 3000),
    fill=st.floats(0.0, 1.2),
)  # fmt: skip
def test_pentagons_are_those_of_the_plain_rule(start, sot, where, peak, fill):
    to_peak = min(max(2, int(where * sot)), sot - 2)
    integral = int(sot * 60 + fill * sot * (peak - 60))
    expected = plain_pentagon(start, sot, to_peak, integral, peak, 60.0)
    assert drawn(X_CHANNEL, start, sot, to_peak, integral, peak) == pytest.approx(expected)


@given(half=st.integers(2, 20), where=st.floats(0, 1), peak=st.integers(70, 3000), fill=st.floats(0.0, 1.2))
def test_a_pulse_played_backwards_is_drawn_backwards(half, where, peak, fill):
    """So no pulse leans to one side for no reason. Even lengths, whose knots stand at whole ticks."""
    sot, to_peak = 4 * half, 4 * round(where * half)
    integral = int(sot * 60 + fill * sot * (peak - 60))
    forwards = drawn(X_CHANNEL, 0, sot, to_peak, integral, peak)
    backwards = drawn(X_CHANNEL, 0, sot, sot - to_peak, integral, peak)
    assert backwards[1:] == pytest.approx(forwards[:0:-1])


@pytest.mark.root_data
@pytest.mark.parametrize("kind", KINDS)
def test_images_hold_the_charge_of_their_clusters(kind):
    """The heights come from a grid of steps of 5 % and whole ticks, so single primitives are off by some percent.

    Over a cluster that averages out: 3 % in the median, 10 % for 95 in 100 on all planes. Overlaps in a pixel do not add.
    """
    tps = read_source(real_file(kind)).tps
    clusters = make_clusters(tps, ClusterSettings(), MEASURED)
    everything = np.arange(len(clusters))
    images, lost = draw_clusters(tps, clusters, everything, np.zeros(len(clusters), bool), (256, 64))
    assert lost.max() == 0
    ratio = images.sums() / clusters.adc
    assert abs(np.median(ratio) - 1) < 0.03
    assert np.mean(np.abs(ratio - 1) < 0.10) > 0.95


BLOCK = [(0, X_CHANNEL + c, 100 + c, 6, 3, 600, 110 + c) for c in range(5)]


def test_small_clusters_stand_in_the_middle():
    image, lost = image_of(BLOCK)
    rows, columns = np.nonzero(image)
    assert lost == 0
    assert (columns.min(), columns.max()) == (13, 17)  # 13 free columns before, 14 after
    assert (rows.min(), rows.max()) == (59, 68)  # 10 ticks in 128
    assert image.max(axis=0)[13:18].tolist() == [110, 111, 112, 113, 114]


def test_reversed_columns_stay_in_the_same_place():
    """The flip comes before the centring: with an odd number of free columns both images use the same columns."""
    image, _ = image_of(BLOCK)
    flipped, _ = image_of(BLOCK, backwards=True)
    assert np.array_equal(flipped[:, 13:18], image[:, 13:18][:, ::-1])
    assert flipped.sum() == image.sum()


def test_gaps_between_channels_are_kept():
    image, _ = image_of([(0, X_CHANNEL, 100, 6, 3, 600, 110), (0, X_CHANNEL + 2, 100, 6, 3, 600, 120)])
    assert np.flatnonzero(image.any(axis=0)).tolist() == [14, 16]


def test_clusters_across_the_wrap_are_drawn_in_one_piece():
    image, _ = image_of([(0, c, 100, 6, 3, 600, peak) for c, peak in ((799, 110), (0, 120), (1, 130))])
    assert image.max(axis=0)[14:17].tolist() == [110, 120, 130]


def test_large_clusters_are_cropped_about_their_charge():
    """A line of 50 channels whose last ten hold nearly all the charge: the window ends with them."""
    line = [(0, X_CHANNEL + c, 100, 6, 3, 600 if c < 40 else 10000, 110 if c < 40 else 2000) for c in range(50)]
    image, lost = image_of(line)
    assert image.any(axis=0).all()
    assert image.max(axis=0)[-10:].tolist() == [2000] * 10
    full, none = image_of(line, (128, 64))
    assert none == 0
    assert lost == pytest.approx(1 - image.sum() / full.sum())
    assert lost > 0


@given(primitives(wild=True), st.sampled_from([(128, 32), (7, 3), (1, 1)]), st.booleans())
def test_any_primitives_give_finite_images(tps, shape, backwards):
    clusters = make_clusters(tps, EVERYTHING, MEASURED)
    images, lost = draw_clusters(tps, clusters, np.arange(len(clusters)), np.full(len(clusters), backwards), shape)
    dense = np.asarray(images)
    assert dense.shape == (len(clusters), *shape)
    assert np.all(np.isfinite(dense))
    assert np.all(dense >= 0)
    assert np.all((lost >= 0) & (lost <= 1))
    assert np.all(images.counts >= 0)
