"""Networks as ONNX files, which answer without TensorFlow, and what such a file says of itself.

The file holds the network as the run's Keras file does, raw inputs and all, and in its metadata under `DESCRIPTION` what it
is, as JSON. ONNX Runtime is imported where a file is opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from python.data.sparse_images import NetworkInputs
from python.general_purpose_libs import ConfigError, reason_of
from python.networks.answering import Shape
from python.processes.cores import processor_cores

if TYPE_CHECKING:
    import onnxruntime

DESCRIPTION = "pointing_network"
FORMAT_VERSION = 1
ONLY_ERRORS = 3  # of what ONNX Runtime would say on standard error


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Tensor(_Said):
    """An input or the output: its `axes` but for that of the events, with their lengths, and what the numbers are.

    `columns` are those of the last axis, in their order, each with its unit.
    """

    name: str
    axes: tuple[tuple[str, int], ...]
    columns: tuple[tuple[str, str], ...]
    meaning: str

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(length for _, length in self.axes)


class Description(_Said):
    """What a network is: whose, made of which Keras file, what it takes and what it answers."""

    task: str
    model_name: str
    keras_sha256: str
    inputs: tuple[Tensor, ...]
    output: Tensor
    version: str = ""  # of the run
    commit: str = ""  # of the project when it was exported, as `release`
    release: str = ""
    format_version: int = FORMAT_VERSION

    def difference_from(self, other: Description) -> str:
        """In words what of the network is another than `other` says; nothing where they fit."""
        for mine, theirs in ((self.task, other.task), (self.model_name, other.model_name)):
            if mine != theirs:
                return f"it is of {mine}, not of {theirs}"
        names = [", ".join(tensor.name for tensor in each.inputs) for each in (self, other)]
        if names[0] != names[1]:
            return f"it takes {names[0]}, not {names[1]}"
        pairs = zip((*self.inputs, self.output), (*other.inputs, other.output), strict=True)
        for own, its in pairs:
            if own != its:
                return f"its {own.name} is {_in_words(own)}, not {_in_words(its)}"
        if self.keras_sha256 != other.keras_sha256:
            return "it was made of another .keras than the one beside it"
        return ""


def _in_words(tensor: Tensor) -> str:
    axes = " x ".join(f"{length} {name}" for name, length in tensor.axes)
    return f"({axes}: {', '.join(f'{name} [{unit}]' for name, unit in tensor.columns)}; {tensor.meaning})"


@dataclass(frozen=True)
class OnnxNetwork:
    """A network of an ONNX file that answers, on the processor."""

    session: onnxruntime.InferenceSession

    @classmethod
    def of(cls, content: bytes | str) -> OnnxNetwork:
        """Of the content of a file, or the file of this name. What ONNX Runtime raises of it is raised."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = (
            processor_cores()
        )  # its own default takes no heed of the cores that a job may use
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # as OMP_WAIT_POLICY in init.sh
        options.log_severity_level = ONLY_ERRORS
        return cls(onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"]))

    @cached_property
    def inputs(self) -> Mapping[str, Shape]:
        return {tensor.name: tuple(tensor.shape[1:]) for tensor in self.session.get_inputs()}

    @property
    def width(self) -> int:
        return self.session.get_outputs()[0].shape[-1]

    def predict_on_batch(self, inputs: NetworkInputs) -> np.ndarray:
        named = inputs if isinstance(inputs, dict) else {next(iter(self.inputs)): inputs}
        (answers,) = self.session.run(
            None, {name: np.ascontiguousarray(values, np.float32) for name, values in named.items()}
        )
        return answers


def open_exported(path: Path) -> tuple[OnnxNetwork, Description]:
    """The network of an ONNX file, and what the file says of it.

    Raises ConfigError where the file is damaged, or not written by export_network.sh of this release or an earlier one.
    """
    try:
        network = OnnxNetwork.of(str(path))
    except ModuleNotFoundError:
        raise
    except Exception as error:  # those of ONNX Runtime have no base of their own
        raise ConfigError(f"{path}: is damaged or no ONNX file ({reason_of(error)})") from error
    return network, described(network.session.get_modelmeta().custom_metadata_map, path)


def described(metadata: Mapping[str, Any], path: Path) -> Description:
    """What the metadata of the file `path` say of its network. Raises ConfigError where they are not those of this format."""
    if DESCRIPTION not in metadata:
        raise ConfigError(f"{path}: was not written by export_network.sh")
    try:
        description = Description.model_validate_json(metadata[DESCRIPTION])
    except ValidationError as error:
        raise ConfigError(f"{path}: was written by another release, or is damaged") from error
    if description.format_version != FORMAT_VERSION:
        raise ConfigError(f"{path}: was written by another release (format {description.format_version})")
    return description
