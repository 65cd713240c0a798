"""Several networks trained alike but for their seeds and samples, kept as one model that gives the answer of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from python.config.schema import Ensemble
from python.general_purpose_libs import log, make_folder
from python.networks.saved import save_network
from python.runs.status import RunStatus
from python.training.fitting import Fitted, fit, model_file_of
from python.training.outputs import save_history
from python.training.run_folder import member_folder
from python.training.training import Training


def fit_ensemble(training: Training, folder: Path, status: RunStatus) -> Fitted:
    """Train the members one by one in folders of their own under `folder`/members; see `fitting.fit`.

    The model that is saved in `folder` gives the outputs of all members, (N, members, C). The history is the mean over the
    members that reached an epoch. A run that goes on takes finished members as they are.
    """
    parts, config, members = [], training.config, _ensemble(training).members
    for number in range(1, members + 1):
        status.update(member=number, members=members)
        parts.append(fit_member(training, folder, number, status))
    model = joined([part.model for part in parts], config.model_name)
    save_network(model, model_file_of(config, folder), training.architecture.classes)
    epochs = "; ".join(part.epochs for part in parts)
    history = _mean_history([part.history for part in parts])
    return Fitted(model, history, f"members: {epochs}", sum(part.seconds for part in parts))


def fit_member(training: Training, folder: Path, number: int, status: RunStatus) -> Fitted:
    """Train member `number`, from 1, in its folder under `folder`, where it has not been trained to its end yet."""
    own = member_folder(folder, number)
    make_folder(own)
    log.info("member %d of %d", number, _ensemble(training).members)
    fitted = fit(_member(training, number - 1), own, status)
    save_history(own, fitted.history)
    return fitted


def member_rows(rows: np.ndarray, ensemble: Ensemble, number: int, seed: int) -> np.ndarray:
    """What member `number` trains on: as many of `rows` drawn with replacement, all but one fold of them, or `rows`."""
    if ensemble.resampling == "none":
        return rows
    if ensemble.resampling == "bootstrap":
        return np.random.default_rng([seed + number, 2]).choice(rows, len(rows))
    order = np.random.default_rng([seed, 2]).permutation(len(rows))
    return np.sort(rows[order % ensemble.members != number])


def joined(models: list[keras.Model], name: str) -> keras.Model:
    """One model that takes what each of `models` takes and gives their outputs (N, len(models), C)."""
    inputs = keras.tree.map_structure(
        lambda tensor: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=tensor.name), _taken(models[0])
    )
    answers = []
    for number, model in enumerate(models, start=1):
        # without loss and optimizer, which whoever only asks the network need not know
        member = keras.Model(_taken(model), model.outputs[0], name=f"member_{number}")
        answers.append(layers.Reshape((1, -1), name=f"answer_{number}")(member(inputs)))
    return keras.Model(inputs, layers.Concatenate(axis=1, name="answers")(answers), name=name)


def _taken(model: keras.Model) -> Any:
    """What the model takes, of a dictionary with its names."""
    return model.inputs[0] if isinstance(model, keras.Sequential) else model.input


def _ensemble(training: Training) -> Ensemble:
    if training.config.ensemble is None:
        raise ValueError("the configuration asks for one network, not for an ensemble")
    return training.config.ensemble


def _member(training: Training, number: int) -> Training:
    """The training of one network, with the seed and the rows of member `number`, from 0."""
    config, parameters = training.config, training.config.dataset_parameters
    own = parameters.model_copy(update={"random_seed": parameters.random_seed + number})
    return replace(
        training,
        config=config.model_copy(update={"ensemble": None, "dataset_parameters": own}),
        rows=member_rows(training.rows, _ensemble(training), number, parameters.random_seed),
    )


def _mean_history(histories: list[dict[str, list[float | None]]]) -> dict[str, list[float | None]]:
    return {
        name: [_mean_of_known(epoch) for epoch in zip_longest(*(history[name] for history in histories))]
        for name in histories[0]
    }


def _mean_of_known(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
