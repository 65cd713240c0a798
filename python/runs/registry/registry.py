"""The registry of an output folder: which runs there are, what each was to do and how it ended, and whose a version is.

Each run has one file, registry/<run id>.json; registry.jsonl and TRAINING_REGISTRY.md are generated from these files. Any number
of processes may write at a time, on file systems without locks: what is written is moved into place, and whoever has written
looks again whether another process was in between, and if so writes once more.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import random
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from python.general_purpose_libs import ConfigError, OutputError, atomic_path, log, utc_now, write_text, writing_to
from python.runs.facts import ENDED, run_facts, status_of
from python.runs.files import STATUS_FILE
from python.runs.find import find_runs
from python.runs.registry.names import folder_below, run_id
from python.runs.registry.page import FIRST_LINE, training_registry
from python.runs.registry.versions import Versions

Entry = dict[str, Any]
Stamp = tuple[int, int, int]  # of a file: changes when another one is moved into its place
MOST_ATTEMPTS = 20  # at an entry that others change
MOST_ROUNDS = 200  # of writing pages while entries change
LONGEST_TURN_S = 15
LOOK_AGAIN_S = 0.05  # longer than another process needs from its last look at an entry until it has replaced it
FACTS_OF_THE_END = ("state", "message", "ended", "epochs", "results", "host")


class _ChangedMeanwhileError(Exception):
    """Another process has replaced the entry since it was read."""


class Registry:
    """The registry in the folder `output`. Nothing is made before something is claimed or recorded."""

    def __init__(self, output: str | os.PathLike) -> None:
        self.output = Path(output)
        self.folder = self.output / "registry"
        self.lines, self.page = self.output / "registry.jsonl", self.output / "TRAINING_REGISTRY.md"
        self._turn = self.folder / ".writing_pages"
        self._read: dict[str, tuple[Stamp, Entry | None]] = {}

    # ------------------------------------------------------------------------ versions
    def holder(self, task: str, version: str) -> str | None:
        """The id of the run that claimed the version; None when it is free, "" when its claim does not say by whom."""
        return self._versions(task).holder(version)

    def claim(self, task: str, version: str | None, run: str, *, force: bool = False) -> str:
        """Make `version` the run's own and return it; None makes one up, from the date and a counter.

        Of several processes that claim a version at a time one gets it. With `force` a version that another run holds is
        accepted, and stays the other's. Raises ConfigError when it is taken, OutputError when the claim cannot be written.
        """
        self._know_older_runs(task)
        versions = self._versions(task)
        if version is None:
            return versions.make_up(run)
        holder = versions.claim(version, run)
        if holder != run and not force:
            raise _taken(version, holder)
        return version

    def require_free(self, task: str, version: str) -> None:
        """Raise the ConfigError of `claim` where another run holds the version already."""
        self._know_older_runs(task)
        holder = self.holder(task, version)
        if holder is not None:
            raise _taken(version, holder)

    def _know_older_runs(self, task: str) -> None:
        """Take in the runs of the time before there was a registry."""
        if not self._versions(task).folder.is_dir() and (self.output / task).is_dir():
            self._take_in(find_runs(self.output / task))

    def _versions(self, task: str) -> Versions:
        return Versions(self.folder / "versions" / task)

    # ------------------------------------------------------------------------ writing
    def record(self, run: str, **facts: Any) -> None:
        """Create or update the entry of `run`, a `run_id`, and bring the generated files up to date.

        `facts` are JSON values, of which None takes a fact away; a new entry needs `task` and `folder`. Facts that another
        process records at the same time are kept. Raises OutputError when the output folder cannot be written.
        """
        self._merge(run, facts)
        self._refresh_in_turn()

    def record_all(self, entries: list[Entry]) -> None:
        """Bring entries, as `entries` returns them and perhaps with more facts, and the generated files up to date."""
        before = self._stamps()
        for entry in entries:
            self._merge(entry["run"], {"message": None, "ended": None, **entry})
        if self._stamps() != before:
            self._refresh_in_turn()

    def _merge(self, run: str, facts: Entry) -> None:
        path, missing = self.folder / f"{run}.json", facts
        for attempts_left in reversed(range(MOST_ATTEMPTS)):
            stamp, before = _stamp(path), self._entry_to_change(path)
            if not before:
                before = {"run": run, "registered": utc_now()}
            after = {name: value for name, value in {**before, **missing}.items() if value is not None}
            if after == before:
                return
            _require_entry(after, run)
            try:
                _replace(path, after, stamp, insist=not attempts_left)
            except _ChangedMeanwhileError:
                time.sleep(random.uniform(0, LOOK_AGAIN_S))
                continue
            time.sleep(LOOK_AGAIN_S)
            now = self._entry_to_change(path)
            missing = {
                name: value
                for name, value in missing.items()
                if now.get(name) != value and now.get(name) == before.get(name)  # else someone knew better
            }
            if not missing:
                return

    def _entry_to_change(self, path: Path) -> Entry:
        """The entry as it stands, {} when there is none; a file in its place that is no entry is set aside."""
        try:
            return _parsed(path)
        except FileNotFoundError:
            return {}
        except ValueError as reason:
            aside = path.with_name(f"{path.name}.damaged_{time.time_ns()}")
            log.warning("%s: is no entry of the registry (%s); it is kept as %s", path, reason, aside.name)
            with writing_to(path), contextlib.suppress(FileNotFoundError):
                path.rename(aside)
            return {}
        except OSError as error:
            raise OutputError(
                f"{path}: cannot be read ({error.strerror}); make it readable, or move it away"
            ) from error

    def refresh(self) -> None:
        """Write registry.jsonl and TRAINING_REGISTRY.md from the entries, again while these change. Raises OutputError."""
        for _ in range(MOST_ROUNDS):
            if self._write_pages() == self._stamps():
                return

    def _refresh_in_turn(self) -> None:
        """Refresh, unless another process is at it: that one looks for changes once more when its turn is over."""
        for _ in range(MOST_ROUNDS):
            if not self._take_turn():
                return
            try:
                written = self._write_pages()
            finally:
                self._turn.unlink(missing_ok=True)
            if written == self._stamps():
                return
            time.sleep(LOOK_AGAIN_S)  # several changes are better written at once

    def _take_turn(self) -> bool:
        with writing_to(self._turn), contextlib.suppress(FileExistsError, FileNotFoundError):
            if self._turn.exists() and abs(time.time() - self._turn.stat().st_mtime) > LONGEST_TURN_S:
                self._turn.unlink()  # its process was killed, or is slow: then two will write
            self._turn.touch(exist_ok=False)
            return True
        return False

    def _write_pages(self) -> dict[str, Stamp]:
        """Write both from the entries as they are now; return the stamps of these."""
        stamps = self._stamps()
        entries = self._entries(stamps)
        self._keep_own_page()
        write_text(self.lines, "".join(f"{json.dumps(entry, allow_nan=False)}\n" for entry in entries))
        write_text(self.page, training_registry(entries))
        return stamps

    def _keep_own_page(self) -> None:
        """Set a page aside that somebody wrote by hand."""
        try:
            with open(self.page, encoding="utf-8", errors="replace") as file:
                own = file.read(len(FIRST_LINE)) != FIRST_LINE
        except OSError:
            return
        if own:
            aside = self.page.with_name(f"{self.page.stem}_by_hand_{time.time_ns()}{self.page.suffix}")
            log.warning("%s: was not generated; it is kept as %s", self.page, aside.name)
            with writing_to(self.page), contextlib.suppress(FileNotFoundError):
                self.page.rename(aside)

    # ------------------------------------------------------------------------ reading
    def entries(self, task: str | None = None) -> list[Entry]:
        """The entries, of one task or of all, in the order of their start.

        A run that is not done is asked for its state (`read_status`). Files that are no entries are skipped with a warning.
        """
        return [entry for entry in self._entries(self._stamps()) if task in (None, entry["task"])]

    def _entries(self, stamps: dict[str, Stamp]) -> list[Entry]:
        for name in self._read.keys() - stamps.keys():
            del self._read[name]
        for name, stamp in stamps.items():
            if name not in self._read or self._read[name][0] != stamp:
                self._read[name] = stamp, self._entry_or_warning(self.folder / name)
        live = [{**self._live(entry)} for _, entry in self._read.values() if entry is not None]
        return sorted(live, key=lambda entry: (str(entry.get("started") or entry.get("registered")), entry["run"]))

    def _stamps(self) -> dict[str, Stamp]:
        """What tells whether an entry has changed, by file name."""
        try:
            with os.scandir(self.folder) as files:
                names = [file.name for file in files]
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise OutputError(f"{self.folder}: cannot be read ({error.strerror}); mend that first") from error
        stamps = {name: _stamp(self.folder / name) for name in names if name.endswith(".json") and name[0] != "."}
        return {name: stamp for name, stamp in stamps.items() if stamp}

    def _entry_or_warning(self, path: Path) -> Entry | None:
        try:
            return _parsed(path)
        except FileNotFoundError:
            return None
        except ValueError as reason:
            log.warning("%s: is no entry of the registry and is skipped (%s)", path, reason)
        except OSError as error:
            log.warning("%s: cannot be read and is skipped (%s)", path, error.strerror)
        return None

    def _live(self, entry: Entry) -> Entry:
        """The entry with what its run folder says now."""
        folder = self.output / entry["folder"]
        if entry.get("state") == "done" or _job_knows_better(entry, folder):
            return entry
        try:
            if status_of(folder)["state"] == entry.get("state"):
                return entry
            facts = run_facts(folder)
        except ConfigError:
            if entry.get("state") in ("running", "submitted") and _is_gone(folder):
                return {**entry, "state": "interrupted", "message": "its folder is gone"}
            return entry
        now = {"message": None, "ended": None} | {name: facts[name] for name in FACTS_OF_THE_END if name in facts}
        return {name: value for name, value in {**facts, **entry, **now}.items() if value is not None}

    # ------------------------------------------------------------------------ runs that did not register
    def import_runs(self) -> list[str]:
        """Take in runs below the output folder that have no entry; return their ids, the oldest run first.

        Each claims its version where that is free. What the folders of ended runs say is written into entries that lack it.
        """
        runs = self._take_in(find_runs(self.output))
        for entry in self.entries():
            if entry.get("state") in ENDED:
                self._merge(entry["run"], entry)
        self.refresh()
        return runs

    def _take_in(self, folders: list[Path]) -> list[str]:
        known, taken_in = {entry["run"] for entry in self.entries()}, []
        for folder in folders:
            run = run_id(self.output, folder)
            if run in known:
                continue
            try:
                facts = run_facts(folder)
            except ConfigError as reason:
                log.warning("%s is not taken into the registry: %s", folder, reason)
                continue
            if "version" in facts:
                self._versions(facts["task"]).claim(facts["version"], run)
            self._merge(run, {**facts, "folder": folder_below(self.output, folder)})
            taken_in.append(run)
        return taken_in


def _taken(version: str, holder: str | None) -> ConfigError:
    return ConfigError(
        f'version "{version}" belongs to the run {holder or "that did not come to say its name"} already; '
        "choose another one, or go ahead with --force-version"
    )


# ---------------------------------------------------------------------------- files of entries
def _stamp(path: Path) -> Stamp | None:
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _is_gone(folder: Path) -> bool:
    try:
        folder.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):  # it cannot be looked at
        return False
    return False


def _job_knows_better(entry: Entry, folder: Path) -> bool:
    """Whether what is known of the run's batch job is newer than what the run has written of itself."""
    try:
        seen = datetime.fromisoformat(entry["batch"]["seen"]).timestamp()
        return seen > (folder / STATUS_FILE).stat().st_mtime
    except (OSError, KeyError, TypeError, ValueError):
        return False


def _parsed(path: Path) -> Entry:
    """The entry in the file. Raises ValueError when it holds something else, OSError when it cannot be read."""
    try:
        entry = json.loads(path.read_text(encoding="utf-8"), parse_constant=_finite, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(entry, dict):
        raise ValueError("it holds no entry")
    _require_entry(entry, path.stem)
    return entry


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no finite number")
    return value


def _require_entry(entry: Entry, run: str) -> None:
    """Raise ValueError when `entry` is not what the registry says of `run`."""
    for name in ("task", "folder"):
        if not isinstance(entry.get(name), str):
            raise ValueError(f"{name} is missing")
    if entry.get("run") != run:
        raise ValueError("it is of another run")


def _replace(path: Path, entry: Entry, stamp: Stamp | None, insist: bool) -> None:
    """Move the entry into place, if the file there is still the one of `stamp` or if it is insisted."""
    with atomic_path(path) as temporary:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(json.dumps(entry, indent=2, allow_nan=False) + "\n")
            file.flush()
            os.fsync(file.fileno())  # what takes long comes before the last look
        if _stamp(path) != stamp and not insist:
            raise _ChangedMeanwhileError
