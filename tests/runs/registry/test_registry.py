"""The registry through its public way in, with real processes where several write at a time."""

import subprocess
import sys
import textwrap
from contextlib import suppress
from datetime import datetime

import pytest

from python.general_purpose_libs import ConfigError, write_json
from python.runs.registry.names import run_id
from python.runs.registry.registry import Registry
from python.runs.status import RunStatus
from tests.runs.registry.conftest import ROOT, TASK, at_once, in_jsonl, page, start, write_run


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
