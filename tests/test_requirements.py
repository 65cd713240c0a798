"""What the code imports is what the lists of requirements declare, no less and no more."""

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = ("python", "mt_identifier", "channel_tagging", "electron_direction")
READ = {  # a list of requirements: the folders that it is for, and the lists that are installed before it
    "requirements.txt": ((*PROJECT, "benchmarks"), ()),
    "tests/requirements.txt": (("tests",), ("requirements.txt",)),
    "docs/requirements.txt": (("docs/building",), ("requirements.txt",)),
}
IMPORTED_AS = {"scikit-learn": ("sklearn",), "htcondor": ("htcondor2", "classad2"), "pyerfa": ("erfa",)}
NEVER_IMPORTED = {
    "mypy": "a command",
    "mkdocs-material": "the theme that mkdocs.yml names",
    "mkdocstrings": "a plugin that mkdocs.yml names",
    "pytest-xdist": "a plugin of pytest",
    "ruff": "a command",
    "types-psutil": "read by mypy",
    "types-tqdm": "read by mypy",
}
NOT_DECLARED = {
    "jax": "another backend of Keras, for those who have it",
    "torch": "another backend of Keras, for those who have it",
    "not_a_package_of_anybody": "a test asks what happens without it",
}


@cache
def declared(file):
    """The packages of a list of requirements."""
    lines = [line.split("#")[0].strip() for line in (ROOT / file).read_text().splitlines()]
    return {re.match(r"[\w.-]+", line)[0] for line in lines if line}


@cache
def imported(folder):
    """The packages of others that the files in a folder import, each with one of these files."""
    found = {}
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            found |= {module.split(".")[0]: str(path.relative_to(ROOT)) for module in modules}
    own = {*PROJECT, *sys.stdlib_module_names, "benchmarks", "docs", "tests"}
    return {module: file for module, file in found.items() if module not in own}


def modules_of(package):
    return IMPORTED_AS.get(package, (package.replace("-", "_"),))


@pytest.mark.parametrize("file", READ)
def test_requirements_are_those_of_the_code(file):
    folders, before = READ[file]
    used = {module: where for folder in folders for module, where in imported(folder).items()}
    known = {module for each in (file, *before) for package in declared(each) for module in modules_of(package)}
    assert {module: where for module, where in used.items() if module not in known | NOT_DECLARED.keys()} == {}
    unused = {package for package in declared(file) if not used.keys() & set(modules_of(package))}
    assert unused <= NEVER_IMPORTED.keys(), "these are declared and not imported"


def test_exceptions_are_needed():
    packages = set().union(*map(declared, READ))
    modules = {module for folders, _ in READ.values() for folder in folders for module in imported(folder)}
    assert packages >= NEVER_IMPORTED.keys() | IMPORTED_AS.keys()
    assert modules >= NOT_DECLARED.keys()
    assert not modules & NEVER_IMPORTED.keys(), "these are imported after all"
