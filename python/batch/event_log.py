"""What HTCondor wrote of a job's life into the job's event log: a text file on the submitting side, which needs no queue.

Formats are those of HTCondor's manual, version 25: "Managing a Job", "In the Job Event Log File", and "Job Event Log Codes".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

HEADER = re.compile(
    r"(?P<code>\d{3}) \((?P<cluster>\d+)\.(?P<proc>\d+)\.\d+\) "
    r"(?:(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)[ T]|(?P<old_month>\d\d)/(?P<old_day>\d\d) )"
    r"(?P<clock>\d\d:\d\d:\d\d)(?:\.\d+)?(?P<utc>Z?) (?P<title>.*)"
)
END = "..."
SUBMITTED, EXECUTING, EVICTED, TERMINATED, IMAGE_SIZE, SHADOW_FAILED = 0, 1, 4, 5, 6, 7
ABORTED, SUSPENDED, RESUMED, HELD, RELEASED = 9, 10, 11, 12, 13
DISCONNECTED, RECONNECTED, NOT_RECONNECTED = 22, 23, 24
RUNNING_STATES = ("running", "suspended", "disconnected")
ENDED_STATES = ("ended", "removed")
STATE_AFTER = {
    SUBMITTED: "idle",
    EXECUTING: "running",
    EVICTED: "idle",
    SHADOW_FAILED: "idle",
    SUSPENDED: "suspended",
    RESUMED: "running",
    HELD: "held",
    RELEASED: "idle",
    DISCONNECTED: "disconnected",
    RECONNECTED: "running",
    NOT_RECONNECTED: "idle",
    TERMINATED: "ended",
    ABORTED: "removed",
}


@dataclass(frozen=True)
class Event:
    """An entry of the log: its code, cluster, moment (s, Unix), the rest of its first line, and the lines below that."""

    code: int
    cluster: str
    when: float
    title: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join((self.title, *self.lines))

    @property
    def reason(self) -> str:
        """Why it happened, where the log says it: in a line of its own, or after "Reason:"."""
        for line in self.lines:
            said = line.strip()
            if said.startswith("Reason: ") or (self.code in (ABORTED, HELD) and said and not _is_number_line(said)):
                return said.removeprefix("Reason: ").rstrip(".")
        return ""


@dataclass
class History:
    """What became of one cluster.

    `state` holds since `since`; `reason` is that of a hold, a removal or the last eviction. `starts`, `evictions` and `retries`
    (it ended with an error and was put back into the queue) are counts; `ran` and `waited` seconds on nodes, and in the queue
    after the first start. `exit_code` is that of a job that ended by itself, `signal` what killed it. `memory_mb` is the most
    memory that HTCondor has seen. Moments are seconds (Unix).
    """

    cluster: str
    state: str = "idle"
    since: float = 0.0
    reason: str = ""
    host: str = ""
    starts: int = 0
    evictions: int = 0
    retries: int = 0
    ran: float = 0.0
    waited: float = 0.0
    exit_code: int | None = None
    signal: int | None = None
    memory_mb: int = 0
    submitted: float = 0.0
    started: float = 0.0
    left_node: float | None = None

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED_STATES

    def take(self, event: Event) -> None:
        """Go on to what `event` tells."""
        self.memory_mb = max(self.memory_mb, _memory(event))
        if event.code not in STATE_AFTER:
            return
        after = STATE_AFTER[event.code]
        if self.state in RUNNING_STATES and (after not in RUNNING_STATES or event.code == EXECUTING):
            self._leave_node(event)
        if event.code == SUBMITTED:
            self.submitted = event.when
        elif event.code == EXECUTING:
            self._come_to_node(event)
        elif event.code == TERMINATED:
            self.exit_code, self.signal = _ending(event)
        if event.code in (EVICTED, HELD, ABORTED, SHADOW_FAILED, NOT_RECONNECTED):
            self.reason = event.reason or self.reason
        elif event.code == RELEASED:
            self.reason = ""
        if after != self.state or event.code in (SUBMITTED, EXECUTING):
            self.since = event.when
        self.state = after

    def _come_to_node(self, event: Event) -> None:
        self.starts += 1
        self.waited += 0.0 if self.left_node is None else event.when - self.left_node
        self.started, self.host, self.reason = event.when, _host(event), ""

    def _leave_node(self, event: Event) -> None:
        self.ran += event.when - self.started
        self.left_node = event.when
        if "was requeued" in event.text:
            self.retries += 1
            self.exit_code, self.signal = _ending(event)
        elif event.code in (EVICTED, SHADOW_FAILED, NOT_RECONNECTED):
            self.evictions += 1


def histories(log: Path) -> list[History]:
    """The life of each cluster in the log, in the order of submission; none where there is no such log."""
    found: dict[str, History] = {}
    for event in events(log):
        found.setdefault(event.cluster, History(event.cluster)).take(event)
    return list(found.values())


def events(log: Path) -> Iterator[Event]:
    """The events in the order in which they were written; an entry that is not written to its end does not count."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
        written = datetime.fromtimestamp(log.stat().st_mtime)
    except OSError:
        return
    for entry in text.split(f"\n{END}\n")[:-1]:
        first, *lines = entry.lstrip("\n").splitlines() or [""]
        if header := HEADER.match(first):
            moment = _moment(header, written)
            if moment is not None:
                yield Event(int(header["code"]), header["cluster"], moment, header["title"], tuple(lines))


def _moment(header: re.Match, written: datetime) -> float | None:
    """The moment of an event; older logs leave out the year, which is then that of the file or the one before."""
    month, day = int(header["month"] or header["old_month"]), int(header["day"] or header["old_day"])
    clock = datetime.strptime(header["clock"], "%H:%M:%S").time()
    year = int(header["year"] or (written.year if (month, day) <= (written.month, written.day) else written.year - 1))
    try:
        moment = datetime(year, month, day, clock.hour, clock.minute, clock.second)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC).timestamp() if header["utc"] else moment.timestamp()


def _is_number_line(line: str) -> bool:
    """Whether the line holds codes, times or bytes, and says no reason."""
    return bool(re.match(r"Code \d+ Subcode|Usr \d|\d+  -  |\(\d\) |Partitionable|Job terminated by", line))


def _memory(event: Event) -> int:
    """Megabytes that an event tells of: "Memory (MB) : usage request allocated", or "MemoryUsage of job (MB)"."""
    if event.code == IMAGE_SIZE:
        return _number(r"(\d+)  -  MemoryUsage of job", event) or 0
    return _number(r"Memory \(MB\) *: +(\d+) +\d+ +\d+", event) or 0


def _ending(event: Event) -> tuple[int | None, int | None]:
    """Exit code, and the signal that killed it."""
    return _number(r"return value (-?\d+)", event), _number(r"\(signal (\d+)\)", event)


def _host(event: Event) -> str:
    """The name of the node, where the log says it; else its address."""
    named = re.search(r"SlotName: *\S*?@?([\w.-]+)\s*$", event.text, re.MULTILINE)
    alias = re.search(r"[?&]alias=([\w.-]+)", event.title)
    address = re.search(r"<([^:>]+)", event.title)
    found = named or alias or address
    return found[1] if found else ""


def _number(pattern: str, event: Event) -> int | None:
    found = re.search(pattern, event.text)
    return int(found[1]) if found else None
