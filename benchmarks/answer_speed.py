"""How soon and how fast networks answer with ONNX Runtime and with Keras.

Seconds from the command to its last byte for 300 events, by the launcher; and events a processor second of every architecture
with its default sizes, untrained, asked about batches of made-up inputs, in turn with both, of which the fastest counts. By the
wall, on a machine that others use, who has more threads gets more of it.
"""

from __future__ import annotations

import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.record import ROOT, save_result
from python.commands.tasks import load_schema, load_task
from python.config.load import dump_config, parse_config
from python.general_purpose_libs import write_json
from python.ingest.products import ProductSettings
from python.networks.answering import AnsweringNetwork
from python.runs.files import CONFIG_FILE, METRICS_FILE
from python.simulation.production import produce
from python.simulation.settings import SimulationSettings
from python.tasks import TASKS
from python.training.device import choose_device
from python.training.network_of_run import RUNTIMES, Runtime, network_of_run

EVENTS = 300
ASKED = {  # by the command
    "mt_identifier": "simple_cnn",
    "channel_tagging": "point_network",
    "electron_direction": "point_network",
}
FEWEST, MOST, SECONDS = 2, 20, 5.0  # turns, and for how long more than the fewest are taken
BATCH_BYTES = 2**20  # of inputs: the largest networks take some seconds for so much
LARGEST_BATCH = 64
WALL, OWN, OTHERS = range(3)


def untrained_run(task_name: str, model_name: str, folder: Path) -> Path:
    """A folder with the network of the default configuration, as it is before a training, and its exported file."""
    from python.networks.saved import save_network
    from python.training.export import export_network
    from python.training.fitting import build_model

    task = load_task(task_name)
    config = parse_config({"task": task_name, "model_name": model_name, "device": "cpu"}, task.schema)
    run = folder / task_name / model_name
    run.mkdir(parents=True)
    save_network(build_model(task, config), run / f"{model_name}.keras", task.architecture(config).classes)
    write_json(run / CONFIG_FILE, dump_config(config))
    write_json(run / METRICS_FILE, {})
    export_network(task, run, run / f"{model_name}.onnx")
    return run


def seconds() -> np.ndarray:
    """By the wall, of this process's processors, and of those of the processes that it has waited for."""
    others = resource.getrusage(resource.RUSAGE_CHILDREN)
    return np.array([time.perf_counter(), time.process_time(), others.ru_utime + others.ru_stime])


def in_turn(actions: Mapping[Runtime, Callable[[], object]]) -> dict[Runtime, np.ndarray]:
    """The fewest `seconds` of each of the actions, done in turn."""
    best: dict[Runtime, np.ndarray] = dict.fromkeys(actions, np.full(3, np.inf))
    began = time.perf_counter()
    for turn in range(MOST):
        if turn >= FEWEST and time.perf_counter() - began > SECONDS:
            break
        for name, action in actions.items():
            start = seconds()
            action()
            best[name] = np.minimum(best[name], seconds() - start)
    return best


def events_per_second(task_name: str, run: Path) -> dict[str, float]:
    task = load_task(task_name)
    config = parse_config({"task": task_name, "model_name": run.name, "device": "cpu"}, task.schema)
    networks = {runtime: network_of_run(task, config, run, runtime) for runtime in RUNTIMES}
    batch = made_up_inputs(networks["onnx"])
    size = len(next(iter(batch.values())))
    inputs = batch if len(batch) > 1 else next(iter(batch.values()))
    actions = {name: partial(network.predict_on_batch, inputs) for name, network in networks.items()}
    for first in actions.values():  # in which frameworks compile and choose
        first()
    best = in_turn(actions)
    speed = {name: float(size / taken[OWN]) for name, taken in best.items()}
    return {
        "batch": size,
        **{f"{name}_events_per_processor_second": round(events, 1) for name, events in speed.items()},
        "onnx_over_keras": round(speed["onnx"] / speed["keras"], 2),
    }


def made_up_inputs(network: AnsweringNetwork) -> dict[str, np.ndarray]:
    shapes = {name: tuple(size or 1 for size in shape) for name, shape in network.inputs.items()}
    size = BATCH_BYTES // (4 * sum(int(np.prod(shape)) for shape in shapes.values()))
    rng = np.random.default_rng(1)
    events = int(np.clip(size, 1, LARGEST_BATCH))
    return {name: np.abs(rng.normal(size=(events, *shape))).astype(np.float32) for name, shape in shapes.items()}


def command_seconds(run: Path, data: Path, answers: Path) -> dict[str, float]:
    """Seconds of the launcher by the wall and of processors."""

    def ask(runtime: Runtime) -> None:
        line = [ROOT / "scripts" / "predict.sh", "-m", run, "-d", data, "-o", answers, "--force", "--runtime", runtime]
        subprocess.run(list(map(str, line)), check=True, capture_output=True)

    best = in_turn({runtime: partial(ask, runtime) for runtime in RUNTIMES})
    return {
        **{f"{name}_seconds": round(float(taken[WALL]), 2) for name, taken in best.items()},
        **{f"{name}_processor_seconds": round(float(taken[OTHERS]), 2) for name, taken in best.items()},
    }


def main() -> None:
    device = choose_device("cpu")
    commands: dict[str, dict[str, float]] = {}
    networks: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        produce(SimulationSettings(events=EVENTS, products=ProductSettings(volumes=True)), folder / "data")
        for task in TASKS:
            for name, architecture in load_schema(task).architectures.items():
                if architecture.meant_for_search:
                    continue
                run = untrained_run(task, name, folder)
                networks[f"{task} {name}"] = events_per_second(task, run)
                print(f"{task} {name}: {networks[f'{task} {name}']}", flush=True)
        for task, name in ASKED.items():
            commands[f"{task} {name}"] = command_seconds(folder / task / name, folder / "data", folder / "answers.npz")
    save_result("answer_speed", {"device": device, "events": EVENTS, "commands": commands, "networks": networks})


if __name__ == "__main__":
    main()
