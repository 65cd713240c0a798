"""Writes json/schema/<task>.schema.json and json/schema/<task>.md from the declarations; a test keeps them current."""

from __future__ import annotations

import argparse
import json

from python.commands.tasks import load_schema
from python.general_purpose_libs import PROJECT, run_command, write_text
from python.tasks import TASKS

FOLDER = PROJECT / "json" / "schema"


def generated_files() -> dict[str, str]:
    """The text of every generated file, by its name."""
    from python.config.json_schema import task_json_schema
    from python.config.reference_page import task_reference_page

    files = {}
    for name in TASKS:
        task = load_schema(name)
        files[f"{name}.schema.json"] = json.dumps(task_json_schema(task), indent=2) + "\n"
        files[f"{name}.md"] = task_reference_page(task)
    return files


def main(argv: list[str] | None = None) -> int:
    argparse.ArgumentParser(prog="python -m python.commands.write_schemas", description=__doc__).parse_args(argv)
    for name, text in generated_files().items():
        write_text(FOLDER / name, text)
        print(FOLDER / name)
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
