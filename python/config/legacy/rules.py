"""Makers of rules: what a key of an older configuration means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from python.config.legacy.draft import Draft, Rule
from python.config.problems import shown

DATASET, MODEL_PARAMETERS = "dataset_parameters", "model_parameters"
BUILD = f"{MODEL_PARAMETERS}.build_parameters"
STOPPING = (f"{MODEL_PARAMETERS}.early_stopping", f"{MODEL_PARAMETERS}.reduce_lr")  # what begins so stops or slows


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
    """The key is named as not carried over."""
    return lambda draft, source, _value: draft.drop(source, reason)


def aside(draft: Draft, source: str, value: Any) -> None:
    """The key says something only together with others: what they mean is known when the whole file is read."""
    draft.aside(source, source.rpartition(".")[2], value)


def as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


IN_MEMORY = dict.fromkeys(  # of tasks that stream nothing
    ("streaming", "use_streaming", "streaming_mode", "loading"),
    dropped("images are stored sparse and fit into memory; the training is the same"),
)
