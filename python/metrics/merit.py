"""Which way a metric is better, by the words of its name."""

from __future__ import annotations

_LARGER = {"accuracy", "precision", "recall", "f1", "auc", "efficiency", "rejection", "cosine", "cos"}
_SMALLER = {
    "deg",
    "angle",
    "reversed",
    "loss",
    "likelihood",
    "error",
    "ratio",
}  # of likelihoods the negative log is told
_NEITHER = {"baseline", "limit", "predicted", "bias", "low", "high"}


def larger_is_better(metric: str) -> bool | None:
    """Whether a larger value is better of a metric, or of what is followed in training; None for what ranks nothing."""
    words = set(metric.split("_"))
    if words & _NEITHER:
        return None
    if words & _LARGER:
        return True
    return False if words & _SMALLER else None


def loss_of(objective: str, metric: float) -> float:
    """What a search makes small: the metric, or its negative where a larger one is better."""
    return -metric if larger_is_better(objective) else metric
