"""What older configurations of the electron-direction regressor mean today."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from python.config.legacy.draft import Draft, OlderKeys
from python.config.legacy.rules import BUILD, DATASET, IN_MEMORY, MODEL_PARAMETERS, always, aside, each_to, only, to
from python.config.problems import shown

SYMMETRIES = {f"{DATASET}.augmentation": "symmetries", "prediction": "average_over"}


THREE_PLANES = {  # what older scripts built where a file said nothing else; normalisation and dropout were always there
    "n_conv_layers": 3, "n_filters": 32, "kernel_size": 3, "n_dense_layers": 2, "n_dense_units": 256, "dropout_rate": 0.3,
    "use_batch_norm": True, "learning_rate": 0.001,
}  # fmt: skip
VOLUMES = "no network here gives directions from volumes; those on images of clusters or on points do"
NO_AUGMENTATION = 'rotations by any angle and zoom have no counterpart; take them out, or write "enabled": false'
SHAPE = f"{MODEL_PARAMETERS}.input_shape"


def _network(_values: Mapping[str, Any], label: str) -> tuple[str, str]:
    if "single_plane" in label:
        return "single_plane_cnn", "its name says that it reads one plane"
    if "three_plane" in label:
        return "three_plane_cnn", "its name says that it reads three planes"
    if "simple_cnn" in label:
        return "single_plane_cnn", "older scripts of this name read one plane"
    return "three_plane_cnn", "nothing in the file decides, and this was the default of that time"


def _augmentation(draft: Draft, source: str, value: Any) -> None:
    """The section of older files, which turned and stretched images; that of today passes."""
    older = {"enabled", "prob_flip_x", "prob_flip_y", "rotation_range", "zoom_range"}
    if not isinstance(value, dict) or not older & set(value):
        draft.say(source, f"{DATASET}.augmentation", value)
    elif value.get("enabled", True) is False:
        draft.drop(source, "it is switched off")
    else:
        draft.fail(source, f"{shown(value)}: {NO_AUGMENTATION}")


def _complete(draft: Draft, values: dict[str, Any]) -> None:
    if not draft.of_today:
        _refuse_volumes(draft, values)
        _channel(draft, values)
        if values.get("model_name") == "three_plane_cnn":
            defaults = {f"{BUILD}.{name}": value for name, value in THREE_PLANES.items()}
            draft.fill(values, defaults, "what the older scripts built")
            if draft.incremental:
                draft.fill(values, {f"{BUILD}.global_pooling": True}, "what the scripts that loaded batch by batch did")
    _without_symmetries(draft, values)


def _refuse_volumes(draft: Draft, values: dict[str, Any]) -> None:
    for name, said in draft.take("crop_height", "crop_width").items():
        draft.fail(name, f"{shown(said)}: {VOLUMES}")
    named = values.get("data_directories")
    folders = [folder for folder in (named if isinstance(named, list) else ()) if "volume" in str(folder)]
    if folders:
        draft.fail("data_directories", f"{shown(folders[0])} holds volumes: {VOLUMES}")
    elif values.get(SHAPE) == [208, 1242, 1]:
        draft.fail("input_shape", f"{shown(values[SHAPE])} is that of volumes: {VOLUMES}")


def _channel(draft: Draft, values: dict[str, Any]) -> None:
    """The folders say which interactions an older training took: it knew no other selection of them."""
    named = values.get("data_directories")
    told = {channel for folder in (named if isinstance(named, list) else ()) for channel in _told_by(str(folder))}
    if not any(target == "selection" or target == "selection.channel" for target in values) and "cc" in told:
        values["selection.channel"] = "mixed" if "es" in told else "cc"
        draft.notes.append(
            f"the folders are of {' and '.join(sorted(told))}, and older scripts took all that was in them: selection.channel is "
            f"{values['selection.channel']}"
        )


def _told_by(folder: str) -> set[str]:
    return {"es", "cc"} & set(re.split(r"[^a-z]+", folder.lower()))


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
        "augmentation": _augmentation,
        **dict.fromkeys(("crop_height", "crop_width"), aside),
        **dict.fromkeys(("filter_main_tracks", "filter_main_track_only"), to("selection.main_track")),
        "frame": to(f"{DATASET}.frame"),
        "require_three_plane_match": to("selection.complete_match"),
        "use_matched": only(True, "selection.complete_match"),
        "output_dim": always(3, "the output is a direction"),
        "normalize_output": always(True, "the direction is a unit vector"),
    },
    complete=_complete,
    network=_network,
    worth_naming=("selection.channel", "selection.main_track"),
    retired={("dataset_parameters", "loading"): "memory"},
)
