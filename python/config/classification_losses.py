"""Parameters of the losses of a classifier."""

from __future__ import annotations

from pydantic import Field

from python.config.task_schema import LossParameters


class CrossEntropyParameters(LossParameters):
    """Cross-entropy, of two classes or of several, has no parameters."""


class FocalParameters(LossParameters):
    """Focal loss (Lin et al., arXiv:1708.02002): -alpha (1 - p)^gamma log p of the true class's probability p."""

    gamma: float = Field(2.0, ge=0, le=10, description="Focus on hard examples; 0 is cross-entropy.")
    alpha: float | None = Field(
        0.25, gt=0, lt=1, description="Weight of class 1, 1 - alpha of class 0; null: no weights."
    )


class MulticlassFocalParameters(LossParameters):
    """Focal loss of several classes, which has no class weights."""

    gamma: float = Field(2.0, ge=0, le=10, description="Focus on hard examples; 0 is cross-entropy.")
