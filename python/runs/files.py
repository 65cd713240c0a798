"""What lies in a run folder: the names of its files and folders, spelled here and nowhere else."""

from __future__ import annotations

from pathlib import Path

CONFIG_FILE = "config.json"
BEST_CONFIG_FILE = "best_config.json"  # what a search found
ARGUMENTS_FILE = "args.json"
STATUS_FILE = "status.json"
ENVIRONMENT_FILE = "environment.json"
DATA_FILE = "data.json"
CUTS_FILE = "cuts.json"
SPLITS_FILE = "splits.npz"
INITIAL_WEIGHTS_FILE = "initial_weights.npz"  # beside a network that starts from another run's weights
HISTORY_FILE = "training_history.json"
HISTORY_TABLE = "training_history.csv"
METRICS_FILE = "metrics.json"
CALIBRATION_FILE = "calibration.json"  # what corrects answers; for tasks that have it and where events were enough
REPORT_FILE = "report.pdf"
EVALUATION_FILE = "evaluation.json"  # of evaluate.sh, in a folder of its own
EXPLANATION_FILE = "explain.json"  # of explain.sh, in a folder of its own
TRIALS_FILE = "trials.jsonl"
TRIALS_TABLE = "trials.csv"
NETWORK_FILES = "*.keras"

CHECKPOINTS = "checkpoints"
EPOCHS = "epochs"  # the network after each, where they are kept
LOGS = "logs"
MEMBERS = "members"  # a member's own folder below it has two digits
PLOTS = "plots"
SAMPLES = "samples"
TRAINING_LOG = f"{LOGS}/train.log"
TENSORBOARD = f"{LOGS}/tensorboard"


def network_file(model_name: str) -> str:
    """Of a run, or of a member of an ensemble."""
    return NETWORK_FILES.replace("*", model_name)


def epoch_file(epoch: int) -> str:
    """The network after so many epochs, from 1: a place in the folder of a run, or of a member of an ensemble."""
    return f"{EPOCHS}/{NETWORK_FILES.replace('*', f'{epoch:04d}')}"


def exported_file(network: Path) -> Path:
    """Where the same network lies for ONNX Runtime."""
    return network.with_suffix(".onnx")


def predictions_file(part: str) -> str:
    """What the network answered for a part of the split, "val" or "test"."""
    return f"{part}_predictions.npz"


def configuration_file(run: Path) -> Path:
    """The file that says what the network of a run is: after a search what was found."""
    found = run / BEST_CONFIG_FILE
    return found if found.is_file() else run / CONFIG_FILE
