"""What the sharpness of a direction tells of the channel, beside the tagger's score.

The direction network was shown elastic scattering. Of charged-current events, whose nucleus adds photons of its own, it is less
sure, so of two candidates with the same score the sharper is elastic scattering more often. How much more depends on both
networks and on how alike they are, so it is told by simulated events for the two together (`benchmarks/channel_sharpness`), and
holds for no others.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from python.general_purpose_libs import read_json
from python.metrics.likelihood_ratio import LikelihoodRatio
from python.runs.shipped import read_card

TABLE = Path(__file__).parent / "tables" / "channel_sharpness.json"


def ratio_with_sharpness(channel: Path, direction: Path) -> LikelihoodRatio | None:
    """How much likelier a score and a sharpness together, `Lobes.log_mean_density` of the calibrated lobes, are for elastic
    scattering than for the charged current; None where the networks in these folders are others than it was made with."""
    table = read_json(TABLE)
    return LikelihoodRatio.of(table["ratio"]) if table["networks"] == digests_of(channel, direction) else None


def digests_of(channel: Path, direction: Path) -> dict[str, Any] | None:
    """What the cards of shipped networks list of their files; None where one has no card."""
    cards = {"channel": read_card(channel), "direction": read_card(direction)}
    files = {name: card["files"] for name, card in cards.items() if card is not None}
    return files if files.keys() == cards.keys() else None
