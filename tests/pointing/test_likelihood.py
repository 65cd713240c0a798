"""Likelihood tables: what they hold, asked at any energy, drawn from, written and read, refused."""

from itertools import pairwise

import numpy as np
import pytest

from python.data.npz import read_npz, write_npz
from python.directions.sphere import draw_von_mises_fisher
from python.general_purpose_libs import ConfigError, DataError
from python.pointing.angles import Angles
from python.pointing.building import LEAST_EVENTS, bins_of, build_tables
from python.pointing.cosine_densities import AROUND, ESTIMATORS
from python.pointing.likelihood import CLASSES, ENERGIES, TARGETS, LikelihoodTables, read_tables, write_tables
from python.pointing.table import COSINES, fit_table

EDGES = (5.0, 10.0, 20.0, np.inf)


def kappa_at(energy):
    return 0.8 * energy


def angles(n=1500, seed=1, said=True):
    """One lobe that is narrower at higher energy; neutrinos somewhat further; as many ES as CC."""
    rng = np.random.default_rng(seed)
    energy = np.exp(rng.uniform(np.log(5), np.log(50), n))
    eta = np.zeros((n, 3))
    eta[:, 2] = kappa_at(energy)
    electron = draw_von_mises_fisher(eta, 1, rng)[:, 0, 2]
    eta[:, 2] /= 2
    neutrino = draw_von_mises_fisher(eta, 1, rng)[:, 0, 2]
    told = 80 / np.sqrt(kappa_at(energy)) * rng.uniform(0.7, 1.3, n)
    return Angles(electron, neutrino, energy, energy * 1.1, rng.integers(0, 2, n), told if said else np.full(n, np.nan))


@pytest.fixture(scope="module")
def built():
    return build_tables(angles(), angles(seed=2), EDGES)


@pytest.fixture(scope="module")
def tables(built):
    return LikelihoodTables(built.tables, built.thirds, {"runs": ["a"], "events_fitted": 1500})


def test_tables_are_normalised_between_their_nodes_too(tables):
    for key, table in tables.tables.items():
        for energy in (1.0, 7.3, 10.0, 25.0, 1e4):
            density = table.density(COSINES, energy)
            held = AROUND * np.sum((density[1:] + density[:-1]) / 2 * np.diff(COSINES))
            assert held == pytest.approx(1, abs=1e-6), key
            assert float(table.share_within(-1.0, energy)) == pytest.approx(1, abs=1e-6)
            assert float(table.share_within(1.0, energy)) == pytest.approx(0, abs=1e-6)


def test_there_is_no_jump_at_the_edge_of_a_bin(tables):
    table = tables.table("es")
    for edge in EDGES[1:-1]:
        below, above = (table.density(COSINES, edge * (1 + side)) for side in (-1e-6, 1e-6))
        np.testing.assert_allclose(below, above, rtol=1e-4)


@pytest.mark.parametrize("energy", [8.0, 14.0, 30.0])
def test_the_truth_is_found_again(tables, energy):
    kappa = kappa_at(energy)
    at = np.cos(np.radians([0.0, 15.0, 30.0]))
    expected = kappa * np.exp(kappa * (at - 1)) / (AROUND * -np.expm1(-2 * kappa))
    np.testing.assert_allclose(tables.density(at, energy, "all"), expected, rtol=0.35, atol=0.02)
    angle = float(tables.table("all").angle_of(0.68, energy))
    assert angle == pytest.approx(np.degrees(np.arccos(1 + np.log(0.32) / kappa)), rel=0.15)


def test_unseen_events_lie_within_a_level_as_often_as_it_says(tables):
    """Also in each bin, though the energies of its events are not its mean."""
    unseen = angles(6000, seed=11)
    for low, high in pairwise(EDGES):
        mine = (unseen.reconstructed >= low) & (unseen.reconstructed < high)
        share = tables.table("all").share_within(unseen.electron[mine], unseen.reconstructed[mine])
        for level in (0.2, 0.4, 0.68, 0.9):
            assert np.mean(share <= level) == pytest.approx(level, abs=0.055)


def test_the_best_estimator_is_the_one_that_told_unseen_events_best(tables):
    for topology in ("es", "cc", "all"):
        for target in TARGETS:
            judged = {name: tables.table(topology, target, estimator=name).judged for name in ESTIMATORS}
            best = tables.table(topology, target).judged
            assert best.log_likelihood == max(each.log_likelihood for each in judged.values())
            assert best.behind == 0
            for each in judged.values():
                assert each.log_likelihood_error > 0
                assert each.behind == pytest.approx(best.log_likelihood - each.log_likelihood)
    assert tables.table("all").judged.log_likelihood > tables.table("all", "neutrino").judged.log_likelihood


def test_samples_follow_the_density(tables):
    table = tables.table("es", "neutrino")
    drawn = tables.sample(20_000, 12.0, "es", "neutrino", np.random.default_rng(5))
    for level in (0.2, 0.5, 0.68, 0.95):
        assert np.mean(table.share_within(drawn, 12.0) <= level) == pytest.approx(level, abs=0.015)
    energies = np.exp(np.random.default_rng(6).uniform(np.log(4), np.log(80), 20_000))
    drawn = table.sample(20_000, energies, np.random.default_rng(7))
    for level in (0.2, 0.5, 0.68, 0.95):
        assert np.mean(table.share_within(drawn, energies) <= level) == pytest.approx(level, abs=0.015)


