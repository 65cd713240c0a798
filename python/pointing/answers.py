"""The angles of finished runs' answers, and of more answers: those to fit to, and those held out."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from python.comparison.direction_runs import direction_events
from python.general_purpose_libs import DataError
from python.pointing.angles import Angles
from python.runs.files import predictions_file
from python.runs.predictions import DirectionPredictions, read_predictions

MEASURES = ("electron_energy", "cluster_energy")  # arrays of answers; the first where all have it


@dataclass(frozen=True)
class Parts:
    """Angles to fit to, and of events that are held out and none of which is fitted to; which array of the answers their
    reconstructed `energy` is, one of MEASURES; what is to be told of them.
    """

    fitted: Angles
    held_out: Angles
    energy: str
    notes: list[str]


@dataclass(frozen=True)
class _Answers:
    """Angles of one file of answers, and what tells the event of each from all others."""

    path: Path
    angles: Angles
    cluster_energy: np.ndarray
    events: Sequence[Hashable]

    def take(self, rows: Iterable[int]) -> _Answers:
        chosen = np.array(sorted(rows), int)
        events = [self.events[row] for row in chosen]
        return _Answers(self.path, self.angles.take(chosen), self.cluster_energy[chosen], events)

    def among(self, events: Set[Hashable], wanted: bool = True) -> _Answers:
        """Those to clusters of these events, or of others."""
        return self.take(row for row, event in enumerate(self.events) if (event in events) == wanted)

    def main(self) -> _Answers:
        """Those to the cluster of most energy of each event: predict.sh answers for fragments and de-excitation too."""
        order = np.argsort(-np.nan_to_num(self.cluster_energy), kind="stable").tolist()
        return self.take({self.events[row]: row for row in reversed(order)}.values())


def read_parts(runs: Sequence[Path], more: Sequence[Path]) -> Parts:
    """The validation parts of runs, to fit to, and their test parts, held out. Of `more` files of answers, whose events may be of
    channels and spectra that no run was tested on, those to the cluster of most energy of each event count, and every other event
    is held out too: channels are mixed alike in both.

    DataError names the file that is missing or damaged, or whose truth is not known.
    """
    paths = [*(run / predictions_file(part) for part in ("val", "test") for run in runs), *more]
    answers, energy, notes = _read(paths)
    validated, tested, others = answers[: len(runs)], answers[len(runs) : 2 * len(runs)], answers[2 * len(runs) :]
    in_tests = _events(tested)
    for number, each in enumerate(others):
        others[number] = each.main()
        if len(others[number].events) < len(each.events):
            chosen = f"the clusters of most energy of its {len(others[number].events)} events"
            notes.append(f"{each.path}: of {len(each.events)} answers those to {chosen} count")
    for each in (*validated, *others):
        common = len(each.among(in_tests).events)
        if common:
            notes.append(
                f"{each.path}: {common} of its {len(each.events)} events are in a test part, held out: left out"
            )
    others = [each.among(in_tests, wanted=False) for each in others]
    half = set(list(dict.fromkeys(chain.from_iterable(each.events for each in others)))[1::2])
    to_fit = [each.among(in_tests | half, wanted=False) for each in (*validated, *others)]
    held_out = [*tested, *(each.among(half) for each in others)]
    for name, part in (("fitted to", to_fit), ("held out", held_out)):
        number, different = sum(len(each.events) for each in part), len(_events(part))
        if different < number:
            notes.append(f"{number} answers are {name}, to {different} events: errors are rather larger than they say")
    fitted, unseen = (Angles.concatenate([each.angles for each in part]) for part in (to_fit, held_out))
    return Parts(fitted, unseen, energy, notes)


def _events(answers: Sequence[_Answers]) -> set[Hashable]:
    return set(chain.from_iterable(each.events for each in answers))


def _read(paths: Sequence[Path]) -> tuple[list[_Answers], str, list[str]]:
    """The answers of each file, which of MEASURES their reconstructed energies are, and what is to be told of that."""
    found: list[DirectionPredictions] = []
    for path in paths:
        predictions = read_predictions(path, DirectionPredictions, tested=False)
        try:
            predictions.check_truth()
        except ValueError as error:
            raise DataError(
                f"{path}: {error}; likelihood tables need answers to events whose true direction is known, simulated ones"
            ) from error
        found.append(predictions)
    by_content = all(each.clusters.told_by_content for each in found)
    estimated = [each.electron_energy is not None for each in found]
    energy, notes = MEASURES[0 if all(estimated) else 1], []
    if any(estimated) and not all(estimated):
        lacking = ", ".join(str(path) for path, known in zip(paths, estimated, strict=True) if not known)
        notes.append(f"no {MEASURES[0]} in {lacking}: the tables of all are by {energy}")
    answers = []
    for path, each in zip(paths, found, strict=True):
        reconstructed = each.clusters.cluster_energy if each.electron_energy is None or notes else each.electron_energy
        events = [(*event, truth) for *event, _, truth in direction_events(each, by_content)]
        answers.append(_Answers(path, Angles.of(each, reconstructed), each.clusters.cluster_energy, events))
    return answers, energy, notes
