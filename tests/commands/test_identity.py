"""Sources of one name, sources converted twice and jobs joined in one file: from ROOT files to what is trained on."""

import numpy as np
import pytest

from electron_direction.samples import prepare as prepare_directions
from electron_direction.schema import SCHEMA as DIRECTIONS
from mt_identifier.main import TASK as TRACKS
from python.commands import check_data
from python.commands.make_images import main
from python.config.load import parse_config
from python.data.data_origin import DataFolders
from python.data.image_set import load_images
from python.data.sources import source_of_file
from python.data.triples import join_planes
from python.general_purpose_libs import run_command, start_logging
from python.samples.splits import groups
from python.training.preparation import configured_data
from tests.electron_direction.conftest import SMALL
from tests.ingest.joined_files import job, joined
from tests.ingest.root_files import real_columns, real_file, write_root
from tests.synthetic import SHAPE, cluster_images, old_metadata

PLANES = "UVX"


def make_images(*arguments):
    return run_command(lambda: main([str(argument) for argument in arguments]))


def tracks(*folders, **parameters):
    """What an identifier of main tracks is trained on."""
    keys = {"task": "mt_identifier", "model_name": "simple_cnn", "data_directories": list(map(str, folders))}
    keys["model_parameters"] = {"input_shape": [*SHAPE, 1]}
    config = parse_config({**keys, "dataset_parameters": parameters}, TRACKS.schema)
    return TRACKS.prepare(config, TRACKS.architecture(config), configured_data(config))


def directions(*folders):
    """What a direction network is trained on: all that is matched, main tracks or not."""
    selection = {"main_track": False, "channel": "mixed", "complete_match": False}
    config = parse_config({**SMALL, "data_directories": list(map(str, folders)), "selection": selection}, DIRECTIONS)
    return prepare_directions(config, DIRECTIONS.architectures[config.model_name], configured_data(config))


def identities(samples):
    table = samples.set.metadata
    names = np.array([source.id for source in samples.set.sources])[table["source"]]
    return list(zip(names.tolist(), *(table[name].tolist() for name in ("run", "subrun", "event")), strict=True))


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    """Two files of one name, of two jobs with the same events."""
    folder = tmp_path_factory.mktemp("jobs")
    for seed, name in enumerate(("job1", "job2")):
        (folder / name).mkdir()
        write_root(folder / name / "tpstream.root", job(seed, is_es=seed == 0))
    return folder


def test_inputs_of_one_name_in_one_call_lose_nothing(jobs, tmp_path, capsys):
    inputs = [jobs / name / "tpstream.root" for name in ("job1", "job2")]
    assert make_images("-i", *inputs, "-o", tmp_path / "out") == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:3]] == [
        "job1/tpstream.root",
        "job2/tpstream.root",
    ]
    samples = tracks(tmp_path / "out")
    ids = [source_of_file(path).id for path in inputs]
    assert sorted(identities(samples)) == sorted((name, 1, 0, event) for name in ids for event in (1, 2, 3))
    assert len(np.unique(groups(samples.set.metadata, samples.set.image_keys()))) == 6
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.npz")}
    assert make_images("-i", *inputs, "-o", tmp_path / "out") == 0
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.npz")} == before


def test_names_that_differ_by_their_suffix_only(jobs, tmp_path):
    for number, suffix in enumerate((".root", ".root_1")):
        (tmp_path / f"tp{suffix}").write_bytes((jobs / f"job{number + 1}" / "tpstream.root").read_bytes())
    (tmp_path / "tp_b.root").write_bytes((jobs / "job1" / "tpstream.root").read_bytes())
    inputs = [tmp_path / name for name in ("tp.root", "tp.root_1", "tp_b.root")]
    assert make_images("-i", *inputs, "-o", tmp_path / "out", "--planes", "X") == 0
    found = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.npz")}
    assert found == {"tp.root/tp_planeX.npz", "tp.root_1/tp_planeX.npz", "tp_b_planeX.npz"}


