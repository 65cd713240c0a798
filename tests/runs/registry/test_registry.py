"""The registry through its public way in, with real processes where several write at a time."""

import json
import logging
import os
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path

import pytest

from python.general_purpose_libs import ConfigError, OutputError, write_json
from python.runs.registry.names import run_id
from python.runs.registry.registry import Registry
from python.runs.status import RunStatus

ROOT = Path(__file__).resolve().parents[3]
TASK = "mt_identifier"


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path)


@pytest.fixture
def warnings(caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("pointing"), "propagate", True)
    return lambda: [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def start(registry, run, **facts):
    registry.record(run, **{"task": TASK, "folder": run.replace(".", "/"), "state": "done", **facts})


def in_jsonl(registry):
    return [json.loads(line) for line in (registry.output / "registry.jsonl").read_text().split("\n")[:-1]]


def page(registry):
    return (registry.output / "TRAINING_REGISTRY.md").read_text()


def at_once(work, *arguments):
    """What `work` returns in processes of its own, one for each of the zipped arguments, that run at the same time."""
    with ProcessPoolExecutor(8, mp_context=get_context("spawn")) as pool:
        return list(pool.map(work, *arguments))


def write_run(folder, state="done", **config):
    write_json(folder / "config.json", {"task": TASK, "model_name": "simple_cnn", **config})
    write_json(folder / "status.json", {"state": state, "started": f"2026-01-01T{folder.name}:00:00+00:00"})
    return folder


# ---------------------------------------------------------------------------- entries
def test_an_entry_is_a_file_and_a_line_and_an_item(registry):
    start(registry, "mt_identifier.simple_cnn.1", version="v1", results={"accuracy": 0.9}, started="2026-01-01")
    start(registry, "mt_identifier.simple_cnn.0", version="v2", started="2026-01-02", rationale="é θ \u2028 \ud800")
    first, second = registry.entries()
    assert first.pop("registered") <= second["registered"]
    assert first == {
        "run": "mt_identifier.simple_cnn.1",
        "task": TASK,
        "folder": "mt_identifier/simple_cnn/1",
        "version": "v1",
        "state": "done",
        "results": {"accuracy": 0.9},
        "started": "2026-01-01",
    }
    assert second["rationale"] == "é θ \u2028 \ud800"
    assert in_jsonl(registry) == registry.entries()
    assert (
        len((registry.output / "registry.jsonl").read_text().splitlines()) == 2
    )  # U+2028 ends a line for some readers
    assert "simple_cnn/1" in page(registry)
    assert "simple_cnn/0" in page(registry)
    files = {path.name for path in (registry.output / "registry").iterdir()}
    assert files == {"mt_identifier.simple_cnn.1.json", "mt_identifier.simple_cnn.0.json"}


def test_later_facts_join_earlier_ones_and_none_takes_one_away(registry):
    start(registry, "a.1", state="failed", message="the loss is not finite", configuration={"epochs": 3})
    registry.record("a.1", state="done", message=None, configuration={"epochs": 5}, job=None)
    (entry,) = Registry(registry.output).entries()
    assert entry["state"] == "done"
    assert entry["configuration"] == {"epochs": 5}
    assert "message" not in entry
    assert "job" not in entry


def test_entries_of_one_task(registry):
    start(registry, "a.1")
    start(registry, "b.1", task="channel_tagging")
    assert [entry["run"] for entry in registry.entries("channel_tagging")] == ["b.1"]
    assert registry.entries("electron_direction") == []


def test_nothing_is_made_by_looking(registry):
    assert registry.entries() == []
    assert registry.holder(TASK, "v1") is None
    assert list(registry.output.iterdir()) == []


def test_a_new_entry_needs_its_task_and_folder(registry):
    with pytest.raises(ValueError, match="task is missing"):
        registry.record("a.1", folder="a/1")
    with pytest.raises(ValueError, match="folder is missing"):
        registry.record("a.1", task=TASK)
    assert registry.entries() == []


def test_numbers_that_json_does_not_know_are_refused(registry):
    start(registry, "a.1")
    with pytest.raises(ValueError, match="JSON"):
        registry.record("a.1", results={"accuracy": float("nan")})
    assert len(registry.entries()) == 1
    assert [path.name for path in registry.folder.iterdir()] == ["a.1.json"]


# ---------------------------------------------------------------------------- live state
def test_a_run_is_asked_for_its_state_until_it_is_done(registry):
    folder = registry.output / "a" / "1"
    folder.mkdir(parents=True)
    start(registry, "a.1", state="submitted")
    write_json(folder / "config.json", {"task": TASK})
    seen = []
    with suppress(RuntimeError), RunStatus(folder):
        seen.append(registry.entries()[0])
        raise RuntimeError("no memory")
    seen.append(registry.entries()[0])
    with RunStatus(folder):
        seen.append(registry.entries()[0])
    write_json(folder / "metrics.json", {"accuracy": 0.8})
    seen.append(registry.entries()[0])
    assert [entry["state"] for entry in seen] == ["running", "failed", "running", "done"]
    assert [entry.get("message") for entry in seen] == [None, "no memory", None, None]
    assert ["ended" in entry for entry in seen] == [False, True, False, True]
    assert seen[-1]["results"] == {"accuracy": 0.8}


def test_a_done_run_is_believed(registry):
    write_run(registry.output / "a" / "1", state="failed")
    start(registry, "a.1")
    assert registry.entries()[0]["state"] == "done"


def test_a_killed_run_is_interrupted(registry):
    start(registry, "a.1", state="running")
    folder = registry.output / "a" / "1"
    code = f"""
        import os
        from python.runs.status import RunStatus
        with RunStatus({str(folder)!r}):
            os.kill(os.getpid(), 9)
    """
    write_json(folder / "config.json", {"task": TASK})
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, check=False)
    registry.refresh()
    assert registry.entries()[0]["state"] == in_jsonl(registry)[0]["state"] == "interrupted"


