"""What older configurations of the electron-direction regressor mean today."""

from __future__ import annotations

from typing import Any

from python.config.legacy.draft import Draft, OlderKeys
from python.config.legacy.keys import DATASET, IN_MEMORY, always, each_to, only, to

SYMMETRIES = {f"{DATASET}.augmentation": "symmetries", "prediction": "average_over"}


def _without_symmetries(draft: Draft, values: dict[str, Any]) -> None:
    """Older networks saw every event as it is, and were asked once."""
    for section, key in SYMMETRIES.items():
        if section not in values:
            values[f"{section}.{key}"] = []
            draft.notes.append(f"the file asks for no symmetries of the drift frame: {section}.{key} is []")


OLDER = OlderKeys(
    rules={
        **IN_MEMORY,
        **each_to("", "selection", "prediction"),
        "frame": to(f"{DATASET}.frame"),
        "require_three_plane_match": to("selection.complete_match"),
        "use_matched": only(True, "selection.complete_match"),
        "output_dim": always(3, "the output is a direction"),
        "normalize_output": always(True, "the direction is a unit vector"),
    },
    complete=_without_symmetries,
    worth_naming=("selection.channel", "selection.main_track"),
    retired={("dataset_parameters", "loading"): "memory"},
)
