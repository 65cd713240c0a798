"""The launchers' choice and making of an environment, with a stand-in for Python that records what it is asked to do."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from python.version import VERSION
from tests.elsewhere import hostile_folder

ROOT = Path(__file__).resolve().parents[2]
LAUNCHERS = sorted(
    path.name for path in (ROOT / "scripts").glob("*.sh") if path.name not in ("init.sh", "run_tests.sh")
)

# makes an "environment" on -m venv; notes every call
STAND_IN = """#!/usr/bin/env bash
echo "$0 $*" >>"$CALLS"
case "$*" in
    "-m venv --clear "*) [[ -n ${NO_VENV:-} ]] && exit 1; mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
    "-m pip install "*) [[ -n ${NO_NETWORK:-} ]] && exit 1; cp "${!#}" "$CALLS.requirements" ;;
esac
exit 0
"""


@pytest.fixture
def project(tmp_path):
    """A copy of the launchers with the stand-in as the only Python."""
    root = tmp_path / "project"
    shutil.copytree(ROOT / "scripts", root / "scripts")
    (root / "requirements.txt").write_text("tensorflow>=2\nnumpy\n")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "python3.11").write_text(STAND_IN)
    (tools / "python3.11").chmod(0o755)
    (tools / "python3").symlink_to("python3.11")

    class Project:
        folder = root
        calls = tmp_path / "calls"
        tool_folder = tools

        def start(self, *arguments, launcher="validate_config.sh", **environment):
            self.calls.write_text("")
            return subprocess.Popen(
                ["bash", str(root / "scripts" / launcher), *arguments],
                env={"PATH": f"{tools}:/usr/bin:/bin", "CALLS": str(self.calls), **environment},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )

        def run(self, *arguments, launcher="validate_config.sh", **environment):
            process = self.start(*arguments, launcher=launcher, **environment)
            done = subprocess.CompletedProcess(arguments, None, *process.communicate())
            done.returncode = process.returncode
            asked = self.calls.read_text().splitlines()
            return done, [line for line in asked if not line.split(" ", 1)[1].startswith("-c ")]

        def requirements(self):
            return Path(f"{self.calls}.requirements").read_text()

    return Project()


def test_the_first_call_makes_the_environment_and_later_ones_do_not(project):
    done, calls = project.run("a file.json", "-t", "x")
    assert done.returncode == 0, done.stderr
    assert any("-m venv" in call for call in calls)
    assert any("-m pip install" in call for call in calls)
    assert calls[-1].endswith("-m python.commands.validate_config a file.json -t x")
    assert "installing requirements.txt" in done.stderr
    assert done.stdout == ""
    _, calls = project.run("b.json")
    assert len(calls) == 1


def test_changed_requirements_are_installed(project):
    project.run("a.json")
    (project.folder / "requirements.txt").write_text("tensorflow>=2\nscipy\n")
    _, calls = project.run("a.json")
    assert any("-m pip install" in call for call in calls)
    assert not any("-m venv" in call for call in calls)


def test_the_tests_need_more_packages_and_leave_the_rest(project):
    (project.folder / "tests").mkdir()
    (project.folder / "tests" / "requirements.txt").write_text("pytest\n")
    project.run("a.json")
    done, calls = project.run("-k", "x", launcher="run_tests.sh")
    assert done.returncode == 0, done.stderr
    assert sum("-m pip install" in call for call in calls) == 1
    assert project.requirements() == "pytest\n"
    assert calls[-1].endswith("-m pytest -n auto --dist worksteal -k x")


def test_tensorflow_comes_for_the_device(project):
    project.run("a.json")
    assert project.requirements() == "tensorflow-cpu>=2\nnumpy\n"
    driver = project.tool_folder / "nvidia-smi"
    driver.write_text("#!/bin/sh\nexit 0\n")
    driver.chmod(0o755)
    done, _ = project.run("a.json")
    assert "for gpu" in done.stderr
    assert project.requirements() == "tensorflow[and-cuda]>=2\nnumpy\n"


def test_a_missing_venv_module_is_answered_with_the_remedy(project):
    done, _ = project.run("a.json", NO_VENV="1")
    assert done.returncode == 2
    assert "apt-get install python3-venv" in done.stderr


def test_a_failed_installation_is_tried_again(project):
    done, _ = project.run("a.json", NO_NETWORK="1")
    assert done.returncode == 2
    assert "could not be installed" in done.stderr
    done, calls = project.run("a.json")
    assert done.returncode == 0
    assert any("-m pip install" in call for call in calls)


def test_a_folder_that_cannot_be_written(project, tmp_path):
    (tmp_path / "file").touch()
    done, _ = project.run("a.json", ML_POINTING_VENV=str(tmp_path / "file" / "venv"))
    assert done.returncode == 5
    assert "ML_POINTING_VENV" in done.stderr


@pytest.mark.parametrize("environment", [{"ML_POINTING_ENV": "system"}, {"LCG_VERSION": "106"}])
def test_an_existing_python_is_used_as_it_is(project, environment):
    done, calls = project.run("a.json", **environment)
    assert done.returncode == 0
    assert [call.split(" ", 1)[1] for call in calls] == ["-m python.commands.validate_config a.json"]
    assert not (project.folder / ".venv").exists()


def test_an_unknown_environment(project):
    done, _ = project.run("a.json", ML_POINTING_ENV="conda")
    assert done.returncode == 2
    assert "conda" in done.stderr


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_help_and_release_are_told_on_a_bare_machine(launcher, tmp_path):
    """With no package installed and nothing made: the interpreter is kept from its site-packages."""
    project = tmp_path / "project"
    shutil.copytree(ROOT, project, ignore=shutil.ignore_patterns(".venv", ".git", "output", "data", "__pycache__"))
    bare = tmp_path / "python3.11"
    bare.write_text(f'#!/bin/sh\nexec "{Path(sys.executable).resolve()}" -I -S "$0.py" "$@"\n')
    bare.chmod(0o755)
    Path(f"{bare}.py").write_text(
        "import os, runpy, sys\n"
        "if sys.argv[1] == '-c':\n    sys.exit(0)\n"
        "sys.path.insert(0, os.environ['PYTHONPATH'])\n"
        "module = sys.argv[2]\nsys.argv = sys.argv[2:]\n"
        "runpy.run_module(module, run_name='__main__', alter_sys=True)\n"
    )
    for option, answer in (("-h", f"usage: {launcher}"), ("--version", f"{launcher} {VERSION}\n")):
        done = subprocess.run(
            ["bash", str(project / "scripts" / launcher), option],
            env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(answer)
    assert not (project / ".venv").exists()


def test_launchers_are_executable_and_short():
    for name in LAUNCHERS:
        path = ROOT / "scripts" / name
        assert os.access(path, os.X_OK)
        assert len(path.read_text().splitlines()) <= 5


BEGINNING = 'launcher="$(readlink -f "${BASH_SOURCE:-$0}")" && . "${launcher%/*}/init.sh"'


@pytest.mark.parametrize("launcher", [*LAUNCHERS, "run_tests.sh"])
def test_every_launcher_finds_its_project_in_the_same_way(launcher):
    lines = (ROOT / "scripts" / launcher).read_text().splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert BEGINNING in lines[1:3]


# ---------------------------------------------------------------------------- called from anywhere
@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A copy of the project in a folder with blanks, links to its launchers, and what calls them from a hostile folder."""
    place = tmp_path_factory.mktemp("a place")
    copy = place / "the project"
    for part in ("python", "mt_identifier", "channel_tagging", "electron_direction", "docs", "json", "scripts"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "tests").mkdir()
    (place / "python3.11").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (place / "python3.11").chmod(0o755)
    (place / "bin").mkdir()
    for launcher in [*LAUNCHERS, "run_tests.sh"]:
        (place / "bin" / launcher).symlink_to(f"../the project/scripts/{launcher}")
        (place / "bin" / launcher.removesuffix(".sh")).symlink_to(launcher)
    hostile = hostile_folder(place / "of the caller")

    class Place:
        root = copy
        links = place / "bin"

        def start(self, *line, **environment):
            given = {"PYTHONPATH": f":{hostile}:.", "CDPATH": str(place), "ML_POINTING_ENV": "system", **environment}
            kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "ML_POINTING"))}
            kept["PATH"] = f"{place}:{os.environ['PATH']}"
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
            return subprocess.Popen(list(map(str, line)), cwd=hostile, env={**kept, **given}, **pipes)

        def run(self, *line, **environment):
            process = self.start(*line, **environment)
            out, err = process.communicate()
            return subprocess.CompletedProcess(line, process.returncode, out, err)

    return Place()


