"""Noise primitives against the 82 thousand of the reference files, and against the process that they come from."""

import numpy as np
import pytest
from scipy.special import ndtr

from python.detector.geometry import THRESHOLD_ADC, TICKS_PER_WINDOW, U, V, X, locate_channel
from python.simulation.noise import N_TAPS, NOISE_FILTER, NOISE_RMS_ADC, draw_noise, noise_library

# per channel and tick; shares of 1, 2, 3 samples; mean excess of the peak over threshold
MEASURED = {
    U: (1.91e-5, (0.859, 0.125, 0.015), 4.45),
    V: (1.91e-5, (0.859, 0.125, 0.015), 4.45),
    X: (2.35e-5, (0.931, 0.061, 0.006), 3.9),
}


@pytest.mark.parametrize("plane", [U, V, X])
def test_library_has_the_measured_rate_lengths_and_heights(plane):
    library = noise_library(plane)
    rate, shares, excess = MEASURED[plane]
    assert library.rate == pytest.approx(rate, rel=0.04)
    found = np.bincount(library.sot, minlength=5) / len(library.sot)
    assert found[1] == pytest.approx(shares[0], abs=0.006)
    assert found[2] == pytest.approx(shares[1], abs=0.006)
    assert found[3] == pytest.approx(shares[2], abs=0.002)
    assert found[4:].sum() < 0.0015
    assert np.mean(library.peak - THRESHOLD_ADC[plane]) == pytest.approx(excess, rel=0.03)


@pytest.mark.parametrize("plane", [U, X])
def test_library_is_that_of_the_filtered_noise(plane):
    """Excursions over a lower threshold of two million samples, made directly, against theory and measured correlations."""
    white = np.random.default_rng(1).standard_normal(2_000_000)
    samples = np.convolve(white, NOISE_FILTER[plane], mode="valid")
    assert samples.std() == pytest.approx(NOISE_RMS_ADC[plane], rel=5e-3)
    crossings = np.mean((samples[:-1] <= 0) & (samples[1:] > 0))
    correlation = np.corrcoef(samples[:-1], samples[1:])[0, 1]
    assert crossings == pytest.approx(np.arccos(correlation) / (2 * np.pi), rel=0.01)
    assert crossings == pytest.approx({U: 0.106, X: 0.128}[plane], abs=0.003)
    over = np.rint(samples) > THRESHOLD_ADC[plane]
    starts = np.sum(over[1:] & ~over[:-1])
    assert starts == pytest.approx(noise_library(plane).rate * len(samples), abs=5 * np.sqrt(starts))
    assert np.mean(over) == pytest.approx(ndtr(-(THRESHOLD_ADC[plane] + 0.5) / NOISE_RMS_ADC[plane]), rel=0.35)


def test_samples_five_ticks_apart_are_independent():
    samples = np.convolve(np.random.default_rng(2).standard_normal(10**6), NOISE_FILTER[X], mode="valid")
    assert np.corrcoef(samples[:-N_TAPS], samples[N_TAPS:])[0, 1] == pytest.approx(0, abs=0.005)


def test_shapes_are_those_of_primitives():
    for plane in (U, V, X):
        library = noise_library(plane)
        assert library.sot.min() == 1
        assert np.all(library.to_peak < library.sot)
        assert np.all(library.peak > THRESHOLD_ADC[plane])
        assert np.array_equal(library.integral[library.sot == 1], library.peak[library.sot == 1])
        assert np.all(library.integral[library.sot > 1] > library.peak[library.sot > 1] + THRESHOLD_ADC[plane])


def test_number_per_event_and_evenness_over_channels_and_time():
    rows = draw_noise(400, 1, np.random.default_rng(3))
    place = locate_channel(rows[:, 1])
    assert np.bincount(place.plane) / 400 == pytest.approx([365, 365, 540], rel=0.04)
    for values, n in (
        (rows[:, 0], 400),
        (place.apa, 4),
        (rows[:, 2] // 600, 10),
        (place.local[place.plane == X] // 96, 10),
    ):
        counts = np.bincount(values, minlength=n)
        assert len(counts) == n
        assert np.abs(counts - counts.mean()).max() < 5 * np.sqrt(counts.mean())
    longer = draw_noise(400, 2, np.random.default_rng(4))
    assert longer[:, 3].min() == 2
    assert np.bincount(locate_channel(longer[:, 1]).plane) / 400 == pytest.approx([51.5, 51.5, 37], rel=0.05)


def test_primitives_lie_in_the_window_and_never_touch():
    rows = draw_noise(2000, 1, np.random.default_rng(5))
    assert rows[:, 2].min() >= 0
    assert np.max(rows[:, 2] + rows[:, 3]) <= TICKS_PER_WINDOW
    rows = rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))]
    same = np.all(rows[1:, :2] == rows[:-1, :2], axis=1)
    assert np.all(rows[1:, 2][same] > (rows[:-1, 2] + rows[:-1, 3])[same])


def test_no_noise_is_that_long():
    assert draw_noise(10, 100, np.random.default_rng(6)).shape == (0, 7)


def test_same_seed_same_bytes():
    first, second, other = (draw_noise(20, 2, np.random.default_rng(seed)) for seed in (7, 7, 8))
    assert first.tobytes() == second.tobytes() != other.tobytes()
