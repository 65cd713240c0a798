"""TRAINING_REGISTRY.md: the entries of the registry for people to read, a section a task, an item an attempt."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from python.metrics.merit import larger_is_better
from python.runs.headlines import headlines, in_words, phrase
from python.tasks import TASKS, About, about

Entry = dict[str, Any]
FIRST_LINE = "<!-- Generated from the files registry/*.json beside it: what is changed here by hand is lost. -->"
MOST_DATA_SETS = 5
NOT_SHAPE = ("learning_rate", "decay_rate")  # build parameters that do not shape the network
MARKS = {
    "done": ("✅", "DONE", "Completed"),
    "failed": ("❌", "FAILED", "Failed"),
    "running": ("⏳", "RUNNING", "Running"),
    "interrupted": ("⏸️", "INTERRUPTED", "Interrupted; goes on with `--resume`"),
    "submitted": ("💤", "SUBMITTED", "Submitted, waiting for resources"),
}
UNKNOWN_MARK = ("❔", "NOT KNOWN", "Not known")


def training_registry(entries: Sequence[Entry]) -> str:
    """The page for `entries`, which stand in the order of their start. Facts may be anything that JSON holds."""
    return "\n".join(_lines(entries)) + "\n"


def _lines(entries: Sequence[Entry]) -> Iterator[str]:
    yield FIRST_LINE
    yield "# Neural Networks Training Registry"
    yield ""
    yield (
        "All training attempts of this output folder, generated from `registry/*.json`, which every training writes as it starts "
        "and ends. `./scripts/update_registry.sh` brings the page up to date. Notes belong into the `description` of a "
        "configuration."
    )
    for task in sorted({entry["task"] for entry in entries}, key=_place):
        yield from ("", "---", "")
        yield from _section(task, [entry for entry in entries if entry["task"] == task])
    yield from ("", "---", "", "## Legend", "")
    yield from (f"- {mark} {meaning}" for mark, _, meaning in (*MARKS.values(), UNKNOWN_MARK))


def _place(task: str) -> tuple[int, str]:
    return TASKS.index(task) if task in TASKS else len(TASKS), task


# ---------------------------------------------------------------------------- a task
def _section(task: str, entries: Sequence[Entry]) -> Iterator[str]:
    facts = about(task) if task in TASKS else None
    yield f"## {facts.title if facts else plain(task)}"
    if facts:
        yield from ("", f"**Goal**: {facts.goal}")
    if sets := _data_sets(entries):
        yield from ("", f"**Dataset**: {sets}")
    if facts:
        yield from ("", f"**Evaluation Metric**: {facts.measure}")
    if best := _best(entries, facts):
        yield from ("", f"**Best so far**: {best}")
    attempts = enumerate(entries, start=1)
    for month, group in groupby(attempts, key=lambda attempt: _month(attempt[1])):
        yield from ("", f"### Training Attempts{f' ({month})' if month else ''}")
        for number, entry in group:
            yield from ("", *_attempt(number, entry))


def _data_sets(entries: Sequence[Entry]) -> str:
    counts = Counter(folders for entry in entries if (folders := _folders(entry)))
    told = [f"{folders} ({n} attempt{'s' * (n > 1)})" for folders, n in counts.most_common(MOST_DATA_SETS)]
    more = len(counts) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more else "")


def _best(entries: Sequence[Entry], facts: About | None) -> str:
    """The attempt with the best main metric of its task; where none has that, with the best of the headline that comes first."""
    results = {number: headlines(_section_of(entry, "results")) for number, entry in enumerate(entries, start=1)}
    name = next((next(iter(result)) for result in results.values() if result), None)
    if name is None:
        return ""
    if facts and any(facts.metric in result for result in results.values()):
        name = facts.metric
    sign = 1 if larger_is_better(name) else -1
    number = max((n for n in results if name in results[n]), key=lambda n: sign * results[n][name])
    words = phrase(name, results[number][name])
    return f"attempt {number}, {words}, on its own test part (`compare_runs.sh` compares on the same events)"


# ---------------------------------------------------------------------------- an attempt
def _attempt(number: int, entry: Entry) -> Iterator[str]:
    mark, word, _ = MARKS.get(_text(entry.get("state")), UNKNOWN_MARK)
    version = f" ({plain(entry['version'])})" if "version" in entry else ""
    yield f"#### {number}. {plain(_title(entry))}{version} - {mark} {word}"
    lines = {
        "Job ID": _job(entry),
        "Config": code(entry.get("configuration_file", "")),
        "Continued from": code(entry.get("continued_from", "")),
        "Data": _data(entry),
        "Architecture": _architecture(entry),
        "Training": _training(entry),
        "Loss": _loss(entry),
        "Hyperparameters": _hyperparameters(entry),
        "Rationale": plain(entry.get("rationale", "")),
        "Result": plain(", ".join(in_words(entry.get("results")))),
        "Status": _status(entry),
        "Folder": code(entry.get("folder", "")),
    }
    yield from (f"- **{name}**: {text}" for name, text in lines.items() if text)


def _title(entry: Entry) -> str:
    config = _section_of(entry, "configuration")
    parts = [_text(entry.get("model_name", "network not known"))]
    parts += [part.replace("_", " ") for part in entry["folder"].split("/") if re.fullmatch("plane_[UVX]", part)]
    if members := _section_of(config, "ensemble").get("members"):
        parts.append(f"ensemble of {_text(members)}")
    if "search" in config:
        parts.append("search")
    return ", ".join(parts)


def _job(entry: Entry) -> str:
    """The job's number, how it stands, and what it used."""
    told = _section_of(entry, "batch")
    used = []
    if "hours" in told:
        used.append(f"{_text(told['hours'])} h on nodes")
    if isinstance(told.get("memory_mb"), int):
        used.append(f"{told['memory_mb'] / 1024:.1f} GB of memory")
    state = _text(told.get("state", ""))
    held = f"held: {_text(told.get('reason', ''))}" if state == "held" else state
    counts = [f"{_text(told[name])} {name}" for name in ("starts", "evictions") if name in told]
    parts = [held, ", ".join(counts), ", ".join(used)]
    return plain("; ".join(filter(None, (_text(entry.get("job", "")), *parts))))


