"""Figures and reports, which take most of the time of a small run: left out where no test looks at them."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from matplotlib.figure import Figure

INSTEAD = {
    "python.training.classification.Classification.figures": lambda *_: {},
    "python.training.classification.Classification.sample_figures": lambda *_: ({}, Figure()),
    "channel_tagging.tagging.ChannelTagging.figures": lambda *_: {},
    "channel_tagging.tagging.plot_temperature_calibration": lambda *_: Figure(),
    "electron_direction.regression.DirectionRegression._figures": lambda *_: {},
    "electron_direction.regression.DirectionRegression.sample_figures": lambda *_: ({}, Figure()),
    "python.training.outputs.save_figures": lambda *_: [],
    "python.training.outputs.write_report": lambda *_, **__: None,
}


class NoDrawing:
    """Runs of this process draw nothing and write no report, from `begin` on."""

    def __init__(self) -> None:
        self.patches = pytest.MonkeyPatch()

    def begin(self) -> None:
        for place, nothing in INSTEAD.items():
            self.patches.setattr(place, nothing)

    def end(self) -> None:
        self.patches.undo()

    @contextmanager
    def lifted(self) -> Iterator[None]:
        """Runs draw, inside."""
        self.end()
        try:
            yield
        finally:
            self.begin()
