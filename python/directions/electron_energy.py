"""The kinetic energy of an electron, estimated from the charge around its cluster.

A cluster has not what photons carry away from the track, and charge is lost on the drift and below threshold. The charge on X
within half a metre has most of the former, how many points there are tells of the losses at each, and how low their pulses are
for their charge tells how far it drifted. The estimate is that charge times a smooth function of the nine sums of
`python.data.point_sums`, which ends where the events end that it was fitted to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np

from python.data.point_sums import GROUPS, SUMS
from python.detector.calibration import adc_per_mev
from python.detector.geometry import X
from python.general_purpose_libs import DataError

LEAST_EVENTS = 200
STIFFNESS = 1.0  # squared error that a coefficient of one costs, beside the constant one
OUTLYING = 0.2  # error of the log from which on an event counts less than half: its charge has left the half metre
STEPS = 10
SMALLEST_SUMS = (1.0, 200.0, 60.0)  # of a point just above threshold: units of the logarithms
CHARGE = list(SUMS).index("integral")
N_LOGS = len(GROUPS) * len(SUMS)
PRODUCTS = np.triu_indices(N_LOGS)
SIZES = {
    "coefficients": (1 + N_LOGS + len(PRODUCTS[0]),),
    "centre": (N_LOGS,),
    "scale": (N_LOGS,),
    "bounds": (2, N_LOGS),
}


@dataclass(frozen=True, eq=False)
class EnergyEstimate:
    """`coefficients` (55,) of a polynomial in the logs of the nine sums, each brought to order one by `centre` and `scale` (9,),
    and held within `bounds` (2, 9): lowest and highest of each that was fitted.
    """

    coefficients: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    bounds: np.ndarray

    @classmethod
    def fit(cls, sums: np.ndarray, energy: np.ndarray) -> Self:
        """Fit to the sums (n, 3, 3) around n clusters and the true kinetic energies (n,) of their electrons in MeV.

        By least squares of the log, in which events far off count less (Cauchy's weights). Raises DataError where there are too
        few events.
        """
        known = energy > 0
        if known.sum() < LEAST_EVENTS:
            raise DataError(
                f"{known.sum()} events of known energy are too few to estimate energies by; {LEAST_EVENTS} are needed: give "
                "more data, or raise val_fraction"
            )
        seen = _logs(sums[known])
        bounds = np.quantile(seen, [0.002, 0.998], axis=0)
        found = cls(np.zeros(SIZES["coefficients"]), seen.mean(axis=0), np.maximum(seen.std(axis=0), 1e-3), bounds)
        basis, wanted = found._basis(sums[known]), np.log(energy[known] / _charge_mev(sums[known]))
        stiff = STIFFNESS * np.diag(np.arange(basis.shape[1]) > 0)
        weight, coefficients = np.ones(len(wanted)), found.coefficients
        for _ in range(STEPS):
            weighted = basis.T * weight
            coefficients = np.linalg.solve(weighted @ basis + stiff, weighted @ wanted)
            weight = 1 / (1 + ((basis @ coefficients - wanted) / OUTLYING) ** 2)
        return cls(coefficients, found.centre, found.scale, found.bounds)

    def energy(self, sums: np.ndarray) -> np.ndarray:
        """The estimated kinetic energies (n,) in MeV of the electrons of clusters with the sums (n, 3, 3) around them."""
        return _charge_mev(sums) * np.exp(self._basis(sums) @ self.coefficients)

    def described(self) -> dict[str, Any]:
        """As plain JSON values, see `of`."""
        return {name: getattr(self, name).tolist() for name in SIZES}

    @classmethod
    def of(cls, described: Any) -> Self:
        """What was `described`. Raises ValueError where that is something else."""
        try:
            arrays = {name: np.array(described[name], float) for name in SIZES}
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not an estimate of energies: {error}") from error
        for name, shape in SIZES.items():
            if arrays[name].shape != shape or not np.all(np.isfinite(arrays[name])):
                raise ValueError(f"not an estimate of energies: {name} should be {shape} numbers")
        return cls(**arrays)

    def _basis(self, sums: np.ndarray) -> np.ndarray:
        """The polynomial's terms (n, 55): constant, each log, and their products."""
        logs = (np.clip(_logs(sums), *self.bounds) - self.centre) / self.scale
        return np.column_stack([np.ones(len(logs)), logs, logs[:, PRODUCTS[0]] * logs[:, PRODUCTS[1]]])


class Resolution(NamedTuple):
    """Of estimated over true energies: the median less 1, and half the width of the middle 68.27 %."""

    bias: float
    half_width: float


def resolution(estimate: np.ndarray, truth: np.ndarray) -> Resolution:
    """How well energies (n,) are estimated, at least one."""
    low, middle, high = np.quantile(estimate / truth, [0.15865, 0.5, 0.84135])
    return Resolution(float(middle - 1), float(high - low) / 2)


def _logs(sums: np.ndarray) -> np.ndarray:
    """log(1 + sum) (n, 9), in units of the smallest."""
    return np.log1p(np.asarray(sums, np.float64) / SMALLEST_SUMS).reshape(len(sums), N_LOGS)


def _charge_mev(sums: np.ndarray) -> np.ndarray:
    """The charge on X (n,) as energy, at least a hundredth of an MeV."""
    charge = np.asarray(sums, np.float64)[:, :2, CHARGE].sum(axis=1)
    return np.maximum(charge / adc_per_mev("measured")[X], 0.01)
