"""The code keeps to the plan of the house, which is the table of docs/extending/house.md."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLAN = (ROOT / "docs" / "extending" / "house.md").read_text()
FLOORS = {
    room.removesuffix(".py").replace("/", "."): int(floor)
    for floor, room in re.findall(r"^\| (\d+) \| `([\w/.]+)` \|", PLAN, re.MULTILINE)
}
LONGEST = 400  # lines of a file that is one idea
MOST_PARAMETERS = 6  # of a function: what is more belongs together, and has a name


def room_of(name):
    """The room of a module, or of a name in it; None outside the house."""
    parts = name.split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((prefix for prefix in prefixes if prefix in FLOORS), None)


def modules():
    for folder in ("python", *(room for room in FLOORS if "." not in room)):
        for path in (ROOT / folder).rglob("*.py"):
            yield path, ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_imports_go_downhill():
    uphill, homeless, used = [], [], set()
    for path, module in modules():
        own = room_of(module)
        used.add(own)
        if own is None:
            homeless += [module] if module != "python" else []
            continue
        for imported in imports(path):
            room = room_of(imported)
            if room is None:
                homeless += [f"{imported}, for {module}"] if imported.split(".")[0] == "python" else []
            elif room != own and FLOORS[room] >= FLOORS[own]:
                uphill.append(f"{module} imports {imported}")
    assert not homeless, "these have no room in the plan"
    assert not uphill, "these import from their own floor or from above"
    assert set(FLOORS) <= used, "these rooms of the plan are empty"


def test_files_are_one_idea():
    lengths = {module: len(path.read_text().splitlines()) for path, module in modules()}
    assert {module: length for module, length in lengths.items() if length > LONGEST} == {}, "perhaps two ideas"


def test_functions_take_few_parameters():
    many = {}
    for path, module in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                given = node.args
                names = [each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
                if len(set(names) - {"self", "cls"}) > MOST_PARAMETERS:
                    many[f"{module}.{getattr(node, 'name', 'lambda')}"] = names
    assert many == {}
