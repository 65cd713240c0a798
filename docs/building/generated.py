"""The pages and pictures of the site that stand in no file of docs/: made from the code, or kept elsewhere in the project."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from docs.building.launchers import commands, parser_of
from python.commands.tasks import load_schema
from python.config.reference_page import task_reference_page
from python.data.metadata import COLUMNS
from python.general_purpose_libs import read_json
from python.runs.shipped import CARD_FILE, shipped_networks
from python.tasks import TASKS

ROOT = Path(__file__).resolve().parents[2]


def generated_pages() -> dict[str, Callable[[], str]]:
    """How each page is made, by its place in the site."""
    pages: dict[str, Callable[[], str]] = {f"reference/{name}.md": partial(_keys_page, name) for name in TASKS}
    pages |= {"reference/commands.md": _commands_page, "reference/metadata.md": _metadata_page}
    pages["shipped.md"] = _shipped_page
    for page, source in {"changelog.md": "CHANGELOG.md", "contributing.md": "CONTRIBUTING.md"}.items():
        pages[page] = partial((ROOT / source).read_text, encoding="utf-8")
    return pages


def measured_pictures() -> dict[str, Path]:
    """The pictures of the benchmarks, by their place in the site."""
    return {f"measured/{path.name}": path for path in sorted((ROOT / "benchmarks" / "results").glob("*.png"))}


def _keys_page(task: str) -> str:
    return task_reference_page(load_schema(task))


def _commands_page() -> str:
    """The help of every launcher."""
    lines = ["# Commands and options", "", "Each launcher says the same with `-h`."]
    with patch.dict(os.environ, COLUMNS="90", NO_COLOR="1"):  # argparse looks there
        for launcher in commands():
            lines += ["", f"## {launcher}", "", "```text", parser_of(launcher)[0].format_help().rstrip(), "```"]
    return "\n".join(lines) + "\n"


def _metadata_page() -> str:
    lines = [
        "# Columns of the metadata",
        "",
        "One row for each image, the same columns for every file that is read, of this project or older. Integers that are "
        "not known are -1, other numbers NaN.",
        "",
        "| column | type | unit | meaning |",
        "|---|---|---|---|",
    ]
    lines += [f"| `{column.name}` | {column.dtype} | {column.unit} | {column.meaning} |" for column in COLUMNS]
    return "\n".join(lines) + "\n"


def _shipped_page() -> str:
    """The cards of the networks that come with the project."""
    lines = [
        "# Networks that come with the project",
        "",
        "Commands that ask a network use these where none is named, see [Predicting](predicting.md). Each lies in "
        "`TASK/pretrained/NAME/`: the network for Keras and for ONNX Runtime, its configuration, its metrics, an example whose "
        "answers are compared by the tests, and the card with the SHA-256 of all files that this page shows. "
        "`./scripts/train_shipped.sh TASK` makes it again from nothing.",
    ]
    for task in TASKS:
        for name, folder in shipped_networks(task).items():
            lines += ["", f"## {task}: {name}", "", *_card_lines(read_json(folder / CARD_FILE))]
    return "\n".join(lines) + "\n"


def _card_lines(card: dict[str, Any]) -> Iterator[str]:
    yield f"{card['answers']}\n"
    yield f"**Not for everything.** {card['not_for']}\n"
    yield "| on simulated events of a seed of their own | value | interval of 68 % |\n|---|---|---|"
    for figure, (value, *interval) in card["figures"].items():
        bounds = f"{interval[0]:.4g} to {interval[1]:.4g}" if interval else ""
        yield f"| `{figure}` | {value:.4g} | {bounds} |"
    yield "\n| what it is | |\n|---|---|"
    yield f"| network | `{card['network']}` |"
    yield f"| configured by | {', then '.join(f'`{name}`' for name in card['configurations'])} |"
    for name, command in card["trained_on"].items():
        yield f"| trained on {name} | `{command}` |"
    yield f"| judged by | `{card['judged_by']}` |"
    commit = card["software"]["git_commit"] or "not known"
    yield f"| made by | `{card['made_by']}`, {card['made'][:10]}, commit `{commit[:12]}` |"
