"""Volumes in memory and on disk: resident memory of 100,000, and training speed beside a dense array of the same volumes.

The X volumes of the embedded data set, copied to make many; the network is `resnet` of the channel tagger with its defaults.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.record import ROOT, save_result, seconds
from python.data.data_origin import DataFolders
from python.data.image_set import ImageSet, load_images
from python.simulation.embedded import embedded_data_set

MANY = 100_000
DENSE = 1536  # 1.6 GB as an array
BATCH = 32
ROUNDS = 3
LOADINGS = ("memory", "streaming")


def resident_megabytes(key: str) -> float:
    """VmRSS (now) or VmHWM (highest) of this process."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status[key].split()[0]) / 1024


def loaded(folder: Path, loading: str) -> ImageSet:
    return load_images(DataFolders([folder], streamed=loading == "streaming"), "X", kind="volumes")


def report_memory(folder: Path, loading: str) -> None:
    """Print, for a process of its own, what loading and 100 batches take."""
    before = resident_megabytes("VmRSS")
    started = time.perf_counter()
    volumes = loaded(folder, loading)
    taken, after = time.perf_counter() - started, resident_megabytes("VmRSS")
    order = np.random.default_rng(0).permutation(len(volumes))
    started = time.perf_counter()
    for rows in order[: 100 * BATCH].reshape(-1, BATCH):
        volumes.network_inputs(rows)
    batches = time.perf_counter() - started
    figures = {
        "volumes": len(volumes),
        "store_megabytes": round(volumes.images.nbytes / 1e6, 1),
        "resident_megabytes_without": round(before),
        "resident_megabytes": round(after),
        "highest_megabytes": round(resident_megabytes("VmHWM")),
        "seconds_to_load": round(taken, 1),
        "volumes_per_second_in_batches": round(100 * BATCH / batches),
    }
    print(json.dumps(figures))


def memory_of_many(source: Path) -> dict[str, dict]:
    with tempfile.TemporaryDirectory(dir=ROOT / "output") as scratch:
        files, count = sorted(source.glob("*_volume_planeX.npz")), len(loaded(source, "streaming"))
        for copy in range(-(-MANY // count)):
            for file in files:
                shutil.copy(file, Path(scratch, f"copy{copy:03d}_{file.name}"))
        found = {}
        for loading in LOADINGS:
            command = [sys.executable, "-m", "benchmarks.volume_store", "--memory", scratch, loading]
            found[loading] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        return found


class DenseVolumes:
    """All volumes as one array, as the reference holds them."""

    def __init__(self, volumes: ImageSet) -> None:
        self.array = volumes.images.dense(np.arange(len(volumes)))[..., None]

    def network_inputs(self, rows: np.ndarray) -> np.ndarray:
        return self.array[rows]


def training_speed(source: Path) -> dict[str, float]:
    """Volumes a second in training from each kind of store, the best of some rounds in turn."""
    from channel_tagging.main import TASK
    from python.config.load import parse_config
    from python.samples.batches import Batches, SampleSource
    from python.training.fitting import Feed, build_model

    rows = np.arange(DENSE)
    sets = {loading: loaded(source, loading).keep("first", rows) for loading in LOADINGS}
    labels = (sets["memory"].metadata["is_es_interaction"] == 1).astype(np.float32)[:, None]
    stores: dict[str, SampleSource] = {**sets, "dense": DenseVolumes(sets["memory"])}
    model = build_model(TASK, parse_config({"model_name": "resnet"}, TASK.schema))
    feeds = {name: Feed(Batches(store, labels, rows, batch_size=BATCH, seed=1)) for name, store in stores.items()}
    for feed in feeds.values():
        model.fit(feed, steps_per_epoch=2, verbose=0, shuffle=False)
    times: dict[str, list[float]] = {name: [] for name in feeds}
    for _ in range(ROUNDS):
        for name, feed in feeds.items():

            def once(feed: Feed = feed) -> None:
                model.fit(feed, verbose=0, shuffle=False)

            times[name].append(seconds(once, repeats=1))
    return {name: DENSE / min(found) for name, found in times.items()}


def main() -> None:
    source = embedded_data_set()
    memory = memory_of_many(source)
    speed = training_speed(source)
    save_result(
        "volume_store",
        {
            "many": memory,
            "training_volumes_per_second": {name: round(rate, 1) for name, rate in speed.items()},
            "training_speed_over_dense": {name: round(speed[name] / speed["dense"], 3) for name in LOADINGS},
            "streaming_over_memory": round(speed["streaming"] / speed["memory"], 3),
        },
    )


if __name__ == "__main__":
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    if sys.argv[1:2] == ["--memory"]:
        report_memory(Path(sys.argv[2]), sys.argv[3])
    else:
        main()
