"""Submit descriptions and DAGs, read by HTCondor's own library."""

import importlib.metadata
import re
from dataclasses import replace
from pathlib import Path

import classad2
import htcondor2
import pytest
from htcondor2 import dags
from htcondor2.dags.formatter import NodeNameFormatter
from htcondor2.dags.writer import DAGWriter
from hypothesis import given
from hypothesis import strategies as st

from python.batch.packed import archive
from python.batch.resources import megabytes
from python.batch.run_job import DAG, JOB, MEMBER, RunJob, descriptions
from python.config.schema import BatchJob
from python.general_purpose_libs import ConfigError
from tests.batch.submit_commands import OF_THE_POOL, SUBMIT_COMMANDS, unknown

RUN = Path("/data/output/mt_identifier/simple_cnn/plane_X/20250101_120000")
EVERYTHING = BatchJob(
    request_memory="32GB",
    request_cpus=2,
    request_gpus=2,
    request_disk="20GB",
    job_flavour="testmatch",
    accounting_group="group_u_DUNE.all",
    environment="packed",
    file_transfer=True,
    checkpoint_minutes=45,
    transfer_data=True,
)
KINDS = {
    "shared": (BatchJob(), 0, ()),
    "shared ensemble": (BatchJob(), 3, ()),
    "carried": (EVERYTHING, 0, ("data/es",)),
    "carried ensemble": (EVERYTHING, 12, ("data/es",)),
    "in a container": (BatchJob(container_image="docker://example/pointing:2026"), 0, ()),
    "in a container of the node": (BatchJob(container_image="/cvmfs/unpacked/pointing"), 0, ()),
}


def run_job(batch=BatchJob(), members=0, data=(), run=RUN):  # noqa: B008
    return RunJob("mt_identifier", run, batch, "mt_identifier.v1", Path("/home/me"), Path("/project"), members, data)


def submit(text, **variables):
    """HTCondor's reading of a description, with what a DAG would put in."""
    read = htcondor2.Submit(text)
    for name, value in variables.items():
        read[name] = value
    return read


def single(batch=BatchJob(), **kinds):  # noqa: B008
    return submit(descriptions(run_job(batch, **kinds))[JOB])


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


def submitted(kind):
    """Every description of the job, with the variables of its DAG."""
    for name, text in descriptions(run_job(*kind)).items():
        if name != DAG:
            yield submit(text, **({"member": "3", "folder": "03"} if name == MEMBER else {}))


# ---------------------------------------------------------------------------- the language
def test_every_command_is_one_that_htcondor_knows(kind):
    for read in submitted(kind):
        assert unknown(set(read) - {"member", "folder"}) == set()


@pytest.fixture(scope="module")
def library():
    (path,) = (Path(file.locate()) for file in importlib.metadata.files("htcondor") if "libcondor_utils" in str(file))
    return path.read_bytes().lower()


def test_htcondors_library_holds_the_name_of_every_command(kind, library):
    for read in submitted(kind):
        for name in set(read) - OF_THE_POOL - {"member", "folder"}:
            assert f"{name}\0".encode() in library  # a linker may keep a text as the end of a longer one


def test_a_misspelt_command_would_be_found(library):
    assert unknown({"checkpoint_exit_kode", "MY.JobFlavor", "Request_Memory"}) == {
        "checkpoint_exit_kode",
        "MY.JobFlavor",
    }
    assert b"checkpoint_exit_kode\0" not in library
    assert "transfer_checkpoint_file" not in SUBMIT_COMMANDS


def test_every_macro_has_a_value(kind):
    for read in submitted(kind):
        for name in read:
            value = read.expand(name)
            assert value
            assert "$" not in value
        assert read.getQArgs() == "1"


def test_nothing_is_lost_when_htcondor_reads_it(kind):
    for text in descriptions(run_job(*kind)).values():
        if "queue" in text:
            assert len(htcondor2.Submit(text)) == len(text.splitlines()) - 1


OF_BATCH = BatchJob.model_json_schema()["properties"]
GROUP = next(kind["pattern"] for kind in OF_BATCH["accounting_group"]["anyOf"] if "pattern" in kind)


