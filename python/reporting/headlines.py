"""The metrics that tell a finished run in a line, and how they are written."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Headline:
    """A metric's words, `{}` standing for its value, and whether a smaller value is a better one."""

    words: str
    smaller_is_better: bool = False

    def of(self, value: float) -> str:
        return re.sub(r"(?<=\d)%", " %", self.words.format(value))


HEADLINES = {  # by their names in metrics.json; the first one that a run has stands for the run
    "accuracy": Headline("accuracy {:.1%}"),
    "containment_68_deg": Headline("68 % within {:.1f}°", smaller_is_better=True),
    "f1": Headline("F1 {:.3f}"),
    "auc": Headline("AUC {:.3f}"),
    "es_efficiency_at_4_percent_cc": Headline("ES efficiency {:.1%} at 4 % of CC"),
    "median_deg": Headline("median {:.1f}°", smaller_is_better=True),
    "head_tail_accuracy": Headline("head-tail {:.1%}"),
    "gkvm_containment_68_deg_above_5_mev": Headline(
        "weighted to gkvm, above 5 MeV: 68 % within {:.1f}°", smaller_is_better=True
    ),
    "baseline_accuracy": Headline("baseline accuracy {:.1%}"),
    "baseline_auc": Headline("baseline AUC {:.3f}"),
}


def headlines(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Those of the metrics that are headlines and known, in the order of HEADLINES."""
    return {name: metrics[name] for name in HEADLINES if is_known(metrics.get(name))}


def is_known(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def in_words(results: Any) -> list[str]:
    """A phrase for each of the results, headlines first; values that are no numbers are left out."""
    if not isinstance(results, dict):
        return []
    known = headlines(results)
    others = {name: value for name, value in results.items() if name not in known and is_known(value)}
    return [HEADLINES[name].of(value) for name, value in known.items()] + [
        f"{name} {value:.4g}" for name, value in others.items()
    ]
