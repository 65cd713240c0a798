"""What older configurations of the channel tagger mean today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from python.config.legacy.draft import Draft, OlderKeys
from python.config.legacy.rules import BUILD, DATASET, MODEL_PARAMETERS, always, as_list, aside, to
from python.config.problems import shown

SHAPE = f"{MODEL_PARAMETERS}.input_shape"
VOLUME = [208, 1242, 1]
CLUSTERS = "names images of clusters; the taggers here read volumes or points, and none reads images of clusters"
FOLDERS = ("es_directories", "cc_directories", "data_directories")
OF_DOUBLING = {  # of older networks whose filters double: one dense layer, and on one plane an average over the image
    "simple_cnn": {f"{BUILD}.n_dense_layers": 1, f"{BUILD}.global_pooling": True},
    "three_plane_cnn": {
        f"{BUILD}.n_dense_layers": 2,
        f"{BUILD}.global_pooling": False,
        f"{BUILD}.use_batch_norm": True,
    },
}
OF_DEEP = {f"{BUILD}.pool_last": False, f"{BUILD}.global_pooling": True}
OF_WINDOWS = {f"{BUILD}.use_batch_norm": True, f"{MODEL_PARAMETERS}.early_stopping.patience": 10}
OF_RELOADING = {  # of scripts that drew new volumes every few epochs
    f"{MODEL_PARAMETERS}.reduce_lr.patience": 3,
    f"{MODEL_PARAMETERS}.reduce_lr.factor": 0.5,
    f"{MODEL_PARAMETERS}.reduce_lr.min_lr": 1e-6,
}


def _loading(streams: Any) -> Any:
    return {True: "streaming", False: "memory"}.get(streams, streams) if isinstance(streams, bool) else streams


def _network(values: Mapping[str, Any], label: str) -> tuple[str, str]:
    if "three_plane" in label:
        return "three_plane_cnn", "its name says that it reads three planes"
    if f"{BUILD}.filters" in values:
        return "deep_cnn", "filters of each block are named"
    if f"{BUILD}.n_filters" in values or f"{BUILD}.n_conv_layers" in values:
        return "simple_cnn", "it names the sizes of one"
    return "simple_cnn", "nothing in the file decides, and this was the default of that time"


def _complete(draft: Draft, values: dict[str, Any]) -> None:
    if draft.of_today:
        return
    _refuse_clusters(draft, values)
    _sight(draft, values)
    if f"{DATASET}.batch_pattern" not in values:
        values[f"{DATASET}.batch_pattern"] = "*_plane{plane}.npz"
        draft.notes.append("volumes of older code are named *_planeX.npz: batch_pattern finds them")
    draft.notes.append("older scripts divided each image by its largest value; here the charge keeps its scale")
    network = values.get("model_name")
    if network == "deep_cnn":
        draft.fill(values, OF_DEEP, "what the older network of this kind did")
        stopping = (f"{MODEL_PARAMETERS}.early_stopping", f"{MODEL_PARAMETERS}.reduce_lr")
        if not any(target.startswith(stopping) for target in values):
            window = values.get(f"{BUILD}.input_mode") == "cropped"
            draft.fill(values, OF_WINDOWS if window else OF_RELOADING, "what the older scripts did")
    elif isinstance(network, str) and network in OF_DOUBLING:
        draft.fill(values, OF_DOUBLING[network], "what the older network of this kind did")


def _refuse_clusters(draft: Draft, values: dict[str, Any]) -> None:
    for target in FOLDERS:
        named = values.get(target)
        for folder in named if isinstance(named, list) else ():
            if isinstance(folder, str) and "cluster_images" in folder:
                draft.fail(target, f"{shown(folder)} {CLUSTERS}")
                return


def _sight(draft: Draft, values: dict[str, Any]) -> None:
    """A window cut out of the volumes, by its sides or as a step before the network."""
    sides = draft.take("crop_height", "crop_width")
    before = draft.take("preprocessing").get("preprocessing")
    if sides and len(sides) < 2:
        draft.fail(next(iter(sides)), "crop_height and crop_width belong together")
    elif sides:
        _crop(draft, values, [sides["crop_height"], sides["crop_width"]])
    elif (
        isinstance(before, dict) and before.get("method") == "center_crop" and set(before) == {"method", "target_shape"}
    ):
        shape = before["target_shape"]
        _crop(draft, values, shape[:2] if isinstance(shape, list) else shape)
    elif before is not None:
        draft.fail("preprocessing", f"{shown(before)} has no counterpart; center_crop to a target_shape has")


def _crop(draft: Draft, values: dict[str, Any], sides: Any) -> None:
    values |= {f"{BUILD}.input_mode": "cropped", f"{BUILD}.crop_shape": sides}
    if values.get(SHAPE, VOLUME) != VOLUME:
        draft.notes.append(
            f"input_shape is that of the volumes, {VOLUME}, of which crop_shape {sides} is seen; the file's was the window's"
        )
    values[SHAPE] = VOLUME


OLDER = OlderKeys(
    rules={
        **dict.fromkeys(("streaming", "use_streaming", "streaming_mode"), to(f"{DATASET}.loading", make=_loading)),
        "loading": to(f"{DATASET}.loading"),
        **dict.fromkeys(("es_directory", "es_directories"), to("es_directories", make=as_list)),
        **dict.fromkeys(("cc_directory", "cc_directories"), to("cc_directories", make=as_list)),
        **dict.fromkeys(("crop_height", "crop_width", "preprocessing"), aside),
        **dict.fromkeys(("max_samples_per_class", "total_samples_per_class"), to(f"{DATASET}.max_samples_per_class")),
        "n_classes": always(2, "the classes are ES and CC"),
    },
    complete=_complete,
    network=_network,
    folders_by_channel=True,
)
