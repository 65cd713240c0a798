"""What the three networks say of the clusters of a burst: which of them may be electrons that neutrinos have struck."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Self

import numpy as np

from python.data.data_origin import DataOrigin
from python.data.metadata import UNKNOWN, vectors
from python.detector.drift_frame import to_detector_frame
from python.detector.geometry import TICK_US
from python.directions import find as directions
from python.directions.lobes import Lobes
from python.general_purpose_libs import ConfigError, log
from python.metrics.likelihood_ratio import LikelihoodRatio
from python.pointing.sharpness import ratio_with_sharpness
from python.runs.predictions import ClassPredictions, Clusters, DirectionPredictions
from python.training.task import SampleSet
from python.training.trained import Trained

MAIN_TRACK, ES = "main_track", "es"
KINDS = (ClassPredictions, ClassPredictions, DirectionPredictions)  # of answers, in the order of the networks
ARRAYS = (
    "time",
    "energy",
    "main_track",
    "es",
    "main_track_ratio",
    "es_ratio",
    "direction",
)  # of candidates, a row for each
NOT_ASKED = (np.nan, 0.0)  # score, and log of the likelihood ratio
Origin = Callable[[Trained], DataOrigin]  # where the data are that a network is asked about
Told = Callable[[str, int, int], None]  # which stage, how many are done, of how many


@dataclass(frozen=True)
class Networks:
    """The three networks of the chain, and what the answers of the last two say together of the channel, where that is known."""

    main_track: Trained
    channel: Trained
    direction: Trained
    sharpness: LikelihoodRatio | None = None

    @classmethod
    def of(cls, main_track: Trained, channel: Trained, direction: Trained) -> Self:
        """With what their answers say together, where it was found for these networks."""
        return cls(main_track, channel, direction, ratio_with_sharpness(channel.run, direction.run))

    def each(self) -> Mapping[str, Trained]:
        """By the names of their fields."""
        return {name: network for name, network in vars(self).items() if isinstance(network, Trained)}


@dataclass(frozen=True, eq=False)
class Truth:
    """What the simulation knows of N candidates, by which a result is judged when it stands, and never before.

    `flight` (N, 3) unit vectors along which the neutrinos flew, in detector axes, NaN where nothing is known; `is_es` (N,) 1
    elastic scattering, 0 charged current, -1 neither, or not known; `is_main_track` (N,) 1, 0, or -1 where it is not known.
    """

    flight: np.ndarray
    is_es: np.ndarray
    is_main_track: np.ndarray

    @classmethod
    def of(cls, table: np.ndarray) -> Self:
        """From rows of metadata."""
        momentum = vectors(table, "nu_momentum").astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            flight = momentum / np.linalg.norm(momentum, axis=1, keepdims=True)
        return cls(flight, table["is_es_interaction"].astype(np.int64), table["is_main_track"].astype(np.int64))

    def take(self, rows: np.ndarray) -> Truth:
        return Truth(*(getattr(self, each.name)[rows] for each in fields(self)))


@dataclass(frozen=True, eq=False)
class Candidates:
    """N clusters matched on three planes: which they are, and what is known of them without any truth.

    `time` int64 (N,) in ns by the clock of the source, -1 where it is not recorded; `energy` (N,) MeV, reconstructed. Scores:
    `main_track` (N,) that the cluster is the main track of its readout window, `es` (N,) that the interaction behind it is
    elastic scattering; and logs of how much likelier they are, at the cluster's energy, for a main track than for another cluster
    (`main_track_ratio`) and for elastic scattering than for the charged current (`es_ratio`, with what the sharpness of the lobes
    says of it where that is known). NaN and ratios of 0 where the tagger was not asked. `lobes` (N) are where the electron flew,
    `direction` (N, 3) its likeliest direction, in detector axes.
    The `truth` is passed on, and decides nothing.
    """

    clusters: Clusters
    time: np.ndarray
    energy: np.ndarray
    main_track: np.ndarray
    es: np.ndarray
    main_track_ratio: np.ndarray
    es_ratio: np.ndarray
    lobes: Lobes
    direction: np.ndarray
    truth: Truth

    def __len__(self) -> int:
        return len(self.energy)

    @classmethod
    def of(
        cls,
        main_track: ClassPredictions,
        channel: ClassPredictions,
        direction: DirectionPredictions,
        truth: Truth,
        sharpness: LikelihoodRatio | None = None,
    ) -> Self:
        """Those of which the networks of main tracks and directions have both answered; `truth` is that of the latter's clusters.

        `sharpness` is what a score and the sharpness of a direction say together of the channel. ConfigError where an answer does
        not tell what is needed of it.
        """
        mt, ct = _scores(main_track, MAIN_TRACK), _scores(channel, ES)
        keys = _keys(direction)
        rows = np.array([row for row, key in enumerate(keys) if key in mt], np.int64)
        if len(rows) < len(keys):
            log.warning("%d clusters are left out: the main-track identifier did not take them", len(keys) - len(rows))
        clusters = direction.clusters.take(rows)
        of_mt, of_ct = (np.array([told.get(keys[row], NOT_ASKED) for row in rows]).reshape(-1, 2) for told in (mt, ct))
        energy, lobes, es_ratio = clusters.cluster_energy.astype(np.float64), _lobes(direction).take(rows), of_ct[:, 1]
        if sharpness is not None:
            together = sharpness.log_ratio(of_ct[:, 0], energy, lobes.log_mean_density())
            es_ratio = np.where(np.isnan(of_ct[:, 0]), NOT_ASKED[1], together)
        return cls(
            clusters,
            _times(clusters),
            energy,
            of_mt[:, 0],
            of_ct[:, 0],
            of_mt[:, 1],
            es_ratio,
            lobes,
            np.asarray(direction.direction[rows], np.float64),
            truth.take(rows),
        )

    def take(self, rows: np.ndarray) -> Candidates:
        """Some of them, in order."""
        return Candidates(
            clusters=self.clusters.take(rows),
            lobes=self.lobes.take(rows),
            truth=self.truth.take(rows),
            **{name: getattr(self, name)[rows] for name in ARRAYS},
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Candidates]) -> Self:
        """Those of all parts, at least one, in order."""
        lobes = [part.lobes for part in parts]
        return cls(
            clusters=Clusters.concatenate([part.clusters for part in parts]),
            lobes=Lobes(
                np.concatenate([each.eta for each in lobes]), np.concatenate([each.probability for each in lobes])
            ),
            truth=Truth(
                *(np.concatenate([getattr(part.truth, each.name) for part in parts]) for each in fields(Truth))
            ),
            **{name: np.concatenate([getattr(part, name) for part in parts]) for name in ARRAYS},
        )


def find_candidates(networks: Networks, origin: Origin, min_energy: float, told: Told) -> Candidates:
    """Ask the networks about all matched clusters of at least `min_energy` MeV, by reconstructed energy.

    Raises DataError where the data lack what a network takes.
    """
    answers: dict[str, Any] = {}
    for (name, network), kind in zip(networks.each().items(), KINDS, strict=True):
        samples = _wanted(network.samples_of(origin(network)), min_energy)
        answers[name] = network.answers(samples, partial(told, name))
        if not isinstance(answers[name], kind):
            raise ConfigError(f"{network.run}: is a network of {network.task.schema.name}, which answers otherwise")
    return Candidates.of(**answers, truth=Truth.of(samples.metadata), sharpness=networks.sharpness)


def _wanted(samples: SampleSet, min_energy: float) -> SampleSet:
    table = samples.metadata
    wanted = (table["cluster_energy"] >= min_energy) & (table["match_id"] != UNKNOWN)
    return samples.keep(f"matched, {min_energy:g} MeV and more", wanted)


def _keys(answers: ClassPredictions | DirectionPredictions) -> list[tuple]:
    """What tells each cluster from all others, whichever plane it was seen on: its event, and the number of its match."""
    clusters = answers.clusters
    columns = clusters.event_columns(clusters.told_by_content)
    return list(zip(*columns, clusters.match_id.tolist(), strict=True))


def _scores(answers: ClassPredictions, name: str) -> Mapping[tuple, tuple[float, float]]:
    """The score of the class `name`, and the log of the likelihood ratio for it, by cluster."""
    names = answers.class_names.tolist()
    if len(names) != 2 or name not in names:
        raise ConfigError(
            f"a network tells {', '.join(names)} apart; pointing needs one that tells {name} from all else"
        )
    ratio, second = answers.log_likelihood_ratio, names.index(name) == 1
    if ratio is None:
        raise ConfigError(
            f"the scores for {name} are not calibrated, so they are no probabilities: train the network again, with 200 "
            "validation events of each class or more"
        )
    told = zip(answers.scores[:, names.index(name)].tolist(), (ratio if second else -ratio).tolist(), strict=True)
    return dict(zip(_keys(answers), told, strict=True))


def _times(clusters: Clusters) -> np.ndarray:
    time = np.full(len(clusters), UNKNOWN) if clusters.time is None else np.asarray(clusters.time, np.int64)
    if clusters.first_tick is None:
        return time
    return np.where(time == UNKNOWN, UNKNOWN, time + np.rint(clusters.first_tick * TICK_US * 1e3).astype(np.int64))


def _lobes(answers: DirectionPredictions) -> Lobes:
    """Where the electrons flew, in detector axes; calibrated where that is known how."""
    if answers.calibrated_eta_drift_frame is not None and answers.calibrated_probability is not None:
        told = Lobes(answers.calibrated_eta_drift_frame, answers.calibrated_probability)
    else:
        try:
            told = directions.answers()[answers.output_layout].lobes(answers.outputs)
        except ValueError as error:
            raise ConfigError(f"{error}; pointing needs a network that does, or an ensemble") from error
    n, n_lobes = told.probability.shape
    face = np.repeat(np.asarray(answers.clusters.face), n_lobes)
    return Lobes(to_detector_frame(told.eta.reshape(-1, 3), face).reshape(n, n_lobes, 3), told.probability)
