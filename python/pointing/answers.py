"""The angles of finished runs' answers, and of more answers: those to fit to, and those held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from python.comparison.direction_runs import direction_events
from python.general_purpose_libs import DataError
from python.pointing.angles import Angles
from python.runs.files import predictions_file
from python.runs.predictions import DirectionPredictions, read_predictions


@dataclass(frozen=True)
class Parts:
    """Angles to fit to, and of events that are held out and none of which is fitted to; what is to be told of them."""

    fitted: Angles
    held_out: Angles
    notes: list[str]


def read_parts(runs: Sequence[Path], more: Sequence[Path]) -> Parts:
    """The validation parts of runs and `more` files of answers to fit to, less the events of the test parts, which are held out.

    DataError names the file that is missing or damaged, or whose truth is not known.
    """
    to_fit = [(path, _read(path)) for path in (*(run / predictions_file("val") for run in runs), *more)]
    tests = [_read(run / predictions_file("test")) for run in runs]
    by_content = all(each.clusters.told_by_content for each in (*(each for _, each in to_fit), *tests))
    unseen = [event for each in tests for event in direction_events(each, by_content)]
    notes, fitted, seen, held_out = [], [], [], set(unseen)
    for path, each in to_fit:
        events = direction_events(each, by_content)
        kept = np.array([event not in held_out for event in events], bool)
        if not kept.all():
            notes.append(
                f"{path}: {np.sum(~kept)} of its {len(kept)} events are in a test part, which is held out: left out"
            )
        fitted.append(Angles.of(each).take(kept))
        seen += [event for event, keep in zip(events, kept, strict=True) if keep]
    for name, events in (("fitted to", seen), ("held out", unseen)):
        if len(set(events)) < len(events):
            again = f"{len(events)} answers that are {name} are to {len(set(events))} events"
            notes.append(
                f"{again}: several networks answered the same ones, and errors are rather larger than they say"
            )
    return Parts(Angles.concatenate(fitted), Angles.concatenate([Angles.of(each) for each in tests]), notes)


def _read(path: Path) -> DirectionPredictions:
    predictions = read_predictions(path, DirectionPredictions, tested=False)
    try:
        predictions.check_truth()
    except ValueError as error:
        raise DataError(
            f"{path}: {error}; likelihood tables need answers to events whose true direction is known, simulated ones"
        ) from error
    return predictions