def test_a_source_converted_twice_is_read_once_and_told(jobs, tmp_path, capsys):
    for name in ("job1", "job2"):
        assert make_images("-i", jobs / name / "tpstream.root", "-o", tmp_path / name, "--planes", "X") == 0
    (tmp_path / "copy.root").write_bytes((jobs / "job1" / "tpstream.root").read_bytes())
    assert make_images("-i", tmp_path / "copy.root", "-o", tmp_path / "again", "--planes", "X") == 0
    capsys.readouterr()
    samples = tracks(tmp_path / "job1", tmp_path / "job2", tmp_path / "again")
    assert len(samples.set) == 6
    assert (
        f"3 events of tpstream.root are in {tmp_path}/job1/tpstream_planeX.npz and again in {tmp_path}/again/copy"
        in capsys.readouterr().err
    )
    (cut,) = [cut for cut in samples.set.cuts if "an earlier file" in cut["step"]]
    assert (cut["removed"], cut["kept"]) == (3, 6)
    assert cut["step"] == "without 3 events of sources that an earlier file holds (tpstream.root)"


def test_check_data_tells_of_overlaps(jobs, tmp_path, capsys):
    for name in ("one", "two"):
        assert make_images("-i", jobs / "job1" / "tpstream.root", "-o", tmp_path / name, "--planes", "X") == 0
    assert run_command(lambda: check_data.main([str(tmp_path)])) == 3
    said = capsys.readouterr().out
    assert "3 images are of sources that an earlier file holds:" in said
    assert "3 events of tpstream.root are in" in said


def test_a_file_that_is_replaced_by_another_source_is_named(jobs, tmp_path, capsys):
    for name in ("job1", "job1", "job2"):
        assert "another source" not in capsys.readouterr().err
        assert make_images("-i", jobs / name / "tpstream.root", "-o", tmp_path / "out", "--planes", "X") == 0
    assert "tpstream_planeX.npz held images of another source" in capsys.readouterr().err


def test_an_input_named_twice_is_refused(jobs, tmp_path, capsys):
    path = jobs / "job1" / "tpstream.root"
    assert make_images("-i", path, jobs / "job2" / ".." / "job1" / "tpstream.root", "-o", tmp_path / "out") == 2
    assert "is named twice" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_joined_jobs_give_what_the_jobs_give(jobs, tmp_path):
    whole = write_root(tmp_path / "joined.root", joined(job(0), job(1, is_es=False)))
    assert make_images("-i", whole, "-o", tmp_path / "joined") == 0
    inputs = [jobs / name / "tpstream.root" for name in ("job1", "job2")]
    assert make_images("-i", *inputs, "-o", tmp_path / "apart") == 0
    apart, joint = tracks(tmp_path / "apart"), tracks(tmp_path / "joined")
    assert np.array_equal(joint.labels, apart.labels)
    for name in ("is_es_interaction", "is_main_track", "run", "subrun", "event", "true_nu_energy"):
        assert np.array_equal(joint.set.metadata[name], apart.set.metadata[name])
    assert len(np.unique(groups(joint.set.metadata, joint.set.image_keys()))) == 6


def test_joined_jobs_that_cannot_be_told_apart_exit_3(tmp_path, capsys):
    path = write_root(tmp_path / "joined.root", joined(job(0), job(1, events=(3, 4))))
    assert make_images("-i", path, "-o", tmp_path / "out") == 3
    error = capsys.readouterr().err
    assert "joined.root" in error
    assert "run 1, subrun 0, event 3" in error
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.root_data
def test_real_files_of_one_name_and_joined_keep_all_clusters(tmp_path):
    """The files of both channels with the same run and events: 10 events stand in both."""
    trees = {"cc": real_columns("cc"), "es": real_columns("es")}
    for columns in trees["es"].values():
        columns["Run"][:] = 8111
        columns["Event"] += np.uint32(169951 - 12651)
    for kind, columns in trees.items():
        (tmp_path / kind).mkdir()
        write_root(tmp_path / kind / "tpstream.root", columns)
    write_root(tmp_path / "joined.root", joined(trees["es"], trees["cc"]))
    inputs = [tmp_path / kind / "tpstream.root" for kind in ("es", "cc")]
    assert make_images("-i", *inputs, "-o", tmp_path / "apart") == 0
    assert make_images("-i", tmp_path / "joined.root", "-o", tmp_path / "whole") == 0
    expected = [len(directions(tmp_path / "apart" / kind).set) for kind in ("es", "cc")]
    for folder in (tmp_path / "apart", tmp_path / "whole"):
        found = directions(folder)
        assert len(found.set) == sum(expected)
        assert np.bincount(found.labels).tolist() == expected[::-1]
        for plane in PLANES:
            images = load_images(DataFolders([folder]), plane)
            assert len(images) == sum(
                len(load_images(DataFolders([tmp_path / "apart" / kind]), plane)) for kind in ("es", "cc")
            )
        clusters = tracks(folder).set.metadata
        assert np.sum(clusters["is_main_track"] == 1) == 55


