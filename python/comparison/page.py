"""The page of a comparison of runs: as Markdown beside its plots, as one HTML file that holds them, as lines for a terminal."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from python.comparison.comparison import ABSENT, TOLD_APART, Comparison, Difference, name_of
from python.config.problems import shown
from python.metrics.classification import Metrics
from python.plots.text_lines import table_lines, wrap

TERMINAL_WIDTH = 160
Table = list[list[str]]  # rows of cells, the first is the header

_INTERVALS = (
    "Brackets hold 68 %. They tell of the chance of the test events, not of that of the training, "
    "which only a training from another seed would show."
)
_PAIRED = (
    "A difference is to the first run. Its interval comes from drawing test events anew, the same for both runs; "
    '"ahead" is the share of such samples in which the run is better than the first.'
)
_ALIKE = "Not told apart from the first by these events: {}."
_ALIKE_MEANS = f" They are ahead in {100 * TOLD_APART:g} % of the samples or more."
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #222; max-width: 1250px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.6em; } h2 { font-size: 1.2em; margin-top: 2em; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.92em; }
th, td { padding: 0.3em 0.7em; text-align: left; vertical-align: top; border-bottom: 1px solid #ddd; }
th { border-bottom: 2px solid #888; }
.numbers th, .numbers td { text-align: right; white-space: nowrap; }
.numbers th:first-child, .numbers td:first-child { text-align: left; }
.note { background: #fff4d6; border-left: 4px solid #e69f00; padding: 0.4em 0.8em; }
img { max-width: 100%; height: auto; }
"""


@dataclass(frozen=True)
class Section:
    """A heading with text, a table, of words or of numbers, and pictures, which are files by their captions."""

    heading: str
    texts: Sequence[str] = ()
    table: Table = field(default_factory=list)
    of_words: bool = False
    pictures: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    title: str
    facts: Sequence[str]
    notes: Sequence[str]
    sections: Sequence[Section]


def page_of(comparison: Comparison, facts: Sequence[str], columns: Sequence[str], plots: Mapping[str, Path]) -> Page:
    """The page of a comparison: `facts` in words, metrics in `columns`, `plots` by their captions."""
    texts = [_INTERVALS]
    if any(comparison.differences):
        texts.append(_PAIRED)
        if alike := not_told_apart(comparison):
            texts.append(_ALIKE.format(", ".join(alike)) + _ALIKE_MEANS)
    settings = settings_table(comparison)
    sections = [
        Section("Results", texts, results_table(comparison, columns)),
        Section("Settings that differ", () if settings else ["None: the runs have one and the same."], settings),
        *(Section(caption, pictures={caption: path}) for caption, path in plots.items()),
        Section("Runs", table=_folders_table(comparison), of_words=True),
    ]
    return Page(
        f"Comparison of runs: {comparison.task}",
        [*facts, f"{_first_up(comparison.order)}."],
        comparison.notes,
        sections,
    )


# ---------------------------------------------------------------------------- tables
def results_table(comparison: Comparison, columns: Sequence[str], brief: bool = False) -> Table:
    """A row for each run: rank, name, metrics with intervals, events, its difference to the best; unless `brief`, its size.

    Metrics that no run knows are left out.
    """
    columns = [
        name
        for name in dict.fromkeys([comparison.metric, *columns])
        if any(run.metrics.get(name) is not None for run in comparison.runs)
    ]
    paired = any(comparison.differences)
    table = [["run", *map(name_of, columns), "events"]]
    table[0] += (["difference", "ahead"] if paired else []) + ([] if brief else ["parameters", "epochs"])
    for number, (run, difference) in enumerate(zip(comparison.runs, comparison.differences, strict=True)):
        rank = comparison.rank(number)
        row = [f"{rank}. {run.name}" if rank else run.name, *(_metric_cell(run.metrics, name) for name in columns)]
        row.append(_count(None if run.answers is None else len(run.answers)))
        if paired:
            row += _difference_cells(difference, comparison.metric)
        if not brief:
            epochs = len((run.history or {}).get("loss", ()))
            row += [_count(run.metrics.get("n_parameters")), _count(epochs or None)]
        table.append(row)
    return table


def settings_table(comparison: Comparison) -> Table:
    """A row for each setting in which runs differ; empty when they do not."""
    if not comparison.settings:
        return []
    rows = [[path, *map(_setting, values)] for path, values in comparison.settings.items()]
    return [["setting", *(run.name for run in comparison.runs)], *rows]


def not_told_apart(comparison: Comparison) -> list[str]:
    """Names of the runs that the test events do not tell apart from the best."""
    pairs = zip(comparison.runs, comparison.differences, strict=True)
    return [run.name for run, difference in pairs if difference is not None and not difference.told_apart]