def test_classes_say_how_narrow_an_answer_is(tables):
    widths = [float(tables.table("all", quality=name).angle_of(0.68, 20.0)) for name in ("best", "worst")]
    assert widths[0] < widths[1] * 1.1
    events = angles()
    found = tables.quality(events.said, events.reconstructed)
    for low, high in ((5, 10), (10, 20), (20, 50)):
        mine = found[(events.reconstructed >= low) & (events.reconstructed < high)]
        assert [np.mean(mine == name) for name in CLASSES] == pytest.approx([1 / 3] * 3, abs=0.1)
    assert tables.quality([np.nan, 1.0, 179.0], 20.0, by="true").tolist() == ["all", "best", "worst"]


def test_without_what_networks_say_there_are_no_classes_and_that_is_told():
    built = build_tables(angles(300, said=False), angles(300, 3, said=False), (5.0, np.inf))
    assert {key.quality for key in built.tables} == {"all"}
    assert any("no quality classes by true energy: the networks say nothing" in note for note in built.notes)
    assert LikelihoodTables(built.tables, built.thirds, {}).quality(20.0, 20.0) == "all"


def test_bins_of_too_few_events_are_joined_and_told():
    energy = np.concatenate([np.full(500, 7.0), np.full(20, 12.0), np.full(300, 30.0)])
    bins, said = bins_of(energy, np.arange(len(energy)), EDGES)
    assert [len(group) for group in bins.rows] == [500, 320]
    assert bins.edges.tolist() == [[5, 10], [10, np.inf]]
    assert "10 to 20 MeV with 20 events" in said
    none, said = bins_of(energy[: LEAST_EVENTS - 1], np.arange(LEAST_EVENTS - 1), EDGES)
    assert none is None
    assert "are too few" in said
    with pytest.raises(DataError, match="no bin of energy has enough events"):
        build_tables(angles(50), angles(50), EDGES)


def test_unknown_channels_are_told_and_count_among_all():
    some = angles(500)
    unknown = Angles(*(some.__dict__ | {"is_es": np.full(500, -1)}).values())
    built = build_tables(unknown, unknown, (10.0, np.inf))
    assert {key.topology for key in built.tables} == {"all"}
    assert any("topology es is known" in note for note in built.notes)
    low = np.sum(some.reconstructed < 10)
    assert any(f"{low} of 500 events have a reconstructed energy below 10 MeV" in note for note in built.notes)


# ---------------------------------------------------------------------------- files
def test_tables_are_written_small_and_read_the_same(tables, tmp_path):
    path = tmp_path / "likelihood_tables.npz"
    write_tables(path, tables)
    assert path.stat().st_size < 1e6
    found = read_tables(path)
    assert found.provenance == tables.provenance
    assert list(found.tables) == list(tables.tables)
    for key, table in tables.tables.items():
        np.testing.assert_allclose(
            found.tables[key].density(COSINES, 17.0), table.density(COSINES, 17.0), rtol=1e-6, atol=1e-12
        )
    assert np.array_equal(found.density([0.5, 0.9], 12.0, "es", "neutrino", by="true").shape, (2,))
    events = angles()
    assert found.quality(events.said, 12.0).tolist() == tables.quality(events.said, 12.0).tolist()
    assert found.table("es").edges.tolist() == [[5, 10], [10, 20], [20, np.inf]]
    assert found.table("es").events.sum() == np.sum(events.is_es == 1)
    arrays = read_npz(path)
    assert arrays["is_best"].sum() == len(arrays["is_best"]) / len(ESTIMATORS)
    first = path.read_bytes()
    write_tables(path, tables)
    assert path.read_bytes() == first


def test_what_is_no_table_is_refused(tables, tmp_path):
    path = tmp_path / "likelihood_tables.npz"
    write_tables(path, tables)
    arrays = read_npz(path)
    for changed, message in (
        ({"format_version": np.int64(99)}, "format 99 of a later release"),
        ({"cosine": arrays["cosine"][::-1] * 0.5}, "other cosines"),
        ({"density": -arrays["density"]}, "density"),
        ({"first_node": arrays["first_node"] * 0}, "first_node"),
        ({"provenance": np.array("{")}, "provenance is no JSON"),
    ):
        write_npz(path, {**arrays, **changed})
        with pytest.raises(DataError, match=message):
            read_tables(path)
    write_npz(path, {name: array for name, array in arrays.items() if name != "density"})
    with pytest.raises(DataError, match="density"):
        read_tables(path)


@pytest.mark.parametrize("wanted", [("nc", "electron"), ("es", "photon")])
def test_tables_that_there_are_not_are_named_with_those_that_there_are(tables, wanted):
    with pytest.raises(ConfigError, match=f"no likelihood table of {wanted[0]}, {wanted[1]}.*es, electron"):
        tables.table(*wanted)


def test_each_table_is_of_one_energy_and_asked_by_it(tables):
    assert {key.by for key in tables.tables} == set(ENERGIES)
    one = fit_table(
        np.array([0.9, 0.8, 0.95, 0.99] * 30), np.full(120, 8.0), [np.arange(120)], np.array([[5, 10]]), "gaussian"
    )
    np.testing.assert_array_equal(one.density(COSINES, 3.0), one.density(COSINES, 300.0))