@given(
    batch=st.builds(
        BatchJob,
        request_memory=st.from_regex(OF_BATCH["request_memory"]["pattern"], fullmatch=True),
        request_cpus=st.integers(1, 10**6),
        request_gpus=st.integers(0, 10**6),
        job_flavour=st.sampled_from(OF_BATCH["job_flavour"]["enum"]),
        accounting_group=st.none() | st.from_regex(GROUP, fullmatch=True),
        environment=st.sampled_from(["install", "packed", "lcg"]),
        file_transfer=st.booleans(),
        checkpoint_minutes=st.integers(1, 10**9),
    ),
    members=st.sampled_from([0, 2, 100]),
)
def test_whatever_a_configuration_may_say_makes_a_sound_description(batch, members):
    for read in submitted((batch, members, ())):
        assert unknown(set(read) - {"member", "folder"}) == set()
        assert "$" not in "".join(read.expand(name) for name in read)
        assert read["MY.JobFlavour"] == f'"{batch.job_flavour}"'
        assert read.get("accounting_group") == batch.accounting_group
        assert memory(read) == megabytes(batch.request_memory)


# ---------------------------------------------------------------------------- what is asked for
def test_one_gpu_one_core_sixteen_gigabytes_for_a_day():
    read = single()
    asked = {name: read[name] for name in ("request_gpus", "request_cpus", "MY.JobFlavour")}
    assert asked == {"request_gpus": "1", "request_cpus": "1", "MY.JobFlavour": '"tomorrow"'}
    assert memory(read) == 16 * 1024


def test_more_where_the_configuration_says_so():
    read = single(EVERYTHING)
    assert memory(read) == 32 * 1024
    assert read["request_cpus"] == read["request_gpus"] == "2"
    assert read["request_disk"] == "20480MB"
    assert read["MY.JobFlavour"] == '"testmatch"'
    assert read["accounting_group"] == "group_u_DUNE.all"


def test_no_model_of_a_gpu_and_no_operating_system_is_required(kind):
    for read in submitted(kind):
        names = {name for name in read if "require" in name.lower() or "gpus_" in name or "cuda" in name}
        assert names == {"requirements"}
        assert set(re.findall(r"TARGET\.(\w+)", read["requirements"])) == {"Machine"}


def test_logs_lie_beside_the_output(kind):
    for read in submitted(kind):
        assert {Path(read.expand(name)).parent for name in ("output", "error", "log")} == {RUN / "logs"}


def test_members_do_not_share_a_log():
    text = descriptions(run_job(members=3))[MEMBER]
    files = [
        submit(text, member=str(n), folder=f"{n:02d}").expand(name)
        for n in (1, 2)
        for name in ("output", "error", "log")
    ]
    assert len(set(files)) == 6


def memory(read, **attributes):
    return evaluated(read["request_memory"], **attributes)


def evaluated(expression, **attributes):
    ad = classad2.ClassAd()
    for name, value in attributes.items():
        ad[name] = value
    ad["Asked"] = classad2.ExprTree(expression)
    return ad.eval("Asked")


# ---------------------------------------------------------------------------- files
def test_nothing_is_carried_where_the_file_system_is_shared():
    for read in submitted(KINDS["shared ensemble"]):
        assert read["transfer_output_files"] == '""'
        assert "transfer_input_files" not in read
        assert "--stop-after" not in read.get("arguments", "")


def test_the_run_is_carried_back_at_checkpoints_evictions_and_the_end():
    read = single(EVERYTHING, data=("data/es",))
    assert read["initialdir"] == str(RUN.parent)
    assert read["transfer_output_files"] == read["transfer_checkpoint_files"] == RUN.name
    assert read["when_to_transfer_output"] == "ON_EXIT_OR_EVICT"
    assert read["arguments"] == "--stop-after 45"
    archives = [f"{RUN}/job/parcel.tar.gz", str(archive()), f"{RUN}/job/data.tar"]
    state = [f"{RUN.name}/status.json", f"{RUN.name}/checkpoints"]
    assert read["transfer_input_files"].split(", ") == archives + state


