"""What a configuration of the main-track identifier may say."""

from __future__ import annotations

from mt_identifier.models import hyperopt_simple_cnn, hyperopt_simple_cnn_multiclass, simple_cnn, simple_cnn_multiclass
from python.config.task_schema import TaskSchema

SCHEMA = TaskSchema(
    name="mt_identifier",
    architectures={
        "simple_cnn": simple_cnn.ARCHITECTURE,
        "simple_cnn_multiclass": simple_cnn_multiclass.ARCHITECTURE,
        "hyperopt_simple_cnn": hyperopt_simple_cnn.ARCHITECTURE,
        "hyperopt_simple_cnn_multiclass": hyperopt_simple_cnn_multiclass.ARCHITECTURE,
    },
    input_shape=(128, 32, 1),
    monitors=("val_loss", "val_accuracy", "val_auc"),
)
