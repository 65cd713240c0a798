import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python.batch.resources import MINUTES_OF_FLAVOUR, htcondor_resources, megabytes, slurm_resources
from python.config.schema import BatchJob


@pytest.mark.parametrize(
    ("text", "expected"), [("16GB", 16384), ("1.5GB", 1536), ("500 MB", 500), ("2TB", 2 * 1024**2), ("1.0001MB", 2)]
)
def test_memory_in_megabytes(text, expected):
    assert megabytes(text) == expected


@given(st.from_regex(BatchJob.model_json_schema()["properties"]["request_memory"]["pattern"], fullmatch=True))
def test_every_memory_that_a_configuration_may_ask_for_is_a_number(text):
    assert megabytes(text) >= 1
    assert megabytes(text) == math.ceil(float(text[:-2]) * {"M": 1, "G": 2**10, "T": 2**20}[text[-2]])


def test_flavours_are_those_of_the_configuration():
    assert set(MINUTES_OF_FLAVOUR) == set(BatchJob.model_json_schema()["properties"]["job_flavour"]["enum"])


def test_only_what_is_wanted_is_asked_for():
    few = BatchJob(request_gpus=0)
    assert set(htcondor_resources(few)) == {"request_cpus", "request_memory", "+JobFlavour"}
    assert set(slurm_resources(few)) == {"cpus-per-task", "mem", "time"}
    many = BatchJob(request_disk="10GB", accounting_group="group_u_DUNE.all")
    assert htcondor_resources(many)["request_disk"] == "10240MB"
    assert htcondor_resources(many)["accounting_group"] == slurm_resources(many)["account"] == "group_u_DUNE.all"
    assert slurm_resources(many)["tmp"] == "10240M"
