"""The pages say what is true: their commands are known and find their files, configurations are valid, links lead somewhere."""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import io
import sys
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import PurePosixPath
from types import ModuleType

import pytest

from docs.building.generated import generated_pages, measured_pictures
from docs.building.launchers import commands as launchers
from docs.building.launchers import parser_of
from python.commands.tasks import load_schema
from python.config.load import load_config, parse_config
from python.config.overrides import Options
from python.config.task_schema import TaskSchema
from python.general_purpose_libs import parse_json
from python.tasks import TASKS
from tests.docs.pages import PAGES, README, ROOT, SITE, anchors, blocks, commands, links

OTHER_PROGRAMS = {"cp", ".ci/run", ".venv/bin/python", "./scripts/run_tests.sh", "tests/lowest_versions.sh"}
MADE_BY = {"-o", "--output", "--json"}  # options whose value is written, of commands other than the trainings
MADE_WHEN_NEEDED = ("data/simulated",)  # the embedded data set
WITH_COMMANDS = [page for page in PAGES if blocks(page, "bash")]


def parsed(command):
    """The options of a command as its own parser reads them."""
    parser, arguments = parser_of(command.launcher, command.words[1:])
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return parser.parse_args(arguments)
    except SystemExit:
        pytest.fail(f"{command.text}\n{said.getvalue()}")


def training_task(command):
    name = (command.launcher or "").removeprefix("train_").removesuffix(".sh")
    return name if name in TASKS else None


def configurations(command):
    """The configurations that a training or a submission names, with what the command changes in them; [] of other commands."""
    task, options = training_task(command), parsed(command)
    if command.launcher == "submit_condor.sh" and "json" in options and options.json:
        task, files, where = options.task, options.json, Options()
    elif task and options.json:
        files, where = [options.json], Options(plane=options.plane, max_samples=options.max_samples)
    else:
        return []
    where = replace(where, output_folder=options.output, data_directories=options.data)
    paths = [path for file in files for path in sorted(ROOT.glob(file))]
    return [load_config(path, load_schema(task), options.overrides, where) for path in paths]


def made(command):
    """The files and folders that a command leaves, as its page will name them."""
    if command.launcher in launchers():
        for config in configurations(command):
            yield f"{config.output_folder}/{config.task}/{config.model_name.removeprefix('hyperopt_')}"
            yield f"{config.output_folder}/{config.task}/{config.model_name}"
    if training_task(command) is None:
        pairs = zip(command.words, command.words[1:], strict=False)
        yield from (value for option, value in pairs if option in MADE_BY and "/" in value)
        if command.words[0] == "cp":
            yield command.words[-1]


def paths(command):
    """The words of a command that are files or folders within the project."""
    for option, word in zip(command.words, command.words[1:], strict=False):
        is_path = "/" in word and "=" not in word and not word.startswith(("-", "../", "{"))
        if is_path and option not in MADE_BY and not (command.words[0] == "cp" and word == command.words[-1]):
            yield word


def is_there(path, earlier):
    """Whether `path`, which may have wild cards, is in the project or was made by an earlier command of the page."""
    if any(ROOT.glob(path)) and not path.startswith(("data/", "output/")):
        return True
    places = [path, *map(str, PurePosixPath(path).parents)]
    return any(place in earlier or any(fnmatch(one, place) for one in earlier) for place in places)


@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_commands_are_known_and_find_their_files(page):
    earlier = set(MADE_WHEN_NEEDED)
    for command in commands(page):
        if command.launcher in launchers():
            parsed(command)
        else:
            assert command.words[0] in OTHER_PROGRAMS, command.text
        if "-m" in command.words and command.words[0].endswith("python"):
            assert importlib.util.find_spec(command.words[command.words.index("-m") + 1]), command.text
        for path in paths(command):
            assert is_there(path, earlier), f"{command.text}\n{path} is not there, and no earlier command makes it"
        earlier |= {path.rstrip("/") for path in made(command)}


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "json")])
def test_configurations_are_valid(page):
    for block in blocks(page, "json"):
        config = parse_json(block, page)
        parse_config(config, load_schema(config["task"]), page)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")])
def test_what_python_imports_is_there(page):
    for block in blocks(page, "python"):
        tree = ast.parse(block, page)
        names = {}  # of modules that are imported as a whole
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in ("python", "keras", *TASKS):
                for alias in node.names:
                    module = f"{node.module}.{alias.name}"
                    if node.module.startswith("keras"):
                        continue
                    if node.module == "python":
                        names[alias.asname or alias.name] = module
                    else:
                        assert alias.name in defined(node.module), f"{node.module} has no {alias.name}"
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
                assert node.attr in defined(names[node.value.id]), f"{names[node.value.id]} has no {node.attr}"


def defined(module):
    """The names that a module of the project defines or imports, without loading it."""
    tree = ast.parse((ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8"))
    names = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in ast.walk(node) if isinstance(target, ast.Name)}
    return names


def test_the_readme_is_a_first_page():
    simulate, point, train, test, ask = commands(README)
    assert (simulate.launcher, point.launcher) == ("simulate.sh", "point_burst.sh")
    assert training_task(train)
    assert test.words == ("./scripts/run_tests.sh",)
    assert ask.launcher == "predict.sh"
    assert len(PAGES[README].read_text(encoding="utf-8").splitlines()) <= 120
    assert [link for link in links(README) if not (ROOT / link).is_file()] == []


@pytest.mark.parametrize("page", SITE)
def test_links_lead_somewhere(page):
    made_pages = generated_pages()
    for link in links(page):
        target, _, anchor = link.partition("#")
        place = PurePosixPath("docs", page).parent / target if target else PurePosixPath("docs", page)
        name = (ROOT / place).resolve().relative_to(ROOT / "docs").as_posix()
        assert name in {*SITE, *made_pages, *measured_pictures()} or (ROOT / "docs" / name).is_file(), link
        if anchor and not anchor.startswith("python."):  # those of functions are checked by the build
            text = PAGES[name].read_text(encoding="utf-8") if name in SITE else made_pages[name]()
            assert anchor in anchors(text), link


def test_examples_of_a_network_and_a_command_can_be_used(monkeypatch):
    (example,) = blocks("extending/network.md", "python")
    module = loaded(example, "tiny", monkeypatch)
    task = TaskSchema("example", {"tiny": module.ARCHITECTURE}, (128, 32, 1))
    assert parse_config({"model_name": "tiny"}, task).model_parameters.build_parameters.n_filters == 8
    (example,) = blocks("extending/command.md", "python")
    assert loaded(example, "count_images", monkeypatch).make_parser().parse_args(["data"]).folder == "data"


def loaded(text, name, monkeypatch):
    """A module made of the text of a page."""
    module = ModuleType(name)
    monkeypatch.setitem(sys.modules, name, module)  # where pydantic looks its annotations up
    exec(compile(text, f"{name}.py", "exec"), module.__dict__)
    return module


def test_every_page_is_in_the_table_of_contents():
    contents = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert [page for page in {*SITE, *generated_pages()} if f" {page}\n" not in contents] == []


def test_drawings_are_made_from_what_is_there():
    for script in (ROOT / "docs" / "drawings").glob("*.py"):
        for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in ("python", *TASKS):
                package = ROOT / node.module.replace(".", "/")
                for alias in node.names:
                    is_module = (package / f"{alias.name}.py").is_file()
                    assert is_module or alias.name in defined(node.module), f"{script.name}: {alias.name}"
