"""A trained network judged by data whose truth is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from python.config.load import dump_config
from python.general_purpose_libs import log, utc_now, write_json
from python.plots.text_lines import cut_table_text
from python.runs.files import CONFIG_FILE, EVALUATION_FILE, predictions_file
from python.runs.predictions import write_predictions
from python.training.outputs import Told, save_results
from python.training.provenance import git_commit
from python.training.task import Evaluation
from python.training.trained import Trained
from python.version import VERSION


def judge(
    trained: Trained,
    data: Sequence[str],
    folder: Path,
    skip_bad_files: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> dict[str, Any]:
    """Ask the network about all samples of data folders whose truth is known, and return the metrics.

    What a training leaves for its test part is left in the empty `folder`, and whose answers these are. Raises DataError where no
    truth is known, OutputError.
    """
    samples = trained.known(data, skip_bad_files)
    log.info("%s", cut_table_text(samples.set.cuts))
    rows = np.arange(len(samples.set))
    predictions = trained.answers_of(samples, rows, progress)
    write_predictions(folder / predictions_file("test"), predictions)
    write_json(folder / CONFIG_FILE, dump_config(trained.config))
    seed = trained.config.dataset_parameters.random_seed
    facts = {
        "network": str(trained.run),
        "data": ", ".join(data),
        "samples": str(len(rows)),
        "seed": str(seed),
        "release": f"{VERSION}, commit {git_commit() or 'not known'}",
    }
    title = f"{trained.task.schema.name}: {trained.config.model_name}, judged by other data"
    inputs = "\n".join(f"{name}: {shape}" for name, shape in trained.network.inputs.items())
    told = Told(title, facts, f"inputs, without the number of samples:\n{inputs}")
    metrics = save_results(folder, trained.task, trained.config, Evaluation(samples, rows, predictions, seed), told)
    write_json(folder / EVALUATION_FILE, {**facts, "task": trained.task.schema.name, "made": utc_now()})
    return metrics
