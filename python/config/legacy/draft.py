"""A conversion under way: what the keys of an older file say about each key of the one dialect."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from python.config.problems import Path, Problem, shown

Rule = Callable[["Draft", str, Any], None]  # what a key, by its name in the file, and its value mean

TRUST = (  # the sections in the order in which older scripts believed them
    "model_params", "training", "training_parameters", "data", "data_parameters", "dataset", "dataset_parameters",
    "hyperopt", "output", "save_outputs", "model", "model_parameters.build_parameters", "model_parameters", "",
)  # fmt: skip


@dataclass(frozen=True)
class Said:
    """A value, and the key of the older file that says so."""

    source: str
    value: Any

    @property
    def section(self) -> str:
        """The section of TRUST that the key lies in."""
        section = self.source
        while section not in TRUST:
            section = section.rpartition(".")[0]
        return section


def architecture_name(written: Any) -> Any:
    """`SimpleCNN` and `simple` are simple_cnn, `deep` is deep_cnn; other texts stay as they are."""
    if not isinstance(written, str):
        return written
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", written).lower()
    return f"{snake}_cnn" if snake in ("simple", "deep") else snake


@dataclass(frozen=True, eq=False)
class OlderKeys:
    """What configurations of one task said in other ways than today, beyond what those of all tasks did.

    `rules` are those of its keys in older dialects, `complete(draft, values)` says what files of these left unsaid, and a note
    names the defaults of `worth_naming` where they hold. `network(draft, values, label)` is the network that older scripts took
    where the file names none that is here, and why. `folders_by_channel` says whether folders of each channel are keys of their
    own. `retired` are keys of this dialect that the task no longer has, by their paths, with the only value that they could have.

    Of older networks, `classes` are those that they answer with, in order, where that is known, and `shown_as(flips)` is what a
    configuration says for one that was trained on images with flips "none" or "upstream".
    """

    rules: Mapping[str, Rule] = field(default_factory=dict)
    complete: Callable[[Draft, dict[str, Any]], None] = lambda _draft, _values: None
    worth_naming: tuple[str, ...] = ()
    network: Callable[[Draft, Mapping[str, Any], str], tuple[str, str]] = lambda _draft, _values, label: (
        label,
        "it is named so",
    )
    folders_by_channel: bool = False
    retired: Mapping[Path, Any] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    shown_as: Callable[[str], dict[str, Any]] = lambda _flips: {}


@dataclass
class Draft:
    """What has been read so far. Rules call `say`, `drop` and `fail`; `settled` decides between contradicting keys."""

    task: str
    older: OlderKeys
    architectures: tuple[str, ...] = ()
    of_today: bool = False
    incremental: bool = False
    mapped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    not_carried_over: list[str] = field(default_factory=list)
    failures: list[Problem] = field(default_factory=list)
    together: dict[str, Said] = field(default_factory=dict)
    label: Said | None = None
    plane_of_pattern: str | None = None
    _said: dict[str, list[Said]] = field(default_factory=dict)

    def say(self, source: str, target: str, value: Any) -> None:
        """The key `source` gives `target` this value."""
        self._said.setdefault(target, []).append(Said(source, value))
        self.record(source, target, value)

    def aside(self, source: str, name: str, value: Any) -> None:
        """Keep what `source` says, to be asked for as `name` when the whole file is read."""
        self.together[name] = Said(source, value)
        self.mapped.append(source)

    def take(self, *names: str) -> dict[str, Any]:
        """The values that were kept under these names, as far as the file has them."""
        return {name: self.together.pop(name).value for name in names if name in self.together}

    def fill(self, values: dict[str, Any], defaults: Mapping[str, Any], whose: str) -> None:
        """Write the `defaults` of older scripts that the file leaves out, with a note."""
        missing = {
            target: value
            for target, value in defaults.items()
            if target not in values and target.rpartition(".")[0] not in values
        }
        values.update(missing)
        if missing:
            written = ", ".join(f"{target} {shown(value)}" for target, value in missing.items())
            self.notes.append(f"not in the file, so {whose} is written: {written}")

    def record(self, source: str, target: str, value: Any) -> Any:
        """Report that `source` became `target`; returns the value."""
        self.mapped.append(source if source == target else f"{source} -> {target}")
        return value

    def drop(self, source: str, reason: str) -> None:
        self.not_carried_over.append(f"{source} ({reason})")

    def fail(self, source: str, reason: str) -> None:
        self.failures.append(Problem((source,), reason))

    @property
    def named_architecture(self) -> Said | None:
        """The architecture by a key that can mean nothing else."""
        return next(iter(self._said.get("model_name", ())), None)

    def settled(self) -> dict[str, Any]:
        """One value for each target; a note names both values where keys contradict each other."""
        for target, said in self._said.items():
            for section in self._said:
                if target.startswith(f"{section}."):
                    self.fail(said[0].source, f"contradicts {self._said[section][0].source}; remove one of them")
        values = {}
        for target, said in self._said.items():
            best = min(said, key=lambda one: TRUST.index(one.section))
            values[target] = best.value
            for other in said:
                if other.value != best.value:
                    self.notes.append(
                        f"{best.source} is {shown(best.value)}, but {other.source} is {shown(other.value)}: took "
                        f"{shown(best.value)} for {target}, since older scripts believed {best.section or 'the top level'} "
                        f"before {other.section or 'the top level'}"
                    )
        return values
