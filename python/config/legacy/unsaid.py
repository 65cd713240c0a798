"""What single keys of an older configuration do not say: known when the whole file is read."""

from __future__ import annotations

from typing import Any

from python.config.legacy.draft import Draft, Said, architecture_name
from python.config.legacy.rules import BUILD
from python.config.problems import nearest, shown

REDUCE_LR, DECAY_STEPS = "model_parameters.reduce_lr", "model_parameters.optimizer.decay_steps"
STEPS_OF_DECAY = 10000  # in every older script that had a decay
NO_SIZES = ("learning_rate", "decay_rate", "dropout_rate", "batch_size")
PARTS_OF_STOPPING = {
    "early_stopping": ("monitor", "patience", "restore_best_weights"),
    "reduce_lr": ("monitor", "patience", "factor", "min_lr"),
}
FRACTIONS = tuple(f"dataset_parameters.{part}_fraction" for part in ("train", "val", "test"))
WORTH_NAMING = (
    *FRACTIONS, "model_parameters.input_shape", f"{BUILD}.learning_rate", "model_parameters.loss.name",
    "model_parameters.optimizer.name", "model_parameters.epochs", "model_parameters.batch_size",
)  # fmt: skip


def _name(draft: Draft, values: dict[str, Any]) -> None:
    """The network, and what is merely the name of the training: one that no network here has."""
    named, label = draft.named_architecture, draft.label
    if named is None:
        named, label = label, None
        if named is None:
            draft.fail("model_name", "the file names no architecture")
            return
        draft.record(named.source, "model_name", named.value)
    if label is not None and architecture_name(label.value) != architecture_name(named.value):
        _keep_label(draft, values, label)
    written = architecture_name(values.get("model_name", named.value))
    values["model_name"] = written
    if draft.of_today or not isinstance(written, str) or nearest(written, draft.architectures, cutoff=0.9):
        return  # a network, or a misspelt one, which the validation names
    hint = written if label is None else f"{written} {label.value}"
    values["model_name"], reason = draft.older.network(draft, values, hint)
    _keep_label(draft, values, named)
    draft.notes.append(
        f"{named.source} is {shown(named.value)}, which no network here is called: a label. Took {values['model_name']}: {reason}"
    )


def _keep_label(draft: Draft, values: dict[str, Any], label: Said) -> None:
    free = [target for target in ("version", "notes.name", f"notes.{label.source}") if target not in values]
    values[free[0]] = draft.record(label.source, free[0], label.value)


def _folders(draft: Draft, values: dict[str, Any]) -> None:
    """Folders of each channel, where the task has no keys for them, are folders with data."""
    for channel, folders in draft.take("es", "cc").items():
        named = values.get("data_directories") or []
        if not isinstance(folders, list):
            draft.fail(f"{channel} folders", f"must be a folder or a list of them, not {shown(folders)}")
        else:
            values["data_directories"] = [*named, *folders]


def _pattern(draft: Draft, values: dict[str, Any]) -> None:
    plane = draft.plane_of_pattern
    if plane is not None and values.setdefault("plane", plane) != plane:
        draft.fail("plane", f"is {shown(values['plane'])}, but batch_pattern names files of plane {plane}; correct one")


def _exposure(draft: Draft, values: dict[str, Any]) -> None:
    """Batches loaded one after the other, each trained for some epochs."""
    parts = draft.take("incremental_batch_size", "num_batches", "epochs_per_batch", "val_samples")
    validated = parts.pop("val_samples", None)
    if not parts and validated is None:
        return
    numbers = [*parts.values(), *([] if validated is None else [validated])]
    if len(parts) < 3 or any(
        isinstance(number, bool) or not isinstance(number, int) or number < 1 for number in numbers
    ):
        draft.fail(
            ", ".join(parts) or "val_samples",
            "incremental_batch_size, num_batches and epochs_per_batch belong together, as integers above 0",
        )
        return
    draft.incremental = True
    samples, epochs = parts["incremental_batch_size"] * parts["num_batches"], parts["epochs_per_batch"]
    for target, value in (("dataset_parameters.max_samples", samples), ("model_parameters.epochs", epochs)):
        if values.setdefault(target, value) != value:
            draft.fail(
                target, f"is {shown(values[target])}, but the incremental training amounts to {value}; remove one"
            )
    draft.notes.append(
        f"{parts['num_batches']} batches of {parts['incremental_batch_size']} images, {epochs} epochs each, showed every "
        f"one of {samples} images {epochs} times; max_samples {samples} and epochs {epochs} show them as often, mixed"
    )
    if validated is not None:
        share = round(validated / samples, 9)
        of_parts = dict(zip(FRACTIONS, (round(1 - 2 * share, 9), share, share), strict=True))
        values.update({name: value for name, value in of_parts.items() if name not in values})
        draft.notes.append(
            f"val_samples {validated} of {samples} images is val_fraction {share:g}; as many are kept apart for the test, which "
            "older scripts did on the images of the validation"
        )


