"""From a finished run to a network that ships: what answers, an example that shows whether it still does, and a card."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from python.config.load import dump_config
from python.data.npz import read_npz, write_npz
from python.general_purpose_libs import ConfigError, read_json, write_json, writing_to
from python.ingest.products import make_products
from python.ingest.readout import PRIMITIVE_COLUMNS, Readout
from python.runs.files import CALIBRATION_FILE, CONFIG_FILE, METRICS_FILE, exported_file, network_file
from python.runs.predictions import ClassPredictions, DirectionPredictions, Predictions
from python.runs.shipped import CARD_FILE, EXAMPLE_FILE, RECIPE_FILE, digests, pretrained
from python.training.provenance import software
from python.training.trained import Trained

PRIMITIVE = "primitive_"
KT_AN_EVENT = 1e-3  # of argon, in which a burst has so few radioactive windows that trying it takes seconds
NEAR = 1e-4  # since other processors round otherwise


@dataclass(frozen=True)
class Training:
    """One training of a recipe: its configuration, and the options of simulate.sh for each set of its events."""

    configuration: str
    data: Mapping[str, str]


@dataclass(frozen=True)
class Recipe:
    """How the shipped network of a task is made.

    Each of the `trainings` goes on from the network of the one before, with events of its own; `test` are the options of
    simulate.sh for the events that the last is judged by; `figures` are the metrics that its card tells.
    """

    task: str
    name: str
    trainings: Sequence[Training]
    test: str
    figures: Sequence[str]
    answers: str
    not_for: str

    @classmethod
    def of(cls, task: str) -> Recipe:
        """The recipe of a task. Raises ConfigError where there is none."""
        path = pretrained(task) / RECIPE_FILE
        if not path.is_file():
            raise ConfigError(f"{path}: is missing, so it is not known how the shipped network of {task} is made")
        said = read_json(path)
        return cls(task=task, **{**said, "trainings": [Training(**each) for each in said["trainings"]]})

    def shortened(self, n_events: int) -> Recipe:
        """The same with so few events in each set, about as many in bursts: of several options the last counts."""
        trainings = [
            replace(each, data={name: _fewer(words, n_events) for name, words in each.data.items()})
            for each in self.trainings
        ]
        return replace(self, trainings=trainings, test=_fewer(self.test, n_events))


def _fewer(words: str, n_events: int) -> str:
    return f"{words} --mass {n_events * KT_AN_EVENT}" if "--burst" in words else f"{words} -n {n_events}"


def merits(trained: Trained, folder: str) -> dict[str, Any]:
    """Flat metrics of all samples of a data folder whose truth is known, chosen as for a training."""
    samples = trained.known([folder])
    answers = trained.answers_of(samples, np.arange(len(samples.set)))
    return trained.task.problem_of(trained.config).figures_of_merit(answers)


def ship(trained: Trained, example: Readout, card: Mapping[str, Any], folder: Path) -> None:
    """Write the network of a run into an empty `folder` as it ships; the `card` gets the files and versions that are to be told.

    Raises OutputError, and ConfigError when what was written does not answer as the run did.
    """
    from python.networks.saved import save_network
    from python.training.export import export_network
    from python.training.network_of_run import keras_model

    config = trained.config.model_copy(
        update={"output_folder": "output", "data_directories": None, "continue_from": None}
    )
    write_json(folder / CONFIG_FILE, dump_config(config))
    with writing_to(folder):
        for name in (METRICS_FILE, CALIBRATION_FILE):
            if (trained.run / name).is_file():
                shutil.copyfile(trained.run / name, folder / name)
    network = folder / network_file(config.model_name)
    save_network(keras_model(trained.task, trained.config, trained.run), network, trained.architecture.classes)
    export_network(trained.task, folder, exported_file(network))
    _write_example(folder, example, _told(example_answers(trained, example)))
    write_json(folder / CARD_FILE, {**card, "software": software(), "files": digests(folder)})
    difference = example_difference(Trained.load(trained.task, folder))
    if difference > NEAR:
        raise ConfigError(
            f"{folder}: answers differ by {difference:.2g} from those of {trained.run}; was the run changed?"
        )


def example_answers(trained: Trained, example: Readout) -> Predictions:
    """What the network answers for all that it can take of the primitives."""
    return trained.answers(trained.samples_of(make_products(example)))


def example_difference(trained: Trained) -> float:
    """The largest difference between what a shipped network answers for its example and what it answered when it was made,
    relative where answers are larger than 1. Infinite where it answers for other clusters than then.
    """
    arrays = read_npz(trained.run / EXAMPLE_FILE)
    primitives = {name.removeprefix(PRIMITIVE): array for name, array in arrays.items() if name.startswith(PRIMITIVE)}
    now = _told(example_answers(trained, Readout.of_arrays(primitives)))
    then = {name: array for name, array in arrays.items() if not name.startswith(PRIMITIVE)}
    if any(now[name].shape != array.shape for name, array in then.items()) or not np.array_equal(
        now["event"], then["event"]
    ):
        return np.inf
    return max(float((np.abs(now[name] - array) / (1 + np.abs(array))).max(initial=0)) for name, array in then.items())


def _write_example(folder: Path, example: Readout, told: Mapping[str, np.ndarray]) -> None:
    tps = example.tps
    primitives = {
        "event": example.events["event"][tps.event],
        **{name: getattr(tps, name) for name in PRIMITIVE_COLUMNS},
    }
    write_npz(folder / EXAMPLE_FILE, {**{f"{PRIMITIVE}{name}": array for name, array in primitives.items()}, **told})


def _told(answers: Predictions) -> dict[str, np.ndarray]:
    """The answers, and the event of each."""
    if isinstance(answers, DirectionPredictions):
        said = {
            "direction": answers.direction,
            "outputs": answers.outputs,
            "calibrated_68_deg": answers.calibrated_68_deg,
            "electron_energy": answers.electron_energy,
        }
    elif isinstance(answers, ClassPredictions):
        said = {"scores": answers.scores, "calibrated_scores": answers.calibrated_scores}
    else:
        raise TypeError(f"{type(answers).__name__} is no kind of answer that ships")
    return {"event": answers.clusters.event, **{name: array for name, array in said.items() if array is not None}}
