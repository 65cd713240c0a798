"""The network of a run as one object that answers: for data in files, and for samples that were made in memory alike.

Keras is imported only where the network is loaded with it: what an exported network needs to answer is free of TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from python.config.load import load_config
from python.config.schema import RunConfig
from python.config.task_schema import Architecture
from python.data.data_origin import DataFolders, DataOrigin
from python.general_purpose_libs import ConfigError, DataError, log
from python.networks.answering import AnsweringNetwork
from python.plots.text_lines import cut_table_text
from python.runs.files import CALIBRATION_FILE, METRICS_FILE, configuration_file
from python.runs.finished import read_object
from python.runs.predictions import Predictions
from python.training.network_of_run import Runtime, network_of_run
from python.training.prediction import Alteration, Altered, predict
from python.training.preparation import configured_data
from python.training.task import Samples, SampleSet, Task

Told = Callable[[int, int], None]  # how many are done, of how many


@dataclass(frozen=True)
class Trained:
    """A trained network, the task and the configuration that it was trained for, and the `run` that it is of.

    `calibration` is what corrects its answers, None where there is none. Files of data are found by the `batch_pattern` of the
    training; where none has such a name those of all known names are taken, unless `keeps_pattern`.
    """

    task: Task
    config: RunConfig
    network: AnsweringNetwork
    run: Path
    calibration: Mapping[str, Any] | None = None
    keeps_pattern: bool = False

    @classmethod
    def load(cls, task: Task, run: Path, changes: Sequence[str] = (), runtime: Runtime | None = None) -> Self:
        """The network of a finished run of `task`; after a search with the sizes that were found.

        `changes` (KEY.PATH=VALUE) say otherwise than the run's configuration how data are read. The network answers with ONNX
        Runtime where the run was exported and nothing has changed since, else with Keras, unless `runtime` names one of the two.
        Raises ConfigError where the network is not whole, or does not fit the configuration.
        """
        config = load_config(configuration_file(run), task.schema, changes)
        network = network_of_run(task, config, run, runtime)
        return cls(task, config, network, run, calibration_of_run(run), names_files(changes))

    def read(self, folders: Sequence[str | Path], skip_bad_files: bool = False) -> SampleSet:
        """The samples of the files in data folders; see `samples_of`. Raises DataError where there are none."""
        named = tuple(map(str, folders))
        config = self.config.of_folders(named)
        samples = self.samples_of(self._data(config, skip_bad_files))
        log.info("%s", cut_table_text(samples.cuts))
        if len(samples) == 0:
            raise DataError(f"{', '.join(named)}: no sample is left that the network can take, see the table")
        return samples

    def known(self, folders: Sequence[str | Path], skip_bad_files: bool = False) -> Samples:
        """All samples of data folders whose truth is known, chosen and labelled as for a training.

        Raises DataError where there are none.
        """
        limits = self.config.dataset_parameters.model_copy(update={"max_samples": None})
        config = self.config.of_folders(tuple(map(str, folders))).model_copy(update={"dataset_parameters": limits})
        samples = self.task.prepare(config, self.architecture, self._data(config, skip_bad_files))
        if len(samples.set) == 0:
            raise DataError(
                f"{', '.join(map(str, folders))}: no sample of known truth is left:\n{cut_table_text(samples.set.cuts)}\n"
                "give data of which the truth is known, or choose others by the configuration"
            )
        return samples

    def samples_of(self, data: DataOrigin) -> SampleSet:
        """All that the network can take of files, or of products of trigger primitives in memory; of known truth or not."""
        return self.task.read(self.config, self.architecture, data)

    def answers(self, samples: SampleSet, told: Told = lambda _done, _total: None) -> Predictions:
        """What the network answers for each of the samples, in their order, none or more: see `answers_of`.

        The truth is beside it as far as the samples know it. `told` hears how far the work is. Raises ConfigError where the
        network takes other inputs than the samples give it.
        """
        labelled = Samples(samples, self.task.labels(samples, self.architecture))
        return self.answers_of(labelled, np.arange(len(samples)), told)

    def answers_of(
        self,
        samples: Samples,
        rows: np.ndarray,
        told: Told = lambda _done, _total: None,
        alter: Alteration | None = None,
    ) -> Predictions:
        """The answers for some `rows` of samples: of all views and members together, calibrated where that is known how.

        The network is shown the inputs of the rows, or what `alter` makes of those at some places among the rows.
        """
        problem = self.task.problem_of(self.config)
        if len(rows):
            self._check_inputs(samples.set)
            shown, places = (
                (samples.set, rows) if alter is None else (Altered(samples.set, rows, alter), np.arange(len(rows)))
            )
            outputs = predict(self.network, shown, places, problem.views(), told)
        else:
            outputs = np.empty((1, 0, self.network.width), np.float32)
        predictions = problem.predictions(outputs, samples, rows)
        if self.calibration is None:
            return predictions
        try:
            return problem.calibrated(predictions, self.calibration)
        except ValueError as error:
            raise ConfigError(
                f"{self.run / CALIBRATION_FILE}: {error}; give the folder as the training left it"
            ) from error

    @property
    def architecture(self) -> Architecture:
        return self.task.architecture(self.config)

    def _data(self, config: RunConfig, skip_bad_files: bool) -> DataFolders:
        """The files in the folders of the configuration, of those names that the training had, or of any where none has."""
        data = configured_data(config, skip_bad_files)
        if data.pattern is None or self.keeps_pattern or data.has_files():
            return data
        log.warning(
            "no file in %s is named %s, as those of the training were: files of all known names are read "
            "(--set dataset_parameters.batch_pattern=... names others)",
            data.name,
            data.pattern,
        )
        return replace(data, pattern=None)

    def _check_inputs(self, samples: SampleSet) -> None:
        taken = dict(self.network.inputs)
        given = samples.network_inputs(np.arange(1))
        if not isinstance(given, dict):  # a single image, whatever the network calls it
            given = {next(iter(taken)): given}
        found = {name: array.shape[1:] for name, array in given.items()}
        if taken != found:
            raise ConfigError(
                f"{self.run}: the network takes {taken}, its configuration gives it {found}; give the folder as the training "
                "left it, or train again what an older release trained on other inputs"
            )


def names_files(changes: Sequence[str]) -> bool:
    """Whether changes of a configuration say how files of data are named."""
    return any(change.partition("=")[0] == "dataset_parameters.batch_pattern" for change in changes)


def calibration_of_run(run: Path) -> Mapping[str, Any] | None:
    """What corrects the answers of a run's network; older code left a tagger's temperature among the metrics."""
    if (run / CALIBRATION_FILE).is_file():
        return read_object(run / CALIBRATION_FILE)
    temperature = read_object(run / METRICS_FILE).get("temperature")
    return None if temperature is None else {"temperature": temperature}
