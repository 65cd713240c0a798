"""The script that a batch job runs: it says where it is, and becomes the training."""

from __future__ import annotations

import shlex
from string import Template

from python.batch import packed
from python.batch.node import exports
from python.batch.run_job import DATA_PARCEL, PARCEL, RunJob
from python.config.schema import BatchJob
from python.runs.files import CHECKPOINTS, CONFIG_FILE, EPOCHS, LOGS, MEMBERS

PROJECT = "project"  # in the parcel, and beside the script where the node does not see the project

LOST = """lost() { echo "error: $*; this node ($(uname -n)) cannot run the job" >&2; exit 1; }"""

HEAD = """#!/usr/bin/env bash
# Runs on the batch node. It becomes the training (exec), so that signals of HTCondor reach that and its exit code is the job's.
$lost
task=$task project=$project run=$run
"""

SHARED = """cd $start || lost "the folder that the job was submitted from is not seen"
[[ -e $$run/$config ]] || lost "the run folder $$run is not seen"
"""

CARRIED = """[[ -e $$run/$config ]] || tar -xzf $parcel --skip-old-files "$$run" || lost "the run did not arrive"
if [[ ! -x $$project/scripts/init.sh ]]; then
    project=$$PWD/$copy
    [[ -d $$project ]] || tar -xzf $parcel $copy || lost "the project did not arrive"
fi
if [[ -e $data ]]; then tar -xf $data && rm $data || lost "the data did not arrive"; fi
mkdir -p $kept  # what is to be carried back must be there, whatever happens
if [[ $${1:-} == --member ]]; then mkdir -p "$$run/$members/$$(printf %02d "$$2")"; fi
"""

VIEW = """source $view/setup.sh || lost "the LCG view $view is not there"
"""

PACKED = """environment=$${_CONDOR_SCRATCH_DIR:-$$PWD}/environment
command -v $python >/dev/null || lost "the packages that were carried are for $python, which is not there"
if [[ ! -e $$environment/complete ]]; then
    $python -m venv --clear --without-pip "$$environment" && tar -xzf $archive -C "$$environment/lib/$python" &&
        touch "$$environment/complete" && rm $archive || lost "the packages that were carried cannot be unpacked"
fi
export VIRTUAL_ENV="$$environment" ML_POINTING_ENV=system PYTHONNOUSERSITE=1
"""

CONTAINER = """export ML_POINTING_ENV=system
"""

TAIL = """trap 'lost "its environment is not to be had"' EXIT
source "$$project/scripts/init.sh"
trap - EXIT
echo "host: $$(uname -n), $$(uname -sr), $$(date -u +%Y-%m-%dT%H:%M:%SZ)"
if gpus="$$(nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader 2>/dev/null)"; then
    echo "GPU, memory, driver: $${gpus:-none is given to this job}"
else
    echo "GPU: no NVIDIA driver is seen"
fi
"$$POINTING_PYTHON" - <<'END'
import importlib.metadata, sys

names = ("tensorflow", "tensorflow-cpu", "jax", "torch", "keras", "numpy", "scipy", "scikit-learn")
installed = {each.metadata["Name"].lower().replace("_", "-"): each.version for each in importlib.metadata.distributions()}
print("Python:", sys.version.split()[0], sys.executable)
print("packages:", ", ".join(f"{name} {installed[name]}" for name in names if name in installed), flush=True)
END
exec "$$project/scripts/train_$$task.sh" --resume "$$run" "$$@"
"""


ENVIRONMENTS = {"install": "", "packed": PACKED, "lcg": VIEW, "container": CONTAINER}


def wrapper(job: RunJob) -> str:
    """The text of the script. It exits with 1 where the node lacks what it needs, which another node may have."""
    carried = job.batch.file_transfer
    names = {
        "task": job.task,
        "project": job.project,
        "run": job.run.name if carried else job.run,
        "start": job.start,
        "parcel": PARCEL,
        "data": DATA_PARCEL,
        "copy": PROJECT,
        "config": CONFIG_FILE,
        "members": MEMBERS,
    }
    kept = (LOGS, CHECKPOINTS, *((EPOCHS,) if job.every_epoch else ()))
    folders = " ".join(f'"$run"/{shlex.quote(name)}' for name in kept)
    quoted = {"lost": LOST, "kept": folders, **{name: shlex.quote(str(value)) for name, value in names.items()}}
    head, tail = (Template(part).substitute(quoted) for part in (HEAD + (CARRIED if carried else SHARED), TAIL))
    return head + environment(job.batch) + tail


def environment(batch: BatchJob) -> str:
    """The lines of a script that set up the Python of a job, and how many threads it may have."""
    same_python = batch.python_from == "install" and not batch.file_transfer
    names = {"view": batch.lcg_view or "", "python": packed.PYTHON, "archive": packed.archive().name}
    quoted = {name: shlex.quote(value) for name, value in names.items()}
    exported = "\n".join(exports(batch, same_python=same_python)) + "\n"
    return exported + Template(ENVIRONMENTS[batch.python_from]).substitute(quoted)
