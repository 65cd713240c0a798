"""A user's mistakes in a configuration, collected, in plain words, and raised all at once."""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from python.general_purpose_libs import ConfigError

Path = tuple[str | int, ...]
MOST_SHOWN = 30  # mistakes of one configuration
LONGEST_SHOWN = 600  # characters of one mistake
MOST_NAMES = 60  # of a list within one


@dataclass(frozen=True)
class Problem:
    """What is wrong at `path`. It can only be judged where the values at the paths `involves` are right themselves."""

    path: Path
    text: str
    involves: tuple[Path, ...] = ()

    def __str__(self) -> str:
        return f"{dotted(self.path)}: {self.text}" if self.path else self.text


def dotted(path: Path) -> str:
    return ".".join(shortened(str(part)) for part in path)


def shortened(text: str, longest: int = 60) -> str:
    """`text` on one line of at most `longest` characters."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 3] + "..."


def shown(value: Any) -> str:
    """A value as it stands in the file, shortened."""
    return shortened(json.dumps(value, ensure_ascii=False, default=str))


def listed(names: Iterable[Any]) -> str:
    names = list(names)
    more = [f"and {len(names) - MOST_NAMES} more"] if len(names) > MOST_NAMES else []
    return ", ".join([*map(shown, names[:MOST_NAMES]), *more])


def nearest(name: str, names: Sequence[str], cutoff: float = 0.6) -> str | None:
    """The one of `names` that looks most like `name`, letter case apart, or None when none comes near."""
    by_lower = {other.lower(): other for other in names}
    found = difflib.get_close_matches(name[:64].lower(), by_lower, n=1, cutoff=cutoff)
    return by_lower[found[0]] if found else None


def did_you_mean(value: Any, names: Iterable[Any]) -> str:
    """`; did you mean "X"?` where `value` looks like a misspelt one of `names`, else nothing."""
    if not isinstance(value, str):
        return ""
    meant = nearest(value, [name for name in names if isinstance(name, str)])
    return f'; did you mean "{meant}"?' if meant else ""


def raise_problems(problems: Sequence[Problem], source: str) -> None:
    """Raise one ConfigError that names every problem of the configuration `source`; return when there is none.

    Of more than `MOST_SHOWN` it counts the rest.
    """
    different = list({str(problem): problem for problem in problems}.values())
    lines = [shortened(str(problem), LONGEST_SHOWN) for problem in _of_every_section(different)]
    if len(different) > len(lines):
        lines.append(f"and {len(different) - len(lines):,} more mistakes")
    if len(lines) == 1:
        raise ConfigError(f"{source}: {lines[0]}")
    if lines:
        raise ConfigError("\n  ".join([f"{source}: {len(different):,} mistakes", *lines]))


def _of_every_section(problems: Sequence[Problem]) -> list[Problem]:
    """The first `MOST_SHOWN` problems, taken from the sections in turn: a flood of them in one hides none in another."""
    known: Counter[Path] = Counter()
    turns = []
    for problem in problems:
        section = tuple(part for part in problem.path[:-1] if isinstance(part, str))
        turns.append(known[section])
        known[section] += 1
    first = sorted(range(len(problems)), key=turns.__getitem__)[:MOST_SHOWN]
    return [problems[number] for number in sorted(first)]
