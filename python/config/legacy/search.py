"""Searches of the older dialects: `hp_max_evals` with `space_options`, and the `hyperopt` section with typed ranges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from python.config.legacy.draft import Draft
from python.config.problems import did_you_mean, shown

Reader = Callable[[Draft, str, str, Any], Any]
MAX_EVALS, SPACE = "model_parameters.hp_max_evals", "model_parameters.space_options"
BUILD_KEYS = (
    "n_conv_layers", "n_filters", "kernel_size", "n_dense_layers", "n_dense_units", "dropout_rate", "learning_rate",
    "decay_rate", "use_batch_norm", "l2_reg",
)  # fmt: skip
LOSS_KEYS, OTHER_KEYS = ("loss", "gamma", "alpha"), ("batch_size", "aug_coefficient", "prob_per_flip")
SYNONYMS = {  # other names of build parameters, searched or not
    "batch_norm": "use_batch_norm", "dense_dropout": "dropout_rate", "l2": "l2_reg", "l2_regularization": "l2_reg",
}  # fmt: skip
WRITTEN = {  # other names of what is searched
    "dense_units": "n_dense_units", "num_conv_layers": "n_conv_layers", "num_conv_layers_base": "n_conv_layers",
    "base_filters": "n_filters", "num_filters": "n_filters", "num_dense_layers": "n_dense_layers",
    **SYNONYMS,
}  # fmt: skip
SEARCHABLE = {**{name: name for name in (*BUILD_KEYS, *LOSS_KEYS, *OTHER_KEYS)}, **WRITTEN}
LOSSES = {
    "focal_loss": "focal", "angular_loss": "angular", "focal_angular_loss": "focal_angular", "hybrid_loss": "hybrid",
    "cosine_similarity_loss": "cosine_similarity",
}  # fmt: skip
RATES = ("learning_rate", "decay_rate")
EPOCHS_OF_TRIAL = ("max_epochs_per_trial", "n_epochs_per_trial", "epochs_per_trial")
NO_SPACE = (
    'a search needs search_space, which says what it varies; add one, or write "enabled": false for the training of fixed '
    "sizes"
)
KNOWN = ("enabled", "max_trials", "n_trials", "executions_per_trial", "objective", "search_space", *EPOCHS_OF_TRIAL)


def loss_name(written: Any) -> Any:
    return LOSSES.get(written, written) if isinstance(written, str) else written


def read_space_options(draft: Draft, source: str, written: Any) -> None:
    """Rule of `space_options`: lists, or our own explicit forms; null is no search."""
    if written is None:
        draft.say(source, SPACE, None)
    else:
        _say_space(draft, source, written, _from_space_options)


def read_section(draft: Draft, source: str, section: Any) -> None:
    """Rule of the section `hyperopt`, which may be switched off."""
    if not isinstance(section, dict):
        draft.fail(source, f"must be a section {{...}}, not {shown(section)}")
        return
    unknown = [key for key in section if key not in KNOWN]
    for key in unknown:
        draft.fail(f"hyperopt.{key}", f"the conversion does not know what this key means{did_you_mean(key, KNOWN)}")
    if section.get("enabled", True) is False:
        draft.say("hyperopt.enabled", MAX_EVALS, None)
        draft.say("hyperopt.enabled", SPACE, None)
        for key in section:
            if key != "enabled" and key not in unknown:
                draft.drop(f"hyperopt.{key}", "the search is switched off")
        return
    if "search_space" not in section:
        draft.fail("hyperopt", NO_SPACE)
        return
    trials = [key for key in ("max_trials", "n_trials") if key in section]
    if not trials:
        draft.fail("hyperopt", "a search needs max_trials or n_trials; complete it or switch it off")
        return
    for key in trials:
        draft.say(f"hyperopt.{key}", MAX_EVALS, section[key])
    for key in EPOCHS_OF_TRIAL:
        if key in section:
            draft.say(f"hyperopt.{key}", "search.epochs_per_trial", section[key])
    if "objective" in section:
        draft.say("hyperopt.objective", "search.objective", section["objective"])
    if section.get("executions_per_trial", 1) != 1:
        draft.fail("hyperopt.executions_per_trial", "every trial is trained once here; set it to 1")
    elif "executions_per_trial" in section:
        draft.mapped.append("hyperopt.executions_per_trial -> every trial is trained once")
    _say_space(draft, "hyperopt.search_space", section["search_space"], _from_search_space)


def _say_space(draft: Draft, source: str, written: Any, read: Reader) -> None:
    if not isinstance(written, dict):
        draft.fail(source, f"must be a section {{...}}, not {shown(written)}")
        return
    space = {}
    for name, value in written.items():
        new_name = SEARCHABLE.get(name)
        if new_name is None:
            draft.fail(f"{source}.{name}", f"nothing of this name can be searched{did_you_mean(name, SEARCHABLE)}")
            continue
        try:
            space[new_name] = read(draft, new_name, f"{source}.{name}", value)
        except ValueError as error:
            draft.fail(f"{source}.{name}", str(error))
    draft.say(source, SPACE, space)


def _from_space_options(draft: Draft, name: str, source: str, written: Any) -> Any:
    """A list of choices; the older code took the first two values of a rate as a uniform range."""
    if isinstance(written, dict):
        return written
    if not isinstance(written, list):
        raise ValueError(f"must be a list, not {shown(written)}")
    if name not in RATES:
        return _choices(name, written)
    if len(written) == 2:
        draft.notes.append(
            f"{source}: two values were a uniform range and stay one; a bare list would mean another here"
        )
        return {"uniform": written}
    if len(written) > 2:
        draft.notes.append(
            f"{source}: here {len(written)} values are choices; the older code drew from the uniform range of the first "
            f'two, for which write {{"uniform": {shown(written[:2])}}}'
        )
    return written


def _from_search_space(draft: Draft, name: str, source: str, written: Any) -> Any:
    """A list of choices, or a typed range: {"type": "float", "min", "max", "step" or "sampling"} and the like."""
    if isinstance(written, list):
        return {"choice": written} if name in RATES else _choices(name, written)
    if not isinstance(written, dict):
        raise ValueError(f"must be a list or a typed range, not {shown(written)}")
    kind = written.get("type")
    keys = set(written) - {"type"}
    if kind == "choice" and keys == {"values"} and isinstance(written["values"], list):
        return {"choice": _choices(name, written["values"])}
    if kind in ("bool", "boolean") and not keys:
        return {"choice": [False, True]}
    if kind in ("float", "int") and {"min", "max"} <= keys <= {"min", "max", "step", "sampling"}:
        return _typed_range(draft, source, written)
    raise ValueError(f"there is no counterpart of {shown(written)}; write choices or a range with min and max")


def _typed_range(draft: Draft, source: str, written: dict[str, Any]) -> dict[str, list]:
    low, high = written["min"], written["max"]
    step = written.get("step", 1 if written["type"] == "int" else None)
    numbers = [low, high] if step is None else [low, high, step]
    if any(isinstance(number, bool) or not isinstance(number, int | float) for number in numbers) or not low < high:
        raise ValueError(f"min, max and step must be numbers, min below max, not {shown(numbers)}")
    sampling = written.get("sampling", "linear")
    if sampling == "log" and step is None:
        return {"loguniform": [low, high]}
    if sampling != "linear" or (step is not None and step <= 0):
        raise ValueError(f"there is no counterpart of {shown(written)}; write a list of choices")
    if step is None:
        return {"uniform": [low, high]}
    count = int((high - low) / step + 1e-9) + 1
    if count <= 20:
        return {"choice": [round(low + index * step, 12) for index in range(count)]}
    draft.notes.append(f"{source}: {count} steps became a quantised range, whose two ends come half as often")
    return {"quniform": [low, high, step]}


def _choices(name: str, values: list) -> list:
    return [loss_name(value) for value in values] if name == "loss" else values
