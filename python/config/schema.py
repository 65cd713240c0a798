"""The sections of a configuration file that all tasks share: keys, types, ranges, defaults and their meaning.

A task narrows them with its architectures, losses and monitors (`assemble.py`); `rules.py` holds what relates several
keys. Validation, error messages, the JSON schemas and the reference pages all come from this declaration.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, Strict

from python.config.format_version import FORMAT_VERSION

Plane = Literal["U", "V", "X"]
Text = Annotated[str, Field(min_length=1)]
Texts = Annotated[tuple[Text, ...], Strict(False), Field(min_length=1)]  # a JSON list becomes a tuple
Share = Annotated[float, Field(gt=0, lt=1)]
Side = Annotated[int, Field(ge=1, le=8192)]
FilePattern = Annotated[str, Field(pattern=r"^[^/{}]*(\{plane\})?[^/{}]+$", examples=["*_plane{plane}.npz"])]
Memory = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,6}(\.[0-9]{1,3})? ?[MGT]B$", examples=["16GB"])]
Group = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.+-]+$", examples=["group_u_DUNE.all"])]
Image = Annotated[str, Field(pattern=r"^[A-Za-z0-9_./:@+-]+$")]
JobEnvironment = Literal["install", "packed", "lcg", "container"]
JobFlavour = Literal["espresso", "microcentury", "longlunch", "workday", "tomorrow", "testmatch", "nextweek"]
ImageShape = Annotated[tuple[Side, Side, Literal[1]], Strict(False)]
PLACE: dict[str, Any] = {
    "format": "path"
}  # of a key that names a place: what lies there may be moved and stays the same


class Section(BaseModel):
    """A part of the configuration: unknown keys are errors, types are not converted, values do not change later."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=(), validate_default=True
    )


class DatasetParameters(Section):
    train_fraction: Share = Field(0.8, description="Share of the images that trains; the three shares sum to 1.")
    val_fraction: Share = Field(0.1, description="Share that steers early stopping and the learning rate.")
    test_fraction: Share = Field(0.1, description="Share that is kept aside for the final evaluation.")
    split_by: Literal["event", "source"] = Field(
        "event", description="What is never divided between the shares: an event, or a whole source file."
    )
    random_seed: int = Field(42, ge=0, le=2**32 - 1, description="Seed of the split, the augmentation and the weights.")
    max_samples: int | None = Field(None, ge=1, description="Use at most so many images, drawn at random; null: all.")
    balance_data: bool = Field(False, description="Give every class the same number of training images.")
    balance_method: Literal["undersample", "oversample", "energy"] = Field(
        "undersample",
        description="undersample: leave out images of the larger classes; oversample: repeat those of the smaller ones; energy: "
        "leave out images until the classes are equally frequent at each reconstructed energy, so that the energy alone tells "
        "nothing.",
    )
    aug_coefficient: int = Field(
        1, ge=1, le=1000, description="Times that every training image is shown per epoch, each time augmented anew."
    )
    prob_per_flip: float = Field(0.5, ge=0, le=1, description="Probability of each flip.")
    batch_pattern: FilePattern | None = Field(
        None,
        description="Pattern of the data files' names, {plane} standing for the plane; "
        "null: both *_plane{plane}.npz and *_plane{plane}_batch*.npz.",
    )
    old_flips: Literal["none", "upstream"] | None = Field(
        None, description="Flips that older image files already carry, which they do not record; null: not known."
    )


class Loss(Section):
    name: str = Field(description="The loss; its parameters stand beside it.")


class CosineAnnealing(Section):
    period: int = Field(50, ge=1, description="Epochs of the first fall; then the learning rate starts anew.")
    period_factor: float = Field(
        2.0, ge=1, le=1000, description="Each fall takes so many times as long as the one before."
    )
    min_lr: float = Field(1e-6, ge=0, description="The learning rate that a fall leads to.")


class Optimizer(Section):
    name: Literal["adam", "sgd", "rmsprop", "adamw"] = Field("adam", description="The optimizer.")
    clipnorm: float | None = Field(None, gt=0, description="Largest norm of a gradient; null: no limit.")
    decay_steps: int | None = Field(
        None,
        ge=1,
        description="Steps over which the learning rate falls by the factor decay_rate, a little after each; null: the factor "
        "comes after every epoch.",
    )
    cosine_annealing: CosineAnnealing | None = Field(
        None,
        description="Let the learning rate fall along half a cosine, epoch by epoch, and start anew at its end (Loshchilov and "
        "Hutter, arXiv:1608.03983); null: not.",
    )


class EarlyStopping(Section):
    monitor: str = Field("val_loss", description="The quantity that must improve.")
    patience: int = Field(10, ge=1, description="Epochs without improvement after which the training stops.")
    min_delta: float = Field(0.0, ge=0, description="A smaller change does not count as an improvement.")
    restore_best_weights: bool = Field(True, description="End with the weights of the best epoch, not of the last.")