def _data(entry: Entry) -> str:
    told = _section_of(entry, "data_set")
    counts = [f"{_text(told[name])} {name}" for name in ("files", "samples") if name in told]
    return ", ".join(filter(None, (_folders(entry), plain(", ".join(counts)))))


def _folders(entry: Entry) -> str:
    folders = _section_of(entry, "data_set").get("folders")
    return ", ".join(code(folder) for folder in folders) if isinstance(folders, list) else ""


def _architecture(entry: Entry) -> str:
    config = _section_of(entry, "configuration")
    shape = {name: value for name, value in _section_of(config, "build_parameters").items() if name not in NOT_SHAPE}
    return _values(shape)


def _training(entry: Entry) -> str:
    config, parts = _section_of(entry, "configuration"), []
    if search := _section_of(config, "search"):
        parts.append(
            f"search of {_text(search.get('trials'))} trials of {', '.join(_section_of(search, 'space'))}, then"
        )
    if ensemble := _section_of(config, "ensemble"):
        parts.append(f"{_text(ensemble.get('members'))} members ({_text(ensemble.get('resampling'))}),")
    if "epochs" in config:
        parts.append(f"up to {_text(config['epochs'])} epochs,")
    if "epochs" in entry:
        parts.append(f"{_text(entry['epochs'])} epochs done,")
    if "batch_size" in config:
        parts.append(f"batches of {_text(config['batch_size'])}")
    return plain(" ".join(parts).rstrip(",").capitalize())


def _loss(entry: Entry) -> str:
    loss = _section_of(_section_of(entry, "configuration"), "loss")
    rest = {name: value for name, value in loss.items() if name != "name"}
    return ", ".join(filter(None, (code(loss.get("name", "")), _values(rest))))


def _hyperparameters(entry: Entry) -> str:
    config = _section_of(entry, "configuration")
    optimizer = _section_of(config, "optimizer")
    build = _section_of(config, "build_parameters")
    told = {name: build[name] for name in NOT_SHAPE if name in build}
    told |= {name: value for name, value in optimizer.items() if name != "name" and value is not None}
    told |= {name: config[name] for name in ("seed",) if name in config}
    return ", ".join(filter(None, (plain(optimizer.get("name", "")), _values(told))))


def _status(entry: Entry) -> str:
    state = _text(entry.get("state"))
    parts = [
        MARKS.get(state, UNKNOWN_MARK)[2].partition(";")[0],
        _time(when(entry.get("started")), when(entry.get("ended"))),
        f"on {_text(entry['host'])}" if "host" in entry else "",
        f"commit {_text(entry['commit'])[:10]}" if "commit" in entry else "",
    ]
    message = f": {_text(entry['message'])}" if "message" in entry else ""
    return plain(", ".join(filter(None, parts)) + message)


def _time(start: str, end: str) -> str:
    """From when to when, the date once if it is the same."""
    day, _, _ = start.partition(" ")
    times = [time for time in (start, end.removeprefix(f"{day} ")) if time]
    return f"{' to '.join(times)} UTC" if times else ""


# ---------------------------------------------------------------------------- words
def when(moment: Any) -> str:
    """The date and time of an ISO text, to the minute; "" when it is none."""
    try:
        return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M}"
    except (TypeError, ValueError):
        return ""


def _month(entry: Entry) -> str:
    started = when(entry.get("started")) or when(entry.get("registered"))
    return f"{datetime.fromisoformat(started):%B %Y}" if started else ""


def _values(section: Entry) -> str:
    return plain(", ".join(f"{name} {_text(value)}" for name, value in section.items()))


def _section_of(entry: Entry, name: str) -> Entry:
    section = entry.get(name)
    return section if isinstance(section, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def one_line(value: Any) -> str:
    """The value as text in one line without control characters."""
    text = " ".join(_text(value).split())
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "�" for character in text)


def plain(value: Any) -> str:
    """Text that Markdown shows as it is within a line."""
    return re.sub(r"[\\`*<>|~]|\](?=[(\[])|(?<!\w)_|_(?!\w)|&(?=#?\w+;)", r"\\\g<0>", one_line(value))


def code(value: Any) -> str:
    """Text in the letters of code; "" for no text."""
    text = one_line(value)
    if "`" not in text:
        return f"`{text}`" if text else ""
    fence = "`" * (max(len(run) for run in re.findall("`+", text)) + 1)
    return f"{fence} {text} {fence}"
