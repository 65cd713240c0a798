"""A network of the user's own is one file in its task's models folder: it trains through the launcher, or is refused in words."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.children import Child, Command

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "tests" / "older_runs" / "data"
COPIED = ("scripts", "mt_identifier")  # a launcher takes the project that it lies in
LINKED = ("json", "python", "channel_tagging", "electron_direction", "requirements.txt", "pyproject.toml")
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
    """The project as a user would clone it; what no test changes is not copied, nor compiled again."""
    clone = tmp_path_factory.mktemp("clone") / "project"
    clone.mkdir()
    for part in COPIED:
        shutil.copytree(ROOT / part, clone / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in LINKED:
        (clone / part).symlink_to(ROOT / part)
    return clone


def add(project, name, old="", new=""):
    """Copy the reference's network to a new name, changed at one place, as the page about adding a network says."""
    source = (project / "mt_identifier" / "models" / "simple_cnn.py").read_text()
    assert old in source
    (project / "mt_identifier" / "models" / f"{name}.py").write_text(source.replace(old, new, 1))


def training(project, name, output, *more):
    """The command line of a small training of a network."""
    configuration = project / "json" / "mt_identifier" / "quick_test.json"
    changes = (f"model_name={name}", "model_parameters.epochs=1", "dataset_parameters.max_samples=100", *more)
    return ["-j", str(configuration), "-d", str(DATA), "-o", str(output), "--set", *changes]


class InProject:
    """The command of a training, with the networks of a project."""

    def __init__(self, project, arguments):
        self.project, self.command = project, Command("python.commands.train", ["mt_identifier", *arguments])

    def __call__(self):
        for name in [name for name in sys.modules if name.split(".")[0] == "mt_identifier"]:
            del sys.modules[name]  # which may have been loaded from here
        sys.path.insert(0, str(self.project))
        self.command()


def test_a_file_is_all_that_a_new_network_needs(project, tmp_path):
    add(project, "my_network")
    launcher = project / "scripts" / "train_mt_identifier.sh"
    line = [launcher, *training(project, "my_network", tmp_path / "output", "version=first_of_its_kind")]
    environment = {**os.environ, "ML_POINTING_VENV": os.environ.get("ML_POINTING_VENV", str(ROOT / ".venv"))}
    done = subprocess.run(line, check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    run = Path(done.stdout.splitlines()[-1])
    assert (run / "my_network.keras").is_file()
    assert run.parts[-3] == "my_network"


@pytest.mark.parametrize("fault", WRONG)
def test_one_that_cannot_be_trained_is_refused_before_there_is_a_run(project, tmp_path, fault):
    old, new, told = WRONG[fault]
    name = "my_" + fault.replace(" ", "_")
    add(project, name, old, new)
    line = training(project, name, tmp_path / "output", "version=never")
    code, said = Child(InProject(project, line), tmp_path / "errors").end()
    (project / "mt_identifier" / "models" / f"{name}.py").unlink()
    assert code == 2
    assert told in said
    assert name in said
    assert not (tmp_path / "output").exists()
