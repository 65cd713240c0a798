"""A registry that several processes write, runs that did not register, and output that cannot be written."""

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from python.general_purpose_libs import OutputError, write_json
from python.runs.registry.names import run_id
from python.runs.registry.registry import Registry
from tests.runs.registry.conftest import ROOT, TASK, at_once, in_jsonl, page, start, write_run


# ---------------------------------------------------------------------------- several processes
def record_runs(output, process):
    for number in range(5):
        registry = Registry(output)
        start(registry, f"a.{process}_{number}", state="running")
        registry.record(f"a.{process}_{number}", state="done")


def test_pages_show_what_all_processes_have_recorded(registry):
    at_once(record_runs, [registry.output] * 8, range(8))
    runs = sorted(f"a.{process}_{number}" for process in range(8) for number in range(5))
    assert sorted(entry["run"] for entry in registry.entries()) == runs
    assert sorted((entry["run"], entry["state"]) for entry in in_jsonl(registry)) == [(run, "done") for run in runs]
    assert all(f"`{run.replace('.', '/')}`" in page(registry) for run in runs)
    left = [
        path.name for folder in (registry.output, registry.folder) for path in folder.iterdir() if path.name[0] == "."
    ]
    assert left == []


def record_facts(output, process):
    for number in range(10):
        Registry(output).record("a.1", **{f"fact_{process}_{number}": [process, number]})


def test_processes_that_record_the_same_run_lose_no_facts(registry):
    start(registry, "a.1")
    at_once(record_facts, [registry.output] * 8, range(8))
    (entry,) = registry.entries()
    assert {name: value for name, value in entry.items() if name.startswith("fact_")} == {
        f"fact_{process}_{number}": [process, number] for process in range(8) for number in range(10)
    }
    assert in_jsonl(registry) == [entry]


@pytest.fixture
def meanwhile(monkeypatch):
    """`meanwhile(module.name, count, action)` does `action` before the call of a function that is its `count`-th."""

    def meanwhile(module, name, count, action):
        function, calls = getattr(module, name), iter(range(1, 1000))

        def in_between(*arguments):
            if next(calls) == count:
                monkeypatch.setattr(module, name, function)
                action()
            return function(*arguments)

        monkeypatch.setattr(module, name, in_between)

    return meanwhile


def test_an_entry_that_changes_while_it_is_written_is_read_again(registry, meanwhile):
    start(registry, "a.1")
    meanwhile(os, "fsync", 1, lambda: Registry(registry.output).record("a.1", job="7"))
    registry.record("a.1", epochs=3)
    (entry,) = registry.entries()
    assert (entry["job"], entry["epochs"]) == ("7", 3)


def test_an_entry_that_is_made_while_it_is_written_is_read(registry, meanwhile):
    meanwhile(os, "fsync", 1, lambda: start(Registry(registry.output), "a.1", job="7"))
    start(registry, "a.1", epochs=3)
    (entry,) = registry.entries()
    assert (entry["job"], entry["epochs"]) == ("7", 3)


def test_what_others_know_better_stays(registry, meanwhile):
    start(registry, "a.1")
    meanwhile(time, "sleep", 1, lambda: Registry(registry.output).record("a.1", state="failed"))
    registry.record("a.1", state="interrupted", job="7")
    (entry,) = registry.entries()
    assert (entry["state"], entry["job"]) == ("failed", "7")


@pytest.mark.parametrize("write", [3, 4], ids=["jsonl", "page"])
def test_pages_are_written_again_when_entries_have_changed(registry, meanwhile, write):
    start(registry, "a.1")
    meanwhile(os, "fsync", write, lambda: start(Registry(registry.output), "a.2"))
    registry.record("a.1", job="7")
    assert [entry["run"] for entry in in_jsonl(registry)] == ["a.1", "a.2"]
    assert "`a/2`" in page(registry)
    assert in_jsonl(registry)[0]["job"] == "7"


def test_pages_are_left_to_a_process_that_is_writing_them_unless_it_was_killed(registry):
    start(registry, "a.1")
    turn = registry.folder / ".writing_pages"
    turn.touch()
    start(registry, "a.2")
    assert len(registry.entries()) == 2
    assert len(in_jsonl(registry)) == 1
    os.utime(turn, (turn.stat().st_mtime - 60,) * 2)
    start(registry, "a.3")
    assert len(in_jsonl(registry)) == 3
    assert not turn.exists()