class ReduceLr(Section):
    monitor: str = Field("val_loss", description="The quantity that must improve.")
    patience: int = Field(10, ge=1, description="Epochs without improvement after which the learning rate falls.")
    factor: float = Field(0.5, gt=0, lt=1, description="The learning rate is multiplied by this.")
    min_lr: float = Field(1e-6, ge=0, description="The learning rate does not fall below this.")


def learning_rate(default: float) -> Any:
    """Declares the learning rate of an architecture whose best one is not the usual."""
    return Field(default, gt=0, le=1, description="Learning rate of the first epoch.")


def decay_rate(default: float) -> Any:
    """Declares the decay of the learning rate of an architecture for which the usual one is not best."""
    return Field(default, gt=0, le=1, description="Factor on the learning rate after each epoch.")


class BuildParameters(Section):
    """Base of an architecture's parameters. Every field has a default, a description and its range."""

    learning_rate: float = learning_rate(1e-3)
    decay_rate: float = decay_rate(0.95)
    l2_reg: float = Field(
        0.0,
        ge=0,
        le=1,
        description="The sum of the squared weights of all convolutions and dense layers, their biases apart, is added to the "
        "loss with this factor, while training and in val_loss.",
    )


class PointParameters(BuildParameters):
    """Base of the parameters of what reads points."""

    max_points: int = Field(
        64,
        ge=1,
        le=1024,
        description="Points that are read of an event: the track's first, then those with most charge.",
    )


class ModelParameters(Section):
    input_shape: ImageShape = Field(
        (128, 32, 1),
        description="Rows, columns and 1: ticks and channels of clusters, channels and ticks of volumes.",
    )
    build_parameters: BuildParameters = Field(
        BuildParameters(), description="Parameters of the architecture named by model_name."
    )
    loss: Loss = Field(description="What the training makes small: a name and the loss's own parameters.")
    optimizer: Optimizer = Field(Optimizer(), description="How the weights follow the gradient.")
    epochs: int = Field(50, ge=1, description="Largest number of passes over the training images.")
    checkpoint_steps: int | None = Field(
        None, ge=1, description="Write a checkpoint also after so many steps within an epoch; null: after epochs only."
    )
    batch_size: int = Field(32, ge=1, description="Images per step.")
    early_stopping: EarlyStopping | None = Field(EarlyStopping(), description="When to stop early; null: never.")
    reduce_lr: ReduceLr | None = Field(None, description="Lower the learning rate on a plateau; null: never.")
    hp_max_evals: int | None = Field(
        None, ge=1, description="Trials of a hyperparameter search; set together with space_options, or null."
    )
    space_options: dict[str, Any] | None = Field(
        None,
        description='What the search varies: names with lists of choices, or ranges such as {"uniform": [low, high]}; '
        "two values of learning_rate (log-uniform) or decay_rate (uniform) are a range too; null: no search.",
    )


class Pruning(Section):
    warmup_epochs: int = Field(5, ge=0, description="Epochs that every trial is given.")
    startup_trials: int = Field(5, ge=1, description="Trials that must have run to their end before one is pruned.")


class Search(Section):
    objective: str = Field("val_loss", description="The quantity by which trials are compared.")
    epochs_per_trial: int | None = Field(None, ge=1, description="Epochs of a trial; null: as many as epochs says.")
    max_samples_per_trial: int | None = Field(
        None, ge=1, description="A trial trains on at most so many images of the training part; null: on all of them."
    )
    time_budget_minutes: float | None = Field(
        None, gt=0, description="No trial begins later than this after the start of the search; null: no limit."
    )
    patience: int | None = Field(
        None, ge=1, description="Trials in a row without a better one after which the search stops; null: never."
    )
    pruning: Pruning | None = Field(
        Pruning(),
        description="Break off a trial whose best epoch so far is worse than the median of the earlier trials at that "
        "epoch; null: never.",
    )
    engine: Literal["local", "htcondor", "slurm"] = Field(
        "local", description="Where trials run: on this machine, or as batch jobs, which ask for what batch_job says."
    )
    workers: int = Field(
        1, ge=1, le=1000, description="Trials that run at a time; on a machine with GPUs each worker has its own."
    )


class Ensemble(Section):
    members: int = Field(5, ge=2, le=100, description="Networks, with seeds that count on from random_seed.")
    resampling: Literal["bootstrap", "cross_validation", "none"] = Field(
        "bootstrap",
        description="What a member trains on: the training part drawn with replacement, all but one of as many folds of "
        "it, or the training part as it is.",
    )


class ContinueFrom(Section):
    run: Text = Field(
        description="Folder of the run of the same network, finished or interrupted, whose weights the training starts from; or "
        "of a network that ships, <task>/pretrained/<name>.",
        json_schema_extra=PLACE,
    )
    with_optimizer: bool = Field(
        False, description="Take up the optimizer's state too; the learning rate is that of this file."
    )
    weights: Text | None = Field(
        None,
        description="Digest of these weights, as a run records it: others are refused; null: those that are there.",
    )


class SaveOutputs(Section):
    sample_images: int = Field(16, ge=0, description="Number of input images drawn into the run's samples folder.")
    tensorboard: bool = Field(True, description="Write TensorBoard event files.")
    every_epoch: bool = Field(
        False, description="Keep the network as it is after every epoch, in the run's epochs folder."
    )


