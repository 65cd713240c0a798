"""The declaration of a task that is not there yet, as its part of the project would write it, for older configurations."""

from typing import Annotated

from pydantic import Field, Strict

from python.config.classification_losses import CrossEntropyParameters
from python.config.schema import DatasetParameters, RunConfig, Texts
from python.config.task_schema import Architecture, BuildParameters, TaskSchema

Integers = Annotated[tuple[int, ...], Strict(False)]


class Rates(BuildParameters):
    dropout_rate: float = Field(0.0, ge=0, lt=1, description="Share of units dropped.")
    learning_rate: float = Field(1e-3, gt=0, description="Learning rate.")
    decay_rate: float = Field(1.0, gt=0, le=1, description="Factor per epoch.")


class Convolutions(Rates):
    n_conv_layers: int = Field(4, ge=1, description="Convolutions.")
    n_filters: int = Field(32, ge=1, description="Filters.")
    kernel_size: int = Field(3, ge=1, description="Side of the kernel.")
    n_dense_layers: int = Field(1, ge=0, description="Dense layers.")
    n_dense_units: int = Field(128, ge=1, description="Units of a dense layer.")
    use_batch_norm: bool = Field(False, description="Normalise batches.")


class Blocks(Rates):
    filters: Integers = Field((8, 8), description="Filters of each block.")
    kernel_size: int = Field(3, description="Side of the kernel.")
    pool_size: int = Field(2, description="Side of the pooling.")
    dense_units: Integers = Field((16,), description="Units of each dense layer.")


class DatasetOfVolumes(DatasetParameters):
    max_samples_per_class: int | None = Field(None, ge=1, description="At most so many volumes of each class.")


class ConfigOfVolumes(RunConfig):
    es_directories: Texts | None = Field(None, description="Folders with ES volumes.")
    cc_directories: Texts | None = Field(None, description="Folders with CC volumes.")
    dataset_parameters: DatasetOfVolumes = Field(DatasetOfVolumes(), description="The volumes and their split.")


def no_network(_input_shape, _n_outputs, _parameters):
    raise AssertionError("configuration must not build networks")


CROSS_ENTROPY = {"binary_crossentropy": CrossEntropyParameters}
CHANNEL_TAGGING = TaskSchema(
    name="channel_tagging",
    architectures={
        "simple_cnn": Architecture(Convolutions, no_network, CROSS_ENTROPY, classes=("es", "cc")),
        "deep_cnn": Architecture(Blocks, no_network, CROSS_ENTROPY, classes=("es", "cc")),
    },
    input_shape=(208, 1242, 1),
    monitors=("val_loss", "val_accuracy"),
    config=ConfigOfVolumes,
)