@pytest.mark.root_data
def test_a_source_read_from_two_folders_loses_no_match(tmp_path, capsys):
    for name in ("one", "two"):
        make_images("-i", real_file("es"), "-o", tmp_path / name)
    once = join_planes([load_images(DataFolders([tmp_path / "one"]), plane) for plane in PLANES])
    twice = join_planes([load_images(DataFolders([tmp_path / "one", tmp_path / "two"]), plane) for plane in PLANES])
    assert len(twice) == len(once)
    assert capsys.readouterr().err.count("events of es_tpstream.root are in") == 3


# ---------------------------------------------------------------------------- numbers that do not fit
def large(tmp_path, first, step=1):
    events = first + step * np.arange(10, dtype=np.uint64)
    return write_root(tmp_path / "large.root", job(0, events=events))


@pytest.mark.parametrize("first", [2**24 - 5, 2**53 - 5, 2**62])
def test_large_event_numbers_stay_apart_in_own_files(tmp_path, first):
    assert make_images("-i", large(tmp_path, first), "-o", tmp_path / "out", "--planes", "X") == 0
    assert tracks(tmp_path / "out").set.metadata["event"].tolist() == [first + i for i in range(10)]


@pytest.mark.parametrize("layout", [[], ["--legacy-layout"]])
def test_event_numbers_beyond_int64_exit_3(tmp_path, capsys, layout):
    assert make_images("-i", large(tmp_path, 2**63 - 5), "-o", tmp_path / "out", *layout) == 3
    assert "large.root: Event 9223372036854775812 is beyond" in capsys.readouterr().err


def test_the_legacy_layout_refuses_events_that_it_cannot_tell_apart(tmp_path, capsys):
    assert make_images("-i", large(tmp_path, 2**24 - 9), "-o", tmp_path / "out", "--legacy-layout") == 0
    for path, words in (
        (large(tmp_path, 2**24), "5 of 10 event numbers, from 16777217 on"),
        (
            write_root(tmp_path / "runs.root", joined(job(0), job(1, run=2))),
            "3 event numbers, the first is 1, stand for several",
        ),
    ):
        assert make_images("-i", path, "-o", tmp_path / "refused", "--legacy-layout") == 3
        error = capsys.readouterr().err
        assert f"{path}: {words}" in error
        assert "leave --legacy-layout out" in error


def test_old_files_that_may_have_merged_events_are_named(tmp_path, capsys):
    start_logging()
    metadata = old_metadata(20, 18)
    metadata[:, 0] += 2**24  # ten events, of which some have one number now
    np.savez(tmp_path / "old_planeX.npz", images=cluster_images(20)[0], metadata=metadata)
    samples = tracks(tmp_path)
    assert "old_planeX.npz: 20 of 20 images have event numbers of 16777216 and more" in capsys.readouterr().err
    group = groups(samples.set.metadata, samples.set.image_keys())
    assert all(len(set(group[metadata[:, 0] == number])) == 1 for number in np.unique(metadata[:, 0]))
    run_command(lambda: check_data.main([str(tmp_path)]))
    assert "20 images have event numbers that their files do not tell apart" in capsys.readouterr().out