@pytest.mark.parametrize("state", ["running", "submitted"])
def test_a_run_whose_folder_is_gone_does_not_run(registry, state):
    start(registry, "a.1", state=state)
    assert registry.entries()[0]["state"] == "interrupted"
    assert "gone" in registry.entries()[0]["message"]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        *(
            f'{{"state": "running", "host": "h", "pid": 1, "heartbeat": {beat}}}'
            for beat in ('"now"', "3", '"2026-01-01"')
        ),
    ],
)
def test_a_run_whose_status_is_damaged_stays_as_it_said(registry, text):
    start(registry, "a.1", state="running")
    (registry.output / "a" / "1").mkdir(parents=True)
    (registry.output / "a" / "1" / "status.json").write_text(text)
    assert registry.entries()[0]["state"] == "running"


@pytest.mark.parametrize("folder", ["", "\0", "/", "..", "x" * 5000])
def test_folders_that_are_none_do_no_harm(registry, folder):
    start(registry, "a.1", state="running", folder=folder)
    assert registry.entries()[0]["folder"] == folder


# ---------------------------------------------------------------------------- foreign files
FOREIGN = [
    "",
    "{",
    "[]",
    "3",
    "\xff",
    "[" * 100_000,
    '{"run": "x", "task": "t"}',
    '{"run": "x", "task": 1, "folder": "f"}',
    '{"run": "y", "task": "t", "folder": "f"}',
    '{"run": "x", "task": "t", "folder": "f", "epochs": NaN}',
    '{"run": "x", "task": "t", "folder": "f", "epochs": 1e999}',
]


@pytest.mark.parametrize("text", FOREIGN)
def test_a_foreign_file_is_named_once_and_left_alone(registry, warnings, text):
    start(registry, "a.1")
    path = registry.folder / "x.json"
    path.write_text(text, encoding="latin-1")
    start(registry, "a.2")
    assert [entry["run"] for entry in registry.entries()] == ["a.1", "a.2"]
    (warning,) = warnings()
    assert "x.json" in warning
    assert "\n" not in warning
    assert path.read_text(encoding="latin-1") == text
    path.unlink()
    assert len(registry.entries()) == 2


@pytest.mark.parametrize("text", FOREIGN)
def test_a_foreign_file_in_the_place_of_an_entry_is_kept(registry, warnings, text):
    registry.folder.mkdir()
    (registry.folder / "x.json").write_text(text, encoding="latin-1")
    start(registry, "x")
    assert [entry["run"] for entry in registry.entries()] == ["x"]
    (aside,) = registry.folder.glob("x.json.damaged_*")
    assert aside.read_text(encoding="latin-1") == text
    assert aside.name in warnings()[0]


def test_folders_and_other_files_are_no_entries(registry, warnings):
    start(registry, "a.1")
    (registry.folder / "README.txt").write_text("mine")
    (registry.folder / ".a.2.abc.json").write_text("{")  # half a file of a writer that was killed
    (registry.folder / "folder.json").mkdir()
    assert [entry["run"] for entry in registry.entries()] == ["a.1"]
    (warning,) = warnings()
    assert "folder.json" in warning


