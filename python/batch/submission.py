"""Giving a prepared job to HTCondor, through its commands."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from python.batch.systems import SYSTEMS, require_commands
from python.general_purpose_libs import ConfigError, write_text

SUBMIT_DAG = "condor_submit_dag"
REMEDY = "submit from a machine of an HTCondor pool, look at the job with --dry-run, or train here with train_<task>.sh"


def require_htcondor(dag: bool) -> None:
    """Raise ConfigError where this machine cannot submit to HTCondor; what ensembles need is asked for with `dag`."""
    require_commands(SYSTEMS["htcondor"], REMEDY)
    if dag and shutil.which(SUBMIT_DAG) is None:
        raise ConfigError(f"HTCondor's {SUBMIT_DAG} is not on the PATH of this machine; {REMEDY}")


def write_files(folder: Path, texts: Mapping[str, str]) -> None:
    """Write what is submitted, name to text, into the job's folder; scripts can be run. Raises OutputError."""
    for name, text in texts.items():
        write_text(folder / name, text)
        if name.endswith(".sh"):
            (folder / name).chmod(0o755)


def submit(file: Path, name: str) -> str:
    """Submit the description or DAG and return the number of its cluster. ConfigError, with HTCondor's words: it is refused.

    A DAG that was submitted before goes on: from its rescue DAG, or where HTCondor could not write one from its nodes' log.
    """
    command = [SYSTEMS["htcondor"].submit]
    if file.suffix == ".dag":
        once_more = file.with_name(f"{file.name}.condor.sub").exists()  # which is an error without -update_submit
        command = [SUBMIT_DAG, "-batch-name", name, *(["-update_submit"] * once_more)]
    answer = subprocess.run([*command, file.name], cwd=file.parent, capture_output=True, text=True)
    cluster = re.search(r"submitted to cluster (\d+)", answer.stdout)
    if answer.returncode or cluster is None:
        said = " ".join((answer.stderr.strip() or answer.stdout.strip() or "it says nothing").split())
        raise ConfigError(f"{command[0]} refuses {file} (exit code {answer.returncode}): {said}")
    return cluster[1]