def _fractions(draft: Draft, values: dict[str, Any]) -> None:
    given = [name for name in FRACTIONS if name in values]
    if not given or len(given) == 3:
        return
    if not all(isinstance(values[name], int | float) for name in given):
        draft.fail(", ".join(given), "must be numbers")
        return
    missing = [name for name in FRACTIONS if name not in values]
    share = round((1 - sum(values[name] for name in given)) / len(missing), 9)
    values.update(dict.fromkeys(missing, share))
    names = " and ".join(name.rpartition(".")[2] for name in missing)
    draft.notes.append(f"the split names no {names}: what the rest leaves is divided evenly, {share:g} each")


def _stopping(draft: Draft, values: dict[str, Any]) -> None:
    """What was not asked for is switched off; what was asked for in part is completed by defaults."""
    for section, keys in PARTS_OF_STOPPING.items():
        target = f"model_parameters.{section}"
        if any(name.startswith(f"{target}.") for name in values):
            missing = [key for key in keys if f"{target}.{key}" not in values]
            if missing:
                draft.notes.append(f"{section} names no {', '.join(missing)}: this project's defaults hold")
        elif values.setdefault(target, None) is None:
            draft.notes.append(f"the file asks for no {section}: it is null")


def _annealing(draft: Draft, values: dict[str, Any]) -> None:
    """Cosine annealing with restarts, which took the place of plateaus; older scripts squared the period at a restart."""
    written = draft.take("lr_schedule", "cosine_annealing_t0", "cosine_annealing_tmult")
    schedule = written.pop("lr_schedule", None)
    if schedule != "cosine_annealing":
        if schedule not in (None, "none", "constant", "reduce_on_plateau", "plateau"):
            draft.fail("lr_schedule", f"{shown(schedule)} has no counterpart; cosine_annealing has")
        for key in written:
            draft.drop(key, "lr_schedule asks for no cosine annealing")
        return
    period, target = written.get("cosine_annealing_t0", 50), "model_parameters.optimizer.cosine_annealing"
    epochs = values.get("model_parameters.epochs", 0)
    if isinstance(period, bool) or not isinstance(period, int) or period < 1 or not isinstance(epochs, int):
        draft.fail("cosine_annealing_t0", f"must be a number of epochs, not {shown(period)}")
        return
    if epochs > period + period**2:
        draft.fail(
            "cosine_annealing_t0",
            f"{epochs} epochs are more than two falls of the learning rate, of {period} and {period**2} epochs: older scripts "
            "squared the period at every restart, which has no counterpart for a third",
        )
    section = f"{REDUCE_LR}."
    plateau = {key: values.pop(key) for key in [*values] if key == REDUCE_LR or key.startswith(section)}
    values |= {
        f"{target}.period": period,
        f"{target}.period_factor": float(period),
        f"{target}.min_lr": plateau.pop(f"{section}min_lr", 1e-6),
        REDUCE_LR: None,
        f"{BUILD}.decay_rate": 1.0,
    }
    for key in plateau:
        draft.drop(key, "cosine annealing took the place of plateaus")
    draft.notes.append(
        f"period_factor is {period}: older scripts squared the period of the annealing at a restart, whatever "
        f"cosine_annealing_tmult said ({shown(written.get('cosine_annealing_tmult', 2))})"
    )


def _learning_rate(draft: Draft, values: dict[str, Any]) -> None:
    space, decay = values.get("model_parameters.space_options") or {}, f"{BUILD}.decay_rate"
    if decay not in values and "decay_rate" not in space:
        values[decay] = 1.0
        draft.notes.append("the file asks for no decay of the learning rate: decay_rate is 1")
    elif not draft.of_today and values.get(decay) != 1 and DECAY_STEPS not in values:
        values[DECAY_STEPS] = STEPS_OF_DECAY
        draft.notes.append(
            f"decay_rate was applied over {STEPS_OF_DECAY} steps by older scripts, a little after each: optimizer.decay_steps is "
            f"{STEPS_OF_DECAY}"
        )


def _defaults(draft: Draft, values: dict[str, Any]) -> None:
    space = values.get("model_parameters.space_options") or {}
    names = [*WORTH_NAMING, *(name for name in draft.older.worth_naming if name.partition(".")[0] not in values)]
    missing = [name for name in names if name not in values and name.rpartition(".")[2] not in space]
    if missing:
        draft.notes.append(f"not in the file, so this project's defaults hold: {', '.join(missing)}")
    named = {name.rpartition(".")[2] for name in values if name.startswith(f"{BUILD}.")} | set(space)
    if named <= set(NO_SIZES):
        draft.notes.append("the file names no sizes of the network: the architecture's defaults hold")


def _older(draft: Draft, values: dict[str, Any]) -> None:
    draft.older.complete(draft, values)


UNSAID = (_folders, _name, _pattern, _exposure, _annealing, _older, _fractions, _stopping, _learning_rate, _defaults)
