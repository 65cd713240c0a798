"""What happens to a job, over a table of situations: the expressions of its description, evaluated by HTCondor's own library."""

import time

import classad2
import pytest

from python.batch.policy import RETRIES, policy
from python.config.schema import BatchJob

SHARED, CARRIED = BatchJob(), BatchJob(file_transfer=True)
BASE = 16384
MACHINES = tuple(f"node{number}.example.org" for number in range(RETRIES + 2))


def ad_of(attributes):
    """A job's ad; what is written in brackets is an ad within it."""
    ad = classad2.ClassAd()
    for name, value in attributes.items():
        nested = isinstance(value, str) and value.startswith("[")
        ad[name] = classad2.ExprTree(value) if nested else value
    return ad


def evaluated(command, batch=SHARED, **attributes):
    ad = ad_of(attributes)
    ad["Asked"] = classad2.ExprTree(str(policy(batch)[command]))
    return ad.eval("Asked")


# ---------------------------------------------------------------------------- memory and holds
HELD = {"JobStatus": 5, "EnteredCurrentStatus": 0, "NumJobStarts": 1, "NumHolds": 1, "MemoryProvisioned": BASE}
HOLDS = {  # what the ad says: is it released, and with how much memory
    "it never ran": ({}, False, BASE),
    "evicted": (
        {"JobStatus": 1, "NumJobStarts": 1, "NumVacatesByReason": "[ ScheddVacate = 1 ]", "MemoryUsage": 16000},
        False,
        BASE,
    ),
    "held by the kernel": (
        {**HELD, "HoldReasonCode": 34, "HoldReasonSubCode": 102, "NumHoldsByReason": "[ JobOutOfResources = 1 ]"}
        | {"MemoryUsage": 9000},  # it grew faster than it was looked at
        True,
        24576,
    ),
    "held by the kernel, as older starters say it": (
        {**HELD, "HoldReasonCode": 34, "HoldReasonSubCode": 0, "NumHoldsByReason": "[ JobOutOfResources = 1 ]"},
        True,
        24576,
    ),
    "held for the disk": ({**HELD, "HoldReasonCode": 34, "HoldReasonSubCode": 104}, False, BASE),
    "held by the node for memory": (
        {**HELD, "HoldReasonCode": 21, "HoldReasonSubCode": 102, "NumHoldsByReason": "[ StartdHeldJob = 1 ]"}
        | {"MemoryUsage": 17000},
        True,
        25500,
    ),
    "held by the node for something else": (
        {**HELD, "HoldReasonCode": 21, "HoldReasonSubCode": 0, "NumHoldsByReason": "[ StartdHeldJob = 1 ]"}
        | {"MemoryUsage": 9000},
        False,
        BASE,
    ),
    "held by the pool for memory, which counts three times": (
        {**HELD, "HoldReasonCode": 26, "NumHolds": 3, "NumHoldsByReason": "[ SystemPolicy = 3 ]", "MemoryUsage": 17000},
        True,
        25500,
    ),
    "and again": (
        {**HELD, "HoldReasonCode": 26, "NumHolds": 6, "NumHoldsByReason": "[ SystemPolicy = 6 ]", "NumJobStarts": 2}
        | {"MemoryUsage": 26000, "MemoryProvisioned": 25500},
        True,
        39000,
    ),
    "within what it was given": (
        {**HELD, "HoldReasonCode": 26, "NumHoldsByReason": "[ SystemPolicy = 3 ]", "MemoryUsage": 17000}
        | {"MemoryProvisioned": 25500},
        False,
        25500,
    ),
    "held by the pool for time": (
        {**HELD, "HoldReasonCode": 26, "NumHoldsByReason": "[ SystemPolicy = 3 ]", "MemoryUsage": 9000},
        False,
        BASE,
    ),
    "held by its user": (
        {**HELD, "HoldReasonCode": 1, "NumHoldsByReason": "[ UserRequest = 1 ]", "MemoryUsage": 16000},
        False,
        BASE,
    ),
    "held by its user, later": (
        {
            **HELD,
            "HoldReasonCode": 1,
            "NumHoldsByReason": "[ SystemPolicy = 3; UserRequest = 1 ]",
            "MemoryUsage": 17000,
        },
        False,
        25500,
    ),
    "files did not arrive": ({**HELD, "HoldReasonCode": 13, "HoldReasonSubCode": 102}, False, BASE),
}


@pytest.mark.parametrize("situation", HOLDS)
def test_a_job_that_lacked_memory_comes_back_with_more_and_no_other(situation):
    attributes, released, memory = HOLDS[situation]
    for batch in (SHARED, CARRIED):
        assert evaluated("periodic_release", batch, **attributes) is released
        assert evaluated("request_memory", batch, **attributes) == memory


LACKED = {**HELD, "HoldReasonCode": 34, "HoldReasonSubCode": 102}


