import pytest

from python.batch.systems import SYSTEMS, is_queued


@pytest.mark.parametrize(
    ("name", "command", "answer", "queued"),
    [
        ("htcondor", "condor_q", "echo 5; echo 1", True),
        ("htcondor", "condor_q", "echo 5; echo 3; echo 4", False),
        ("htcondor", "condor_q", "true", False),
        ("slurm", "squeue", "echo 12; echo 77", True),
        ("slurm", "squeue", "echo 12; echo 770", False),
        ("slurm", "squeue", "echo no controller >&2; exit 1", True),  # who does not answer says nothing of the job
    ],
)
def test_is_queued(put_command, name, command, answer, queued):
    put_command(command, answer)
    assert is_queued(SYSTEMS[name], "77") is queued


def test_the_job_is_the_one_that_is_asked_for(put_command, tmp_path):
    put_command("condor_q", f'echo "$*" >"{tmp_path}/asked"')
    is_queued(SYSTEMS["htcondor"], "77")
    assert (tmp_path / "asked").read_text() == "77 -autoformat JobStatus\n"
