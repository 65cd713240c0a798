"""submit_condor.sh on a machine whose HTCondor only takes note of what is submitted."""

import json
import os
from types import SimpleNamespace

import htcondor2
import pytest

from python.commands.submit_condor import main
from python.general_purpose_libs import run_command
from tests.synthetic import write_folder
from tests.training.conftest import SMALL

TAKES = (
    'n=$(cat "$0.n" 2>/dev/null || echo 76); echo $((n + 1)) >"$0.n"; echo "1 job(s) submitted to cluster $((n + 1))."'
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data"), n=100, files=2)


@pytest.fixture
def pool(tmp_path, monkeypatch):
    """A folder at the front of the PATH with HTCondor's commands; `pool(name, script)` changes one."""
    folder = tmp_path / "pool"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)

    def put(name, script):
        (folder / name).write_text(f"#!/bin/bash\n{script}\n")
        (folder / name).chmod(0o755)

    for name in ("condor_submit", "condor_submit_dag"):
        put(name, TAKES)
    for name in ("condor_q", "condor_rm"):
        put(name, "true")
    return put


@pytest.fixture
def place(tmp_path, data, capsys, monkeypatch):
    """An empty folder to submit from; `place.submit(...)` runs the command line on configurations of `keys`."""
    monkeypatch.chdir(tmp_path)
    output = tmp_path / "output"

    def write(name="config.json", **keys):
        file = tmp_path / name
        file.write_text(json.dumps({**SMALL, **keys}))
        return str(file)

    def submit(*arguments, files=None, data=(str(data),)):
        line = ["-t", "mt_identifier", "-j", *(files or [write()]), "-o", str(output)]
        line += ["-d", *data] if data else []
        code = run_command(lambda: main([*line, *map(str, arguments)]))
        said = capsys.readouterr()
        return SimpleNamespace(code=code, out=said.out, err=said.err, runs=said.out.splitlines())

    return SimpleNamespace(submit=submit, write=write, output=output, path=tmp_path, data=data)


def description(run, name="job.sub"):
    return htcondor2.Submit((run / "job" / name).read_text())


def the_run(place):
    (status,) = place.output.rglob("status.json")
    return status.parent


def nothing_made(place):
    return not place.output.exists()
