import pytest

from python.batch.submission import require_htcondor, submit
from python.general_purpose_libs import ConfigError

TAKEN = 'echo "$PWD: $*" >"$0.asked"; echo "Submitting job(s)."; echo "1 job(s) submitted to cluster 4711."'


def asked(tmp_path, name):
    return (tmp_path / "bin" / f"{name}.asked").read_text().strip()


def test_a_job_is_submitted_from_its_folder(put_command, tmp_path):
    put_command("condor_submit", TAKEN)
    assert submit(tmp_path / "job.sub", "mt.v1") == "4711"
    assert asked(tmp_path, "condor_submit") == f"{tmp_path}: job.sub"


def test_a_dag_is_submitted_under_its_name(put_command, tmp_path):
    put_command("condor_submit_dag", TAKEN)
    assert submit(tmp_path / "ensemble.dag", "mt.v1") == "4711"
    assert asked(tmp_path, "condor_submit_dag") == f"{tmp_path}: -batch-name mt.v1 ensemble.dag"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ('echo "ERROR: no such" >&2; echo "  group" >&2; exit 1', r"exit code 1\): ERROR: no such group"),
        ("exit 3", r"exit code 3\): it says nothing"),
        ('echo "hello"', r"exit code 0\): hello"),
    ],
)
def test_what_htcondor_refuses_is_said_in_its_words(put_command, tmp_path, script, said):
    put_command("condor_submit", script)
    with pytest.raises(ConfigError, match=said):
        submit(tmp_path / "job.sub", "mt.v1")


def test_a_machine_without_htcondor(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"condor_submit is not on the PATH.*--dry-run"):
        require_htcondor(dag=False)


def test_dags_need_a_command_of_their_own(put_command, monkeypatch, tmp_path):
    for name in ("condor_submit", "condor_rm", "condor_q"):
        put_command(name, "true")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    require_htcondor(dag=False)
    with pytest.raises(ConfigError, match="condor_submit_dag is not on the PATH"):
        require_htcondor(dag=True)
