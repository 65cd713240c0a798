"""How the batch job of a run stands: what its event logs say, and the queue where it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from python.batch.dag_outcome import MANAGER_LOG, dag_failure, exit_in_words, last_error
from python.batch.event_log import RUNNING_STATES, History, histories
from python.batch.progress import Progress
from python.batch.queue import MOST_TELLING, Queued, in_words
from python.batch.run_job import DAG, FOLDER
from python.runs.files import LOGS

GONE, REMOVED, ENDED = "gone", "removed", "ended"
RUNNING = ("running", "transferring output", "disconnected")
ALIVE = ("idle", "held", "suspended", *RUNNING)


@dataclass(frozen=True)
class Standing:
    """What is known of a run's job, the newest that was submitted for it.

    `state` is one of the queue's, ENDED, REMOVED, GONE (nobody knows it), or "" where nothing is known. `reason` says why it is
    held, idle or removed, or has `failed`. `since` is when it began on its node (s, Unix). `starts`, `evictions` and `waited`
    (s) are of this job, of all nodes of a DAG together; `memory_mb` is the most of all jobs of the run, `hours` their sum on
    nodes.
    """

    job: str
    state: str = ""
    reason: str = ""
    failed: bool = False
    host: str = ""
    since: float | None = None
    starts: int = 0
    evictions: int = 0
    waited: float = 0.0
    memory_mb: int = 0
    hours: float = 0.0
    progress: Progress | None = None
    counts: tuple[tuple[str, int], ...] = ()

    @property
    def is_alive(self) -> bool:
        return self.state in ALIVE

    @property
    def costs(self) -> str:
        """How often it started and what evictions cost, in words; "" where it started once."""
        if self.starts < 2 and not self.evictions:
            return ""
        told = [f"started {_times(self.starts)}"]
        if self.evictions:
            told.append(f"evicted {_times(self.evictions)}")
        if self.waited >= 60:
            told.append(f"{in_words(self.waited)} of waiting in between")
        return ", ".join(told)


class JobLogs:
    """The event logs of the run in a folder: those of its job, or of its DAG's manager and nodes."""

    def __init__(self, run: Path) -> None:
        self.run, self.is_dag = run, (run / FOLDER / DAG).exists()
        self.manager = _newest(histories(run / FOLDER / MANAGER_LOG)) if self.is_dag else None
        logs = [*(sorted((run / LOGS).glob("member_*.log")) if self.is_dag else ()), run / LOGS / "job.log"]
        self.jobs = [histories(log) for log in logs]
        newest = [_newest(jobs) for jobs in self.jobs]
        began = self.manager.submitted if self.manager else 0.0
        self.nodes = [node for node in newest if node is not None and node.submitted >= began]

    def job(self, known: str) -> str:
        """The number of the newest job; `known` where there is no log that tells it."""
        newest = self.manager if self.is_dag else next(iter(self.nodes), None)
        return newest.cluster if newest else known

    def standing(self, known: str, queued: Mapping[str, Queued] | None) -> Standing:
        """How the newest job stands; `queued` is what the queue answered, None where it did not."""
        told = self._told(self.job(known))
        in_queue = (queued or {}).get(told.job)
        if in_queue is not None:
            return replace(
                told,
                state=in_queue.state,
                reason=in_queue.reason or (told.reason if told.state == in_queue.state else ""),
                failed=False,
                host=in_queue.host or told.host,
                since=in_queue.since or told.since,
                progress=in_queue.progress,
                counts=in_queue.counts,
            )
        if queued is not None and not told.state:
            return replace(told, state=GONE)
        if queued is not None and told.is_alive:
            return replace(
                told, reason="; ".join(filter(None, (told.reason, "the queue that answers here has it not")))
            )
        return told

    def _told(self, job: str) -> Standing:
        """What the logs say without the queue."""
        every = [one for jobs in self.jobs for one in jobs]
        known = Standing(
            job,
            starts=sum(node.starts for node in self.nodes),
            evictions=sum(node.evictions for node in self.nodes),
            waited=sum(node.waited for node in self.nodes),
            memory_mb=max((one.memory_mb for one in every), default=0),
            hours=round(sum(one.ran for one in every) / 3600, 2),
        )
        life = self._life()
        if life is None:
            return known
        failed = life.state == ENDED and (life.exit_code != 0 or life.signal is not None)
        running = life.state in RUNNING_STATES
        return replace(
            known,
            state=life.state,
            reason=self._failure(life) if failed else life.reason,
            failed=failed,
            host=life.host if running else "",
            since=life.started if running else None,
        )

    def _life(self) -> History | None:
        """Of the DAG's manager once it has ended, before that of the node that matters most; of the job where there is no DAG."""
        alive = [node for node in self.nodes if not node.has_ended]
        if self.is_dag and (self.manager is None or self.manager.has_ended or not alive):
            return self.manager
        return min(alive or self.nodes, key=lambda node: _place(node.state), default=None)

    def _failure(self, life: History) -> str:
        if self.is_dag and (said := dag_failure(self.run)):
            return said
        ending = f"killed by signal {life.signal}" if life.exit_code is None else exit_in_words(life.exit_code)
        return ": ".join(filter(None, (ending, last_error(self.run / LOGS / "job.err"))))


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _newest(jobs: list[History]) -> History | None:
    return max(jobs, key=lambda each: each.submitted, default=None)


def _place(state: str) -> int:
    return MOST_TELLING.index(state) if state in MOST_TELLING else len(MOST_TELLING)
