"""From the data that a configuration names to samples, and from samples to the rows of each part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from python.config.schema import DatasetParameters, RunConfig
from python.data.data_origin import DataFolders, DataOrigin
from python.data.image_set import ImageSet, random_rows
from python.data.metadata import UNKNOWN
from python.data.old_orientation import orient_old_images, orientation_in_words
from python.general_purpose_libs import DataError, log
from python.samples.balance import balanced_rows, balanced_rows_by_energy
from python.samples.batches import Batches
from python.samples.splits import PARTS, Split, repeated_rows, split
from python.training.task import S, Samples, SampleSet, Task
from python.training.training import Training


class PartBatches(NamedTuple):
    """The batches that a network trains on, and those that it is validated on."""

    training: Batches
    validation: Batches


def configured_data(config: RunConfig, skip_bad_files: bool = False) -> DataFolders:
    """The files that the configuration names, else those of the embedded simulation, which are made if need be."""
    folders = config.named_folders or (_embedded(),)
    return DataFolders(folders, config.dataset_parameters.batch_pattern, skip_bad_files, config.streamed)


def _embedded() -> str:
    from python.simulation.embedded import embedded_data_set  # with all of the simulation

    return str(embedded_data_set())


def read_plane_images(config: RunConfig, data: DataOrigin, plane: str, kind: str = "clusters") -> ImageSet:
    """The images of a plane, of "clusters" or "volumes", oriented, without empty ones, fit to input_shape.

    Raises DataError when nothing usable is found.
    """
    images = oriented(data.images(plane, kind), config)
    images = images.keep("without empty images", images.images.counts > 0)
    return images.fit_to(config.model_parameters.input_shape)


def oriented(images: ImageSet, config: RunConfig) -> ImageSet:
    """The images in the drift frame where the configuration says which flips those of older files carry."""
    flips = config.dataset_parameters.old_flips
    if flips is None or not np.any(images.metadata["drift_frame"] == UNKNOWN):
        return images
    turned, metadata = orient_old_images(images.images, images.metadata, flips)
    cut = {"step": orientation_in_words(images.metadata, metadata), "removed": 0, "kept": len(images)}
    return replace(images, images=turned, metadata=metadata, cuts=[*images.cuts, cut])


def without_repeated(samples: S) -> S:
    """Leave out every sample that the network could not tell from an earlier one with the same labels."""
    return samples.keep("without repeated images", ~repeated_rows(samples.metadata, samples.image_keys()))


def limit(samples: S, labels: np.ndarray, parameters: DatasetParameters) -> Samples[S]:
    """Keep at most `max_samples` samples, chosen at random by the seed."""
    rows = random_rows(len(samples), parameters.max_samples, parameters.random_seed)
    if len(rows) == len(samples):
        return Samples(samples, labels)
    return Samples(samples.keep(f"at most {len(rows)} images (max_samples)", rows), labels[rows])


def split_samples(samples: SampleSet, parameters: DatasetParameters) -> Split:
    """Split by the configuration's fractions, seed and unit."""
    fractions = (parameters.train_fraction, parameters.val_fraction, parameters.test_fraction)
    return split(samples.metadata, samples.image_keys(), fractions, parameters.random_seed, parameters.split_by)


def training_rows(samples: Samples, parts: Split, parameters: DatasetParameters) -> np.ndarray:
    """Return the rows to train on: the training part, with its classes balanced where the configuration says so."""
    if not parameters.balance_data:
        return parts.train
    rng = np.random.default_rng([parameters.random_seed, 1])
    labels = samples.labels[parts.train]
    if parameters.balance_method == "energy":
        energy = samples.set.metadata["cluster_energy"][parts.train]
        return parts.train[balanced_rows_by_energy(labels, energy, rng)]
    return parts.train[balanced_rows(labels, parameters.balance_method, rng)]


def prepared(task: Task, config: RunConfig, data: DataFolders) -> Training:
    """Read the samples, divide them and choose the rows to train on; the table of cuts ends with the parts.

    Raises DataError when nothing can be learnt from the training part, or what is watched is undefined on the validation part.
    """
    samples = task.prepare(config, task.architecture(config), data)
    parameters = config.dataset_parameters
    parts = split_samples(samples.set, parameters)
    rows = training_rows(samples, parts, parameters)
    sizes = ", ".join(f"{name} {len(getattr(parts, name))}" for name in PARTS)
    samples.set.cuts.append(
        {"step": f"split by {parameters.split_by}: {sizes}", "removed": 0, "kept": len(samples.set)}
    )
    if parameters.balance_data:
        step = f"training part balanced ({parameters.balance_method})"
        samples.set.cuts.append({"step": step, "removed": len(parts.train) - len(rows), "kept": len(rows)})
    training = Training(task, config, data, samples, parts, rows)
    training.problem.check_training_labels(samples.labels[rows])
    lacking = {name: training.problem.undefined(samples.labels[getattr(parts, name)]) for name in ("val", "test")}
    _require_defined(config, lacking["val"])
    for name, undefined in lacking.items():
        for metric, reason in undefined.items():
            log.warning("the %s part has %s: its %s is undefined, and null in what is saved", name, reason, metric)
    return training


def _require_defined(config: RunConfig, undefined: Mapping[str, str]) -> None:
    """Raise DataError when something is to be watched that is `undefined` on the validation part, for the reasons given."""
    model = config.model_parameters
    watched = {"search.objective": config.search.objective} if config.search_requested else {}
    for name in ("early_stopping", "reduce_lr"):
        if (section := getattr(model, name)) is not None:
            watched[f"model_parameters.{name}.monitor"] = section.monitor
    for path, monitor in watched.items():
        if reason := undefined.get(monitor.removeprefix("val_")):
            raise DataError(
                f"{path}: {monitor} is undefined, as the validation part has {reason}; watch val_loss, give more data, or "
                "raise val_fraction"
            )


def batches(training: Training) -> PartBatches:
    """Batches of the rows to train on, augmented as the configuration says, and of the validation part."""
    parameters, problem = training.config.dataset_parameters, training.problem
    samples, targets = training.samples.set, problem.targets(training.samples)
    size, seed = training.config.model_parameters.batch_size, parameters.random_seed
    return PartBatches(
        Batches(
            samples,
            targets,
            training.rows,
            batch_size=size,
            seed=seed,
            copies=parameters.aug_coefficient,
            augmentation=problem.augmentation(),
        ),
        Batches(samples, targets, training.parts.val, batch_size=size, seed=seed),
    )
