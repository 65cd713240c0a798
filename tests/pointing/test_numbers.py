"""How many candidates are what: numbers that are drawn are found again."""

import numpy as np
import pytest

from python.physics.flux import sample_tabulated
from python.pointing.numbers import CLASSES, FIT, FLUXES, Mixture
from python.pointing.scattering import ELECTRON_GRID, spectrum

MIN_ENERGY = 5.0
TRUE = {"es": 250, "cc": 2500, "other": 1500}


def burst(flux="gkvm", seed=0, overlap=1.5):
    """Energies and evidence of candidates: scores are normal numbers, a class `overlap` standard deviations from the next."""
    rng = np.random.default_rng(seed)
    energies, classes = [], []
    for number, name in enumerate(CLASSES):
        count = TRUE[name]
        if name == "other":
            energies.append(MIN_ENERGY + rng.exponential(0.7, count))
        else:
            some = sample_tabulated(ELECTRON_GRID, spectrum(name, ELECTRON_GRID, flux), 20 * count, rng)
            energies.append(some[some > MIN_ENERGY][:count])
        classes.append(np.full(count, number))
    energy, kind = np.concatenate(energies), np.concatenate(classes)
    place = np.array([0.0, overlap, -overlap])
    score = rng.normal(place[kind], 1.0)
    evidence = np.exp(score[:, None] * place - place**2 / 2)
    return energy, evidence, kind


@pytest.mark.parametrize("flux", FLUXES)
def test_numbers_are_found_again(flux):
    energy, evidence, kind = burst(flux, seed=5, overlap=2.0)
    mixture = Mixture.of(evidence, energy, MIN_ENERGY, flux)
    shares = mixture.shares(mixture.numbers())
    assert np.allclose(shares.sum(axis=1), 1)
    assert shares[:, 0].sum() == pytest.approx(TRUE["es"], abs=60)
    assert shares[:, 1].sum() == pytest.approx(TRUE["cc"], rel=0.06)
    assert shares[kind == 2, 2].mean() > 0.8


def test_free_spectra_find_the_numbers_of_a_spectrum_that_nobody_assumed():
    energy, evidence, _ = burst("livermore", seed=6, overlap=2.5)
    mixture = Mixture.of(evidence, energy, MIN_ENERGY, FIT)
    shares = mixture.shares(mixture.numbers())
    assert shares[:, 0].sum() == pytest.approx(TRUE["es"], abs=70)
    wrong = Mixture.of(evidence, energy, MIN_ENERGY, "gkvm")
    assert abs(shares[:, 0].sum() - TRUE["es"]) <= abs(wrong.shares(wrong.numbers())[:, 0].sum() - TRUE["es"]) + 10


def test_probabilities_are_true():
    """Of the candidates that are called elastic scattering with a probability of p, a share p is."""
    energy, evidence, kind = burst(seed=7)
    mixture = Mixture.of(evidence, energy, MIN_ENERGY, "gkvm")
    share = mixture.shares(mixture.numbers())[:, 0]
    for low, high in ((0.0, 0.1), (0.1, 0.3), (0.3, 0.6), (0.6, 1.0)):
        some = (share >= low) & (share < high)
        assert np.mean(kind[some] == 0) == pytest.approx(share[some].mean(), abs=4 * 0.5 / np.sqrt(some.sum()))


def test_no_candidate_is_no_mistake():
    mixture = Mixture.of(np.empty((0, 3)), np.empty(0), MIN_ENERGY, FIT)
    assert mixture.shares(mixture.numbers()).shape == (0, 3)


def test_evidence_as_strong_as_numbers_bear_is_borne():
    evidence = np.array([[1e300, 1e-300, 1.0], [0.0, 0.0, 1.0], [1e-300, 1e300, 1.0]])
    mixture = Mixture.of(evidence, np.array([6.0, 7.0, 30.0]), MIN_ENERGY, FIT)
    shares = mixture.shares(mixture.numbers())
    assert np.all(np.isfinite(shares))
    assert shares[0, 0] > 0.99
    assert shares[1, 2] > 0.99
