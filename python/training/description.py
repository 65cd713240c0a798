"""What the network of a run takes and answers, in words that another program can go by: told beside an exported network."""

from __future__ import annotations

import hashlib
from pathlib import Path

from python.config.schema import RunConfig
from python.config.task_schema import Input
from python.general_purpose_libs import ConfigError
from python.networks.exported import Description, Tensor
from python.training.task import Task
from python.version import VERSION

ANSWERS = "answers"  # the name of the output
FRAMES = {"drift": "in the drift frame", "old": "oriented as older code stored them", "raw": "of channels as numbered"}


def described(task: Task, config: RunConfig, keras_file: Path) -> Description:
    """What the network of the configuration is, which lies in `keras_file`. Raises ConfigError where this cannot be read."""
    names = task.architecture(config).inputs(config.model_parameters.build_parameters)
    return Description(
        task=task.schema.name,
        model_name=config.model_name,
        keras_sha256=_sha256(keras_file),
        inputs=tuple(sorted((_input(task, config, Input(name)) for name in names), key=lambda tensor: tensor.name)),
        output=_output(task, config),
        version=config.version or "",
        release=VERSION,
    )


def _sha256(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error


def _input(task: Task, config: RunConfig, name: Input) -> Tensor:
    frame = _frame(config)
    match name:
        case Input.OFFSETS:
            columns = [("arrival on U less that on X", "cm"), ("arrival on V less that on X", "cm")]
            columns += [("height y' by U less that by V", "cm")]
            return _numbers(name, columns, f"of matched clusters, {frame}; 0 where a plane is missing")
        case Input.ENERGY:
            return _numbers(
                name, [("logarithm of the reconstructed energy of the X cluster", "ln MeV")], "natural logarithm"
            )
        case Input.NUMBERS:
            taken = task.architecture(config).inputs(config.model_parameters.build_parameters)
            return _numbers(name, list(task.numbers(taken).items()), "reconstructed numbers")
        case Input.POINTS:
            columns = [*task.points.items(), ("present", "1: a point, 0: filled up")]
            at_most = task.architecture(config).points_read(config.model_parameters.build_parameters)
            return Tensor(
                name=name,
                axes=(("point", at_most), ("column", len(columns))),
                columns=tuple(columns),
                meaning=f"trigger primitives, those with most charge first, relative to the place of the X cluster, {frame}; "
                "filled up with zeros",
            )
    plane = config.plane if name == Input.IMAGE else name.upper()
    (rows, columns_of_image), (height, width, _) = (
        task.architecture(config).images.axes,
        config.model_parameters.input_shape,
    )
    return Tensor(
        name=name,
        axes=((rows, height), (columns_of_image, width), ("charge", 1)),
        columns=(("charge", "ADC"),),
        meaning=f"image of plane {plane}, {frame}: raw ADC, which the network itself scales, 0 where nothing is",
    )


def _numbers(name: Input, columns: list[tuple[str, str]], meaning: str) -> Tensor:
    return Tensor(name=name, axes=(("column", len(columns)),), columns=tuple(columns), meaning=meaning)


def _output(task: Task, config: RunConfig) -> Tensor:
    told = task.problem_of(config).outputs()
    if isinstance(told, tuple):  # names of classes; of two the second's probability says all
        columns = [(name, "probability") for name in (told[1:] if len(told) == 2 else told)]
        meaning = f"not calibrated probabilities of the classes {', '.join(told)}"
    else:
        columns = [(name, "") for name in told.columns]
        meaning = f"direction {_frame(config)}, laid out as {told.name}: python/directions/answers/{told.name}.py"
    members = (("member", config.ensemble.members),) if config.ensemble else ()
    return Tensor(name=ANSWERS, axes=(*members, ("column", len(columns))), columns=tuple(columns), meaning=meaning)


def _frame(config: RunConfig) -> str:
    return FRAMES[getattr(config.dataset_parameters, "frame", "drift")]