def test_a_page_that_was_written_by_hand_is_kept(registry, warnings):
    (registry.output / "TRAINING_REGISTRY.md").write_text("# Neural Networks Training Registry\nMy notes")
    start(registry, "a.1")
    start(registry, "a.2")
    (aside,) = registry.output.glob("TRAINING_REGISTRY_by_hand_*.md")
    assert aside.read_text().endswith("My notes")
    assert len(warnings()) == 1


# ---------------------------------------------------------------------------- versions
def test_a_version_belongs_to_the_first_run_that_claims_it(registry):
    assert registry.claim(TASK, "v1", "a.1") == "v1"
    with pytest.raises(ConfigError, match=r'version "v1" belongs to the run a\.1 already; .*--force-version'):
        registry.claim(TASK, "v1", "a.2")
    assert registry.claim(TASK, "v1", "a.2", force=True) == "v1"
    assert registry.holder(TASK, "v1") == "a.1"
    assert registry.claim(TASK, "v1", "a.1") == "v1"
    assert registry.claim("channel_tagging", "v1", "a.3") == "v1"
    assert registry.claim(TASK, "V1", "a.4") == "V1"
    assert registry.holder(TASK, "V1") == "a.4"


@pytest.mark.parametrize("version", ["..", "a/b", "v" * 5000, "é\n\0", "\ud800", "~", " "])
def test_versions_hold_any_text(registry, version):
    assert registry.claim(TASK, version, "a.1") == version
    assert registry.holder(TASK, version) == "a.1"
    with pytest.raises(ConfigError):
        registry.claim(TASK, version, "a.2")
    assert {path.parent.name for path in registry.output.rglob("*") if path.is_file()} == {TASK}


def test_an_empty_version_is_an_error(registry):
    with pytest.raises(ConfigError, match="version"):
        registry.claim(TASK, "", "a.1")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"run": 3}'])
def test_a_claim_that_does_not_say_by_whom_holds(registry, text):
    registry.claim(TASK, "v1", "a.1")
    (registry.folder / "versions" / TASK / "v1").write_text(text)
    assert registry.holder(TASK, "v1") == ""
    with pytest.raises(ConfigError, match="--force-version"):
        registry.claim(TASK, "v1", "a.1")


def test_made_up_versions_count_on(registry):
    day = f"{datetime.now():%Y%m%d}"
    versions = [registry.claim(TASK, None, f"a.{number}") for number in range(3)]
    registry.claim(TASK, f"{day}_12", "a.3")
    registry.claim(TASK, f"{day}_191500", "a.4")  # the time of day, of older code
    registry.claim(TASK, f"{day}_13 again", "a.5")
    versions.append(registry.claim(TASK, None, "a.6"))
    versions.append(registry.claim("channel_tagging", None, "a.7"))
    assert [version.removeprefix(f"{day}_") for version in versions] == ["1", "2", "3", "13", "1"]


def test_runs_of_the_time_before_the_registry_hold_their_versions(registry):
    old = write_run(registry.output / TASK / "simple_cnn" / "10", version="v1")
    with pytest.raises(ConfigError, match=run_id(registry.output, old)):
        registry.claim(TASK, "v1", "a.1")
    assert registry.claim(TASK, "v2", "a.1") == "v2"


def versions_won(output, run):
    won = []
    for number in range(20):
        with suppress(ConfigError):
            won.append(Registry(output).claim(TASK, f"v{number}", run))
    return won


def test_of_many_processes_one_gets_a_version(registry):
    runs = [f"a.{number}" for number in range(8)]
    won = dict(zip(runs, at_once(versions_won, [registry.output] * 8, runs), strict=True))
    assert sorted(version for versions in won.values() for version in versions) == sorted(f"v{n}" for n in range(20))
    assert all(registry.holder(TASK, version) == run for run, versions in won.items() for version in versions)


def make_up(output, process):
    return [Registry(output).claim(TASK, None, f"a.{process}_{number}") for number in range(10)]


def test_processes_make_up_different_versions(registry):
    versions = [version for made in at_once(make_up, [registry.output] * 8, range(8)) for version in made]
    day = versions[0].partition("_")[0]
    assert sorted(versions) == sorted(f"{day}_{number}" for number in range(1, 81))


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