class BatchJob(Section):
    request_memory: Memory = Field(
        "16GB",
        description="Memory of a batch job; half as much again as it used after each of two holds for too little of it.",
    )
    request_cpus: int = Field(1, ge=1, description="Processor cores of a batch job.")
    request_gpus: int = Field(1, ge=0, description="Graphics processors of a batch job.")
    request_disk: Memory | None = Field(None, description="Disk space of a batch job; null: what the pool gives.")
    job_flavour: JobFlavour = Field(
        "tomorrow", description="Longest time of a batch job: 20 minutes, 1, 2, 8 hours, 1, 3 days, 1 week."
    )
    accounting_group: Group | None = Field(None, description="Group that a batch job is charged to; null: yours.")
    environment: JobEnvironment | None = Field(
        None,
        description="Where a batch job's Python comes from. install: that of the machine that submits, or with file_transfer "
        "one that the node makes and fills, which needs the network; packed: with file_transfer, the packages of the machine "
        "that submits in one archive, used by the node's Python of the same version; lcg: lcg_view; container: container_image; "
        "null: lcg or container where their key is given, else install.",
    )
    lcg_view: Text | None = Field(
        None,
        description="Folder of the CERN LCG view whose Python a batch job uses.",
        examples=["/cvmfs/sft.cern.ch/lcg/views/LCG_107_cuda/x86_64-el9-gcc11-opt"],
        json_schema_extra=PLACE,
    )
    container_image: Image | None = Field(
        None,
        description="Image that a batch job runs in, whose python3 has all packages: a .sif file, a folder, or an address.",
        examples=["/cvmfs/unpacked.cern.ch/registry/pointing:2026", "docker://example/pointing:2026"],
    )
    file_transfer: bool = Field(
        False, description="Nodes do not see the output folder: HTCondor carries the run there and back."
    )
    checkpoint_minutes: int = Field(
        60,
        ge=1,
        description="With file_transfer: a job stops so often to have its checkpoint carried back, and goes on.",
    )
    transfer_data: bool = Field(
        False,
        description="With file_transfer: carry the data folders too, which must then be named relative to the folder of "
        "the submission; false: nodes see them.",
    )

    @property
    def python_from(self) -> JobEnvironment:
        """Where the job's Python comes from, also where the file does not say it."""
        return self.environment or ("lcg" if self.lcg_view else "container" if self.container_image else "install")


NOT_INTERPRETED = ("$schema", "description", "notes")  # keys of a configuration


class RunConfig(Section):
    json_schema: str | None = Field(None, alias="$schema", description="The JSON schema for editors; not interpreted.")
    task: str = Field(description="The task that this file configures; optional where the launcher says it.")
    model_name: str = Field(description="The architecture.")
    version: Text | None = Field(None, description="Name of the training, unique per task; null: made from the date.")
    description: str = Field("", description="Free text, kept with the run.")
    notes: Any = Field({}, description="Anything, kept with the run and never interpreted.")
    format_version: int = Field(
        FORMAT_VERSION,
        ge=1,
        le=FORMAT_VERSION,
        description="Format of the file. Runs record it, so that later releases can convert what they change; leave it out.",
    )
    output_folder: Text = Field("output", description="Folder that the runs go to.", json_schema_extra=PLACE)
    data_directories: Texts | None = Field(
        None,
        description="Folders with image files, searched recursively; null: the embedded simulation.",
        json_schema_extra=PLACE,
    )
    device: Literal["auto", "cpu", "gpu"] = Field(
        "auto", description="Where to train; gpu fails when there is none, auto takes one if it is there."
    )
    plane: Plane = Field("X", description="The wire plane whose images are used.")
    dataset_parameters: DatasetParameters = Field(DatasetParameters(), description="The images and their split.")
    model_parameters: ModelParameters = Field(description="The network and its training.")
    ensemble: Ensemble | None = Field(
        None, description="Train several networks and average their answers; null: one network."
    )
    continue_from: ContinueFrom | None = Field(
        None, description="Start from the weights of another run; null: from weights drawn by random_seed."
    )
    search: Search = Field(Search(), description="How a hyperparameter search is done, where one is asked for.")
    save_outputs: SaveOutputs = Field(SaveOutputs(), description="Optional outputs of a run.")
    batch_job: BatchJob = Field(BatchJob(), description="What a batch job asks for; not used otherwise.")

    @property
    def named_folders(self) -> tuple[str, ...]:
        """All folders with data that the file names."""
        return self.data_directories or ()

    def of_folders(self, folders: Sequence[str]) -> Self:
        """The same for data in other folders, whatever named folders before."""
        return self.model_copy(update={"data_directories": tuple(folders)})

    @property
    def streamed(self) -> bool:
        """Whether images stay on disk and are read batch by batch; where a task does not say otherwise they do not."""
        return False

    @property
    def search_requested(self) -> bool:
        """Whether the file asks for a hyperparameter search."""
        return self.model_parameters.hp_max_evals is not None and self.model_parameters.space_options is not None
