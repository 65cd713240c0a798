"""The pages and pictures of the site that stand in no file of docs/: made from the code, or kept elsewhere in the project."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest.mock import patch

from docs.building.launchers import commands, parser_of
from python.commands.tasks import load_schema
from python.config.reference_page import task_reference_page
from python.data.metadata import COLUMNS
from python.tasks import TASKS

ROOT = Path(__file__).resolve().parents[2]


def generated_pages() -> dict[str, Callable[[], str]]:
    """How each page is made, by its place in the site."""
    pages: dict[str, Callable[[], str]] = {f"reference/{name}.md": partial(_keys_page, name) for name in TASKS}
    pages |= {"reference/commands.md": _commands_page, "reference/metadata.md": _metadata_page}
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
