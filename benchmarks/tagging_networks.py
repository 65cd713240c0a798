"""How well each network tells elastic scattering from charged current: the same training events, the same test events.

    python -m benchmarks.tagging_networks            every row that has no result yet
    python -m benchmarks.tagging_networks ROW ...    these rows, anew

A row is a training by the launcher's own code under output/benchmarks; one that was interrupted goes on. Afterwards its network
is asked about 6,000 simulated events of a supernova's spectrum, ES and CC in equal numbers, with backgrounds: those of their
matched events, so that networks of one plane and of three see the same. Each row is written to
benchmarks/results/tagging_networks.json as soon as it is there, with its own date and commit.
"""

from __future__ import annotations

import argparse
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import ROOT, save_result
from benchmarks.simulated_sets import simulated
from benchmarks.tagging_rows import ROWS
from benchmarks.trained import trained, training_seconds
from channel_tagging.main import TASK
from channel_tagging.samples import prepare
from channel_tagging.volume_numbers import baseline_scores
from python.classification_libs import classification_metrics
from python.config.load import load_config
from python.data.image_set import join_image_sets, load_images
from python.data.splits import PARTS
from python.general_purpose_libs import read_json
from python.networks.saved import load_network
from python.tagging_libs import CLASSES, tagging_metrics, with_temperature
from python.training.fitting import predict
from python.training.provenance import git_commit
from python.training.task import Samples

RESULT = ROOT / "benchmarks" / "results" / "tagging_networks.json"
TEST_EVENTS = 6000
ENERGY_BINS = ((2, 5), (5, 10), (10, 20), (20, 100))  # reconstructed MeV
KEPT = (
    "accuracy", "auc", "es_efficiency_at_4_percent_cc", "es_efficiency_at_1_percent_cc", "expected_calibration_error",
)  # fmt: skip


def test_samples(folder: Path) -> Samples:
    """The matched events among the test events, as the network of the run takes them."""
    config = load_config(folder / "config.json", TASK.schema, data_directories=[str(simulated("mixed_test"))])
    samples = prepare(config, TASK.architecture(config), skip_bad_files=False)
    table = samples.set.metadata
    order = np.lexsort((table["event"], table["source"]))[: 2 * TEST_EVENTS : 2]
    rows = np.sort(order[table["match_id"][order] >= 0])
    return Samples(samples.set.keep("of the benchmark", rows), samples.labels[rows])


def numbers(labels: np.ndarray, scores: np.ndarray, energy: np.ndarray, seed: int = 1) -> dict[str, Any]:
    """What a table needs of the answers `scores` (n, 2): each metric with its interval, and accuracy against energy (MeV)."""
    found = {**classification_metrics(labels, scores, CLASSES), **tagging_metrics(labels, scores)}
    right = scores.argmax(axis=1) == labels
    return {
        "test_events": len(labels),
        **{
            name: [
                round(float(found[key]), 4)
                for key in (name, f"{name}_low", f"{name}_high")
                if found.get(key) is not None
            ]
            for name in KEPT
        },
        "accuracy_by_energy": {
            f"{low} to {high} MeV": round(float(right[(energy >= low) & (energy < high)].mean()), 4)
            for low, high in ENERGY_BINS
        },
    }
