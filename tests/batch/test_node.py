import shlex

import pytest

from python.batch.node import exports
from python.config.schema import BatchJob


@pytest.fixture
def here(monkeypatch):
    monkeypatch.setenv("ML_POINTING_VENV", "/my venv/it's")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setenv("SECRET", "xyz")


def environment(**options):
    lines = exports(BatchJob(request_cpus=4), **options)
    return dict(shlex.split(line.removeprefix("export "))[0].split("=", 1) for line in lines)


@pytest.mark.usefixtures("here")
def test_a_job_has_the_python_of_the_machine_that_submits():
    told = environment(same_python=True, IPYTHONDIR="/x")
    assert told["ML_POINTING_VENV"] == "/my venv/it's"
    assert told["KERAS_BACKEND"] == "jax"
    assert told["OMP_NUM_THREADS"] == told["TF_NUM_INTRAOP_THREADS"] == "4"
    assert told["IPYTHONDIR"] == "/x"
    assert {"PATH"} < told.keys()
    assert "SECRET" not in told


@pytest.mark.usefixtures("here")
def test_a_job_elsewhere_has_its_own():
    told = environment(same_python=False)
    assert told["KERAS_BACKEND"] == "jax"
    assert not {"PATH", "ML_POINTING_VENV"} & told.keys()
