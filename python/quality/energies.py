"""Data quality: energies, and how recorded and reconstructed ones compare with the electron's momentum.

Old files hold a `true_particle_energy` that is no truth: the ADC sum of the cluster's chief particle over 3600 (X) or 900 (U, V).
An older study found a third of them more than 5 MeV away from the energy of the momentum, and looked for an error in the
momentum; it is the other number that misses what lies outside the cluster. Own files record the electron's energy itself.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from python.data.layouts import recognise_layout
from python.data.metadata import kinetic_energy_mev, vectors
from python.data.npz import read_npz
from python.quality.check import FAIL, OK, WARN, Check, Labelled, Sample, grade, per_cent

FAR_MEV = 5.0
MEV_PER_TP = 0.7
MAX_FAR_OLD = 0.05
LEAST_CORRELATION = 0.3
BETTER = 0.05  # gain in correlation that speaks for a correction
FEWEST, LEAST_SPREAD = 20, 0.1  # images, and relative spread of their energies, that a correlation needs
_NO_CORRELATION = f"fewer than {FEWEST} main tracks with momentum, or all of one energy"
MAX_CALIBRATION_SPREAD = 1.05
_TRUE_ENERGIES = ("true_electron_energy", "true_nu_energy")


def energies(sample: Labelled) -> Check:
    table = sample.table
    wrong = {"cluster_energy": ~np.isfinite(table["cluster_energy"]) | (table["cluster_energy"] < 0)}
    wrong |= {name: np.isinf(table[name]) | (table[name] < 0) for name in _TRUE_ENERGIES}  # NaN: unknown
    names = [name for name, rows in wrong.items() if rows.any()]
    n = np.sum(np.any(list(wrong.values()), axis=0))
    finding = f"not finite or negative: {', '.join(names)}" if names else "finite and positive, or unknown"
    return sample.check("energies", FAIL if n else OK, n, len(table), finding, "make these files again")


def recorded_energy(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Return the particle energy in MeV that the files record (N,), NaN where they do not, and which images are of old files."""
    recorded = sample.table["true_electron_energy"].astype(float)
    old = np.zeros(len(recorded), bool)
    start = 0
    for file in sample.found.files:
        rows = slice(start, start + file["images"])
        start = rows.stop
        metadata = old_metadata(file["file"])
        if metadata is not None:
            old[rows] = True
            metadata = metadata.astype(float)
            column = recognise_layout(metadata, sample.plane).fields.index("particle_energy")
            recorded[rows] = np.where(metadata[:, column] > 0, metadata[:, column], np.nan)
    return recorded, old


def old_metadata(path: str | os.PathLike) -> np.ndarray | None:
    """The metadata (N, C) of an old file without its images; None for an own file."""
    try:
        with np.load(Path(path), allow_pickle=False) as arrays:
            return None if "format_version" in arrays else arrays["metadata"]
    except ValueError:  # pickled, which goes through the restricted reader
        return read_npz(path)["metadata"]


def momentum_against_recorded(sample: Sample) -> Check:
    """Main tracks only: every cluster of an event carries the electron's momentum, so only those can have its energy."""
    recorded, old = recorded_energy(sample)
    momentum = kinetic_energy_mev(vectors(sample.table, "particle_momentum"))
    known = (sample.table["is_main_track"] == 1) & np.isfinite(recorded) & np.isfinite(momentum)
    if not known.any():
        return sample.skipped("momentum and energy", "no main track has both momentum and particle energy")
    difference, old = (momentum - recorded)[known], old[known]
    far = np.abs(difference) > FAR_MEV
    finding = f"{per_cent(far.mean())} of main tracks differ by more than {FAR_MEV:g} MeV (mean difference "
    finding += f"{np.abs(difference).mean():.2f} MeV)"
    if old.any():
        finding += ": old files record an ADC sum of one particle in the cluster, not the truth"
    else:
        finding += ": own files record the true energy"
    status = FAIL if far[~old].any() else grade(far.mean(), MAX_FAR_OLD)
    remedy = "take the energy from the momentum, as all readers here do; the directions stay valid"
    if status == FAIL:
        remedy = "momentum and true energy of own files are one number in two forms: make these files again"
    values = {"far_fraction": far.mean(), "mean_difference_mev": np.abs(difference).mean()}
    return sample.check("momentum and energy", status, far.sum(), len(far), finding, remedy, **values)


