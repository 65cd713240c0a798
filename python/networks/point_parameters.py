"""Parameters of the networks that read the trigger primitives around a track as points."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict

from python.config.schema import PointParameters, decay_rate, learning_rate

Width = Annotated[float, Field(gt=0, le=100)]
Units = Annotated[int, Field(ge=1, le=8192)]


class PointNetworkParameters(PointParameters):
    drift_widths: Annotated[tuple[Width, ...], Strict(False)] = Field(
        (0.25, 1.0),
        description="Distances along the drift, in cm, within which a point sees the charge of all planes; [] for none.",
    )
    n_point_units: int = Field(128, ge=1, le=1024, description="Units of the layers that read each point.")
    n_context_rounds: int = Field(1, ge=0, le=6, description="Times that the points are read again, knowing the event.")
    dense_units: Annotated[tuple[Units, ...], Strict(False)] = Field(
        (256, 128), description="Units of each dense layer between the event and the output."
    )
    dropout_rate: float = Field(0.0, ge=0, lt=1, description="Share of units dropped after each dense layer.")
    learning_rate: float = learning_rate(3e-3)
    decay_rate: float = decay_rate(0.8)
