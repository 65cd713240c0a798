"""What an array of a data file must be, said as data and checked in one place before anything else touches the array."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from python.general_purpose_libs import DataError

REST = "..."
PROBLEMS_SHOWN = 5
_KINDS = {
    "b": "truth values", "i": "whole numbers", "u": "whole numbers", "f": "numbers", "c": "complex numbers",
    "U": "text", "S": "bytes", "O": "Python objects", "V": "records", "M": "dates", "m": "time spans",
}  # fmt: skip


@dataclass(frozen=True)
class ArrayRule:
    """What one array must be.

    `kinds` are NumPy's letters: f, i, u, b, U, O. `axes` names each axis: axes of one name are equally long in all arrays of a
    file, "n+1" is one longer than "n", "2" is that long, and REST stands for any more. The first axis has `least` entries or
    more, each other one at least one. `dtype` is that of the array in memory; without it, it stays as it is.

    Values lie from `lowest` to `highest`, and NaN is no value where they are `finite`. Where `below` names an axis they are
    numbers of its entries; where `offsets_of` does they rise from 0 to its length. `spans` names an axis of as many entries as
    their product is. Texts are one of `allowed`, or hold each of `names`, none twice. `boxed`: Python objects that are all
    numbers will do.
    """

    name: str
    kinds: str
    axes: tuple[str, ...] = ()
    dtype: type | str | None = None
    lowest: float | None = None
    highest: float | None = None
    finite: bool = False
    below: str | None = None
    offsets_of: str | None = None
    spans: str | None = None
    allowed: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    least: int = 0
    boxed: bool = False

    @property
    def limits(self) -> tuple[float, float]:
        """The lowest and the highest number, those that integers of `dtype` can hold included."""
        low, high = (
            (-np.inf if self.lowest is None else self.lowest),
            (np.inf if self.highest is None else self.highest),
        )
        if self.dtype is not None and np.dtype(self.dtype).kind in "iu":
            low, high = max(low, np.iinfo(self.dtype).min), min(high, np.iinfo(self.dtype).max)
        return low, high


def checked(
    arrays: Mapping[str, np.ndarray], rules: Sequence[ArrayRule], path: str | os.PathLike, remedy: str = ""
) -> dict[str, np.ndarray]:
    """Return the arrays that `rules` name, in memory as these say. Raises DataError with everything that does not fit them."""
    missing = [rule.name for rule in rules if rule.name not in arrays]
    if missing:
        held = ascii(", ".join(sorted(arrays)) or "nothing")[1:-1]
        _refuse(path, [f"lacks the array {' and '.join(missing)}; it holds {held[:200]}"], remedy)
    found = {rule.name: _unboxed(arrays[rule.name], rule) for rule in rules}
    lengths = _lengths(found, rules)
    problems = []
    for rule in rules:
        wrong = list(_wrong_form(found[rule.name], rule, lengths))
        if not wrong:
            found[rule.name] = _as_held(found[rule.name], rule)
            wrong = list(_wrong_values(found[rule.name], rule, lengths))
        if not wrong and rule.spans:
            lengths[rule.spans] = int(np.prod(found[rule.name], dtype=np.int64))
        problems += wrong
    if problems:
        _refuse(path, problems, remedy)
    return {rule.name: found[rule.name].astype(rule.dtype or found[rule.name].dtype, copy=False) for rule in rules}


def _refuse(path: str | os.PathLike, problems: Sequence[str], remedy: str) -> NoReturn:
    more = len(problems) - PROBLEMS_SHOWN
    shown = [*problems[:PROBLEMS_SHOWN], *([f"{more} more"] if more > 0 else []), *([remedy] if remedy else [])]
    raise DataError(f"{path}: {'; '.join(shown)}")


# ---------------------------------------------------------------------------- kinds and shapes
def _unboxed(array: np.ndarray, rule: ArrayRule) -> np.ndarray:
    """The numbers themselves where an array of Python objects holds nothing else."""
    if not rule.boxed or array.dtype.kind != "O":
        return array
    if not all(isinstance(value, (int, float, np.integer, np.floating, np.bool_)) for value in array.flat):
        return array
    try:
        return array.astype(np.float64)
    except OverflowError:  # an integer of hundreds of digits
        return array


def _lengths(found: Mapping[str, np.ndarray], rules: Sequence[ArrayRule]) -> dict[str, int]:
    """How long each axis is: as most of the arrays have it, so that an odd one is named."""
    votes: dict[str, Counter[int]] = {}
    for rule in rules:
        shape = found[rule.name].shape
        if _fits_rank(shape, rule):
            for axis, length in zip(rule.axes, shape, strict=False):
                name, more = _axis(axis)
                if name != REST and not name.isdigit():
                    votes.setdefault(name, Counter())[length - more] += 1
    return {name: counts.most_common(1)[0][0] for name, counts in votes.items()}


def _axis(text: str) -> tuple[str, int]:
    """Name of an axis, and how much longer it is than what else has that name."""
    name, _, more = text.partition("+")
    return name, int(more or 0)


def _fits_rank(shape: tuple[int, ...], rule: ArrayRule) -> bool:
    if REST in rule.axes:
        return len(shape) >= len(rule.axes) - 1
    return len(shape) == len(rule.axes)


def _wrong_form(array: np.ndarray, rule: ArrayRule, lengths: Mapping[str, int]) -> Iterator[str]:
    if array.dtype.kind not in rule.kinds:
        needed = "numbers" if "f" in rule.kinds else _KINDS[rule.kinds[0]]
        yield f"{rule.name} holds {_held(array)}, {needed} needed"
        return
    wanted = [_length(axis, lengths) for axis in rule.axes if axis != REST]
    least = [rule.least, *[1] * len(array.shape)]
    fits = (
        length >= low and want in (None, length) for length, low, want in zip(array.shape, least, wanted, strict=False)
    )
    if not _fits_rank(array.shape, rule) or not all(fits):
        shown = [axis if want is None else str(want) for axis, want in zip(rule.axes, [*wanted, None], strict=False)]
        at_least = f", with {rule.least} or more of {rule.axes[0]}" if rule.least else ""
        yield f"{rule.name} has the shape {_tuple(map(str, array.shape))}, {_tuple(shown)} is needed{at_least}"


def _held(array: np.ndarray) -> str:
    if array.dtype.names:
        return f"records with the fields {', '.join(array.dtype.names[:3])}{', ...' * (len(array.dtype.names) > 3)}"
    if array.dtype.kind == "O" and array.size:
        return f"Python objects ({type(next(array.flat)).__name__})"
    return _KINDS.get(array.dtype.kind, "something else")


def _length(axis: str, lengths: Mapping[str, int]) -> int | None:
    name, more = _axis(axis)
    if name.isdigit():
        return int(name)
    return lengths[name] + more if name in lengths else None


def _tuple(parts: Iterable[str]) -> str:
    parts = list(parts)
    return f"({', '.join(parts)}{',' * (len(parts) == 1)})"


# ---------------------------------------------------------------------------- values
def _as_held(array: np.ndarray, rule: ArrayRule) -> np.ndarray:
    """Floats as they will be held: what is beyond them becomes infinite, which the limits then tell."""
    if rule.dtype is None or np.dtype(rule.dtype).kind != "f":
        return array
    with np.errstate(over="ignore"):
        return array.astype(rule.dtype, copy=False)


def _wrong_values(array: np.ndarray, rule: ArrayRule, lengths: Mapping[str, int]) -> Iterator[str]:
    if array.dtype.kind == "U":
        yield from _wrong_texts(array, rule)
    elif array.dtype.kind in "biuf":
        yield from _wrong_numbers(array, rule, lengths)


def _wrong_texts(array: np.ndarray, rule: ArrayRule) -> Iterator[str]:
    counts = Counter(array.ravel().tolist())
    for text in counts if rule.allowed else ():
        if text not in rule.allowed:
            yield f"{rule.name} is {ascii(text)[:100]}, one of {', '.join(rule.allowed)} is needed"
    for name in rule.names:
        if counts[name] != 1:
            yield f"{rule.name} names {name} {counts[name]} times, once is needed"


def _wrong_numbers(array: np.ndarray, rule: ArrayRule, lengths: Mapping[str, int]) -> Iterator[str]:
    low, high = rule.limits
    there_are = ""
    if rule.below is not None:
        if rule.below not in lengths:  # the array that tells it is wrong itself, and named
            return
        low, high = 0, lengths[rule.below] - 1
        there_are = f", as there are {lengths[rule.below]} {rule.below}"
    if array.size and not _all_within(array, low, high, rule.finite):
        where = np.argwhere(~_within(array, low, high, rule.finite))[0]
        at = f"{rule.name}[{', '.join(map(str, where))}]" if len(where) else rule.name
        yield f"{at} is {array[tuple(where)]}, {_needed(array, rule, low, high)} is needed{there_are}"
    elif rule.offsets_of is not None:
        length = lengths.get(rule.offsets_of)
        if array[0] != 0 or length not in (None, array[-1]) or np.any(array[1:] < array[:-1]):
            yield f"{rule.name} has to rise from 0 to the number of entries" + ("" if length is None else f", {length}")


def _needed(array: np.ndarray, rule: ArrayRule, low: float, high: float) -> str:
    kind = "a whole number" if array.dtype.kind in "iu" else "a finite number" if rule.finite else "a number"
    return kind + (f" from {low:g}" if low > -np.inf else "") + (f" to {high:g}" if high < np.inf else "")


def _all_within(array: np.ndarray, low: float, high: float, finite: bool) -> bool:
    """As `_within`, without an array of answers where the smallest and the largest value tell."""
    smallest, largest = array.min().item(), array.max().item()
    if low <= smallest and largest <= high and (not finite or np.isfinite(largest)):
        return True
    return bool(np.all(_within(array, low, high, finite)))


def _within(array: np.ndarray, low: float, high: float, finite: bool) -> np.ndarray:
    inside = (array >= low) & (array <= high)
    if array.dtype.kind != "f":
        return inside
    return inside & np.isfinite(array) if finite else inside | np.isnan(array)
