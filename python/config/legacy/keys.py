"""What each key of the older dialects means: a rule per key and kind of section."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from python.config.legacy.bookkeeping import BOOKKEEPING
from python.config.legacy.draft import Draft, Rule, Said, architecture_name
from python.config.legacy.rules import (
    BUILD,
    DATASET,
    MODEL_PARAMETERS,
    always,
    as_list,
    aside,
    dropped,
    each_to,
    to,
)
from python.config.legacy.search import BUILD_KEYS, SYNONYMS, loss_name, read_section, read_space_options
from python.config.load import NPY_REASON
from python.config.problems import shown

SECTIONS = {  # the dotted path of a section, and what kind of keys it holds
    "training": "training", "training_parameters": "training",
    "data": "data", "data_parameters": "data", "dataset": "data", "dataset_parameters": "data",
    "output": "output", "save_outputs": "output",
    "model": "model",
    "model_parameters.build_parameters": "network", "model_parameters": "network", "model_params": "network",
    "": "top",
}  # fmt: skip


# ---------------------------------------------------------------------------- rules of their own
def _label(draft: Draft, source: str, value: Any) -> None:
    """An architecture, or a label beside one: known when the whole file is read."""
    if draft.label is not None and draft.label.value != value:
        draft.fail(source, f"is {shown(value)}, but {draft.label.source} is {shown(draft.label.value)}; remove one")
    draft.label = Said(source, value)


def _task(draft: Draft, source: str, value: Any) -> None:
    if value == draft.task or (
        isinstance(value, str) and value.startswith(f"{draft.task}_") and source == "task_label"
    ):
        draft.mapped.append(f"{source} -> task")
    else:
        draft.fail(source, f"is {shown(value)}, but the conversion is for {draft.task}; correct it or choose -t")


def _npy(draft: Draft, source: str, _value: Any) -> None:
    draft.fail(source, NPY_REASON)


def _incremental(draft: Draft, source: str, section: Any) -> None:
    """The section of a training batch by batch, whose keys stand at the top level in other files."""
    names = {
        "num_batches": "num_batches",
        "batch_size": "incremental_batch_size",
        "epochs_per_batch": "epochs_per_batch",
    }
    if not isinstance(section, dict):
        draft.fail(source, f"must be a section {{...}}, not {shown(section)}")
        return
    if section.get("enabled", True) is False:
        draft.drop(source, "it is switched off")
        return
    for key, value in section.items():
        if key in names:
            draft.aside(f"{source}.{key}", names[key], value)
        elif key != "enabled":
            draft.fail(
                f"{source}.{key}", "the conversion does not know what this key means; remove it if it changes nothing"
            )


def _of_channel(channel: str) -> Rule:
    """Folders with one channel: keys of their own, or two of the folders with data."""

    def rule(draft: Draft, source: str, value: Any) -> None:
        if draft.older.folders_by_channel:
            draft.say(source, f"{channel}_directories", as_list(value))
        else:
            draft.aside(source, channel, as_list(value))

    return rule


def _data_paths(draft: Draft, source: str, value: Any) -> None:
    """Folders with data, or a section with those of each channel."""
    if not isinstance(value, dict):
        draft.say(source, "data_directories", as_list(value))
        return
    for channel, folders in value.items():
        if channel in ("es", "cc"):
            _of_channel(channel)(draft, f"{source}.{channel}", folders)
        else:
            draft.fail(f"{source}.{channel}", "must be es or cc")


def _kind(draft: Draft, source: str, value: Any) -> None:
    if value == "single_plane":
        draft.mapped.append(f"{source} -> the network takes one plane")
    else:
        draft.say(source, "model_name", architecture_name(value))


def _loss_parameters(draft: Draft, source: str, value: Any) -> None:
    for key, one in (value if isinstance(value, dict) else {}).items():
        draft.say(f"{source}.{key}", f"{MODEL_PARAMETERS}.loss.{key}", one)
    if not isinstance(value, dict):
        draft.fail(source, f"must be a section {{...}}, not {shown(value)}")


def _batch_pattern(draft: Draft, source: str, value: Any) -> None:
    if isinstance(value, str) and (plane := re.search(r"plane([UVX])", value)):
        draft.plane_of_pattern = plane.group(1)
        value = value.replace(plane.group(), "plane{plane}")
    draft.say(source, f"{DATASET}.batch_pattern", value)


def _dense_units(draft: Draft, source: str, value: Any) -> None:
    """One number is one dense layer; a list has an entry a layer."""
    if isinstance(value, list):
        draft.say(source, f"{BUILD}.dense_units", value)
    else:
        draft.say(source, f"{BUILD}.n_dense_layers", 1)
        draft.say(source, f"{BUILD}.n_dense_units", value)


def _common_side(draft: Draft, source: str, target: str, sizes: list[Any]) -> None:
    """Sizes such as [3, 3], one a block, that are all the same square."""
    sides = [side for size in sizes for side in (size if isinstance(size, list) else [size])]
    if sides and all(side == sides[0] for side in sides):
        draft.say(source, target, sides[0])
    else:
        draft.fail(source, f"{shown(sizes)}: blocks that differ, or are not square, have no counterpart")


def _conv_blocks(draft: Draft, source: str, value: Any) -> None:
    keys = ("filters", "kernel_size", "pool_size")
    blocks = value if isinstance(value, list) else []
    if not blocks or any(not isinstance(block, dict) or set(block) != set(keys) for block in blocks):
        draft.fail(source, f"must be a list of sections {{{', '.join(keys)}}}, not {shown(value)}")
        return
    draft.say(source, f"{BUILD}.filters", [block["filters"] for block in blocks])
    for key in keys[1:]:
        _common_side(draft, source, f"{BUILD}.{key}", [block[key] for block in blocks])


def _kernel_sizes(draft: Draft, source: str, value: Any) -> None:
    _common_side(draft, source, f"{BUILD}.kernel_size", value if isinstance(value, list) else [value])


def _named_section(name: str, make: Callable[[Any], Any]) -> Rule:
    """A loss or an optimizer: its name alone, or a section with the name and parameters."""

    def rule(draft: Draft, source: str, value: Any) -> None:
        for key, one in (value if isinstance(value, dict) else {"name": value}).items():
            draft.say(source, f"{MODEL_PARAMETERS}.{name}.{key}", make(one) if key == "name" else one)

    return rule


def _stopping_section(name: str) -> Rule:
    def rule(draft: Draft, source: str, value: Any) -> None:
        if not isinstance(value, dict):
            draft.say(source, f"{MODEL_PARAMETERS}.{name}", value)
            return
        for key, one in value.items():
            draft.say(f"{source}.{key}", f"{MODEL_PARAMETERS}.{name}.{key}", one)

    return rule


def _notes(draft: Draft, source: str, value: Any) -> None:
    draft.say(source, f"notes.{source}", value)


# ---------------------------------------------------------------------------- the tables
DATA: dict[str, Rule] = {
    **each_to("", "plane", "data_directories"),
    **dict.fromkeys(("data_directory", "data_dir", "data_dirs", "data_path"), to("data_directories", make=as_list)),
    "data_paths": _data_paths,
    **{
        f"{channel}_{name}": _of_channel(channel)
        for channel in ("es", "cc")
        for name in ("directory", "directories", "dir", "data_dir", "path")
    },
    **each_to(
        DATASET, "train_fraction", "val_fraction", "test_fraction", "split_by", "random_seed", "max_samples",
        "balance_data", "balance_method", "aug_coefficient", "prob_per_flip", "augmentation", "old_flips",
    ),
    **{f"{part}_split": to(f"{DATASET}.{part}_fraction") for part in ("train", "val", "test")},
    "batch_size": to(f"{MODEL_PARAMETERS}.batch_size"),
    "batch_pattern": _batch_pattern,
    "shuffle": always(True, "training images are shuffled every epoch"),
    "shuffle_data": always(True, "training images are shuffled every epoch"),
    "input_data": _npy,
    "input_label": _npy,
}  # fmt: skip
MODEL: dict[str, Rule] = {
    "name": _label,
    "architecture": to("model_name", make=architecture_name),
    "type": _kind,
    "input_shape": to(f"{MODEL_PARAMETERS}.input_shape"),
    **each_to(BUILD, *BUILD_KEYS, "spatial_dropout"),
    **{name: to(f"{BUILD}.{own}") for name, own in SYNONYMS.items()},
    "dense_units": _dense_units,
    "dense_layers": _dense_units,
    "conv_blocks": _conv_blocks,
    "filter_list": to(f"{BUILD}.filters"),
    "kernel_sizes": _kernel_sizes,
}
TRAINING: dict[str, Rule] = {
    **each_to(MODEL_PARAMETERS, "epochs", "batch_size"),
    **each_to(BUILD, "learning_rate", "decay_rate"),
    **dict.fromkeys(("loss", "loss_function"), _named_section("loss", loss_name)),
    "loss_params": _loss_parameters,
    "optimizer": _named_section("optimizer", lambda name: name.lower() if isinstance(name, str) else name),
    "clipnorm": to(f"{MODEL_PARAMETERS}.optimizer.clipnorm"),
    "early_stopping": _stopping_section("early_stopping"),
    "early_stopping_patience": to(f"{MODEL_PARAMETERS}.early_stopping.patience"),
    "reduce_lr": _stopping_section("reduce_lr"),
    "reduce_lr_patience": to(f"{MODEL_PARAMETERS}.reduce_lr.patience"),
    "reduce_lr_factor": to(f"{MODEL_PARAMETERS}.reduce_lr.factor"),
    "reduce_lr_min_lr": to(f"{MODEL_PARAMETERS}.reduce_lr.min_lr"),
    "min_lr": to(f"{MODEL_PARAMETERS}.reduce_lr.min_lr"),
    **dict.fromkeys(("lr_schedule", "cosine_annealing_t0", "cosine_annealing_tmult"), aside),
    "validation_freq": always(1, "every epoch is validated"),
    "random_seed": to(f"{DATASET}.random_seed"),
    "save_every_epoch": to("save_outputs.every_epoch"),
    "hp_max_evals": to(f"{MODEL_PARAMETERS}.hp_max_evals"),
    "space_options": read_space_options,
}
OUTPUT: dict[str, Rule] = {
    **each_to("save_outputs", "sample_images", "tensorboard", "every_epoch"),
    "save_every_epoch": to("save_outputs.every_epoch"),
    "version": to("version"),
}
NETWORK = {**TRAINING, **MODEL}
TOP: dict[str, Rule] = {
    **DATA,
    **{key: rule for key, rule in NETWORK.items() if key not in ("name", "architecture", "type")},
    **each_to("", "version", "description", "device", "ensemble", "search", "batch_job"),
    **dict.fromkeys(("incremental_batch_size", "num_batches", "epochs_per_batch", "val_samples"), aside),
    "incremental": _incremental,
    **dict.fromkeys(("training_notes", "metadata"), _notes),
    "notes": to("notes.notes"),
    "hyperopt": read_section,
    "task": _task,
    "task_label": _task,
    "model": to("model_name", make=architecture_name),
    "model_type": to("model_name", make=architecture_name),
    "model_name": _label,
}
KEYS = {"data": DATA, "model": MODEL, "training": TRAINING, "output": OUTPUT, "network": NETWORK, "top": TOP}


def rule_of(draft: Draft, section: str, key: str) -> Rule | None:
    """The rule for `key` in `section` of the file, or None when there is none; what is mere bookkeeping is dropped."""
    rule = draft.older.rules.get(key) or KEYS[SECTIONS[section]].get(key)
    return dropped(BOOKKEEPING[key]) if rule is None and key in BOOKKEEPING else rule
