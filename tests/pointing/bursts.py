"""Candidates that are drawn, for tests: what networks would say of them is known."""

import numpy as np

from python.directions.lobes import Lobes
from python.directions.sphere import around, draw_von_mises_fisher, unit
from python.physics import elastic_scattering
from python.pointing.candidates import Candidates, Truth
from python.runs.predictions import Clusters

FLUX = "gkvm"


def clusters_of(energy):
    n = len(energy)
    return Clusters(
        sources=np.array(["drawn"]),
        source_ids=np.array(["0" * 16]),
        source=np.zeros(n, np.int64),
        run=np.ones(n, np.int64),
        subrun=np.zeros(n, np.int64),
        event=np.arange(n),
        plane=np.full(n, 2),
        match_id=np.arange(n),
        cluster_energy=np.asarray(energy, np.float64),
        true_electron_energy=np.full(n, np.nan),
        true_nu_energy=np.full(n, np.nan),
    )


def candidates_of(energy, lobes, ratios=None, truth=None, time=None):
    """`ratios` (N, 2) are the logs of those for main tracks and for elastic scattering; certain of both when left out."""
    n = len(energy)
    ratios = np.full((n, 2), 20.0) if ratios is None else ratios
    likeliest = np.argmax(lobes.probability, axis=1)
    axes = lobes.eta[np.arange(n), likeliest]
    nothing = Truth(np.full((n, 3), np.nan), np.full(n, -1), np.full(n, -1))
    return Candidates(
        clusters=clusters_of(energy),
        time=np.full(n, -1) if time is None else time,
        energy=np.asarray(energy, np.float64),
        main_track=np.full(n, 0.9),
        es=np.full(n, 0.9),
        main_track_ratio=ratios[:, 0],
        es_ratio=ratios[:, 1],
        lobes=lobes,
        direction=unit(axes),
        truth=nothing if truth is None else truth,
    )


def drawn_burst(star, n_es, n_cc, seed, kappa=40.0, head=0.9):
    """A burst from the unit vector `star`: electrons as the simulation makes them, answers with two lobes that are right about
    how wide and how sure they are, scores that are normal numbers."""
    rng = np.random.default_rng(seed)
    flight = -np.asarray(star, float)
    from python.physics.flux import FLUENCES

    _, nu_energy, energy = elastic_scattering.sample_fluences(FLUENCES[FLUX], (5.0, np.inf), n_es, rng)
    cosine = elastic_scattering.cosine(nu_energy, energy)
    axis = np.tile(flight, (n_es, 1))
    es = around(axis, cosine[:, None], rng.uniform(0, 2 * np.pi, (n_es, 1)))[:, 0]
    cc_energy = 5 + rng.gamma(3.0, 4.0, n_cc)
    electron = np.concatenate([es, unit(rng.normal(size=(n_cc, 3)))])
    seen = draw_von_mises_fisher(kappa * electron, 1, rng)[:, 0]
    turned = np.where(rng.random(len(seen)) < head, 1.0, -1.0)[:, None]
    eta = kappa * np.stack([seen * turned, -seen * turned], axis=1)
    lobes = Lobes(eta, np.tile([head, 1 - head], (len(seen), 1)))
    score = rng.normal(np.repeat([1.0, -1.0], [n_es, n_cc]), 1.0)
    ratios = np.stack([np.full(len(seen), 20.0), 2 * score], axis=1)
    truth = Truth(np.tile(flight, (len(seen), 1)), np.repeat([1, 0], [n_es, n_cc]), np.ones(len(seen), np.int64))
    return candidates_of(np.concatenate([energy, cc_energy]), lobes, ratios, truth)
