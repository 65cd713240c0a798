"""What a network answered for clusters or volumes: which they are, the answers, and the truth where it is known.

The fields of these records are the arrays of a file of predictions, under their names: a run's test_predictions.npz and
val_predictions.npz, and what predict.sh writes. They are written here and read here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import numpy as np

from python.data.array_rules import ArrayRule, checked
from python.data.metadata import UNKNOWN
from python.data.npz import read_npz, write_npz
from python.data.optional_arrays import concatenated_if_known
from python.data.sources import Source, source_arrays
from python.general_purpose_libs import DataError
from python.metrics.classification import check_classification
from python.metrics.directions import DirectionResults
from python.metrics.tagging import with_temperature

REMEDY = "train the run again, or leave it out"


def _array(kinds: str, *axes: str, optional: bool = False, truth: bool = False, **limits: Any) -> Any:
    """A field that a file holds as an array; see ArrayRule. Optional ones are None where older code left none.

    Truth is -1 or NaN where it is not known, and a file may leave it out where nothing is.
    """
    default: Any = None if optional else MISSING
    rule = {"kinds": kinds, "axes": axes, **limits}
    return field(default=default, metadata={"rule": rule, "optional": optional, "truth": truth})


def _probabilities(optional: bool = False) -> Any:
    return _array("f", "n", "classes", optional=optional, lowest=0, highest=1.001, finite=True)  # rounding included


@dataclass(frozen=True, eq=False, kw_only=True)
class Clusters:
    """Which N clusters or volumes, and their energies in MeV.

    `source` (N,) counts in the S `sources`, names of files; `source_ids` (S,) are digests of their content, "" where it is not
    recorded. `row` (N,) are the rows of the samples that were asked about. Optional arrays are None where older code left
    none; of the others, unknown integers are -1 and unknown energies NaN. The columns are those of `python.data.metadata`.
    """

    row: np.ndarray | None = _array("iu", "n", optional=True)
    sources: np.ndarray = _array("U", "sources", least=1)
    source_ids: np.ndarray | None = _array("U", "sources", optional=True)
    source: np.ndarray = _array("iu", "n", below="sources")
    run: np.ndarray | None = _array("iu", "n", optional=True)
    subrun: np.ndarray | None = _array("iu", "n", optional=True)
    event: np.ndarray = _array("iu", "n")
    time: np.ndarray | None = _array("iu", "n", optional=True)
    plane: np.ndarray = _array("iu", "n")
    match_id: np.ndarray = _array("iu", "n")
    apa: np.ndarray | None = _array("iu", "n", optional=True)
    face: np.ndarray | None = _array("iu", "n", optional=True, lowest=-1, highest=1)
    first_channel: np.ndarray | None = _array("iu", "n", optional=True)
    first_tick: np.ndarray | None = _array("iu", "n", optional=True)
    cluster_energy: np.ndarray = _array("f", "n")
    true_electron_energy: np.ndarray = _array("f", "n", truth=True)
    true_nu_energy: np.ndarray = _array("f", "n", truth=True)

    @classmethod
    def of(cls, metadata: np.ndarray, sources: Sequence[Source], rows: np.ndarray) -> Self:
        """Those of the `rows` of a table of metadata, whose sources are counted in `sources`."""
        table, known = metadata[rows], set(metadata.dtype.names or ())
        columns = [each.name for each in fields(cls) if each.name in known]
        return cls(row=rows, **source_arrays(sources), **{name: table[name] for name in columns})

    def __len__(self) -> int:
        return len(self.event)

    def take(self, rows: np.ndarray) -> Self:
        """Those of some rows, in order."""
        known = {name: getattr(self, name) for name in _of_each_cluster()}
        return replace(self, **{name: values[rows] for name, values in known.items() if values is not None})

    @classmethod
    def concatenate(cls, parts: Sequence[Clusters]) -> Self:
        """Those of all parts, at least one, in order; what one of them does not record is recorded of none."""
        firsts = np.cumsum([0, *(len(part.sources) for part in parts)])
        joined: dict[str, Any] = {
            name: concatenated_if_known([getattr(part, name) for part in parts])
            for name in ("sources", "source_ids", *_of_each_cluster())
        }
        source = [part.source + first for part, first in zip(parts, firsts, strict=False)]
        return cls(**{**joined, "source": np.concatenate(source)})

    @property
    def told_by_content(self) -> bool:
        """Whether all sources are known by their content; of older code and data only the names are known."""
        if self.source_ids is None or self.run is None or self.subrun is None:
            return False
        return all(self.source_ids.tolist())

    def event_columns(self, by_content: bool) -> list[list]:
        """What tells the event of each cluster: the digest of its source with run, subrun and event, else source's name and
        event."""
        if not by_content:
            return [self.sources[self.source].tolist(), self.event.tolist()]
        if self.source_ids is None or self.run is None or self.subrun is None:
            raise ValueError("the content of the sources is not recorded; tell events apart by name")
        numbers = (self.run, self.subrun, self.event)
        return [self.source_ids[self.source].tolist(), *(each.tolist() for each in numbers)]


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a network answered for N `clusters`."""

    clusters: Clusters
    needed: ClassVar[tuple[str, ...]] = ()  # of the clusters, beyond what every file tells

    def __len__(self) -> int:
        return len(self.clusters)

    def arrays(self) -> dict[str, np.ndarray]:
        """All that there is, as a file holds it."""
        own = {each.name: getattr(self, each.name) for each in _arrays_of(type(self))}
        of_clusters = {each.name: getattr(self.clusters, each.name) for each in _arrays_of(Clusters)}
        return {name: np.asarray(values) for name, values in (own | of_clusters).items() if values is not None}

    def known_arrays(self) -> dict[str, np.ndarray]:
        """The same without truth of which nothing is known."""
        truth = {each.name for each in (*_arrays_of(type(self)), *_arrays_of(Clusters)) if each.metadata["truth"]}
        return {name: values for name, values in self.arrays().items() if name not in truth or _anything_known(values)}

    def without_rows(self) -> Self:
        """The same where the samples that were asked about are not kept."""
        return replace(self, clusters=replace(self.clusters, row=None))

    def check_truth(self) -> None:
        """Raise ValueError where answers and truth cannot be compared."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False, kw_only=True)
class ClassPredictions(Predictions):
    """Of a classifier: probabilities `scores` (N, C) of its classes `class_names` (C,), and the true classes `labels` (N,), -1
    where they are not known. With a `temperature` there are `calibrated_scores` (N, C). Of two classes, `log_likelihood_ratio`
    (N,) is by how much likelier a score is for the second than for the first at the energy of its cluster.
    """

    scores: np.ndarray = _probabilities()
    labels: np.ndarray = _array("iu", "n", truth=True)
    class_names: np.ndarray = _array("U", "classes")
    temperature: float | None = _array("f", optional=True)
    calibrated_scores: np.ndarray | None = _probabilities(optional=True)
    log_likelihood_ratio: np.ndarray | None = _array("f", "n", optional=True, finite=True)

    def calibrated(self, temperature: float) -> ClassPredictions:
        """The same with the scores that the temperature makes of these."""
        return replace(self, temperature=temperature, calibrated_scores=with_temperature(self.scores, temperature))

    def check_truth(self) -> None:
        check_classification(self.labels, self.scores, self.class_names.tolist())


@dataclass(frozen=True, eq=False, kw_only=True)
class DirectionPredictions(Predictions):
    """Of a regressor of directions: unit vectors (N, 3) in detector axes and in the drift frame.

    What is known of how sure they are: `predicted_68_deg` (N,), the angle that holds 68.27 %, the concentration `kappa` (N,)
    and the probability `head_probability` (N,) that the direction is not the opposite one; of several views or networks
    together the spread `spread_deg` (N,), the mean angle between their directions and this one. `outputs` (N, C) are the
    network's own, laid out as the answer `output_layout`, and `beside` is what it says of other things, (N,) each. The truth, NaN
    where it is not known, and `is_es` (N,): 1 elastic scattering, 0 charged current, -1 not known.

    Where answers are calibrated: `calibrated_eta_drift_frame` (N, L, 3), each kappa times the axis of a von Mises-Fisher lobe, 0
    for the last, which is the same everywhere, and `calibrated_probability` (N, L) of each lobe; together they are the density of
    the true direction. The angle `calibrated_68_deg` (N,) about the direction holds 68.27 % of it, and
    `calibrated_head_probability` (N,) is that of the half of the sphere about the direction.

    Of networks that read points: `point_sums` (N, 3, 3) of all points around each cluster, see `python.data.point_sums`, and, if
    that is calibrated, `electron_energy` (N,) in MeV, the electron's kinetic energy as it is estimated from them.
    """

    needed: ClassVar[tuple[str, ...]] = ("face",)
    direction: np.ndarray = _array("f", "n", "3", finite=True)
    true_direction: np.ndarray = _array("f", "n", "3", truth=True)
    direction_drift_frame: np.ndarray = _array("f", "n", "3", finite=True)
    true_direction_drift_frame: np.ndarray = _array("f", "n", "3", truth=True)
    is_es: np.ndarray = _array("iu", "n", truth=True)
    outputs: np.ndarray = _array("f", "n", "outputs")
    output_layout: str = _array("U")
    predicted_68_deg: np.ndarray | None = _array("f", "n", optional=True, lowest=0)
    kappa: np.ndarray | None = _array("f", "n", optional=True)
    head_probability: np.ndarray | None = _array("f", "n", optional=True)
    spread_deg: np.ndarray | None = _array("f", "n", optional=True, lowest=0)
    calibrated_eta_drift_frame: np.ndarray | None = _array("f", "n", "lobes", "3", optional=True, finite=True)
    calibrated_probability: np.ndarray | None = _array("f", "n", "lobes", optional=True, lowest=0, highest=1.001)
    calibrated_68_deg: np.ndarray | None = _array("f", "n", optional=True, lowest=0)
    calibrated_head_probability: np.ndarray | None = _array("f", "n", optional=True, lowest=0, highest=1.001)
    point_sums: np.ndarray | None = _array("f", "n", "3", "3", optional=True, lowest=0, finite=True)
    electron_energy: np.ndarray | None = _array("f", "n", optional=True, lowest=0, finite=True)
    beside: Mapping[str, np.ndarray] = field(default_factory=dict)

    def arrays(self) -> dict[str, np.ndarray]:
        return {**super().arrays(), **self.beside}

    def results(self, calibrated: bool = False) -> DirectionResults:
        """The directions beside the true ones, with the uncertainty that the network says or the `calibrated` one.

        ValueError where the truth, or the sides of the wire planes, are not known.
        """
        clusters = self.clusters
        if clusters.face is None:
            raise ValueError("the sides of the wire planes (face) are not known")
        return DirectionResults(
            truth=self.true_direction_drift_frame,
            predicted=self.direction_drift_frame,
            face=clusters.face,
            true_energy=clusters.true_electron_energy,
            reconstructed_energy=clusters.cluster_energy,
            predicted_68_deg=self.calibrated_68_deg if calibrated else self.predicted_68_deg,
        )

    def check_truth(self) -> None:
        self.results()


# ---------------------------------------------------------------------------- files
Kind = TypeVar("Kind", bound=Predictions)


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write a file of predictions. Raises OutputError."""
    write_npz(path, predictions.arrays())


