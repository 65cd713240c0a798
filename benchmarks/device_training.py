"""How fast the direction network of points trains on this device: batch sizes, with and without mixed precision.

    KERAS_BACKEND=jax python -m benchmarks.device_training [--events N] [--batch-sizes N ...] [--epochs N]

Made for a machine with a GPU, and runs on any. Each row is a training of its own process by the launcher's code under
output/benchmarks: events a second after the first epoch, the largest memory of the device (of the process where the device does
not tell), and the 68 % angle. Whoever lacks TensorFlow there needs Keras, JAX and the other requirements. The result goes to
benchmarks/results/device_training.json.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.direction_rows import own
from benchmarks.record import ROOT, save_result
from benchmarks.simulated_sets import simulated
from benchmarks.trained import epoch_seconds
from python.general_purpose_libs import read_json
from python.runs.files import CONFIG_FILE, CUTS_FILE, METRICS_FILE

BATCH_SIZES = (512, 1024, 2048, 4096)
POLICIES = ("float32", "mixed_float16")
TOLD = "TOLD "


def trained_here(policy: str, words: list[str]) -> None:
    """Train in this process, and tell the memory that it took."""
    import keras

    from python.commands.train import main as train

    keras.config.set_dtype_policy(policy)
    code = train(words)
    print(TOLD + json.dumps({"code": code, "memory_mb": _memory_mb(), "backend": keras.backend.backend()}))


def _memory_mb() -> int:
    import keras

    if keras.backend.backend() == "jax":
        import jax

        told = jax.local_devices()[0].memory_stats() or {}
        if "peak_bytes_in_use" in told:
            return round(told["peak_bytes_in_use"] / 2**20)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def measured(batch_size: int, policy: str, events: int, epochs: int) -> dict[str, Any]:
    """One row of the table, or the words of what went wrong."""
    config = own(events, epochs)
    config["data_directories"] = [str(simulated(name)) for name in config["data_directories"]]
    config["model_parameters"]["batch_size"] = batch_size
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, CONFIG_FILE)
        file.write_text(json.dumps(config))
        words = ["electron_direction", "-j", str(file), "-o", str(ROOT / "output" / "benchmarks" / "device")]
        command = [sys.executable, "-m", "benchmarks.device_training", "--here", policy, *words]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    told = next((json.loads(line.removeprefix(TOLD)) for line in lines if line.startswith(TOLD)), None)
    if told is None or told["code"]:
        return {"batch_size": batch_size, "policy": policy, "failed": done.stderr.strip().splitlines()[-1:]}
    run = Path(lines[-2])
    seconds, metrics = epoch_seconds(run), read_json(run / METRICS_FILE)
    training = int(read_json(run / CUTS_FILE)[-1]["step"].partition("train ")[2].partition(",")[0])
    return {
        "batch_size": batch_size,
        "policy": policy,
        "backend": told["backend"],
        "events_per_second": round(training * (len(seconds) - 1) / sum(seconds[1:])),
        "memory_mb": told["memory_mb"],
        "containment_68_deg": metrics["gkvm_containment_68_deg_above_5_mev"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=BATCH_SIZES)
    options = parser.parse_args()
    rows = [
        measured(batch_size, policy, options.events, options.epochs)
        for batch_size in options.batch_sizes
        for policy in POLICIES
    ]
    save_result("device_training", {"keras_backend": os.environ.get("KERAS_BACKEND", "tensorflow"), "rows": rows})


if __name__ == "__main__":
    if "--here" in sys.argv:
        trained_here(sys.argv[2], sys.argv[3:])
    else:
        main()