@pytest.mark.parametrize("shell", [(), ("sh",), ("bash", "--posix")], ids=["", "sh", "posix"])
def test_a_launcher_runs_its_own_project_whoever_calls_it_and_how(place, shell):
    config = place.root / "json" / "mt_identifier" / "quick_test.json"
    for name in ("bin/validate_config", "the project/scripts/validate_config.sh"):
        done = place.run(*shell, f"../{name}", config, PYTHONPATH="")
        assert (done.returncode, done.stderr) == (0, ""), name
        assert done.stdout == f"{config}: valid (mt_identifier, simple_cnn, no search)\n"


def test_only_the_modules_of_a_foreign_python_path_come_from_there(place, tmp_path):
    """The system's Python is used as it is, its PYTHONPATH too, but for what would hide the project."""
    other = hostile_folder(tmp_path / "other")
    for shadow in other.glob("*.py"):
        shadow.unlink()
    (other / "known_there.py").write_text("")
    (place.root / "tests" / "test_path.py").write_text(
        "import known_there, python, sys\ndef test(): assert '' not in sys.path\n"
    )
    done = place.run(place.links / "run_tests", "-q", "tests/test_path.py", PYTHONPATH=f":{other}:.")
    assert done.returncode == 0, done.stdout + done.stderr


def test_help_needs_nothing_of_the_caller(place):
    for launcher in [*LAUNCHERS, "run_tests.sh"]:
        done = place.run("sh", place.links / launcher, "-h")
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"usage: {launcher}")


