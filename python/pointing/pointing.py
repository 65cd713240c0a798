"""From the candidates of a burst to where the star is, and whether that can be believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from python.pointing.burst_likelihood import BurstLikelihood
from python.pointing.candidates import Candidates
from python.pointing.numbers import CLASSES, FIT, FLUXES
from python.pointing.sky_map import DETECTOR, HIGHEST_ORDER, ICRS, SkyMap, angle_between, even_directions

FLUX_CHOICES = (*FLUXES, FIT)
_ROUGH_ORDER, _LOWEST_ORDER, _COARSE_ORDER = 3, 4, 6
_LEAST_BITS = 2.0  # of a map that points: less than a quarter of the sky
_WORST_FIT = -3.0  # standard deviations
_SEED = 1


@dataclass(frozen=True, eq=False)
class Pointing:
    """What was found of the `candidates` of at least `min_energy` MeV, under the spectra of a `flux`.

    `sky` is the map in ICRS where the `rotation` (3, 3) from detector axes to it is known, in detector axes otherwise.
    """

    candidates: Candidates
    min_energy: float
    flux: str
    likelihood: BurstLikelihood
    sky: SkyMap
    rotation: np.ndarray | None = None

    @classmethod
    def of(
        cls,
        candidates: Candidates,
        min_energy: float,
        flux: str = FIT,
        rotation: np.ndarray | None = None,
        highest_order: int = HIGHEST_ORDER,
    ) -> Pointing:
        """The smallest pixels are of the `highest_order`."""
        likelihood = BurstLikelihood.of(candidates, min_energy, flux)
        likelihood = likelihood.with_directions(even_directions(_ROUGH_ORDER))
        if rotation is None:
            sky = SkyMap.of(likelihood.log_likelihood, DETECTOR, _LOWEST_ORDER, highest_order)
        else:
            sky = SkyMap.of(lambda star: likelihood.log_likelihood(star @ rotation), ICRS, _LOWEST_ORDER, highest_order)
        return cls(candidates, min_energy, flux, likelihood, sky, rotation)

    @property
    def star(self) -> np.ndarray:
        """Unit vector (3,) to the likeliest place of the star, in detector axes."""
        return self.sky.peak if self.rotation is None else self.sky.peak @ self.rotation

    @property
    def numbers(self) -> Mapping[str, float]:
        """Candidates by class, as fitted."""
        return dict(zip(CLASSES, self.likelihood.shares.sum(axis=0).tolist(), strict=True))

    @cached_property
    def vector_mean(self) -> np.ndarray | None:
        """Unit vector (3,) to the star by another way, which knows nothing of lobes: against the mean of the electrons'
        directions, each as likely as it is elastic scattering. None where they cancel."""
        mean = self.likelihood.shares[:, 0] @ self.candidates.direction if len(self.candidates) else np.zeros(3)
        length = np.linalg.norm(mean)
        return -mean / length if length > 0 else None

    @cached_property
    def vector_mean_error(self) -> float:
        """How far off in degrees the `vector_mean` may be by chance: as the sum of so many vectors that point anywhere."""
        share = self.likelihood.shares[:, 0]
        by_chance = np.sqrt(2 / 3 * np.sum(share**2))
        return float(np.degrees(np.arctan2(by_chance, np.linalg.norm(share @ self.candidates.direction))))

    @cached_property
    def consistency(self) -> float:
        """By how many standard deviations the candidates fit the direction better than they should, were all true that is
        assumed; 0 where there is nothing to tell it by."""
        expected, spread = self.likelihood.expected(np.random.default_rng(_SEED))
        found = float(self.likelihood.log_likelihood(self.star[None])[0])
        two_angles_fitted = 1.0  # by which the best direction is better than the true one, on average
        return (found - two_angles_fitted - expected) / spread if spread > 0 else 0.0

    def in_frame(self, vectors: np.ndarray) -> np.ndarray:
        """Vectors (n, 3) in detector axes, turned into the frame of the map."""
        return vectors if self.rotation is None else vectors @ self.rotation.T

    def warnings(self) -> list[str]:
        """What whoever reads the map should know, in words."""
        said = []
        untagged = int(np.isnan(self.candidates.es).sum())
        if untagged:
            said.append(f"{untagged} candidates were not tagged: the channel tagger did not take them")
        if len(self.candidates) < 2:
            said.append(f"{len(self.candidates) or 'no'} candidate: the map says next to nothing")
        elif self.sky.information < _LEAST_BITS:
            said.append(
                f"the candidates do not point: the map is {self.sky.information:.1f} bits narrower than an even sky; take it "
                "for none"
            )
        if self.consistency < _WORST_FIT:
            said.append(
                f"the candidates fit the direction by {-self.consistency:.1f} standard deviations worse than they should: some "
                "are not what the networks take them for, so regions may be too small"
            )
        if self.vector_mean is not None and self.sky.information >= _LEAST_BITS:
            apart = float(angle_between(self.vector_mean, self.star))
            if apart > 3 * np.hypot(float(self.sky.radius(0.68)), self.vector_mean_error):
                said.append(
                    f"the mean of the directions is {apart:.0f} degrees from the likeliest one, more than both are uncertain by"
                )
        return said

    def other_fluxes(self) -> dict[str, dict[str, float]]:
        """What each other assumption of the spectra changes: the angle to the direction found, the radius that holds 68 %, and by
        how much the candidates are likelier."""
        found = {}
        best = float(self.likelihood.log_likelihood(self.star[None])[0])
        for flux in FLUX_CHOICES:
            if flux == self.flux:
                continue
            other = Pointing.of(self.candidates, self.min_energy, flux, highest_order=_COARSE_ORDER)
            found[flux] = {
                "degrees_away": float(angle_between(other.star, self.star)),
                "radius_68_deg": float(other.sky.radius(0.68)),
                "electrons_scattered": other.numbers["es"],
                "log_likelihood_of_direction": float(other.likelihood.log_likelihood(other.star[None])[0]) - best,
            }
        return found