# ---------------------------------------------------------------------------- runs that did not register
def test_runs_on_disk_are_taken_in_once(registry, warnings):
    second = write_run(registry.output / TASK / "simple_cnn" / "11", version="v2", description="Why not?")
    first = write_run(registry.output / "copied" / TASK / "10", version="v1")
    again = write_run(registry.output / TASK / "simple_cnn" / "12", version="v1")
    write_json(first / "metrics.json", {"accuracy": 0.7})
    runs = registry.import_runs()
    assert sorted(runs) == [f"copied.{TASK}.10", f"{TASK}.simple_cnn.11", f"{TASK}.simple_cnn.12"]
    entries = registry.entries()
    assert [entry["folder"] for entry in entries] == [
        f"copied/{TASK}/10",
        *(f"{TASK}/simple_cnn/{n}" for n in (11, 12)),
    ]
    assert entries[0]["results"] == {"accuracy": 0.7}
    assert entries[1]["rationale"] == "Why not?"
    assert registry.holder(TASK, "v2") == run_id(registry.output, second)
    assert registry.holder(TASK, "v1") in {run_id(registry.output, run) for run in (first, again)}
    assert in_jsonl(registry) == entries
    assert registry.import_runs() == []
    assert warnings() == []


def test_a_run_that_cannot_be_read_is_named_and_left_out(registry, warnings):
    write_run(registry.output / "10")
    (write_run(registry.output / "11") / "config.json").write_text("{")
    (write_run(registry.output / "12") / "status.json").write_text("[]")
    assert registry.import_runs() == ["10"]
    assert [Path(warning.split()[0]).name for warning in warnings()] == ["11", "12"]


def test_an_import_mends_a_damaged_entry_and_completes_one_that_never_ended(registry):
    for name in ("10", "11"):
        write_json(write_run(registry.output / name) / "metrics.json", {"accuracy": 0.7})
    start(registry, "10", state="running", job="123.0")
    (registry.folder / "11.json").write_text("{")
    assert registry.import_runs() == ["11"]
    for folder in ("10", "11"):
        for path in (registry.output / folder).iterdir():
            path.unlink()
        (registry.output / folder).rmdir()
    entries = registry.entries()
    assert [(entry["state"], entry["results"]) for entry in entries] == [("done", {"accuracy": 0.7})] * 2
    assert {entry.get("job") for entry in entries} == {"123.0", None}


# ---------------------------------------------------------------------------- output that cannot be written
def refusals(registry):
    for action in (
        lambda: registry.claim(TASK, "v1", "a.1"),
        lambda: registry.claim(TASK, None, "a.1"),
        lambda: start(registry, "a.1"),
        registry.refresh,
    ):
        with pytest.raises(OutputError) as error:
            action()
        yield str(error.value)


def test_a_file_in_the_place_of_the_folder(tmp_path):
    (tmp_path / "output").write_text("mine")
    assert all(str(tmp_path / "output") in text for text in refusals(Registry(tmp_path / "output")))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_read_only(registry):
    registry.output.chmod(0o500)
    assert all("choose an output folder that you may write to" in text for text in refusals(registry))


FULL = """
    import resource, signal, sys
    from python.general_purpose_libs import run_command
    from python.runs.registry.registry import Registry
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
    registry = Registry(sys.argv[1])
    actions = {
        "claim": lambda: registry.claim("mt_identifier", "v1", "a.2"),
        "record": lambda: registry.record("a.1", state="failed"),
        "refresh": registry.refresh,
    }
    sys.exit(run_command(lambda: actions[sys.argv[2]]() and 0))
"""


@pytest.mark.parametrize("action", ["claim", "record", "refresh"])
def test_a_full_disk_damages_nothing(registry, action):
    start(registry, "a.1")
    before = {path: path.read_bytes() for path in registry.output.rglob("*") if path.is_file()}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL), str(registry.output), action],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == OutputError.exit_code
    assert done.stderr.startswith("error: cannot write ")
    assert len(done.stderr.splitlines()) == 1
    assert {path: path.read_bytes() for path in registry.output.rglob("*") if path.is_file()} == before
    assert registry.claim(TASK, "v1", "a.3") == "v1"