def test_tests_and_their_processes_take_nothing_of_the_caller(place):
    (place.root / "tests" / "test_processes.py").write_text(
        "import multiprocessing, random, subprocess, sys\n"
        "def test():\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        assert pool.apply(abs, (-1,)) == 1\n"
        "    assert subprocess.run([sys.executable, '-m', 'python.commands.train', 'mt_identifier', '-h']).returncode == 0\n"
    )
    done = place.run(place.links / "run_tests", "-q", "tests/test_processes.py", PYTHONPATH="")
    assert done.returncode == 0, done.stdout + done.stderr


# ---------------------------------------------------------------------------- stopped at once
def test_an_installation_that_is_asked_to_stop_says_so(project):
    (project.tool_folder / "python3.11").write_text(
        STAND_IN.replace('"-m pip install "*)', '"-m pip install "*) exec sleep 60 ;;\n    no)')
    )
    for launcher, code in (("validate_config.sh", 143), ("train_mt_identifier.sh", 85)):
        process = project.start("a.json", launcher=launcher)
        while "-m pip install" not in project.calls.read_text():
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        error = process.communicate(timeout=30)[1]
        assert process.returncode == code
        assert error.splitlines()[-1] == "asked to stop (SIGTERM); start again"


@pytest.mark.parametrize(
    ("launcher", "arguments", "code", "words"),
    [
        ("train_mt_identifier.sh", ["-j", "fifo"], 85, "asked to stop (SIGTERM); start again"),
        ("validate_config.sh", ["fifo"], -signal.SIGTERM, "asked to stop (SIGTERM)"),
        (
            "convert_config.sh",
            ["fifo", "-t", "mt_identifier", "-o", "new.json"],
            -signal.SIGTERM,
            "asked to stop (SIGTERM)",
        ),
    ],
)
def test_a_command_that_is_asked_to_stop_before_it_began_says_so(place, tmp_path, launcher, arguments, code, words):
    os.mkfifo(tmp_path / "fifo")  # the command waits for its configuration
    line = [tmp_path / "fifo" if argument == "fifo" else argument for argument in arguments]
    process = place.start(place.links / launcher, *line, PYTHONPATH="")
    with open(tmp_path / "fifo", "wb"):  # returns when the command has opened it
        process.send_signal(signal.SIGTERM)
        out, error = process.communicate(timeout=60)
    assert (process.returncode, out, error) == (code, "", f"{words}\n")