def write_answers(path: Path, predictions: Predictions, said: Mapping[str, Any]) -> None:
    """Write a file of answers to a question of its own: without truth of which nothing is known, with single values that are
    `said` of them. Raises OutputError."""
    write_npz(path, {**predictions.without_rows().known_arrays(), **said})


def read_predictions(path: str | os.PathLike, kind: type[Kind], *, tested: bool = True) -> Kind:
    """Read a file of predictions: of a part that was `tested`, whose truth is known, or any.

    Files of older runs may lack some arrays. DataError names the file and the array that is missing or wrong.
    """
    arrays = read_npz(path)
    clusters, own = _arrays_of(Clusters), _arrays_of(kind)
    rules = [
        ArrayRule(each.name, **each.metadata["rule"])
        for each in (*own, *clusters)
        if each.name in arrays or each.name in kind.needed or _is_always_there(each, tested)
    ]
    found = checked(arrays, rules, path, REMEDY)
    more = {"beside": _beside(arrays, found)} if kind is DirectionPredictions else {}
    found = {each.name: _unknown(each, found) for each in (*own, *clusters) if each.metadata["truth"]} | found
    predictions = kind(Clusters(**_values(clusters, found)), **_values(own, found), **more)
    if tested:
        try:
            predictions.check_truth()
        except ValueError as error:
            raise DataError(f"{path}: {error}; {REMEDY}") from error
    return predictions


