"""The metrics that tell a finished run in a line, and how they are written."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, TypeGuard

HEADLINES = {  # words for a metric, by its name in metrics.json; the first one that a run has stands for the run
    "accuracy": "accuracy {:.1%}",
    "containment_68_deg": "68 % within {:.1f}°",
    "f1": "F1 {:.3f}",
    "auc": "AUC {:.3f}",
    "es_efficiency_at_4_percent_cc_passing": "ES efficiency {:.1%} where 4 % of CC pass",
    "es_efficiency_at_4_percent_cc": "ES efficiency {:.1%} at 4 % contamination by CC",
    "median_deg": "median {:.1f}°",
    "head_tail_accuracy": "head-tail {:.1%}",
    "gkvm_containment_68_deg_above_5_mev": "weighted to gkvm, above 5 MeV: 68 % within {:.1f}°",
    "baseline_accuracy": "baseline accuracy {:.1%}",
    "baseline_auc": "baseline AUC {:.3f}",
}


def headlines(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Those of the metrics that are headlines and known, in the order of HEADLINES."""
    return {name: metrics[name] for name in HEADLINES if is_known(metrics.get(name))}


def is_known(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def in_words(results: Any) -> list[str]:
    """A phrase for each of the results, headlines first; values that are no numbers are left out."""
    if not isinstance(results, dict):
        return []
    known = headlines(results)
    others = {name: value for name, value in results.items() if name not in known and is_known(value)}
    return [phrase(name, value) for name, value in known.items()] + [
        f"{name} {value:.4g}" for name, value in others.items()
    ]


def phrase(name: str, value: float) -> str:
    """A headline in words."""
    return re.sub(r"(?<=\d)%", " %", HEADLINES[name].format(value))