def _folders_table(comparison: Comparison) -> Table:
    rows = [
        [run.name, str(run.config.get("model_name") or "-"), str(run.config.get("description") or "-"), str(run.folder)]
        for run in comparison.runs
    ]
    return [["run", "network", "description", "folder"], *rows]


def _metric_cell(metrics: Metrics, name: str) -> str:
    value, low, high = (metrics.get(name + end) for end in ("", "_low", "_high"))
    if value is None:
        return "-"
    form = _form(name)
    return f"{value:{form}}" + ("" if low is None or high is None else f" [{low:{form}}, {high:{form}}]")


def _difference_cells(difference: Difference | None, metric: str) -> list[str]:
    if difference is None:
        return ["-", "-"]
    value, low, high = (f"{part:+{_form(metric)}}" for part in difference[:3])
    return [f"{value} [{low}, {high}]", f"{100 * difference.ahead:.1f} %"]


def _form(metric: str) -> str:
    """How its values are written: angles with one digit."""
    return ".1f" if "deg" in metric.split("_") else ".4f"


def _setting(value: Any) -> str:
    return "-" if value is ABSENT else shown(value)


def _count(number: float | None) -> str:
    return "-" if number is None else f"{number:,.0f}"


def _first_up(text: str) -> str:
    return text[:1].upper() + text[1:]


# ---------------------------------------------------------------------------- terminal
def terminal_lines(comparison: Comparison, columns: Sequence[str]) -> list[str]:
    """The results, and the settings that differ with the runs that have each value."""
    columns = [name for name in columns if not name.startswith("baseline_")]
    table = results_table(comparison, columns, brief=True)
    lines = [_first_up(comparison.order) + ".", "", *table_lines(table, TERMINAL_WIDTH)]
    if alike := not_told_apart(comparison):
        lines += wrap(_ALIKE.format(", ".join(alike)), TERMINAL_WIDTH)
    if comparison.settings:
        lines += ["", "Settings that differ:"]
    for path, values in comparison.settings.items():
        runs_of: dict[str, list[str]] = {}
        for run, value in zip(comparison.runs, values, strict=True):
            runs_of.setdefault(_setting(value), []).append(run.name)
        told = "; ".join(f"{value} ({', '.join(names)})" for value, names in runs_of.items())
        lines += wrap(f"{path}: {told}", TERMINAL_WIDTH)
    return lines


# ---------------------------------------------------------------------------- Markdown
def markdown(page: Page, folder: Path) -> str:
    """The page as Markdown that lies in `folder`."""
    parts = [f"# {_as_markdown(page.title)}", *map(_as_markdown, page.facts)]
    parts += [f"> **Note:** {_as_markdown(note)}" for note in page.notes]
    for section in page.sections:
        parts += [f"## {_as_markdown(section.heading)}", *map(_as_markdown, section.texts)]
        if section.table:
            head, *rows = ([_as_markdown(cell) for cell in row] for row in section.table)
            rule = ["---", *["---" if section.of_words else "---:"] * (len(head) - 1)]
            parts.append("\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows)))
        for caption, path in section.pictures.items():
            parts.append(f"![{_as_markdown(caption)}]({path.relative_to(folder).as_posix()})")
    return "\n\n".join(parts) + "\n"


_SPECIAL = re.compile(r"[\\`*<>|#~]|(?<![^\W_])_|_(?![^\W_])|\](?=[(\[:])")


def _as_markdown(text: str) -> str:
    """The text with all that Markdown would take for something else escaped, on one line."""
    return _SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))


# ---------------------------------------------------------------------------- HTML
def html_page(page: Page) -> str:
    """The page as one HTML file with the pictures inside, which needs nothing else."""
    parts = [f"<h1>{html.escape(page.title)}</h1>", *_paragraphs(page.facts), *_paragraphs(page.notes, "note")]
    for section in page.sections:
        parts += [f"<h2>{html.escape(section.heading)}</h2>", *_paragraphs(section.texts)]
        if section.table:
            parts.append(_html_table(section.table, "words" if section.of_words else "numbers"))
        for caption, path in section.pictures.items():
            image = base64.b64encode(path.read_bytes()).decode()
            parts.append(f'<img alt="{html.escape(caption)}" src="data:image/png;base64,{image}">')
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{html.escape(page.title)}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n" + "\n".join(parts) + "\n</body>\n</html>\n"
    )


def _paragraphs(texts: Sequence[str], kind: str = "") -> list[str]:
    start = f'<p class="{kind}">' if kind else "<p>"
    return [f"{start}{html.escape(text)}</p>" for text in texts]


def _html_table(table: Table, kind: str) -> str:
    head, *rows = (
        "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row) + "</tr>"
        for row, tag in zip(table, ["th", *["td"] * (len(table) - 1)], strict=True)
    )
    return (
        f'<div class="wide"><table class="{kind}">\n<thead>{head}</thead>\n<tbody>\n'
        + "\n".join(rows)
        + "\n</tbody>\n</table></div>"
    )