def _of_each_cluster() -> list[str]:
    """Names of the arrays of `Clusters` that have a value for each."""
    return [each.name for each in _arrays_of(Clusters) if each.metadata["rule"]["axes"] == ("n",)]


def _arrays_of(record: type) -> list[Field]:
    return [each for each in fields(record) if "rule" in each.metadata]


def _is_always_there(each: Field, tested: bool) -> bool:
    return tested if each.metadata["truth"] else not each.metadata["optional"]


def _values(arrays: Sequence[Field], found: Mapping[str, np.ndarray]) -> dict[str, Any]:
    values = {each.name: found[each.name] for each in arrays if each.name in found}
    return {name: array.item() if array.ndim == 0 else array for name, array in values.items()}


def _beside(arrays: Mapping[str, np.ndarray], found: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What a file holds for each cluster beyond what is declared."""
    n = found["event"].shape
    return {name: array for name, array in arrays.items() if name not in found and array.shape == n}


def _unknown(truth: Field, found: Mapping[str, np.ndarray]) -> np.ndarray:
    rule = truth.metadata["rule"]
    shape = (len(found["event"]), *map(int, rule["axes"][1:]))
    return np.full(shape, UNKNOWN) if "i" in rule["kinds"] else np.full(shape, np.nan)


def _anything_known(values: np.ndarray) -> bool:
    return bool(np.any(values != UNKNOWN if values.dtype.kind == "i" else np.isfinite(values)))
