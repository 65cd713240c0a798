"""A network of the user's own is one file in its task's models folder: it trains through the launcher, or is refused in words."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "tests" / "older_runs" / "data"
PARTS = (
    "scripts",
    "json",
    "python",
    "mt_identifier",
    "channel_tagging",
    "electron_direction",
    "requirements.txt",
    "pyproject.toml",
)
WRONG = {
    "a parameter that is not declared": (
        "parameters.n_filters, parameters",
        "parameters.n_fliters, parameters",
        "n_fliters",
    ),
    "an answer that does not fit the loss": ("class_output(classes)", 'class_output(("a", "b", "c"))', "(2, 3)"),
    "a range without a default": ("n_filters: int = Field(64,", "n_filters: int = Field(...,", "n_filters"),
    "an input that no sample has": (
        "    check=pooling_fits,",
        '    check=pooling_fits,\n    inputs=lambda _parameters: ("pionts",),',
        "'pionts'",
    ),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project as a user would clone it."""
    copy = tmp_path_factory.mktemp("clone") / "project"
    copy.mkdir()
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, copy / part)
    return copy


def add(project, name, old="", new=""):
    """Copy the reference's network to a new name, changed at one place, as the page about adding a network says."""
    source = (project / "mt_identifier" / "models" / "simple_cnn.py").read_text()
    assert old in source
    (project / "mt_identifier" / "models" / f"{name}.py").write_text(source.replace(old, new, 1))


def train(project, name, output, *more):
    line = [
        *(
            str(project / "scripts" / "train_mt_identifier.sh"),
            "-j",
            str(project / "json/mt_identifier/quick_test.json"),
        ),
        *("-d", str(DATA), "-o", str(output), "--set", f"model_name={name}", "model_parameters.epochs=1", *more),
    ]
    environment = {**os.environ, "ML_POINTING_VENV": os.environ.get("ML_POINTING_VENV", str(ROOT / ".venv"))}
    return subprocess.run(line, check=False, capture_output=True, text=True, env=environment)


def test_a_file_is_all_that_a_new_network_needs(project, tmp_path):
    add(project, "my_network")
    done = train(project, "my_network", tmp_path / "output", "version=first_of_its_kind")
    assert done.returncode == 0, done.stderr
    run = Path(done.stdout.splitlines()[-1])
    assert (run / "my_network.keras").is_file()
    assert run.parts[-3] == "my_network"


@pytest.mark.parametrize("fault", WRONG)
def test_one_that_cannot_be_trained_is_refused_before_there_is_a_run(project, tmp_path, fault):
    old, new, told = WRONG[fault]
    name = "my_" + fault.replace(" ", "_")
    add(project, name, old, new)
    refused = train(project, name, tmp_path / "output", "version=never")
    (project / "mt_identifier" / "models" / f"{name}.py").unlink()
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
    assert told in refused.stderr
    assert name in refused.stderr
    assert not (tmp_path / "output").exists()
