"""What HTCondor does with a job that fails, is held, evicted or runs long, in the expressions that it evaluates for it.

Sections in comments are those of HTCondor's manual, version 25. A signal's meaning depends on who sent it: HTCondor ignores how a
job ends that it evicts, holds or removes, and takes any other end for the job's own word.
"""

from __future__ import annotations

from python.batch.resources import MINUTES_OF_FLAVOUR, megabytes
from python.config.schema import BatchJob
from python.general_purpose_libs import StopRequested

RETRIES = 3
RELEASES = 2
MORE_MEMORY = 1.5
POINTLESS = (2, 3, 5)  # configuration, data and output are as wrong on another node
# "Job ClassAd Attributes", "HoldReasonCode": out of resources, with 104 the disk; held by the machine's policy, with 102 for
# memory; held by the pool's policy, for whatever reason
OUT_OF_RESOURCES, MACHINE_POLICY, POOL_POLICY, SUBCODE_MEMORY, SUBCODE_DISK = 34, 21, 26, 102, 104
SECONDS_HELD = 60
STARTS = 10  # CERN's pool removes jobs that started more often
OTHER_MACHINE_S = 600  # a pool may have no other that the job could run on

# A checkpoint after which the claim was too old for one more start is a new start too, and no sign of trouble
STARTS_SO_FAR = "((NumJobStarts ?: 0) - (NumVacatesByReason.SuccessfulCheckpoint ?: 0))"


def policy(batch: BatchJob) -> dict[str, object]:
    """The submit commands for all that may happen to a job."""
    commands: dict[str, object] = {
        "request_memory": growing_memory(batch),
        **_other_machines(),
        # "condor_submit", "Policy commands"; a job that a signal killed has no exit code
        "max_retries": RETRIES,
        "retry_until": " || ".join(f"(ExitCode =?= {code})" for code in POINTLESS),
        "periodic_release": f"({_held_for_memory(batch)}) && {STARTS_SO_FAR} <= {RELEASES + 1} "
        f"&& (time() - EnteredCurrentStatus) > {SECONDS_HELD}",
        # a pool removes a job whose flavour's time is over, and what it carried with it; evicted before that, it begins anew
        "periodic_vacate": f"JobStatus == 2 && (time() - JobCurrentStartDate) > {60 * _minutes_at_a_time(batch)} "
        f"&& {STARTS_SO_FAR} < {STARTS}",
    }
    if batch.file_transfer:
        # "Self-Checkpointing Applications": HTCondor carries the checkpoint back and starts the job again after this exit code,
        # even while it holds it. A job that sees its run folder has nothing to carry, and must not be started so
        commands["checkpoint_exit_code"] = StopRequested.exit_code
    return commands


def growing_memory(batch: BatchJob) -> str:
    """An expression for the megabytes that the job asks for: half as much again as it used once it was held for too little.

    A hold by the user, or for time, asks for no more. A kernel that kills says so; what policies mean is seen by what was used.
    """
    base, used = megabytes(batch.request_memory), "(MemoryUsage ?: 0)"
    held = " + ".join(f"(NumHoldsByReason.{reason} ?: 0)" for reason in ("StartdHeldJob", "SystemPolicy"))
    too_little = f"(NumHoldsByReason.JobOutOfResources ?: 0) > 0 || ({used} > {base} && {held} > 0)"
    return f"ifThenElse({too_little}, int({MORE_MEMORY} * max({{{base}, {used}}})), {base})"


def _held_for_memory(batch: BatchJob) -> str:
    allowed = f"(MemoryProvisioned ?: {megabytes(batch.request_memory)})"
    return " || ".join(
        [
            f"(HoldReasonCode =?= {OUT_OF_RESOURCES} && HoldReasonSubCode =!= {SUBCODE_DISK})",
            f"(HoldReasonCode =?= {MACHINE_POLICY} && HoldReasonSubCode =?= {SUBCODE_MEMORY})",
            f"(HoldReasonCode =?= {POOL_POLICY} && (MemoryUsage ?: 0) > {allowed})",
        ]
    )


def _other_machines() -> dict[str, object]:
    """Once a start has failed, machines other than those of the last starts are asked for, for some minutes.

    A machine on which every job fails at once is always free, and would use up all tries. The ad remembers the machines of the
    last starts, 0 the latest; asked of a job that waits, since a running one must go on to match its own machine.
    """
    avoided = " && ".join(f"TARGET.Machine =!= MachineAttrMachine{number}" for number in range(RETRIES))
    return {
        "job_machine_attrs": "Machine",
        "job_machine_attrs_history_length": RETRIES,
        "requirements": "(NumJobCompletions ?: 0) == 0 || JobStatus =!= 1 "
        f"|| (time() - EnteredCurrentStatus) > {OTHER_MACHINE_S} || ({avoided})",
    }


def _minutes_at_a_time(batch: BatchJob) -> int:
    """How long a job may run before it is evicted: HTCondor looks every few minutes, and the checkpoint takes its time."""
    minutes = MINUTES_OF_FLAVOUR[batch.job_flavour]
    return minutes - min(max(minutes // 10, 5), 60)
