"""What ends a worker whose controller has gone."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

from python.training.search import ends_with_parent

ROOT = Path(__file__).resolve().parents[3]


def test_a_controller_that_falls_silent_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(ends_with_parent, "ASK_CONTROLLER_EVERY_S", 0.0)
    file = tmp_path / "connection.json"
    with socket.create_server(("127.0.0.1", 0)) as controller:
        file.write_text(json.dumps({"interface": "tcp://127.0.0.1", "registration": controller.getsockname()[1]}))
        answers = ends_with_parent.controller_answers(file)
        assert [answers() for _ in range(5)] == [True] * 5
    assert [answers() for _ in range(4)] == [True, True, False, False]


def test_without_the_connection_file_there_is_no_controller(tmp_path):
    assert not ends_with_parent.controller_answers(tmp_path / "connection.json")()


def test_the_exit_code_is_that_of_the_command():
    line = [
        sys.executable,
        "-m",
        "python.training.search.ends_with_parent",
        "--parent",
        str(os.getpid()),
        "--",
        "bash",
        "-c",
        "exit 7",
    ]
    assert subprocess.run(line, cwd=ROOT).returncode == 7
