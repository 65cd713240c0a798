"""What older configurations of the electron-direction regressor mean today."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from python.config.legacy.draft import Draft, OlderKeys
from python.config.legacy.rules import (
    BUILD,
    DATASET,
    IN_MEMORY,
    MODEL_PARAMETERS,
    STOPPING,
    always,
    aside,
    each_to,
    only,
    to,
)
from python.config.legacy.volumes import DIVIDED, SHAPE, VOLUME, folder_of, window
from python.config.problems import shown

SYMMETRIES = {f"{DATASET}.augmentation": "symmetries", "prediction": "average_over"}
THREE_PLANES = {  # what older scripts built where a file said nothing else; normalisation and dropout were always there
    "n_conv_layers": 3, "n_filters": 32, "kernel_size": 3, "n_dense_layers": 2, "n_dense_units": 256, "dropout_rate": 0.3,
    "use_batch_norm": True, "learning_rate": 0.001,
}  # fmt: skip
NO_AUGMENTATION = 'rotations by any angle and zoom have no counterpart; take them out, or write "enabled": false'
SIZES = ("n_conv_layers", "n_filters", "n_dense_layers", "n_dense_units")

# ---------------------------------------------------------------------------- what scripts on volumes did
ON_VOLUMES = {"single_plane_cnn": "volume_cnn", "three_plane_cnn": "three_plane_volume_cnn"}
ON_THREE_PLANES = {**THREE_PLANES, "n_conv_layers": 5, "global_pooling": True}
ON_ONE_PLANE = {**THREE_PLANES, "n_conv_layers": 4, "n_dense_layers": 1, "global_pooling": False}
COSINE = {f"{MODEL_PARAMETERS}.loss.name": "cosine_similarity"}
STOPPED = {f"{MODEL_PARAMETERS}.early_stopping.patience": 15}
PLATEAU = {f"{MODEL_PARAMETERS}.reduce_lr.patience": 5, f"{MODEL_PARAMETERS}.reduce_lr.factor": 0.5}
LEAST_RATE = f"{MODEL_PARAMETERS}.reduce_lr.min_lr"
TWO_CUTS = {f"{DATASET}.{part}_fraction": share for part, share in {"train": 0.64, "val": 0.16, "test": 0.2}.items()}
UNORIENTED = (
    "volumes of older code do not say how they lie in the drift frame, in which directions are learnt: make them again with "
    "make_images.sh --volumes, and name their folder in data_directories"
)


def _network(draft: Draft, values: Mapping[str, Any], label: str) -> tuple[str, str]:
    if _is_of_volumes(draft, values):
        return _network_on_volumes(draft, values, label)
    if "single_plane" in label:
        return "single_plane_cnn", "its name says that it reads one plane"
    if "three_plane" in label:
        return "three_plane_cnn", "its name says that it reads three planes"
    if "simple_cnn" in label:
        return "single_plane_cnn", "older scripts of this name read one plane"
    return "three_plane_cnn", "nothing in the file decides, and this was the default of that time"


def _network_on_volumes(draft: Draft, values: Mapping[str, Any], label: str) -> tuple[str, str]:
    if "three_plane" in label or "single_plane" in label:
        plain = "three_plane_cnn" if "three_plane" in label else "single_plane_cnn"
        return ON_VOLUMES[plain], "its name says how many planes it reads, and the file is of volumes"
    if _is_cropped(draft):
        return "three_plane_volume_cnn", "windows were cut out of the volumes of three planes"
    if any(f"{BUILD}.{name}" in values for name in SIZES):
        return "three_plane_volume_cnn", "the older script on volumes that read such sizes took three planes"
    return "volume_cnn", "older files of volumes that name no sizes were of one plane, X"


def _is_of_volumes(draft: Draft, values: Mapping[str, Any]) -> bool:
    return _is_cropped(draft) or folder_of(values, "volume") is not None or values.get(SHAPE) == VOLUME


def _is_cropped(draft: Draft) -> bool:
    return bool({"crop_height", "crop_width"} & set(draft.together))


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
        _channel(draft, values)
        if _is_of_volumes(draft, values):
            _complete_volumes(draft, values)
        elif values.get("model_name") == "three_plane_cnn":
            draft.fill(values, _build(THREE_PLANES), "what the older scripts built")
            if draft.incremental:
                draft.fill(values, _build({"global_pooling": True}), "what the scripts that loaded batch by batch did")
    _without_symmetries(draft, values)


def _build(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{BUILD}.{name}": value for name, value in parameters.items()}


def _complete_volumes(draft: Draft, values: dict[str, Any]) -> None:
    """What the three older scripts on volumes did: one took three planes, one X, one a window of three planes."""
    draft.notes += [DIVIDED, UNORIENTED]
    named, cropped = values.get("model_name"), _is_cropped(draft)
    network = ON_VOLUMES.get(named, named) if isinstance(named, str) else named
    if network not in ON_VOLUMES.values():
        draft.fail(
            "model_name", f"is {shown(named)}, which does not read volumes; {' and '.join(ON_VOLUMES.values())} do"
        )
        return
    if network != named:
        draft.notes.append(f"{named} reads images of clusters, and the file is of volumes: took {network}")
    values["model_name"] = network
    window(draft, values)
    stops = any(target.startswith(STOPPING) for target in values)
    if network == "three_plane_volume_cnn" and not cropped:
        stopping = {} if stops else {**STOPPED, **PLATEAU, LEAST_RATE: 1e-6}
        draft.fill(values, {**_build(ON_THREE_PLANES), **COSINE, **stopping}, "what the older script on volumes did")
        return
    stopping = {} if stops else {**(STOPPED if cropped else {}), **PLATEAU, LEAST_RATE: 1e-7}
    selected = {} if network == "three_plane_volume_cnn" else {"selection.complete_match": False}
    split = {} if any(target in values for target in TWO_CUTS) else TWO_CUTS
    done = {**_build(ON_ONE_PLANE), **COSINE, **stopping, **selected, **split}
    draft.fill(values, done, "what the older scripts on volumes did")
    draft.notes.append(
        "the older script compared the components of the direction by their squares; of unit vectors that is cosine_similarity"
    )
    if network == "three_plane_volume_cnn":
        draft.notes.append("the older script stacked the planes; here each is read by convolutions of its own")


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


def _shown_as(flips: str) -> dict[str, Any]:
    """Images as they were stored then, directions in detector axes, and one question for each event."""
    frame = {"upstream": "old", "none": "raw"}[flips]
    return {
        "dataset_parameters": {"frame": frame, "augmentation": {"symmetries": []}},
        "prediction": {"average_over": []},
    }


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
    shown_as=_shown_as,
)
