"""The names of what lies in a run folder are spelled in one place."""

import ast
import re
from pathlib import Path

from python.runs import files

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("python", "mt_identifier", "channel_tagging", "electron_direction", "benchmarks")
SPELLED = {value for name, value in vars(files).items() if name.isupper()}
FILES = {name for name in SPELLED if "." in name} | {files.predictions_file(part) for part in ("", "val", "test")}
FOLDERS = {name for name in SPELLED if "." not in name}
ENDS_WITH_A_FILE = re.compile(rf"(^|/)({'|'.join(map(re.escape, FILES))})$")


def spelled_again(path):
    """Lines of a module that spell a file's name, alone or at the end of a path, or go into one of the folders by its name."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if ENDS_WITH_A_FILE.search(node.value) and " " not in node.value:
                yield node.lineno
        elif isinstance(node, ast.BinOp) and isinstance(node.right, ast.Constant) and node.right.value in FOLDERS:
            yield node.lineno


def test_no_other_module_spells_them():
    own = Path(files.__file__)
    modules = [path for room in ROOMS for path in (ROOT / room).rglob("*.py") if path != own]
    assert len(modules) > 200
    found = [f"{path.relative_to(ROOT)}:{line}" for path in modules for line in spelled_again(path)]
    assert found == [], "take the name from python/runs/files.py"


def test_a_name_spelled_again_is_found(tmp_path):
    module = tmp_path / "module.py"
    lines = [
        'read(run / "config.json")',
        'list(run.glob("*/**/status.json"))',
        'read(run / f"{part}_predictions.npz")',
        'list((run / "checkpoints").iterdir())',
        'say("it has no config.json")',
        'read(run / "other.json", kind="samples")',
    ]
    module.write_text("\n".join(lines))
    assert sorted(spelled_again(module)) == [1, 2, 3, 4]


def test_after_a_search_what_was_found_says_what_the_network_is(tmp_path):
    assert files.configuration_file(tmp_path) == tmp_path / "config.json"
    (tmp_path / "best_config.json").write_text("{}")
    assert files.configuration_file(tmp_path) == tmp_path / "best_config.json"
