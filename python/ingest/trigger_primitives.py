"""Trigger primitives (TPs) as flat arrays: what the detector's readout delivers, and nothing of the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from python.detector.geometry import GEOMETRIES, LARGEST, locate_channel
from python.general_purpose_libs import DataError


@dataclass
class TriggerPrimitives:
    """N trigger primitives, arrays (N,), sorted by event, start and channel.

    `event` index of the event, `channel` global, `start` first sample in ticks, `sot` samples over threshold,
    `to_peak` samples from start to peak, `integral` ADC sum of the samples over threshold, `peak` highest ADC.
    """

    event: np.ndarray
    channel: np.ndarray
    start: np.ndarray
    sot: np.ndarray
    to_peak: np.ndarray
    integral: np.ndarray
    peak: np.ndarray

    def __post_init__(self) -> None:
        if len(self) and self.channel.min() < 0:
            raise DataError(f"channel {self.channel.min()} is negative, which no channel is; make the file again")
        if len(self) and self.channel.max() >= LARGEST.n_channels:
            raise DataError(
                f"channel {self.channel.max()} is beyond the {LARGEST.n_channels} of {LARGEST.name}, the largest geometry of "
                f"those that are known ({', '.join(GEOMETRIES)}); make the file again in one of these, or leave it out"
            )
        place = locate_channel(self.channel)
        self.apa, self.plane, self.local, self.face = place.apa, place.plane, place.local, place.face

    def __len__(self) -> int:
        return len(self.channel)

    @property
    def end(self) -> np.ndarray:
        """First tick after the last sample over threshold."""
        return self.start + self.sot

    def take(self, rows: np.ndarray | slice) -> TriggerPrimitives:
        """Return the TPs of the given rows, by number, mask or slice."""
        return TriggerPrimitives(*(getattr(self, field.name)[rows] for field in fields(self)))

    def moved(self, events: int) -> TriggerPrimitives:
        """Return the TPs with `events` added to the number of each one's event."""
        return replace(self, event=self.event + events)

    @classmethod
    def concatenate(cls, parts: Sequence[TriggerPrimitives]) -> TriggerPrimitives:
        """Return the TPs of all parts, at least one, in order."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))

    def order(self) -> np.ndarray:
        """Row numbers in canonical order: by event, start, channel."""
        return np.lexsort((self.channel, self.start, self.event))
