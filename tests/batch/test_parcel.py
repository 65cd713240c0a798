import io
import tarfile
from dataclasses import replace

import htcondor2
import pytest

from python.batch.parcel import check_carried, check_data, pack
from python.batch.run_job import descriptions
from python.general_purpose_libs import ConfigError, DataError
from tests.batch.conftest import ROOT


def test_the_parcel_holds_what_the_launchers_need_and_no_more(make_job):
    job = make_job(file_transfer=True)
    (job.project / "python" / "__pycache__").mkdir()
    (job.project / "data").mkdir()
    (job.run / "logs").mkdir()
    pack(job)
    with tarfile.open(job.folder / "parcel.tar.gz") as parcel:
        names = set(parcel.getnames())
    assert {f"{job.run.name}/{name}.json" for name in ("config", "args", "status")} < names
    assert {"project/scripts/init.sh", "project/requirements.txt", "project/python"} < names
    assert not any("cache" in name or "/data" in name or "logs" in name or "/job" in name for name in names)


@pytest.mark.parametrize("kinds", [{}, {"searched": True}, {"members": 2}])
def test_all_that_is_named_to_be_carried_is_there(make_job, kinds):
    job = replace(make_job(file_transfer=True), **kinds)
    pack(job)
    for name, text in descriptions(job).items():
        if name == "ensemble.dag":
            continue
        for folder in ("01", "02"):
            read = htcondor2.Submit(text)
            read["folder"] = folder
            assert all((job.run.parent / path).exists() for path in read.expand("transfer_input_files").split(", "))


def test_the_parcel_holds_what_the_networks_start_from(make_job):
    job = make_job(file_transfer=True)
    for folder in (job.run, job.run / "members" / "01"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "initial_weights.npz").write_bytes(b"weights")
    pack(job)
    with tarfile.open(job.folder / "parcel.tar.gz") as parcel:
        names = set(parcel.getnames())
    assert {f"{job.run.name}/{place}initial_weights.npz" for place in ("", "members/01/")} < names


def test_the_own_project_can_be_packed(make_job):
    job = replace(make_job(file_transfer=True), project=ROOT)
    pack(job)
    with tarfile.open(job.folder / "parcel.tar.gz") as parcel:
        names = set(parcel.getnames())
    assert {
        "project/python/training/run.py",
        "project/mt_identifier/main.py",
        "project/scripts/train_mt_identifier.sh",
    } < names
    assert (job.folder / "parcel.tar.gz").stat().st_size < 5e6


@pytest.mark.parametrize(
    ("folders", "send", "message"),
    [
        ((), False, "cannot keep the embedded simulation"),
        (("data/es",), False, "data/es: is relative"),
        (("/data/es",), True, "only folders below the one"),
        (("../es",), True, "only folders below the one"),
    ],
)
def test_data_that_a_node_could_not_find(folders, send, message):
    with pytest.raises(ConfigError, match=message):
        check_data(folders, send)


@pytest.mark.parametrize(("folders", "send"), [(("/eos/data/es", "/eos/data/cc"), False), (("data/es",), True)])
def test_data_that_a_node_finds(folders, send):
    check_data(folders, send)


@pytest.fixture
def linked(make_job):
    """A job whose data are links, loops and repetitions."""
    job = make_job(file_transfer=True, transfer_data=True, data=("data/es", "data/all"))
    far, data = job.start.parent / "far", job.start / "data"
    for name in ("one", "two"):
        (far / name).mkdir(parents=True)
        (far / name / "a_planeX.npz").write_text(name)
    (data / "es").mkdir(parents=True)
    (data / "all").mkdir()
    (data / "es" / "folder").symlink_to(far / "one")
    (data / "es" / "b_planeX.npz").symlink_to(far / "two" / "a_planeX.npz")
    (data / "es" / "up").symlink_to(data)
    (data / "all" / "same").symlink_to(data / "es")
    return job


def test_what_links_lead_to_is_carried(linked, tmp_path):
    check_carried(linked, skip_bad_files=False)
    pack(linked)
    with tarfile.open(linked.folder / "data.tar") as parcel:
        assert not any(member.issym() for member in parcel)
        parcel.extractall(tmp_path / "node", filter="data")
    for folder in ("es", "all/same"):
        found = tmp_path / "node" / "data" / folder
        assert sorted(path.name for path in found.iterdir()) == ["b_planeX.npz", "folder"]
        assert (found / "folder" / "a_planeX.npz").read_text() == "one"
        assert (found / "b_planeX.npz").read_text() == "two"
    one, other = (tmp_path / "node" / "data" / folder / "b_planeX.npz" for folder in ("es", "all/same"))
    assert one.samefile(other)  # and is read once there too


def test_data_that_cannot_be_carried_are_refused_before(linked, monkeypatch):
    data = linked.start / "data" / "es"
    (data / "gone_planeX.npz").symlink_to("/nowhere")
    (data / "locked_planeX.npz").write_text("secret")
    opened = io.open

    def refusing(path, *more, **named):
        if str(path).endswith("locked_planeX.npz"):  # the superuser may read everything
            raise PermissionError(13, "Permission denied")
        return opened(path, *more, **named)

    monkeypatch.setattr(io, "open", refusing)
    with pytest.raises(
        DataError, match=r"gone_planeX\.npz: is a link to /nowhere(.|\n)*locked_planeX\.npz: cannot be read"
    ):
        check_carried(linked, skip_bad_files=False)
    check_carried(linked, skip_bad_files=True)
    pack(linked)
    with tarfile.open(linked.folder / "data.tar") as parcel:
        assert not any("gone" in name or "locked" in name for name in parcel.getnames())
