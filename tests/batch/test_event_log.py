"""Event logs, which HTCondor's own library reads too."""

import json
import os
from datetime import datetime

import htcondor2
import pytest

from python.batch.event_log import events, histories
from tests.batch.job_logs import BEGAN, TEXTS, event, write_log

LIFE = (
    ("submitted", 0),
    ("carried", 9),
    ("executing", 10),
    ("size", 15),
    event("evicted", 70, memory=5300),
    ("held", 80),
    ("released", 90),
    event("executing", 100, host="gpu8"),
    ("ended", 130),
)


def life(tmp_path, *told):
    (found,) = histories(write_log(tmp_path / "job.log", *told))
    return found


def minutes(moment):
    return (moment - BEGAN.timestamp()) / 60


def test_htcondors_own_library_reads_the_same_events(tmp_path):
    log = write_log(tmp_path / "job.log", *((name, number) for number, name in enumerate(TEXTS)))
    theirs = list(htcondor2.JobEventLog(str(log)).events(0))
    ours = list(events(log))
    assert [(each.type, each.cluster, each.timestamp) for each in theirs] == [
        (each.code, int(each.cluster), each.when) for each in ours
    ]
    assert len(ours) == len(TEXTS)
    for ad, each in zip(theirs, ours, strict=True):
        if each.code in (4, 12):
            assert each.reason == ad.get("Reason", ad.get("HoldReason", ""))


def test_the_life_of_a_job(tmp_path):
    found = life(tmp_path, *LIFE)
    assert (found.cluster, found.state, found.exit_code, found.signal) == ("77", "ended", 0, None)
    assert (found.starts, found.evictions, found.retries) == (2, 1, 0)
    assert (found.ran, found.waited) == (90 * 60, 30 * 60)
    assert found.memory_mb == 5300
    assert minutes(found.submitted) == 0


@pytest.mark.parametrize(
    ("told", "state", "since", "reason"),
    [
        (LIFE[:2], "idle", 0, ""),
        (LIFE[:4], "running", 10, ""),
        (LIFE[:5], "idle", 70, "Job vacated by schedd"),
        (LIFE[:6], "held", 80, "memory usage exceeded request_memory"),
        (LIFE[:7], "idle", 90, ""),
        (LIFE[:8], "running", 100, ""),
        ((*LIFE[:4], ("suspended", 20)), "suspended", 20, ""),
        ((*LIFE[:4], ("suspended", 20), ("resumed", 25)), "running", 25, ""),
        ((*LIFE[:4], ("disconnected", 20)), "disconnected", 20, ""),
        ((*LIFE[:4], ("removed", 20)), "removed", 20, "via condor_rm (by user me)"),
        ((*LIFE[:6], ("removed", 85)), "removed", 85, "via condor_rm (by user me)"),
    ],
)
def test_the_state_after_each_event(tmp_path, told, state, since, reason):
    found = life(tmp_path, *told)
    assert (found.state, minutes(found.since), found.reason) == (state, since, reason)


def test_the_node_is_named(tmp_path):
    assert life(tmp_path, *LIFE[:4]).host == "gpu7.example.org"
    bare = "001 (77.000.000) 2026-11-21 10:10:00 Job executing on host: <10.0.0.7:9618>\n...\n"
    assert life(tmp_path, bare).host == "10.0.0.7"


def test_a_failure_that_is_tried_again_is_no_eviction(tmp_path):
    found = life(tmp_path, *LIFE[:3], event("requeued", 20, code=4), ("executing", 30), event("ended", 40, code=4))
    assert (found.retries, found.evictions, found.starts, found.exit_code) == (1, 0, 2, 4)


def test_a_job_that_a_signal_killed(tmp_path):
    found = life(tmp_path, *LIFE[:3], ("killed", 20))
    assert (found.state, found.exit_code, found.signal) == ("ended", None, 9)


def test_each_submission_of_one_log_has_its_own_life(tmp_path):
    log = write_log(tmp_path / "job.log", *LIFE[:3], ("removed", 20), ("submitted", 60, 91), ("held", 61, 91))
    assert [(each.cluster, each.state) for each in histories(log)] == [("77", "removed"), ("91", "held")]


def test_an_event_that_is_being_written_does_not_count(tmp_path):
    whole = "".join(event(*each) for each in LIFE[:2])
    assert life(tmp_path, whole, event("executing", 10)[:-30]).state == "idle"


def test_older_logs_name_no_year(tmp_path):
    log = write_log(tmp_path / "job.log", event("submitted", 0, stamp="%m/%d %H:%M:%S"))
    for written, year in ((datetime(2026, 12, 1), 2026), (datetime(2027, 1, 3), 2026)):
        os.utime(log, (written.timestamp(),) * 2)
        assert datetime.fromtimestamp(next(events(log)).when) == BEGAN.replace(year=year)


def test_moments_with_fractions_and_in_utc(tmp_path):
    for stamp in ("%Y-%m-%d %H:%M:%S.123", "%Y-%m-%dT%H:%M:%S"):
        assert life(tmp_path, event("submitted", 0, stamp=stamp)).submitted == BEGAN.timestamp()
    assert life(tmp_path, event("submitted", 0, stamp="%Y-%m-%d %H:%M:%SZ")).submitted == BEGAN.timestamp() + _offset()


def _offset():
    return BEGAN.astimezone().utcoffset().total_seconds()


@pytest.mark.parametrize(
    "text", ["", "...\n", "nothing of the kind\n...\n", json.dumps({"MyType": "SubmitEvent"}), "\0\0\n...\n"]
)
def test_what_is_no_log_tells_nothing(tmp_path, text):
    assert histories(write_log(tmp_path / "job.log", text)) == []
    assert histories(tmp_path / "gone.log") == []
