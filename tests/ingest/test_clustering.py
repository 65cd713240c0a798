"""Clusters against the rule written out plainly, by hand, and against the statistics of the real files."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python.detector import geometry as g
from python.detector.calibration import adc_per_mev
from python.ingest.clustering import ClusterSettings, make_clusters
from python.ingest.root_reader import read_source
from python.ingest.truth import label_clusters, signal_tps
from tests.ingest.root_files import KINDS, make_tps, real_file
from tests.ingest.strategies import primitives

EVERYTHING = ClusterSettings(tot_cut=0, energy_cut=0.0, min_tps=1)
OLDER = adc_per_mev("older")


def groups(clusters):
    return {
        frozenset(clusters.members[a:b].tolist()) for a, b in zip(clusters.indptr, clusters.indptr[1:], strict=False)
    }


def by_the_rule(tps, settings):
    """The greedy rule, compared TP by TP with all that each candidate holds."""
    candidates = []
    for i in range(len(tps)):
        if tps.sot[i] <= settings.tot_cut:
            continue
        for candidate in candidates:
            j = candidate[0]
            if (tps.event[i], tps.apa[i], tps.plane[i]) != (tps.event[j], tps.apa[j], tps.plane[j]):
                continue
            adjacent = spoilt = False
            for j in candidate:
                gap = max(0, tps.start[i] - tps.end[j], tps.start[j] - tps.end[i])
                distance = abs(tps.channel[i] - tps.channel[j])
                near = distance <= settings.channel_limit
                if tps.plane[i] == g.X:
                    near = near and (tps.local[i] < 480) == (tps.local[j] < 480)
                else:
                    near = near or distance >= 800 - settings.channel_limit
                adjacent |= gap <= settings.tick_limit and near
                spoilt |= gap > settings.tick_limit and distance == 0
            if adjacent and not spoilt:
                candidate.append(i)
                break
        else:
            candidates.append([i])
    return {frozenset(candidate) for candidate in candidates if len(candidate) >= settings.min_tps}


@given(primitives(), st.integers(0, 5), st.integers(0, 4), st.integers(1, 3), st.integers(0, 4))
def test_clusters_are_those_of_the_rule(tps, ticks, channels, least, tot_cut):
    settings = ClusterSettings(ticks, channels, least, tot_cut, 0.0)
    assert groups(make_clusters(tps, settings, OLDER)) == by_the_rule(tps, settings)


@given(primitives())
def test_descriptions_fit_the_members(tps):
    clusters = make_clusters(tps, EVERYTHING, OLDER)
    assert np.array_equal(np.sort(clusters.members), np.arange(len(tps)))
    for i in range(len(clusters)):
        mine = clusters.members[clusters.indptr[i] : clusters.indptr[i + 1]]
        offset = clusters.member_channel[clusters.indptr[i] : clusters.indptr[i + 1]]
        assert clusters.adc[i] == tps.integral[mine].sum()
        assert (clusters.start[i], clusters.end[i]) == (tps.start[mine].min(), tps.end[mine].max())
        wrap = 800 if clusters.plane[i] != g.X else 10**6
        assert np.array_equal((clusters.first_channel[i] + offset) % wrap, tps.local[mine])
        assert offset.min() == 0
        assert clusters.n_channels[i] == offset.max() + 1
        assert clusters.first_channel[i] <= clusters.channel[i] <= clusters.first_channel[i] + offset.max() + 1e-9
    order = np.lexsort((clusters.start, clusters.plane, clusters.event))
    assert np.array_equal(order, np.sort(order))


def row(channel, start, sot=10, event=0, integral=2000):
    return (event, channel, start, sot, sot // 2, integral, 300)


@pytest.mark.parametrize(
    ("second", "together"),
    [
        (row(1602, 112), True),  # two channels, a gap of two ticks
        (row(1603, 105), False),  # three channels
        (row(1601, 113), True),  # three ticks from end to start
        (row(1601, 114), False),
        (row(1600, 114), False),  # the same channel, too late
        (row(1601, 105, event=1), False),
        (row(1601 + 2560, 105), False),  # another APA
    ],
)
def test_the_limits_are_inclusive(second, together):
    clusters = make_clusters(make_tps([row(1600, 100), second]), EVERYTHING, OLDER)
    assert len(clusters) == (1 if together else 2)


def test_a_channel_that_fires_again_begins_a_new_cluster():
    """The long TP on 1601 bridges the time between two TPs on 1600, which must not share a cluster all the same."""
    clusters = make_clusters(make_tps([row(1600, 100, 5), row(1601, 102, 30), row(1600, 120, 5)]), EVERYTHING, OLDER)
    assert sorted(clusters.n_tps.tolist()) == [1, 2]


def test_clusters_span_the_wrap_of_induction_wires_but_not_the_border_of_the_faces():
    v_wrap = make_clusters(make_tps([row(800, 100), row(1599, 101), row(801, 102)]), EVERYTHING, OLDER)
    assert len(v_wrap) == 1
    assert v_wrap.first_channel.tolist() == [799]
    assert v_wrap.n_channels.tolist() == [3]
    assert v_wrap.channel[0] == pytest.approx(800.0)
    x_border = make_clusters(make_tps([row(2079, 100), row(2080, 101)]), EVERYTHING, OLDER)
    assert x_border.face.tolist() == [-1, 1]


def test_cuts_are_on_samples_primitives_and_energy():
    tps = make_tps([row(1600, 100, 3), row(1601, 100, 4, integral=3600), row(1602, 100, 4, integral=3600)])
    assert make_clusters(tps, ClusterSettings(energy_cut=2.0), OLDER).energy.tolist() == [2.0]
    assert len(make_clusters(tps, ClusterSettings(energy_cut=2.001), OLDER)) == 0
    assert len(make_clusters(tps, ClusterSettings(min_tps=3), OLDER)) == 0
    assert len(make_clusters(tps, ClusterSettings(min_tps=3, tot_cut=2), OLDER)) == 1


@pytest.mark.root_data
@pytest.mark.parametrize(("kind", "per_event", "complete"), [("es", (1.7, 1.4, 1.4), 10), ("cc", (1.9, 2.2, 1.9), 45)])
def test_real_clusters_have_the_known_statistics(kind, per_event, complete):
    """Counts of an independent port of the toolkit's clustering on the same files, older calibration."""
    source = read_source(real_file(kind))
    clusters = make_clusters(source.tps, ClusterSettings(), OLDER)
    is_marley, is_main = label_clusters(clusters, source.tps.integral, signal_tps(source))
    counts = np.bincount(clusters.plane[is_marley == 1], minlength=3) / len(source.events)
    assert counts == pytest.approx(per_event, abs=0.05)
    mains = np.bincount(clusters.event[is_main == 1], minlength=len(source.events))
    assert np.sum(mains == 3) == complete


@pytest.mark.root_data
def test_real_clusters_are_those_of_the_rule():
    for kind in KINDS:
        tps = read_source(real_file(kind)).tps
        settings = ClusterSettings(energy_cut=0.0)
        assert groups(make_clusters(tps, settings, OLDER)) == by_the_rule(tps, settings)
