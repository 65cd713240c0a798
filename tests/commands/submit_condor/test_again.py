"""Runs that submit_condor.sh submits again."""

import re
from types import SimpleNamespace

import pytest

from python.commands.submit_condor import main
from python.general_purpose_libs import run_command, write_json
from python.runs.registry.registry import Registry
from python.runs.status import RunStatus
from tests.batch.job_logs import rescue_dag, write_log
from tests.commands.submit_condor.conftest import TAKES, the_run


@pytest.fixture
def again(capsys):
    """`again(RUN, ...)` submits runs again."""

    def again(*arguments):
        code = run_command(lambda: main(["--resume", *map(str, arguments)]))
        said = capsys.readouterr()
        return SimpleNamespace(code=code, out=said.out, err=said.err)

    return again


def left_the_queue(run, cluster=77, last="removed", name="logs/job.log"):
    return write_log(run / name, ("submitted", 0, cluster), ("executing", 1, cluster), (last, 20, cluster))


@pytest.mark.usefixtures("pool")
def test_an_interrupted_run_is_submitted_again(place, again):
    assert place.submit().code == 0
    run = the_run(place)
    left_the_queue(run)
    RunStatus(run).update("interrupted")
    done = again(run, run)
    assert done.code == 0, done.err
    assert done.out == f"{run}\n"
    (entry,) = Registry(place.output).entries()
    assert (entry["job"], entry["state"]) == ("78", "submitted")


@pytest.mark.usefixtures("pool")
def test_a_run_that_is_done_is_said_and_left_alone(place, again):
    assert place.submit().code == 0
    run = the_run(place)
    RunStatus(run).update("done")
    done = again(run)
    assert (done.code, done.out) == (0, "")
    assert "is done already" in done.err
    assert Registry(place.output).entries()[0]["job"] == "77"


@pytest.mark.parametrize(
    ("answer", "log", "state", "message"),
    [
        ('[{"ClusterId": 77, "JobUniverse": 5, "JobStatus": 5}]', None, "interrupted", "job 77 is held.*condor_rm 77"),
        ("[]", "released", "interrupted", "by its log job 77 is idle.*has it not"),
        ("[]", "removed", "running", "is running on"),
        ("no answer", "removed", "interrupted", "does not answer"),
    ],
)
def test_no_job_is_submitted_beside_another(place, again, pool, answer, log, state, message):
    assert place.submit().code == 0
    run = the_run(place)
    if log:
        left_the_queue(run, last=log)
    RunStatus(run).update(state)
    pool("condor_q", f"echo '{answer}'")
    done = again(run)
    assert done.code == 2
    assert re.search(message, done.err)
    assert (place.path / "pool" / "condor_submit.n").read_text() == "77\n"


@pytest.mark.usefixtures("pool")
def test_a_run_that_was_not_prepared_for_htcondor(again, tmp_path):
    done = again(tmp_path)
    assert done.code == 2
    assert "is no run folder" in done.err
    write_json(tmp_path / "run" / "config.json", {"task": "mt_identifier"})
    assert "go on here with train_mt_identifier.sh --resume" in again(tmp_path / "run").err


def test_a_dag_goes_on_from_its_rescue(place, again, pool):
    pool("condor_submit_dag", f'echo "$*" >>"$0.asked"; touch ensemble.dag.condor.sub; {TAKES}')
    assert place.submit("--ensemble", 2).code == 0
    run = the_run(place)
    left_the_queue(run, name="job/ensemble.dag.dagman.log")
    (run / "job" / "ensemble.dag.rescue001").write_text(rescue_dag(["member_01"], ["member_02"]))
    assert again(run).code == 0
    first, second = (place.path / "pool" / "condor_submit_dag.asked").read_text().splitlines()
    assert second == first.replace(" ensemble.dag", " -update_submit ensemble.dag")
    assert Registry(place.output).entries()[0]["job"] == "78"


@pytest.mark.parametrize("more", [("-j", "a.json"), ("--set", "batch_job.request_cpus=2"), ("--try",)])
def test_what_does_not_go_with_resume(again, tmp_path, more):
    with pytest.raises(SystemExit) as ended:
        again(tmp_path, *more)
    assert ended.value.code == 2
