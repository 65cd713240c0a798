"""Figures, reports and the trees that networks are judged beside: most of the time of a small run, spared where nobody looks."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from matplotlib.figure import Figure
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

INSTEAD = {
    "python.training.classification.Classification.figures": lambda *_: {},
    "python.training.classification.Classification.sample_figures": lambda *_: ({}, Figure()),
    "mt_identifier.identifying.TrackIdentification.figures": lambda *_: {},
    "channel_tagging.tagging.ChannelTagging.figures": lambda *_: {},
    "python.plots.tagging.plot_temperature_calibration": lambda *_: Figure(),
    "electron_direction.regression.DirectionRegression._figures": lambda *_: {},
    "electron_direction.regression.DirectionRegression.sample_figures": lambda *_: ({}, Figure()),
    "python.training.outputs.save_figures": lambda *_: [],
    "python.training.outputs.write_report": lambda *_, **__: None,
    "sklearn.ensemble.RandomForestClassifier": lambda **options: RandomForestClassifier(
        **{**options, "n_estimators": 10}
    ),
    "sklearn.ensemble.HistGradientBoostingClassifier": lambda **options: HistGradientBoostingClassifier(
        **{**options, "max_iter": 10}
    ),
}


class NoDrawing:
    """Runs of this process draw nothing, write no report and grow few trees, from `begin` on."""

    def __init__(self) -> None:
        self.patches = pytest.MonkeyPatch()

    def begin(self) -> None:
        for place, nothing in INSTEAD.items():
            self.patches.setattr(place, nothing)

    def end(self) -> None:
        self.patches.undo()

    @contextmanager
    def lifted(self, *only: str) -> Iterator[None]:
        """Runs draw, inside: everything, with the report; or of all figures `only` those of these names are saved."""
        from python.training import outputs

        self.end()
        save = outputs.save_figures
        if only:
            self.patches.setattr(outputs, "write_report", INSTEAD["python.training.outputs.write_report"])
            self.patches.setattr(
                outputs,
                "save_figures",
                lambda figures, folder: save({name: figures[name] for name in only if name in figures}, folder),
            )
        try:
            yield
        finally:
            self.end()
            self.begin()
