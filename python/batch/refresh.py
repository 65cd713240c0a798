"""The registry told of batch jobs: their newest number, how they stand and ended, and what they used."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from python.batch.event_log import ENDED_STATES
from python.batch.queue import queued_jobs
from python.batch.standing import GONE, REMOVED, RUNNING, JobLogs, Standing
from python.runs.registry.registry import Registry

Entry = dict[str, Any]


def refresh_jobs(registry: Registry, entries: list[Entry]) -> list[tuple[Entry, Standing]]:
    """Ask the queue and the event logs for the job of each entry, tell the registry, and return what is known of each.

    The pages are written anew where anything has changed. Raises OutputError when the registry cannot be written.
    """
    logs = {entry["run"]: JobLogs(registry.output / entry["folder"]) for entry in entries}
    waiting = [entry for entry in entries if entry.get("state") != "done"]
    queued = queued_jobs(logs[entry["run"]].job(str(entry["job"])) for entry in waiting)
    found = []
    for entry in entries:
        answer = None if entry.get("state") == "done" else queued
        standing = logs[entry["run"]].standing(str(entry["job"]), answer)
        found.append(({**entry, **_facts(entry, standing)}, standing))
    registry.record_all([entry for entry, _ in found])
    return found


def need_refreshing(entries: Iterable[Entry]) -> list[Entry]:
    """Those that have a job of which not everything is known yet."""
    jobs = [entry for entry in entries if entry.get("job")]
    return [
        entry for entry in jobs if entry.get("state") != "done" or of_the_job(entry).get("state") not in ENDED_STATES
    ]


def of_the_job(entry: Entry) -> Entry:
    """What an entry says of its job."""
    told = entry.get("batch")
    return told if isinstance(told, dict) else {}


def _facts(entry: Entry, standing: Standing) -> Entry:
    """What the registry is told of a job, where that is anything new."""
    told = {
        "state": standing.state,
        "reason": "" if standing.state == "idle" else standing.reason,
        "starts": standing.starts,
        "evictions": standing.evictions,
        "waited_hours": round(standing.waited / 3600, 2),
        "memory_mb": standing.memory_mb,
        "hours": standing.hours,
    }
    told = {name: value for name, value in told.items() if value}
    state, message = _state(entry, standing)
    before = {name: value for name, value in of_the_job(entry).items() if name != "seen"}
    if before == told and (entry.get("state"), str(entry["job"])) == (state, standing.job):
        return {}
    seen = datetime.now(UTC).isoformat()  # finer than seconds: what the run itself wrote before counts less
    return {"job": standing.job, "batch": {**told, "seen": seen}, "state": state, "message": message}


def _state(entry: Entry, standing: Standing) -> tuple[str, str | None]:
    """The state of the run, and what there is to say of it, when what its job tells is put beside what the run itself wrote."""
    state, message = str(entry.get("state", "")), entry.get("message")
    if state == "done":
        return state, message
    if standing.is_alive:
        if standing.state in RUNNING:
            return "running", message if state == "running" else None
        return "submitted", None
    if state == "submitted" and standing.state == GONE:
        return "interrupted", f"job {standing.job} is not in the queue and never began"
    if state in ("submitted", "running") and standing.state == REMOVED:
        return "interrupted", f"job {standing.job} was removed ({standing.reason or 'nobody says why'})"
    if state in ("submitted", "running") and standing.failed:
        return "failed", f"job {standing.job}: {standing.reason}"
    return state, message
