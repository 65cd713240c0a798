"""What older configurations of the channel tagger mean today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from python.config.legacy.draft import Draft, OlderKeys
from python.config.legacy.rules import BUILD, DATASET, MODEL_PARAMETERS, STOPPING, always, as_list, aside, to
from python.config.legacy.volumes import DIVIDED, folder_of, window
from python.config.problems import shown

CLUSTERS, ON_CLUSTERS = (
    "cluster_images",
    "cluster_cnn",
)  # what folders of such images are called, and the network on them
OF_CLUSTERS = {  # of the older network on images of clusters, which learned from each of them
    f"{BUILD}.use_batch_norm": True,
    f"{BUILD}.global_pooling": False,
    f"{BUILD}.pool_last": True,
    "selection.main_track": False,
}
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


def _network(_draft: Draft, values: Mapping[str, Any], label: str) -> tuple[str, str]:
    if folder_of(values, CLUSTERS) is not None:
        return ON_CLUSTERS, "its folders hold images of clusters"
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
    draft.notes.append(DIVIDED)
    if folder_of(values, CLUSTERS) is not None:
        _of_clusters(draft, values)
    else:
        _of_volumes(draft, values)


def _of_clusters(draft: Draft, values: dict[str, Any]) -> None:
    if values.get("model_name") != ON_CLUSTERS:
        folder, network = shown(folder_of(values, CLUSTERS)), shown(values.get("model_name"))
        draft.fail(
            "model_name", f"is {network}, which reads volumes, but {folder} names images of clusters: {ON_CLUSTERS}"
        )
    for name in draft.take("crop_height", "crop_width", "preprocessing"):
        draft.fail(name, "windows are cut out of volumes, not out of images of clusters")
    draft.fill(values, OF_CLUSTERS, "what the older network of this kind did")


def _of_volumes(draft: Draft, values: dict[str, Any]) -> None:
    window(draft, values)
    if f"{DATASET}.batch_pattern" not in values:
        values[f"{DATASET}.batch_pattern"] = "*_plane{plane}.npz"
        draft.notes.append("volumes of older code are named *_planeX.npz: batch_pattern finds them")
    network = values.get("model_name")
    if network == "deep_cnn":
        draft.fill(values, OF_DEEP, "what the older network of this kind did")
        if not any(target.startswith(STOPPING) for target in values):
            cropped = values.get(f"{BUILD}.input_mode") == "cropped"
            draft.fill(values, OF_WINDOWS if cropped else OF_RELOADING, "what the older scripts did")
    elif isinstance(network, str) and network in OF_DOUBLING:
        draft.fill(values, OF_DOUBLING[network], "what the older network of this kind did")


OLDER = OlderKeys(
    rules={
        **dict.fromkeys(("streaming", "use_streaming", "streaming_mode"), to(f"{DATASET}.loading", make=_loading)),
        "loading": to(f"{DATASET}.loading"),
        "selection": to("selection"),
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
