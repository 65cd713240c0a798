"""The floors of the house: a module imports from its own floor and from those below, never from above."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TASKS = ("mt_identifier", "channel_tagging", "electron_direction")
FLOORS = [  # from the top
    ("python.commands",),
    TASKS,
    ("python.training",),
    ("python.batch",),
    ("python.pointing",),
    ("python.reporting", "python.classification_libs", "python.regression_libs", "python.tagging_libs"),
    ("python.directions",),
    ("python.networks",),
    ("python.simulation",),
    ("python.ingest",),
    ("python.data", "python.data_loader"),
    ("python.config",),
    ("python.general_purpose_libs", "python.own_processes", "python.stop_requests"),
    ("python.processes", "python.sigterm", "python.version"),
]


def floor_of(module):
    for number, names in enumerate(FLOORS):
        if any(module == name or module.startswith(f"{name}.") for name in names):
            return number
    return None


def modules():
    for folder in ("python", *TASKS):
        for path in (ROOT / folder).rglob("*.py"):
            yield path, ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize(("path", "module"), [pytest.param(*each, id=each[1]) for each in modules()])
def test_imports_go_downhill(path, module):
    own = floor_of(module)
    if own is None:
        assert module == "python"
        return
    for imported in imports(path):
        below = floor_of(imported)
        assert below is None or below >= own, f"{module} imports {imported} from a floor above"


@pytest.mark.parametrize(("path", "module"), [pytest.param(*each, id=each[1]) for each in modules()])
def test_files_are_one_idea(path, module):
    assert len(path.read_text().splitlines()) <= 400, f"{module} is long: perhaps two ideas"
