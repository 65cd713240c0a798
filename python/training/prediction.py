"""What the network of a finished run answers for other data than it was trained on."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from python.config.load import load_config
from python.config.schema import RunConfig
from python.config.task_schema import Architecture
from python.data.metadata import UNKNOWN
from python.general_purpose_libs import ConfigError, DataError, Progress, log, read_json
from python.metrics.tagging import with_temperature
from python.plots.report import cut_table_text
from python.training.device import choose_device
from python.training.outputs import identity_and_energies, save_npz
from python.training.preparation import configured_data
from python.training.provenance import git_commit
from python.training.task import Samples, SampleSet, Task

if TYPE_CHECKING:
    import keras

FORMAT_VERSION = 2  # 2: `run` and `subrun` are those of the events, and the trained run is `run_folder`
TRUTH = (
    *("labels", "is_es", "true_direction", "true_direction_drift_frame"),
    *("true_electron_energy", "true_nu_energy"),
)


def predict_run(
    task: Task,
    run: Path,
    folders: Sequence[str],
    output: Path,
    *,
    old_flips: str | None = None,
    skip_bad_files: bool = False,
) -> None:
    """Write to `output` (an .npz) what the network of `run`, a finished run of `task`, answers for the data in `folders`.

    The arrays are those of the run's test_predictions.npz, without `row` and without truth of which nothing is known, and with
    `calibrated_scores` where the run has a temperature; and single values that say whose answers they are. `old_flips` is
    instead of the configuration's. Raises ConfigError when the saved network does not fit the run's configuration, and
    DataError when the data do not.
    """
    overrides = [] if old_flips is None else [f'dataset_parameters.old_flips="{old_flips}"']
    found = run / "best_config.json"  # of a search: the network has its sizes
    config = load_config(found if found.exists() else run / "config.json", task.schema, overrides)
    config = config.model_copy(update={"data_directories": tuple(map(str, folders))})
    architecture, metrics = task.architecture(config), read_json(run / "metrics.json")
    log.debug("device: %s", choose_device("cpu" if config.device == "cpu" else "auto"))
    model = _network(run, architecture)
    samples = task.read(config, architecture, configured_data(config, skip_bad_files))
    log.info("%s", cut_table_text(samples.cuts))
    if len(samples) == 0:
        raise DataError(
            f"{', '.join(config.data_directories)}: no sample is left that the network can take, see the table"
        )
    _check_inputs(model, samples, run)
    predictions = _predictions(task, config, model, samples)
    if metrics.get("temperature") is not None:
        predictions["temperature"] = np.float64(metrics["temperature"])
        predictions["calibrated_scores"] = with_temperature(predictions["scores"], metrics["temperature"])
    found = {**predictions, **identity_and_energies(samples, np.arange(len(samples)))}
    kept = {name: values for name, values in found.items() if name not in TRUTH or _anything_known(values)}
    save_npz(output, {**kept, **_provenance(task, config, run)})


def _network(run: Path, architecture: Architecture) -> keras.Model:
    """The network at the top of the run folder, which must tell apart the classes of its architecture."""
    from python.networks.saved import load_network, saved_classes

    files = sorted(run.glob("*.keras"))
    if len(files) != 1:
        names = ", ".join(path.name for path in files) or "none"
        raise ConfigError(
            f"{run}: one network (*.keras) is needed, there is {names}; give the folder as the training left it"
        )
    if not zipfile.is_zipfile(files[0]):
        raise ConfigError(f"{files[0]}: is damaged or not whole; train the network again")
    try:
        model = load_network(files[0])
        classes = saved_classes(files[0], model) if architecture.classes else ()
    except (ValueError, TypeError, KeyError, OSError, zipfile.BadZipFile) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ConfigError(f"{files[0]}: the network cannot be used ({reason}); train it again") from error
    if classes != architecture.classes:
        raise ConfigError(
            f"{files[0]}: the network tells apart {', '.join(classes)}, its configuration {', '.join(architecture.classes)}; "
            "give the run folder as the training left it"
        )
    return model


def _check_inputs(model: keras.Model, samples: SampleSet, run: Path) -> None:
    """Raise ConfigError when the network takes other inputs than the samples give it."""
    taken = {tensor.name: tensor.shape[1:] for tensor in model.inputs}
    given = samples.network_inputs(np.arange(1))
    if not isinstance(given, dict):  # a single image, whatever the network calls it
        given = {next(iter(taken)): given}
    found = {name: array.shape[1:] for name, array in given.items()}
    if taken != found:
        raise ConfigError(
            f"{run}: the network takes {taken}, its configuration gives it {found}; give the folder as the training left it"
        )


def _predictions(task: Task, config: RunConfig, model: keras.Model, samples: SampleSet) -> dict[str, np.ndarray]:
    from python.training.fitting import predict

    problem, rows = task.problem_of(config), np.arange(len(samples))
    with Progress("predicting", "samples") as progress:
        outputs = predict(model, samples, rows, problem.views(), progress)
    labelled = Samples(samples, task.labels(samples, task.architecture(config)))
    return problem.predictions(problem.combined(outputs), labelled, rows)


def _anything_known(values: np.ndarray) -> bool:
    return bool(np.any(values != UNKNOWN if values.dtype.kind == "i" else np.isfinite(values)))


def _provenance(task: Task, config: RunConfig, run: Path) -> dict[str, Any]:
    return {
        "format_version": np.int64(FORMAT_VERSION),
        "task": np.str_(task.schema.name),
        "model_name": np.str_(config.model_name),
        "version": np.str_(config.version or ""),
        "run_folder": np.str_(run.resolve().name),
        "commit": np.str_(git_commit() or ""),
    }
