"""What each key of the older dialects means: a rule per key and kind of section."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from python.config.legacy.draft import Draft, Rule, Said, architecture_name
from python.config.legacy.search import BUILD_KEYS, loss_name, read_section, read_space_options
from python.config.load import NPY_REASON
from python.config.problems import shown

DATASET, MODEL_PARAMETERS = "dataset_parameters", "model_parameters"
BUILD = f"{MODEL_PARAMETERS}.build_parameters"
SECTIONS = {  # the dotted path of a section, and what kind of keys it holds
    "training": "training", "training_parameters": "training",
    "data": "data", "data_parameters": "data", "dataset": "data", "dataset_parameters": "data",
    "output": "output", "save_outputs": "output",
    "model": "model",
    "model_parameters.build_parameters": "network", "model_parameters": "network", "model_params": "network",
    "": "top",
}  # fmt: skip


# ---------------------------------------------------------------------------- makers of rules
def to(target: str, *, make: Callable[[Any], Any] = lambda value: value) -> Rule:
    """The key becomes `target`."""
    return lambda draft, source, value: draft.say(source, target, make(value))


def each_to(section: str, *names: str) -> dict[str, Rule]:
    """Keys that keep their names within `section`."""
    return {name: to(f"{section}.{name}" if section else name) for name in names}


def always(required: Any, fact: str) -> Rule:
    """The key must say what is always so here."""

    def rule(draft: Draft, source: str, value: Any) -> None:
        if value == required and type(value) is type(required):
            draft.mapped.append(f"{source} -> {fact}")
        else:
            draft.fail(source, f"{shown(value)} has no counterpart: {fact}")

    return rule


def only(required: Any, target: str) -> Rule:
    """The key becomes `target` where it says this; anything else has no counterpart."""

    def rule(draft: Draft, source: str, value: Any) -> None:
        if value == required and type(value) is type(required):
            draft.say(source, target, value)
        else:
            draft.fail(source, f"{shown(value)} has no counterpart, only {shown(required)} has: {target}")

    return rule


def dropped(reason: str) -> Rule:
    """Logging, paths of other machines, and what every run keeps anyway."""
    return lambda draft, source, _value: draft.drop(source, reason)


# ---------------------------------------------------------------------------- rules of their own
def _label(draft: Draft, source: str, value: Any) -> None:
    """An architecture, or a label beside one: known when the whole file is read."""
    if draft.label is not None and draft.label.value != value:
        draft.fail(source, f"is {shown(value)}, but {draft.label.source} is {shown(draft.label.value)}; remove one")
    draft.label = Said(source, value)


def _task(draft: Draft, source: str, value: Any) -> None:
    if value == draft.task:
        draft.mapped.append(f"{source} -> task")
    else:
        draft.fail(source, f"is {shown(value)}, but the conversion is for {draft.task}; correct it or choose -t")


def _npy(draft: Draft, source: str, _value: Any) -> None:
    draft.fail(source, NPY_REASON)


def _incremental(draft: Draft, source: str, value: Any) -> None:
    draft.incremental[source] = value
    draft.mapped.append(f"{source} -> {DATASET}.max_samples and {MODEL_PARAMETERS}.epochs")


def _batch_pattern(draft: Draft, source: str, value: Any) -> None:
    if isinstance(value, str) and (plane := re.search(r"plane([UVX])", value)):
        draft.plane_of_pattern = plane.group(1)
        value = value.replace(plane.group(), "plane{plane}")
    draft.say(source, f"{DATASET}.batch_pattern", value)


def _in_memory(draft: Draft, source: str, _value: Any) -> None:
    draft.drop(source, "images are stored sparse and fit into memory; the training is the same")


def as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


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
KEPT = dropped("every run keeps it")
OTHER_MACHINE = dropped("a path of another machine; runs go to output, or where -o says")
LOGGING = dropped("logging")

DATA: dict[str, Rule] = {
    **each_to("", "plane", "data_directories"),
    "data_directory": to("data_directories", make=as_list),
    **each_to(
        DATASET, "train_fraction", "val_fraction", "test_fraction", "split_by", "random_seed", "max_samples",
        "balance_data", "balance_method", "aug_coefficient", "prob_per_flip", "augmentation", "old_flips",
    ),
    **{f"{part}_split": to(f"{DATASET}.{part}_fraction") for part in ("train", "val", "test")},
    "batch_pattern": _batch_pattern,
    "shuffle": always(True, "training images are shuffled every epoch"),
    "shuffle_data": always(True, "training images are shuffled every epoch"),
    "input_data": _npy,
    "input_label": _npy,
}  # fmt: skip
MODEL: dict[str, Rule] = {
    "name": _label,
    "architecture": to("model_name", make=architecture_name),
    "input_shape": to(f"{MODEL_PARAMETERS}.input_shape"),
    **each_to(BUILD, *BUILD_KEYS),
    "dense_units": _dense_units,
    "dense_layers": _dense_units,
    "conv_blocks": _conv_blocks,
    "filter_list": to(f"{BUILD}.filters"),
    "kernel_sizes": _kernel_sizes,
}
TRAINING: dict[str, Rule] = {
    **each_to(MODEL_PARAMETERS, "epochs", "batch_size"),
    **each_to(BUILD, "learning_rate", "decay_rate"),
    "loss": _named_section("loss", loss_name),
    "optimizer": _named_section("optimizer", lambda name: name.lower() if isinstance(name, str) else name),
    "clipnorm": to(f"{MODEL_PARAMETERS}.optimizer.clipnorm"),
    "early_stopping": _stopping_section("early_stopping"),
    "early_stopping_patience": to(f"{MODEL_PARAMETERS}.early_stopping.patience"),
    "reduce_lr": _stopping_section("reduce_lr"),
    "reduce_lr_patience": to(f"{MODEL_PARAMETERS}.reduce_lr.patience"),
    "reduce_lr_factor": to(f"{MODEL_PARAMETERS}.reduce_lr.factor"),
    "reduce_lr_min_lr": to(f"{MODEL_PARAMETERS}.reduce_lr.min_lr"),
    "min_lr": to(f"{MODEL_PARAMETERS}.reduce_lr.min_lr"),
    "random_seed": to(f"{DATASET}.random_seed"),
    "save_predictions": KEPT,
    "verbose": LOGGING,
    "hp_max_evals": to(f"{MODEL_PARAMETERS}.hp_max_evals"),
    "space_options": read_space_options,
}
OUTPUT: dict[str, Rule] = {
    **dict.fromkeys(("base_dir", "output_dir", "output_folder"), OTHER_MACHINE),
    **dict.fromkeys(
        ("save_best_only", "save_checkpoints", "save_model", "save_history", "save_predictions", "save_confusion_matrix",
         "save_roc_curve", "save_metrics"), KEPT,
    ),
    **each_to("save_outputs", "sample_images", "tensorboard"),
    "version": to("version"),
    "verbose": LOGGING,
}  # fmt: skip
NETWORK = {**TRAINING, **MODEL}
TOP: dict[str, Rule] = {
    **DATA,
    **{key: rule for key, rule in NETWORK.items() if key not in ("name", "architecture")},
    **each_to("", "version", "description", "device", "ensemble", "search", "batch_job"),
    **dict.fromkeys(("output_dir", "output_folder"), OTHER_MACHINE),
    **dict.fromkeys(("incremental_batch_size", "num_batches", "epochs_per_batch"), _incremental),
    **dict.fromkeys(("training_notes", "metadata"), _notes),
    "notes": to("notes.notes"),
    "hyperopt": read_section,
    "task": _task,
    "task_label": _task,
    "model": to("model_name", make=architecture_name),
    "model_type": to("model_name", make=architecture_name),
    "model_name": _label,
    "verbose": LOGGING,
    "$schema": dropped("it depends on where the file lies"),
}
KEYS = {"data": DATA, "model": MODEL, "training": TRAINING, "output": OUTPUT, "network": NETWORK, "top": TOP}
IN_MEMORY = dict.fromkeys(("streaming", "use_streaming", "loading"), _in_memory)  # of tasks that stream nothing


def rule_of(draft: Draft, section: str, key: str) -> Rule | None:
    """The rule for `key` in `section` of the file, or None when there is none."""
    return KEYS[SECTIONS[section]].get(key) or draft.older.rules.get(key)
