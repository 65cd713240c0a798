"""Write the network of a run as an ONNX file, with what it is. Keras and tf2onnx are imported when it is asked for."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from python.config.load import load_config
from python.data.sparse_images import NetworkInputs
from python.general_purpose_libs import ConfigError, TrainingError, atomic_path, log, reason_of
from python.networks.answering import KerasNetwork
from python.networks.exported import DESCRIPTION, Description, OnnxNetwork
from python.runs.files import configuration_file
from python.training.description import described
from python.training.device import standard_error_for_debug_log
from python.training.network_of_run import keras_file, keras_model
from python.training.provenance import git_commit
from python.training.task import Task

if TYPE_CHECKING:
    import keras

OPERATORS = 17  # version of ONNX's: older runtimes and other programs read it too
EVENTS = "events"  # the name of the first axis
TRIED = 4  # events that both networks are asked about
LARGEST_DIFFERENCE = 1e-4  # of the answers' scale
SMALLEST_ANSWER = 1e-6  # a network that answers nothing but 0 can be exported too


def export_network(task: Task, run: Path, output: Path) -> Description:
    """Write the network of the run to `output`, once it has answered as Keras does, and return what the file says of itself.

    Raises ConfigError where the run's network cannot be used, or Keras runs on another backend than TensorFlow; TrainingError
    where the network cannot be exported; OutputError.
    """
    config = load_config(configuration_file(run), task.schema)
    model = keras_model(task, config, run)
    description = described(task, config, keras_file(run)).model_copy(update={"commit": git_commit() or ""})
    _require_described(KerasNetwork(model), description, run)
    import keras

    if keras.backend.backend() != "tensorflow":
        raise ConfigError(
            f"a network is exported with TensorFlow, and KERAS_BACKEND is {keras.backend.backend()}; the network is the same for "
            "all of them: start again with KERAS_BACKEND=tensorflow"
        )
    content = onnx_content(model, description)
    with atomic_path(output) as temporary:
        temporary.write_bytes(content)
    return description


def onnx_content(model: keras.Model, description: Description) -> bytes:
    """The content of an ONNX file of the network. Raises TrainingError where it cannot be, or would not answer as Keras does."""
    try:
        with standard_error_for_debug_log():
            content = _converted(model, description)
            difference = _largest_difference(model, OnnxNetwork.of(content), description)
    except ModuleNotFoundError:
        raise
    except Exception as error:  # converter and runtime raise whatever they like
        raise TrainingError(f"{model.name}: cannot be exported ({reason_of(error)}); {_REMEDY}") from error
    log.debug("largest difference from Keras: %.1e of the answers' scale", difference)
    if not difference <= LARGEST_DIFFERENCE:
        raise TrainingError(f"{model.name}: would answer otherwise once exported, by {difference:.1e}; {_REMEDY}")
    return content


_REMEDY = "predict.sh answers with Keras as before"


def _converted(model: keras.Model, description: Description) -> bytes:
    import tensorflow as tf
    import tf2onnx

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    specs = [tf.TensorSpec((None, *tensor.shape), tf.float32, name=tensor.name) for tensor in description.inputs]

    def answers(*tensors: Any) -> dict[str, Any]:
        return {description.output.name: model(_as_taken(model, description, tensors), training=False)}

    network, _ = tf2onnx.convert.from_function(
        tf.function(answers, autograph=False), input_signature=specs, opset=OPERATORS
    )
    for tensor in (*network.graph.input, *network.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = EVENTS
    network.graph.name = description.model_name
    network.metadata_props.add(key=DESCRIPTION, value=description.model_dump_json())
    return network.SerializeToString()


def _largest_difference(model: keras.Model, exported: OnnxNetwork, description: Description) -> float:
    """Of the answers to made-up events, in units of the largest, or of probability."""
    rng = np.random.default_rng(1)
    inputs = [np.abs(rng.normal(size=(TRIED, *tensor.shape))).astype(np.float32) for tensor in description.inputs]
    named = {tensor.name: values for tensor, values in zip(description.inputs, inputs, strict=True)}
    own = np.asarray(model.predict_on_batch(_as_taken(model, description, inputs)))
    probabilities = all(unit == "probability" for _, unit in description.output.columns)
    scale = 1.0 if probabilities else max(float(np.abs(own).max()), SMALLEST_ANSWER)
    return float(np.abs(exported.predict_on_batch(named) - own).max() / scale)


def _as_taken(model: keras.Model, description: Description, values: Sequence[Any]) -> NetworkInputs:
    """Inputs in the order of the description as the model takes them: by name, or the only one as it is."""
    import keras

    if isinstance(model, keras.Sequential) or not isinstance(model.input, dict):
        return values[0]
    return {tensor.name: value for tensor, value in zip(description.inputs, values, strict=True)}


def _require_described(network: KerasNetwork, description: Description, run: Path) -> None:
    own, told = sorted(network.inputs.values()), sorted(tensor.shape for tensor in description.inputs)
    if own != told:
        raise ConfigError(
            f"{run}: the network takes {own}, its configuration gives it {told}; give the folder as the training left it"
        )
