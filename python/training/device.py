"""Which device a run trains on."""

from __future__ import annotations

import contextlib
import os
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path

from python.general_purpose_libs import NotNowError, TrainingError, log

GIVEN_GPUS = ("_CONDOR_AssignedGPUs", "SLURM_JOB_GPUS")  # by which batch systems tell a job its GPUs
OUT_OF_MEMORY = ("ResourceExhaustedError", "OutOfMemoryError")  # as TensorFlow and PyTorch call it
LONGEST_MESSAGE = 300  # characters


def choose_device(requested: str) -> str:
    """Load Keras and return the name of the device that its backend trains on.

    Raises NotNowError when a batch system gave this job a GPU and the backend sees none, which may be this node's fault;
    TrainingError when "gpu" is requested elsewhere and the backend sees none.
    """
    if requested == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
        os.environ["JAX_PLATFORMS"] = "cpu"
    backend = _load_backend()
    gpus = _gpus(backend) if requested != "cpu" else []
    if gpus:
        return f"GPU: {', '.join(gpus)}"
    given = next(filter(None, map(os.environ.get, GIVEN_GPUS)), "")
    if given and requested != "cpu":
        raise NotNowError(
            f"this job was given a GPU ({given}) and the {backend} backend sees none on {platform.node()}: no driver, or an "
            'environment without CUDA; try another node, or set "device" to "cpu"'
        )
    if requested == "gpu":
        raise TrainingError(
            f"a GPU was requested and the {backend} backend sees none; check nvidia-smi and CUDA_VISIBLE_DEVICES, "
            'or set "device" to "auto" or "cpu"'
        )
    return f"CPU: {cpu_name()}, {len(os.sched_getaffinity(0))} cores"


def lack_of_memory(error: Exception) -> str:
    """What a framework said when memory ran out, on a GPU or here; nothing when the error is another one."""
    told = isinstance(error, MemoryError) or type(error).__name__ in OUT_OF_MEMORY or "RESOURCE_EXHAUSTED" in str(error)
    if not told:
        return ""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return next(
        (line for line in lines if "OOM" in line or "llocat" in line), lines[0] if lines else "no memory is left"
    )


@contextlib.contextmanager
def lack_of_memory_told() -> Iterator[None]:
    """Raise a TrainingError with the remedy where memory runs out inside."""
    try:
        yield
    except Exception as error:
        said = lack_of_memory(error)
        if not said:
            raise
        raise TrainingError(
            f"out of memory: {said[:LONGEST_MESSAGE]}; lower batch_size or the size of the network or its inputs, stream the "
            "data (dataset_parameters.loading), or ask for more memory"
        ) from error


@contextlib.contextmanager
def standard_error_for_debug_log() -> Iterator[None]:
    """Keep what a framework, its C++ side too, says on standard error inside for the debug log."""
    with tempfile.TemporaryFile() as said:
        stderr = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
        said.seek(0)
        log.debug("%s", said.read().decode(errors="replace"))


def _load_backend() -> str:
    """Import Keras and return its backend's name."""
    with standard_error_for_debug_log():
        import keras

        return keras.backend.backend()


def _gpus(backend: str) -> list[str]:
    if backend == "tensorflow":
        import tensorflow as tf

        devices = tf.config.list_physical_devices("GPU")
        for device in devices:
            tf.config.experimental.set_memory_growth(device, True)
        return [tf.config.experimental.get_device_details(device).get("device_name", device.name) for device in devices]
    if backend == "jax":
        import jax

        return [device.device_kind for device in jax.devices() if device.platform == "gpu"]
    if backend == "torch":
        import torch

        return [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    return []


def cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