def reconstructed_energy(sample: Labelled) -> Check:
    """The energy of main tracks' clusters against that of the electron."""
    truth, energy, _ = _main_energies(sample)
    if not _can_correlate(truth):
        return sample.skipped("reconstructed energy", _NO_CORRELATION)
    values = _agreement(truth, energy)
    finding = (
        f"correlation {values['correlation']:.3f} with the electron's, {per_cent(values['far_fraction'])} of main "
    )
    finding += f"tracks differ by more than {FAR_MEV:g} MeV, {values['mean_mev']:+.1f} MeV in the mean"
    status = OK if values["correlation"] >= LEAST_CORRELATION else WARN
    far = round(values["far_fraction"] * len(truth))
    remedy = "look for a wrong calibration, or for momenta that belong to other clusters"
    return sample.check("reconstructed energy", status, far, len(truth), finding, remedy, **values)


def energy_per_primitive(sample: Labelled) -> Check:
    """Whether 0.7 MeV more for each trigger primitive (TP), for charge under threshold, brings clusters closer to the truth."""
    name = f"{MEV_PER_TP:g} MeV per TP"
    truth, energy, n_tps = _main_energies(sample)
    counted = n_tps >= 0
    truth, energy, n_tps = truth[counted], energy[counted], n_tps[counted]
    if not counted.any():
        return sample.skipped(name, "no main track has momentum and number of TPs, which old files do not record")
    if not _can_correlate(truth):
        return sample.skipped(name, _NO_CORRELATION)
    plain, added = _agreement(truth, energy), _agreement(truth, energy + MEV_PER_TP * n_tps)
    gain = added["correlation"] - plain["correlation"]
    verdict = "better" if gain > BETTER else "worse" if gain < -BETTER else "hardly another"
    finding = f"added, the correlation is {verdict} ({plain['correlation']:.3f} to {added['correlation']:.3f}); beyond "
    finding += f"{FAR_MEV:g} MeV {per_cent(plain['far_fraction'])} to {per_cent(added['far_fraction'])}"
    status = WARN if gain > BETTER else OK
    far = round(added["far_fraction"] * len(truth))
    remedy = "charge is missing for each trigger primitive: look at thresholds and calibration"
    return sample.check(name, status, far, len(truth), finding, remedy, **added)


def _main_energies(sample: Labelled) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Electron's and cluster's energy in MeV and number of trigger primitives of the main tracks that have both, (M,)."""
    truth = kinetic_energy_mev(vectors(sample.table, "particle_momentum"))
    energy = sample.table["cluster_energy"].astype(float)
    known = (sample.table["is_main_track"] == 1) & np.isfinite(energy) & np.isfinite(truth)
    return truth[known], energy[known], sample.table["n_tps"][known]


def _can_correlate(truth: np.ndarray) -> bool:
    return len(truth) >= FEWEST and bool(np.std(truth) > LEAST_SPREAD * np.mean(truth))


def _agreement(truth: np.ndarray, energy: np.ndarray) -> dict[str, float]:
    difference = energy - truth
    return {
        "correlation": float(np.corrcoef(truth, energy)[0, 1]) if np.std(energy) > 0 else 0.0,
        "far_fraction": float(np.mean(np.abs(difference) > FAR_MEV)),
        "mean_difference_mev": float(np.mean(np.abs(difference))),
        "mean_mev": float(np.mean(difference)),
    }


def calibration(sample: Sample) -> Check:
    """ADC of an image over the energy of its cluster: one number for all files, or energies do not mean the same."""
    lost = np.nan_to_num(sample.table["lost_charge"].astype(float))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = sample.found.images.sums() / (sample.table["cluster_energy"] * (1 - lost))
    ratio[~(ratio > 0) | ~np.isfinite(ratio)] = np.nan
    ends = np.cumsum([file["images"] for file in sample.found.files])[:-1]
    medians = [np.nanmedian(part) for part in np.split(ratio, ends) if np.isfinite(part).sum() >= FEWEST]
    if not medians:
        return sample.skipped("calibration", f"no file has {FEWEST} images with charge and energy")
    low, high, n = min(medians), max(medians), np.isfinite(ratio).sum()
    differ = high > MAX_CALIBRATION_SPREAD * low
    finding = f"{low:.0f} to {high:.0f} ADC per MeV, by file" if differ else f"{low:.0f} ADC per MeV"
    remedy = "energies do not mean the same everywhere: make all files with one --energy-calibration"
    return sample.check(
        "calibration", WARN if differ else OK, n if differ else 0, n, finding, remedy, low=low, high=high
    )
