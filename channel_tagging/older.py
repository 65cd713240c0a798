"""What older configurations of the channel tagger mean today."""

from __future__ import annotations

from typing import Any

from python.config.legacy.draft import OlderKeys
from python.config.legacy.keys import DATASET, always, as_list, to


def _loading(streams: Any) -> str:
    return "streaming" if streams else "memory"


OLDER = OlderKeys(
    rules={
        **dict.fromkeys(("streaming", "use_streaming"), to(f"{DATASET}.loading", make=_loading)),
        "loading": to(f"{DATASET}.loading"),
        "es_directory": to("es_directories", make=as_list),
        "cc_directory": to("cc_directories", make=as_list),
        "max_samples_per_class": to(f"{DATASET}.max_samples_per_class"),
        "n_classes": always(2, "the classes are ES and CC"),
    }
)
