"""What a batch job may use: memory in megabytes, minutes, threads, and how batch systems are told."""

from __future__ import annotations

import math

from python.config.schema import BatchJob

THREAD_SETTINGS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
)
MINUTES_OF_FLAVOUR = {
    "espresso": 20,
    "microcentury": 60,
    "longlunch": 2 * 60,
    "workday": 8 * 60,
    "tomorrow": 24 * 60,
    "testmatch": 3 * 24 * 60,
    "nextweek": 7 * 24 * 60,
}


def megabytes(memory: str) -> int:
    """Megabytes (2**20 bytes) of a text such as "1.5GB", rounded up."""
    number, unit = memory[:-2].strip(), memory[-2:]
    return math.ceil(float(number) * {"MB": 1, "GB": 1024, "TB": 1024**2}[unit])


def htcondor_resources(batch: BatchJob) -> dict[str, object]:
    """The submit commands for what the job may use, for how long, and at whose cost; no GPU's model, no operating system."""
    commands: dict[str, object] = {
        "request_cpus": batch.request_cpus,
        "request_memory": f"{megabytes(batch.request_memory)}MB",
    }
    if batch.request_gpus:
        commands["request_gpus"] = batch.request_gpus
    if batch.request_disk:
        commands["request_disk"] = f"{megabytes(batch.request_disk)}MB"
    if batch.accounting_group:
        commands["accounting_group"] = batch.accounting_group
    commands["+JobFlavour"] = f'"{batch.job_flavour}"'
    return commands


def slurm_resources(batch: BatchJob) -> dict[str, object]:
    """The same as options of sbatch, without their dashes."""
    options: dict[str, object] = {
        "cpus-per-task": batch.request_cpus,
        "mem": f"{megabytes(batch.request_memory)}M",
        "time": MINUTES_OF_FLAVOUR[batch.job_flavour],
    }
    if batch.request_gpus:
        options["gres"] = f"gpu:{batch.request_gpus}"
    if batch.request_disk:
        options["tmp"] = f"{megabytes(batch.request_disk)}M"
    if batch.accounting_group:
        options["account"] = batch.accounting_group
    return options


def submit_description(commands: dict[str, object], jobs: int = 1) -> str:
    """The text of a submit description that queues so many jobs."""
    return "\n".join(f"{key} = {value}" for key, value in commands.items()) + f"\nqueue {jobs}\n"
