"""What every way to answer with a direction promises, and what a loss says of itself.

Cheap to import, as configurations are checked against it: Keras is loaded where a network is built or trained.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from python.config.task_schema import LossParameters
from python.directions.lobes import Lobes
from python.directions.sphere import angle_of_68, concentration, unit
from python.samples.symmetries import transform_directions

SHORTEST_MEAN = 1e-6


@dataclass(frozen=True)
class Estimates:
    """N answers: unit `direction` (N, 3), and where the network tells, the angle `predicted_68_deg` (N,) that holds 68.27 %,
    the concentration `kappa` (N,), and the probability `head_probability` (N,) that the direction is not the opposite one.
    """

    direction: np.ndarray
    predicted_68_deg: np.ndarray | None = None
    kappa: np.ndarray | None = None
    head_probability: np.ndarray | None = None


class Answer(ABC):
    """A layout of a network's output, one float32 tensor (N, len(columns)), and how it is read.

    The first three `columns` are a vector in the drift frame, and `vectors` says where each vector begins; with `both_ends`
    either end of it may be the head. Outputs of several views or networks are `combined` before they are read.
    `tells_uncertainty` is whether there is a density.
    """

    name: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]
    vectors: ClassVar[tuple[int, ...]] = (0,)
    both_ends: ClassVar[bool] = False
    tells_uncertainty: bool = True

    @abstractmethod
    def head(self, features: Any) -> Any:
        """The last layers of a network: features (N, F) to outputs (N, C), Keras tensors.

        Before training, kappa is near 0, the two ends of an axis are equally likely, sigma is near 1 and energies near 20 MeV:
        a network that starts sure of itself first has to unlearn that.
        """

    @abstractmethod
    def estimates(self, outputs: np.ndarray) -> Estimates:
        """Read combined outputs (n, C)."""

    @abstractmethod
    def lobes(self, outputs: np.ndarray) -> Lobes:
        """The density of combined outputs (n, C) as lobes; the likeliest points where the estimate does.

        Where the density is none of lobes, the closest of one: of the same mean direction and length of the unit vectors. Raises
        ValueError where the answer does not tell how sure it is.
        """

    def log_density(self, outputs: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Log of the probability density a steradian, (n, m), of combined outputs (n, C) at the unit vectors `at`: (m, 3) for
        all of them, or (n, m, 3). Raises as `lobes` does.
        """
        return self.lobes(outputs).log_density(at)

    def draw(self, outputs: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
        """Directions (n, size, 3), in the drift frame, drawn from the density of each of the combined outputs (n, C)."""
        return self.lobes(outputs).draw(size, rng)

    def of_several(self) -> Answer:
        """How combined outputs of several networks are read."""
        return self

    def likeliest(self, outputs: Any) -> Any:
        """The vector (N, 3) that the outputs, Keras tensors (N, C), hold likeliest."""
        return outputs[..., :3]

    def combined(self, outputs: np.ndarray) -> np.ndarray:
        """Average the outputs (K, n, C) of several views or networks into one (n, C).

        Vectors are averaged, so that the length of a mean of unit vectors tells how far they agree. Where they cancel, the
        direction is that of the first view, and the length stays near 0: nothing agrees.
        """
        outputs = np.asarray(outputs, np.float64)
        mean = outputs.mean(axis=0)
        cancelled = np.linalg.norm(mean[:, :3], axis=1) < SHORTEST_MEAN
        mean[cancelled, :3] = SHORTEST_MEAN * outputs[0, cancelled, :3]
        return mean

    def spread(self, outputs: np.ndarray, direction: np.ndarray) -> np.ndarray | None:
        """How far the outputs (K, n, C) of several views or networks are apart: mean angle in degrees (n,), over these, between
        the combined unit `direction` (n, 3) and the vector closest to it. None of one alone.

        Of an axis the closer end counts, of two lobes the closer lobe: which of them is likelier is said by their probability.
        """
        if len(outputs) == 1:
            return None
        outputs = np.asarray(outputs, np.float64)
        each = [np.sum(unit(outputs[..., start : start + 3]) * direction, axis=-1) for start in self.vectors]
        closest = np.max(np.abs(each) if self.both_ends else each, axis=0)
        return np.degrees(np.arccos(np.clip(closest, -1, 1))).mean(axis=0)

    def turned(self, outputs: np.ndarray, signs: np.ndarray) -> np.ndarray:
        """Outputs (n, C) as a symmetry of the drift frame, `signs` (n, 3) of its axes, turns them."""
        return transform_directions(outputs, signs, self.vectors)

    def beside(self, outputs: np.ndarray) -> dict[str, np.ndarray]:  # noqa: ARG002 (most say nothing more)
        """What the network says beside the direction, by the name under which it is saved, (n,)."""
        return {}


class UnitAnswer(Answer):
    """A unit vector first, which alone does not tell how sure it is; the agreement of several networks does."""

    tells_uncertainty = False

    def of_several(self) -> Answer:
        several = copy(self)
        several.tells_uncertainty = True
        return several

    def estimates(self, outputs: np.ndarray) -> Estimates:
        direction = unit(outputs[:, :3])
        if not self.tells_uncertainty:
            return Estimates(direction)
        kappa = _agreement(outputs)
        return Estimates(direction, angle_of_68(kappa), kappa)

    def lobes(self, outputs: np.ndarray) -> Lobes:
        if not self.tells_uncertainty:
            raise ValueError(f"the answer {self.name!r} of one network does not tell how sure it is; ask an ensemble")
        return Lobes.single(_agreement(outputs)[:, None] * unit(outputs[:, :3]))


def _agreement(outputs: np.ndarray) -> np.ndarray:
    """kappa (n,) of the members of an ensemble about their mean unit vector."""
    return concentration(np.linalg.norm(outputs[:, :3], axis=1))


@dataclass(frozen=True, eq=False)
class Loss:
    """A loss by the name that configurations know: its parameters, and what it trains a network to answer.

    `function(y_true, y_pred, **parameters)` is computed in Keras and gives (N,) from y_true, (N, 3) the true unit vector or
    (N, 5) with the electron's true kinetic energy in MeV and 1 for ES, 0 for CC behind it, either NaN where it is not known.
    It is finite, with a finite gradient, for outputs up to 1e15: for predictions equal or opposite to the truth, zero vectors,
    kappa from 0 to far above 1e6. (The usual arccos of a clipped product has no gradient at the truth.)
    """

    name: str
    answer: Answer
    parameters: type[LossParameters]
    function: Callable[..., Any]
