"""The space of a hyperparameter search: which names it may vary, and what may be written for each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from python.config.declared import Declaration
from python.config.problems import Path, Problem, did_you_mean, listed, shown
from python.config.schema import RunConfig
from python.config.task_schema import Architecture

SPACE: Path = ("model_parameters", "space_options")
LENGTHS = {"uniform": 2, "loguniform": 2, "quniform": 3}
FORMS_IN_WORDS = (
    'a list of choices, {"choice": [...]}, {"uniform": [low, high]}, {"loguniform": [low, high]} '
    'or {"quniform": [low, high, step]}'
)
TWO_VALUES_ARE_A_RANGE = {"learning_rate": "loguniform", "decay_rate": "uniform"}
OF_THE_DATA = ("aug_coefficient", "prob_per_flip")


@dataclass(frozen=True)
class Dimension:
    """One searched name: all values of a `choice`; (low, high) of a range; (low, high, step) of `quniform`."""

    form: str
    values: tuple[Any, ...]

    @property
    def proposed(self) -> tuple[Any, ...]:
        """The values that bound what the search will propose: each choice, or both ends of the range."""
        return self.values if self.form == "choice" else self.values[:2]


class Searchable:
    """The fields that a search may vary, and the check of a value against its field."""

    def __init__(self, config: RunConfig, architecture: Architecture, losses: tuple[str, ...]) -> None:
        model = config.model_parameters
        of_losses: Any = Literal[tuple(architecture.losses)]
        self.fields: dict[str, FieldInfo] = {
            **type(model.build_parameters).model_fields,
            "batch_size": type(model).model_fields["batch_size"],
            "loss": FieldInfo(annotation=of_losses),
            **{name: type(config.dataset_parameters).model_fields[name] for name in OF_THE_DATA},
        }
        for loss in losses:
            own = architecture.losses[loss].model_fields
            self.fields.update({name: field for name, field in own.items() if name != "name"})

    def adapter(self, name: str) -> TypeAdapter:
        field = self.fields[name]
        kind: Any = Annotated[field.annotation, field]
        return TypeAdapter(kind, config=ConfigDict(strict=True, allow_inf_nan=False))

    def types(self, name: str) -> set[str]:
        schema = self.adapter(name).json_schema()
        return {choice.get("type", "") for choice in schema.get("anyOf", [schema])} - {"null"}


def read_dimension(name: str, written: Any) -> Dimension:
    """The dimension written for `name`; ValueError says what is wrong with it."""
    if isinstance(written, list):
        form = TWO_VALUES_ARE_A_RANGE.get(name) if len(written) == 2 else None
        form, values = form or "choice", written
    elif isinstance(written, dict) and len(written) == 1:
        [(form, values)] = written.items()
    else:
        raise ValueError(f"must be {FORMS_IN_WORDS}, not {shown(written)}")
    if form not in ("choice", *LENGTHS):
        raise ValueError(
            f"{shown(form)} is no form of a range{did_you_mean(form, ['choice', *LENGTHS])}; write {FORMS_IN_WORDS}"
        )
    if not isinstance(values, list) or not values:
        raise ValueError(f"{form} needs a list of values, not {shown(values)}")
    if form == "choice":
        _require_distinct(values)
    else:
        _require_range(form, values)
    return Dimension(form, tuple(values))


def _require_distinct(values: list[Any]) -> None:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise ValueError(f"lists {shown(value)} twice")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _require_range(form: str, values: list[Any]) -> None:
    if len(values) != LENGTHS[form] or not all(map(_is_number, values)):
        raise ValueError(f"{form} needs {LENGTHS[form]} numbers, not {shown(values)}")
    low, high, *step = values
    if not low < high:
        raise ValueError(f"a range needs low below high, not {shown(values)}")
    if form == "loguniform" and low <= 0:
        raise ValueError(f"a log-uniform range needs low above 0, not {shown(low)}")
    if step and (step[0] <= 0 or any(abs(math.remainder(end, step[0])) > 1e-6 * step[0] for end in (low, high))):
        raise ValueError(f"both ends of quniform must be multiples of the step, which is above 0, not {shown(values)}")


def _misfit(name: str, dimension: Dimension, searchable: Searchable) -> str | None:
    """Why the dimension proposes values that the field `name` does not take, or None."""
    types = searchable.types(name)
    if dimension.form != "choice" and not types & {"integer", "number"}:
        return "takes no numbers, so it needs a list of choices"
    if dimension.form != "choice" and "number" not in types:
        whole = dimension.form == "quniform" and all(float(value).is_integer() for value in dimension.values)
        if not whole:
            return 'is an integer: write a list of choices or {"quniform": [low, high, step]} with integers'
        dimension = Dimension("quniform", tuple(int(value) for value in dimension.values))
    adapter = searchable.adapter(name)
    for value in dimension.proposed:
        try:
            adapter.validate_python(value)
        except ValidationError:
            schema = adapter.json_schema()
            return f"must be {Declaration(schema).words(schema)}, not {shown(value)}"
    return None


def read_space(
    written: Mapping[str, Any], config: RunConfig, architecture: Architecture
) -> tuple[dict[str, Dimension], list[Problem]]:
    """The dimensions of the search, and the problems of those that are not right."""
    searched = written.get("loss")
    options = searched.get("choice") if isinstance(searched, dict) else searched
    names = options if isinstance(options, list) else [config.model_parameters.loss.name]
    losses = tuple(name for name in names if isinstance(name, str) and name in architecture.losses)
    searchable = Searchable(config, architecture, losses)
    dimensions, problems = {}, []
    for name, value in written.items():
        if name not in searchable.fields:
            meant = did_you_mean(name, searchable.fields) or f"; there are {listed(searchable.fields)}"
            problems.append(Problem((*SPACE, name), f"nothing of this name can be searched{meant}"))
            continue
        try:
            dimension = read_dimension(name, value)
        except ValueError as error:
            problems.append(Problem((*SPACE, name), str(error)))
            continue
        misfit = _misfit(name, dimension, searchable)
        if misfit:
            problems.append(Problem((*SPACE, name), misfit))
        else:
            dimensions[name] = dimension
    return dimensions, problems


def misfits_of_network(
    dimensions: Mapping[str, Dimension], config: RunConfig, architecture: Architecture
) -> Iterator[Problem]:
    """Searched build parameters that would not fit the input shape."""
    model = config.model_parameters
    for name, dimension in dimensions.items():
        if name not in type(model.build_parameters).model_fields:
            continue
        for value in dimension.proposed:
            misfit = architecture.check(model.input_shape, model.build_parameters.model_copy(update={name: value}))
            if misfit:
                yield Problem((*SPACE, name), misfit)
                break