@pytest.mark.parametrize(
    ("attributes", "released"),
    [
        ({"NumJobStarts": 3}, True),
        ({"NumJobStarts": 4}, False),
        ({"NumJobStarts": 30, "NumVacatesByReason": "[ SuccessfulCheckpoint = 28; ScheddVacate = 1 ]"}, True),
    ],
)
def test_it_comes_back_twice(attributes, released):
    assert evaluated("periodic_release", **{**LACKED, **attributes}) is released


def test_it_does_not_come_back_at_once():
    assert evaluated("periodic_release", **{**LACKED, "EnteredCurrentStatus": int(time.time())}) is False


# ---------------------------------------------------------------------------- ends
def leaves_the_queue(batch, completions, **end):
    """HTCondor's reading of the retry commands, as "condor_submit" tells it."""
    commands = policy(batch)
    return (
        end.get("ExitCode") == 0
        or completions > commands["max_retries"]
        or evaluated("retry_until", batch, NumJobCompletions=completions, **end)
    )


@pytest.mark.parametrize("batch", [SHARED, CARRIED], ids=["shared", "carried"])
@pytest.mark.parametrize(
    ("end", "for_good"),
    [
        ({"ExitCode": 0}, True),
        ({"ExitCode": 1}, False),  # the node lacks something, or another process still trains the run
        ({"ExitCode": 2}, True),
        ({"ExitCode": 3}, True),
        ({"ExitCode": 4}, False),
        ({"ExitCode": 5}, True),
        ({"ExitCode": 85}, False),  # SIGTERM by another hand than HTCondor's
        ({"ExitCode": 143}, False),
        ({"ExitBySignal": True, "ExitSignal": 9}, False),
    ],
)
def test_what_another_start_may_mend_is_tried_again(batch, end, for_good):
    assert leaves_the_queue(batch, 1, **end) is for_good
    assert leaves_the_queue(batch, RETRIES, **end) is for_good
    assert leaves_the_queue(batch, RETRIES + 1, **end) is True


def test_only_a_job_that_is_carried_checkpoints_itself():
    assert policy(CARRIED)["checkpoint_exit_code"] == 85
    assert "checkpoint_exit_code" not in policy(SHARED)


# ---------------------------------------------------------------------------- machines
def matched(machine, **attributes):
    job, offer = ad_of(attributes), classad2.ClassAd()
    job["Requirements"] = classad2.ExprTree(policy(SHARED)["requirements"])
    offer["Machine"], offer["Requirements"] = machine, True
    return offer.symmetricMatch(job)


def waiting(starts, completions, seconds=20):
    """The ad of a job that waits after `starts` on as many machines, the last first."""
    history = {f"MachineAttrMachine{number}": name for number, name in enumerate(reversed(MACHINES[:starts]))}
    recent = {name: value for name, value in history.items() if int(name[-1]) < policy(SHARED)[HISTORY]}
    return {
        "JobStatus": 1,
        "EnteredCurrentStatus": int(time.time()) - seconds,
        "NumJobCompletions": completions,
    } | recent


HISTORY = "job_machine_attrs_history_length"


def test_a_machine_on_which_it_failed_does_not_get_it_again_at_once():
    for starts in range(1, RETRIES + 1):
        for number, machine in enumerate(MACHINES):
            assert matched(machine, **waiting(starts, completions=1)) is (number >= starts)


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        waiting(2, completions=0),  # evicted
        waiting(2, completions=2, seconds=3600),  # there is no other
        waiting(2, completions=2) | {"JobStatus": 2},  # the one on which it runs now
    ],
)
def test_any_machine_will_do_otherwise(attributes):
    assert all(matched(machine, **attributes) for machine in MACHINES)


def test_the_last_machines_are_asked_for():
    assert policy(SHARED)["job_machine_attrs"] == "Machine"


# ---------------------------------------------------------------------------- time
@pytest.mark.parametrize(
    ("flavour", "runs", "attributes", "evicted"),
    [
        ("espresso", 14, {"NumJobStarts": 1}, False),
        ("espresso", 16, {"NumJobStarts": 1}, True),
        ("tomorrow", 22.9 * 60, {"NumJobStarts": 1}, False),
        ("tomorrow", 23.1 * 60, {"NumJobStarts": 9}, True),
        ("tomorrow", 23.1 * 60, {"NumJobStarts": 10}, False),  # enough is enough
        ("tomorrow", 23.1 * 60, {"NumJobStarts": 70, "NumVacatesByReason": "[ SuccessfulCheckpoint = 65 ]"}, True),
    ],
)
def test_a_job_is_evicted_before_its_flavours_time_is_over(flavour, runs, attributes, evicted):
    batch, since = BatchJob(job_flavour=flavour), {"JobCurrentStartDate": int(time.time() - 60 * runs)}
    assert evaluated("periodic_vacate", batch, JobStatus=2, **since, **attributes) is evicted
    assert evaluated("periodic_vacate", batch, JobStatus=1, **since, **attributes) is False
    assert evaluated("periodic_vacate", batch, JobStatus=1) is False