def test_a_member_carries_its_own_folder_and_the_last_node_gets_all():
    files = descriptions(run_job(EVERYTHING, members=3))
    member = submit(files[MEMBER], member="3", folder="03")
    assert member.expand("arguments") == "--member 3 --stop-after 45"
    assert member.expand("transfer_output_files") == f"{RUN.name}/members/03"
    assert member.expand("transfer_checkpoint_files") == f"{RUN.name}/members/03"
    assert member.expand("transfer_input_files").split(", ")[-1] == f"{RUN.name}/members/03"
    join = submit(files[JOB])
    assert join["transfer_input_files"].split(", ")[-1] == f"{RUN.name}/members"
    assert join["transfer_output_files"] == RUN.name
    assert {member["preserve_relative_paths"], join["preserve_relative_paths"]} == {"True"}


@pytest.mark.parametrize(
    ("kinds", "state"),
    [
        ({}, ["status.json", "checkpoints"]),
        ({"searched": True}, ["status.json", "checkpoints", "trials.jsonl", "members"]),
        ({"every_epoch": True}, ["status.json", "checkpoints", "epochs"]),
        ({"members": 2}, ["status.json", "checkpoints", "members"]),
    ],
)
def test_what_a_start_goes_on_from_is_carried_to_it(kinds, state):
    job = replace(run_job(BatchJob(file_transfer=True)), **kinds)
    named = submit(descriptions(job)[JOB])["transfer_input_files"].split(", ")[1:]
    assert named == [f"{RUN.name}/{name}" for name in state]


@pytest.mark.parametrize(
    ("image", "named", "carried"),
    [
        ("docker://example/pointing:2026", "docker://example/pointing:2026", True),
        ("/cvmfs/unpacked/pointing", "/cvmfs/unpacked/pointing", False),
        ("images/pointing.sif", "/home/me/images/pointing.sif", True),
    ],
)
def test_a_container_is_found_by_htcondor_and_the_node(image, named, carried):
    read = single(BatchJob(container_image=image))
    assert (read["universe"], read["container_image"]) == ("container", named)
    assert ("transfer_container" not in read) is carried


@pytest.mark.parametrize("name", ["my output", "a,b", "$(HOME)", "it's", 'a"b', "a;b", "a\\b", "a=b"])
def test_paths_that_htcondor_would_read_otherwise_are_refused(name):
    with pytest.raises(ConfigError, match="another output folder with -o"):
        descriptions(run_job(run=Path("/data", name, "20250101_120000")))


# ---------------------------------------------------------------------------- DAG
class OurNames(NodeNameFormatter):
    def generate(self, layer_name, node_index):
        return layer_name if layer_name == "join" else f"{layer_name}_{node_index + 1:02d}"

    def parse(self, node_name):
        raise NotImplementedError


@pytest.mark.parametrize("members", [2, 3, 12])
def test_the_dag_is_the_one_that_htcondors_own_writer_makes(members):
    dag = dags.DAG()
    variables = [{"member": str(number), "folder": f"{number:02d}"} for number in range(1, members + 1)]
    layer = dag.layer(name="member", submit_description=Path("/member.sub"), vars=variables)
    layer.child_layer(name="join", submit_description=Path("/job.sub"))
    theirs = DAGWriter(dag, node_name_formatter=OurNames()).yield_dag_file_lines()
    expected = [line.replace(" /", " ") for line in theirs if not line.startswith("#")]
    assert sorted(descriptions(run_job(members=members))[DAG].splitlines()) == sorted(expected)


def test_htcondor_takes_the_dag(tmp_path, monkeypatch):
    (tmp_path / "condor_dagman").write_text("#!/bin/bash\n")
    (tmp_path / "condor_dagman").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.chdir(tmp_path)
    for name, text in descriptions(run_job(members=3)).items():
        (tmp_path / name).write_text(text)
    manager = htcondor2.Submit.from_dag(DAG)
    assert manager["universe"] == "scheduler"
    assert DAG in manager["arguments"]
