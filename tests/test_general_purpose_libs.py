import contextlib
import errno
import json
import os
import subprocess
import sys
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python.general_purpose_libs import (
    ConfigError,
    DataError,
    NotNowError,
    OutputError,
    Progress,
    StopRequested,
    atomic_path,
    log,
    parse_json,
    read_json,
    run_command,
    with_progress,
    write_json,
)
from python.runs.status import RunStatus, new_run_folder, read_status
from tests.patience import wait_until

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_plain_json_reads_as_it_is(value):
    assert parse_json(json.dumps(value)) == value


def test_comments_and_trailing_commas():
    text = '{\n "a": "// no /* comment */, ]", // comment\n /* two\nlines */ "b": [1, 2, /* x */ ],\n}'
    assert parse_json(text) == {"a": "// no /* comment */, ]", "b": [1, 2]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1\n "b": 2}', "line 2, column 2"),
        ('{ /* a\n comment */ "a": }', "line 2, column 18"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', '"c" stands twice'),
        ('{"a": NaN}', "NaN is not"),
        ("", "line 1"),
        ("[" * 100000, "nested too deeply"),
        ("1" * 5000, "too many digits"),
    ],
)
def test_mistakes_are_located(text, message):
    with pytest.raises(ConfigError, match=message):
        parse_json(text, "config.json")


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name, message in {"missing": "no such file", "binary": "UTF-8", ".": "folder"}.items():
        with pytest.raises(ConfigError, match=message):
            read_json(tmp_path / name)


def test_a_failed_write_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"old": 1})
    with contextlib.suppress(ZeroDivisionError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"new": float("nan")})
    assert read_json(path) == {"old": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


def test_a_full_disk_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match=r"a\.txt.*No space.*free some space"), atomic_path(tmp_path / "a.txt"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_written_files_follow_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_json(tmp_path / "a.json", 1)
    finally:
        os.umask(before)
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o640


def test_run_folders_never_exist_before(tmp_path):
    now = datetime(2026, 1, 2, 3, 4, 5)
    names = [new_run_folder(tmp_path, "task", "model", now=now).name for _ in range(3)]
    assert names == ["20260102_030405", "20260102_030405_1", "20260102_030405_2"]


def test_run_folder_below_a_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file"):
        new_run_folder(tmp_path / "file", "task")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotNowError, 1),
        (ConfigError, 2),
        (DataError, 3),
        (OutputError, 5),
        (StopRequested, 85),
        (KeyboardInterrupt, 130),
    ],
)
def test_exit_codes(error, code, capsys):
    def main():
        raise error("what is wrong")

    assert run_command(main) == code
    assert "Traceback" not in capsys.readouterr().err


def test_a_missing_package_is_named(capsys):
    def main():
        import not_a_package_of_anybody  # noqa: F401

    assert run_command(main) == 2
    assert "not_a_package_of_anybody" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (None, "done"),
        (DataError("x"), "failed"),
        (KeyboardInterrupt(), "interrupted"),
        (StopRequested(), "interrupted"),
    ],
)
def test_status_says_how_a_run_ended(tmp_path, error, state):
    try:
        with RunStatus(tmp_path, task="t"):
            assert read_status(tmp_path)["state"] == "running"
            if error is not None:
                raise error
    except (DataError, KeyboardInterrupt, StopRequested):
        pass
    assert read_status(tmp_path)["state"] == state


def test_a_killed_run_reads_interrupted(tmp_path):
    program = (
        "import sys, time\nfrom python.runs.status import RunStatus\n"
        f"with RunStatus({str(tmp_path)!r}):\n    print('up', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"up\n"
        assert read_status(tmp_path)["state"] == "running"
        process.kill()
    assert read_json(tmp_path / "status.json")["state"] == "running"
    assert read_status(tmp_path)["state"] == "interrupted"


def test_heartbeat_beats(tmp_path, monkeypatch):
    monkeypatch.setattr(RunStatus, "HEARTBEAT_S", 0.05)
    with RunStatus(tmp_path):
        first = (tmp_path / "status.json").stat().st_mtime_ns
        wait_until(lambda: (tmp_path / "status.json").stat().st_mtime_ns > first)


def test_progress_writes_plain_lines_away_from_a_terminal(monkeypatch):
    monkeypatch.setattr("python.general_purpose_libs.SECONDS_BETWEEN_PROGRESS_LINES", 0)
    lines = []
    monkeypatch.setattr(log, "info", lambda text, *values: lines.append(text % values))
    assert list(with_progress(["a", "b"], "reading", "files")) == ["a", "b"]
    assert lines == ["reading: 1 of 2 files", "reading: 2 of 2 files"]


def test_progress_draws_a_bar_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with Progress("reading", "files") as progress:
        progress(1, 2)
        progress.bar.refresh()
    shown = capsys.readouterr().err
    assert "reading" in shown
    assert "1/2" in shown


def test_a_status_that_does_not_say_how_the_run_stands(tmp_path):
    (tmp_path / "status.json").write_text("{}")
    with pytest.raises(ConfigError, match="does not say how the run stands"):
        read_status(tmp_path)
