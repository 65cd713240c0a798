"""Primitives from charge: closed figures of single deposits, properties of any charge, and the real files."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from benchmarks.fit_response import DRAWS, SHAPES, Sample, collection, fit, loss, predict
from benchmarks.response_on_true_deposits import by_charge_beside, compare, pulses
from python.detector.geometry import (
    CHANNELS_PER_APA,
    FIRST_CHANNEL,
    PEAK_OFFSET_TICKS,
    THRESHOLD_ADC,
    TICKS_PER_WINDOW,
    WRAP,
    X_CHANNELS_PER_FACE,
    U,
    V,
    X,
)
from python.simulation.records import Charge
from python.simulation.response import KERNEL_TABLE, respond, response_kernels
from tests.ingest.root_files import KINDS, real_file

ELECTRONS_PER_MEV = 25_500  # average over the drift
SPREAD_TICKS = 1.1  # diffusion at 1.3 m
TICK = 1000


def make_charge(rows) -> Charge:
    """Rows of (event, channel, tick, electrons, signal electrons) in any order, places not repeated."""
    columns = np.array(sorted(rows), float).reshape(-1, 5)
    return Charge(*columns[:, :3].T.astype(np.int64), *columns[:, 3:].T)


def deposit(plane: int, mev: float, spread_over: int = 1, tick: int = TICK) -> Charge:
    """Charge of an energy on one wire, blurred by diffusion, evenly over some ticks."""
    ticks = np.arange(-60, 61)
    share = ndtr((ticks + 0.5) / SPREAD_TICKS) - ndtr((ticks - 0.5) / SPREAD_TICKS)
    share = np.convolve(share, np.ones(spread_over) / spread_over, mode="same")
    electrons = mev * ELECTRONS_PER_MEV * share
    channel = FIRST_CHANNEL[plane] + 10
    return make_charge([(0, channel, tick + t, e, e) for t, e in zip(ticks, electrons, strict=True) if e > 0.5])


def quiet(charge: Charge, min_sot: int = 1):
    return respond(charge, 1, np.random.default_rng(0), min_sot=min_sot, noise=False)


@pytest.mark.parametrize(("plane", "peak", "sot", "integral"), [(X, 558, 13, 4036), (U, 152, 6, 738), (V, 144, 7, 788)])
def test_a_point_deposit_of_one_mev(plane, peak, sot, integral):
    tps, signal, electrons = quiet(deposit(plane, 1.0))
    assert len(tps) == 1
    assert tps.peak[0] == pytest.approx(peak, rel=0.03)
    assert tps.sot[0] == sot
    assert tps.integral[0] == pytest.approx(integral, rel=0.03)
    assert tps.start[0] + tps.to_peak[0] - TICK == pytest.approx(PEAK_OFFSET_TICKS[plane], abs=1.2)
    assert signal[0]
    assert electrons[0] == pytest.approx(ELECTRONS_PER_MEV, rel=1e-3)


@pytest.mark.parametrize(("plane", "threshold"), [(X, 0.11), (U, 0.465), (V, 0.485)])
def test_point_deposits_show_from_a_threshold_on(plane, threshold):
    assert len(quiet(deposit(plane, threshold - 0.01))[0]) == 0
    assert len(quiet(deposit(plane, threshold + 0.01))[0]) == 1


def test_a_track_along_the_drift_fades_on_the_induction_planes():
    """1 MeV over 12 ticks leaves two or three samples there, over 25 ticks nothing; the collection plane sees it all."""
    over_12, over_25 = ([quiet(deposit(p, 1.0, spread_over=t))[0].integral.sum() for p in (U, V, X)] for t in (12, 25))
    assert all(140 < integral < 240 for integral in over_12[:2])
    assert over_25[:2] == [0, 0]
    assert [over_12[X], over_25[X]] == pytest.approx([4017, 3947], rel=0.01)


def test_kernels_have_the_gain_of_the_collection_plane_and_no_net_charge_on_the_others():
    """What a wire sees of charge that another collects has two sides that cancel, about."""
    kernels = response_kernels()
    own, beside = kernels.taps[:, 0], kernels.taps[:, 1]
    assert own[X].sum() == pytest.approx(0.1654, rel=2e-3)
    assert np.all(np.abs(kernels.taps[:, :, [0, -1]]) < 1e-3 * own.max(axis=1)[:, None, None])
    assert np.all(np.diff(kernels.high_lags, axis=2) > 3)
    for signal, net in ((own[U], 0.1), (own[V], 0.1), (beside[X], 1e-3)):
        assert abs(signal.sum()) < net * np.abs(signal).sum()
        assert signal.argmax() < signal.argmin()


def test_the_collection_signal_rises_slowly_and_falls_fast():
    """It takes longer from a hundredth of its height to the peak than from there back: charge induces before it is collected."""
    taps = response_kernels().taps[X, 0]
    high = np.flatnonzero(taps > taps.max() / 100)
    assert taps.argmax() - high[0] >= high[-1] - taps.argmax() + 2


@pytest.mark.parametrize("plane", [U, V])
def test_induction_wires_see_a_share_of_what_passes_beside(plane):
    """The same signal at a share, which crosses the end of the channel numbers but not the border of plane or APA."""
    kernels = response_kernels()
    share = kernels.height[plane, 1]
    assert np.allclose(kernels.taps[plane, 1], share * kernels.taps[plane, 0], atol=1e-7)
    first = CHANNELS_PER_APA + FIRST_CHANNEL[plane]
    tps, signal, electrons = quiet(make_charge([(0, first, 500, 1e6, 1e6)]))
    seen = dict(zip((tps.channel - first).tolist(), electrons.tolist(), strict=True))
    assert seen == {0: 1e6, 1: share * 1e6, WRAP - 1: share * 1e6}
    assert signal.all()
    by_channel = dict(zip((tps.channel - first).tolist(), tps.peak.tolist(), strict=True))
    assert by_channel[1] == by_channel[WRAP - 1] == pytest.approx(share * by_channel[0], abs=1)
    one, three = ([(0, first + c, 500, 3e4, 3e4) for c in range(n)] for n in (1, 3))
    alone, between = quiet(make_charge(one))[0], quiet(make_charge(three))[0]
    ratio = between.peak[between.channel == first + 1] / alone.peak[alone.channel == first]
    assert ratio == pytest.approx(1 + 2 * share, abs=0.01)


def test_collection_wires_see_what_comes_near_beside_but_only_on_their_face():
    """Great charge shows on the wires beside, earlier; the first wire of a face has one neighbour."""
    first = FIRST_CHANNEL[X] + X_CHANNELS_PER_FACE
    tps, signal, _ = quiet(make_charge([(0, first, 500, 1e6, 1e6)]))
    assert sorted(tps.channel.tolist()) == [first, first + 1]
    assert signal.all()
    own, beside = (tps.take(tps.channel == channel) for channel in (first, first + 1))
    assert beside.peak[0] < 0.1 * own.peak[0]
    assert beside.start[0] + beside.to_peak[0] < own.start[0] + own.to_peak[0]
    inner = quiet(make_charge([(0, first + 5, 500, 1e6, 1e6)]))[0]
    assert sorted(inner.channel.tolist()) == [first + 4, first + 5, first + 6]


def test_charge_beside_changes_the_collected_signal_but_not_its_sum():
    rows = [(0, 1700 + c, 500, 1e5, 1e5) for c in range(3)]
    alone, between = (quiet(make_charge(some))[0] for some in (rows[1:2], rows))
    alone, between = (tps.take(tps.channel == 1701) for tps in (alone, between))
    assert between.integral[0] == pytest.approx(alone.integral[0], rel=0.03)
    assert between.start[0] < alone.start[0]


def test_the_integral_is_linear_in_large_charges():
    small, large = (quiet(deposit(X, mev))[0] for mev in (20, 200))
    small, large = (tps.integral[tps.channel == FIRST_CHANNEL[X] + 10].sum() for tps in (small, large))
    assert large / small == pytest.approx(10, rel=3e-3)
    assert large == pytest.approx(response_kernels().taps[X, 0].sum() * 200 * ELECTRONS_PER_MEV, rel=1e-3)


@pytest.mark.parametrize("plane", [U, V, X])
def test_a_sample_at_threshold_does_not_count(plane):
    """Samples are whole ADC, and only those above threshold belong to a primitive."""
    highest = response_kernels().taps[plane, 0].max()
    channel = FIRST_CHANNEL[plane]
    at, above = ((THRESHOLD_ADC[plane] + more) / highest for more in (0.45, 0.55))
    assert len(quiet(make_charge([(0, channel, 500, at, at)]))[0]) == 0
    tps, _, _ = quiet(make_charge([(0, channel, 500, above, above)]))
    assert (tps.sot[0], tps.peak[0], tps.integral[0]) == (1, THRESHOLD_ADC[plane] + 1, THRESHOLD_ADC[plane] + 1)
    assert len(quiet(make_charge([(0, channel, 500, above, above)]), min_sot=2)[0]) == 0


def test_response_does_not_depend_on_the_tick_or_on_other_wires():
    """The same charge at two times, on two wires and in two events makes the same primitive."""
    base = deposit(X, 0.5)
    rows = [
        (event, channel, tick + shift, q, q)
        for event, channel, shift in ((0, 1610, 0), (0, 1610, 200), (0, 1612, 7), (3, 4170, 33))
        for tick, q in zip(base.tick, base.electrons, strict=True)
    ]
    tps, _, _ = respond(make_charge(rows), 4, np.random.default_rng(0), noise=False)
    assert sorted(zip(tps.event, tps.channel, tps.start - tps.start.min(), strict=True)) == [
        (0, 1610, 0), (0, 1610, 200), (0, 1612, 7), (3, 4170, 33),
    ]  # fmt: skip
    for column in (tps.sot, tps.to_peak, tps.integral, tps.peak):
        assert len(np.unique(column)) == 1


def test_primitives_stay_in_the_window():
    for tick in (0, TICKS_PER_WINDOW - 1):
        tps, _, _ = quiet(make_charge([(0, channel, tick, 1e6, 1e6) for channel in (5, 805, 1605)]))
        assert tps.start.min() >= 0
        assert tps.end.max() <= TICKS_PER_WINDOW
        assert len(tps) >= 2


def test_a_primitive_is_signal_when_most_of_its_electrons_are():
    rows = [(0, 1600, 100, 2e4, 12e3), (0, 1602, 100, 2e4, 8e3), (0, 1604, 100, 2e4, 0)]
    tps, signal, electrons = quiet(make_charge(rows))
    assert dict(zip(tps.channel.tolist(), signal.tolist(), strict=True)) == {1600: True, 1602: False, 1604: False}
    assert electrons.tolist() == [2e4] * 3


def test_two_deposits_on_a_wire_keep_their_own_electrons():
    rows = [(0, 1600, 100, 2e4, 2e4), (0, 1600, 150, 3e4, 0)]
    tps, signal, electrons = quiet(make_charge(rows))
    assert electrons.tolist() == [2e4, 3e4]
    assert signal.tolist() == [True, False]
    assert len(tps) == 2


def test_noise_widens_the_integral_but_hardly_shifts_it():
    """A thousand equal deposits: their integrals spread as 13 correlated samples do."""
    base = deposit(X, 1.0)
    rows = [(event, 1610, t, q, q) for event in range(1000) for t, q in zip(base.tick, base.electrons, strict=True)]
    tps, _, electrons = respond(make_charge(rows), 1000, np.random.default_rng(1))
    integral = tps.integral[electrons > 10_000]
    assert len(integral) == 1000
    assert np.median(integral) == pytest.approx(4036, rel=0.02)
    correlation_length = (1 + 2 * (0.692 + 0.465 + 0.206 + 0.092)) * 14.91**2
    assert integral.std() == pytest.approx(np.sqrt(13 * correlation_length), rel=0.25)


def test_noise_alone_is_no_signal_and_holds_no_electrons():
    nothing = make_charge([])
    tps, signal, electrons = respond(nothing, 50, np.random.default_rng(2))
    assert len(tps) / 50 == pytest.approx(140, rel=0.1)
    assert not signal.any()
    assert not electrons.any()
    assert np.array_equal(tps.order(), np.arange(len(tps)))
    assert len(respond(nothing, 50, np.random.default_rng(2), noise=False)[0]) == 0


def test_stretches_with_charge_have_their_noise_once():
    """Faint charge all over a wire: its noise primitives are as frequent as on wires without."""
    rows = [(event, 1600 + c, t, 1e-3, 0) for event in range(20) for c in range(20) for t in range(30, 6000, 60)]
    tps, _, _ = respond(make_charge(rows), 20, np.random.default_rng(3), min_sot=1)
    on_these = (tps.channel >= 1600) & (tps.channel < 1620)
    expected = 2.31e-5 * 20 * 20 * 6000
    assert np.sum(on_these) == pytest.approx(expected, abs=5 * np.sqrt(expected))


def test_same_seed_same_bytes():
    charge = deposit(U, 3.0)
    runs = [respond(charge, 5, np.random.default_rng(seed)) for seed in (4, 4, 5)]
    columns = [np.stack([tps.event, tps.channel, tps.start, tps.sot, tps.integral]) for tps, _, _ in runs]
    assert columns[0].tobytes() == columns[1].tobytes() != columns[2].tobytes()
    assert runs[0][2].tobytes() == runs[1][2].tobytes()


PLACES = st.tuples(
    st.integers(0, 2), st.sampled_from([0, 1, 799, 800, 1599, 1600, 2559, 2560, 10239]), st.integers(0, TICKS_PER_WINDOW - 1)
)  # fmt: skip


@given(
    places=st.dictionaries(PLACES, st.tuples(st.floats(0, 3e5), st.floats(0, 1)), max_size=30),
    seed=st.integers(0, 2**32 - 1),
    min_sot=st.integers(1, 4),
)
@settings(max_examples=60)
def test_any_charge_gives_well_formed_primitives(places, seed, min_sot):
    charge = make_charge([(*place, q, q * share) for place, (q, share) in places.items()])
    tps, signal, electrons = respond(charge, 3, np.random.default_rng(seed), min_sot=min_sot)
    assert len(tps) == len(signal) == len(electrons)
    assert np.array_equal(tps.order(), np.arange(len(tps)))
    assert np.all(tps.sot >= min_sot)
    assert np.all((tps.to_peak >= 0) & (tps.to_peak < tps.sot))
    assert np.all(tps.peak > THRESHOLD_ADC[tps.plane])
    assert np.all(tps.integral >= tps.peak + (tps.sot - 1) * (THRESHOLD_ADC[tps.plane] + 1))
    assert np.all((tps.start >= 0) & (tps.end <= TICKS_PER_WINDOW))
    assert np.all(electrons[signal] > 0)
    order = np.lexsort((tps.start, tps.channel, tps.event))
    tps = tps.take(order)
    same = (tps.event[1:] == tps.event[:-1]) & (tps.channel[1:] == tps.channel[:-1])
    assert np.all(tps.start[1:][same] > tps.end[:-1][same])


@pytest.mark.root_data
def test_real_files_are_reproduced_from_their_true_charge():
    """Medians and spread over all deposits above 1500 electrons, and the shape of their pulses."""
    paths = [real_file(kind) for kind in KINDS]
    spread = {"U": (0.82, 1.21), "V": (0.85, 1.18), "X": (0.953, 1.06)}
    for name, found in compare(paths, noise=False).items():
        low, median, high = np.quantile(found.ratio("integral"), [0.16, 0.5, 0.84])
        assert median == pytest.approx(1, abs=0.03)
        assert spread[name][0] < low < high < spread[name][1]
        assert np.median(found.ratio("peak")) == pytest.approx(1, abs=0.04)
        assert np.mean(found.found == found.simulated) > 0.945
        assert list(by_charge_beside(found).values()) == pytest.approx([1, 1, 1], abs=0.08)
    for name, found in compare(paths, noise=True).items():
        assert np.median(found.ratio("integral")) == pytest.approx(1, abs={"X": 0.03}.get(name, 0.05))
        assert np.median(found.ratio("peak")) == pytest.approx(1, abs=0.03)
        for column in ("start", "end", "sot", "peak_tick"):
            assert np.median(found.difference(column)) == 0
        assert np.mean(found.found == found.simulated) > 0.93
        shape = pulses(found)
        assert shape["to_peak_over_sot"]["distance"] < {"V": 0.15}.get(name, 0.09)
        assert shape["sot"]["distance"] < 0.09


def test_the_table_is_that_of_its_parameters():
    """Kernels and parameters in the table belong together; a Gaussian with two exponentials keeps its area."""
    table = json.loads(KERNEL_TABLE.read_text())
    for row, (name, shape) in enumerate(SHAPES.items()):
        parameters = np.array([table["parameters"][name][key] for key in shape.names])
        assert np.allclose(shape.signal(parameters), response_kernels().taps[row], atol=2e-6)
    assert collection(np.array([2.0, 3, 1.5, 2, 1, 0.1, 0, 2, 3, 2])).sum(axis=1) == pytest.approx([2, 0], abs=1e-3)


def test_the_fit_finds_a_known_kernel():
    """Waveforms of a known induction kernel on lone wires: its primitives lead back to its integral, peak and ticks."""
    rng = np.random.default_rng(1)
    shape = SHAPES["U"]
    truth = np.array(shape.start) * [1.15, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    n, length = 40, 120
    own = np.zeros((n, length))
    own[:, 55:60] = rng.uniform(2e3, 2e4, (n, 5))
    stretch = np.column_stack([np.arange(n) * length, np.tile([length, 43, 60], (n, 1))])
    empty = np.zeros(n * length)
    noise = rng.standard_normal((DRAWS, n * length))
    sample = Sample(U, np.arange(n), stretch, np.ones(n, bool), np.zeros((n, 5)), own.ravel(), empty, noise)
    share, real = predict(sample, shape.signal(truth))
    assert share.min() == 1
    sample = replace(sample, real=real)
    assert loss(sample, shape.signal(truth)) == 0
    assert loss(sample, shape.signal(np.array(shape.start))) > 3
    found = shape.signal(fit(sample, shape))
    assert loss(sample, found) < 0.05
    assert found[0].max() == pytest.approx(shape.signal(truth)[0].max(), rel=0.02)
