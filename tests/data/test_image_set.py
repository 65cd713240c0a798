from dataclasses import replace

import numpy as np
import pytest

from python.data import image_file as image_file_module
from python.data.data_origin import DataFolders
from python.data.image_file import write_image_file
from python.data.image_set import find_image_files, load_images
from python.data.metadata import event_numbers
from python.detector.geometry import DUNE_1X2X2, DUNE_1X2X6
from python.general_purpose_libs import DataError, start_logging
from tests.synthetic import (
    cluster_images,
    image_file,
    make_older,
    old_metadata,
    old_volume_rows,
    write_folder,
    write_old_file,
    write_old_volume_file,
)


def damage_by_name(folder):
    """One file of every kind of damage, by its name."""
    images, metadata = cluster_images(10)[0], old_metadata(10, 18)
    nan, negative = images.copy(), images.copy()
    nan[4, 0, 0], negative[5, 0, 0] = np.nan, -1
    np.savez(folder / "nan_planeX.npz", images=nan, metadata=metadata)
    np.savez(folder / "negative_planeX.npz", images=negative, metadata=metadata)
    np.savez(folder / "shape_planeX.npz", images=images[:, 0], metadata=metadata)
    np.savez(folder / "short_planeX.npz", images=images[:4], metadata=metadata)
    np.savez(folder / "plane_planeX.npz", images=images, metadata=old_metadata(10, 18, "U"))
    np.savez(folder / "lacks_planeX.npz", images=images)
    np.savez(folder / "size_planeX.npz", images=np.ones((10, 128, 16), np.float32), metadata=metadata)
    write_image_file(folder / "other_planeX.npz", image_file(4, plane="V"))
    (folder / "zero_planeX.npz").write_bytes(b"")
    content = (folder / "nan_planeX.npz").read_bytes()
    (folder / "cut_planeX.npz").write_bytes(content[: len(content) // 2])
    return {
        "nan": r"images\[4, 0, 0\] is nan, a finite number from 0 is needed",
        "negative": r"images\[5, 0, 0\] is -1",
        "shape": r"images has the shape \(10, 32\)",
        "short": r"images has the shape \(4, 128, 32\), \(10, 128, 32\) is needed|metadata has the shape \(10, 18\), \(4, 18\)",
        "plane": r"column 12 \(plane\)",
        "lacks": "lacks the array metadata",
        "size": "128 x 16, most files have 128 x 32",
        "other": "plane V",
        "zero": "0 bytes",
        "cut": "truncated",
    }


def test_every_broken_file_is_named_and_can_be_skipped(tmp_path):
    write_folder(tmp_path, n=10, files=3)
    reasons = damage_by_name(tmp_path)
    with pytest.raises(DataError) as error:
        load_images(DataFolders([tmp_path]), "X")
    for name, reason in reasons.items():
        assert any(f"{name}_planeX" in line for line in str(error.value).splitlines()), name
        error.match(rf"{name}_planeX\.npz: [^\n]*{reason}")
    found = load_images(DataFolders([tmp_path], skip_bad_files=True), "X")
    assert len(found) == 30
    assert len(found.bad_files) == len(reasons)
    assert found.cuts[1]["step"] == f"{len(reasons)} bad files skipped"


def test_folders_that_hold_nothing(tmp_path):
    with pytest.raises(DataError, match="no such data folder"):
        load_images(DataFolders([tmp_path / "missing"]), "X")
    with pytest.raises(DataError, match=r"no image file of plane X.*make_images\.sh"):
        load_images(DataFolders([tmp_path]), "X")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="is a file"):
        load_images(DataFolders([tmp_path / "file"]), "X")


def test_both_namings_and_plane_folders_are_found_and_volumes_left(tmp_path):
    for name in ("run1_planeX", "clusters_planeX_batch0001", "X/run2_planeX", "X/run2_volume_planeX", "U/run2_planeU"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.npz").touch()
    found = {path.stem for path in find_image_files([tmp_path], "X").paths}
    assert found == {"run1_planeX", "clusters_planeX_batch0001", "run2_planeX"}
    assert [path.stem for path in find_image_files([tmp_path], "X", "run1_plane{plane}.npz").paths] == ["run1_planeX"]


def test_old_volumes_are_known_by_what_they_hold(tmp_path):
    """Older code names them like images of clusters."""
    volumes = [np.eye(16, 40, dtype=np.float32)] * 3
    write_old_volume_file(tmp_path / "X" / "es_1_planeX.npz", volumes, old_volume_rows(3))
    assert len(load_images(DataFolders([tmp_path]), "X", kind="volumes")) == 3
    with pytest.raises(DataError, match="no image file of plane X"):
        load_images(DataFolders([tmp_path]), "X")
    write_folder(tmp_path / "clusters", n=10)
    assert len(load_images(DataFolders([tmp_path / "clusters", tmp_path / "clusters" / ".."]), "X")) == 10
    with pytest.raises(DataError, match="clusters: no file with volumes"):
        load_images(DataFolders([tmp_path / "X", tmp_path / "clusters"]), "X", kind="volumes")


def test_files_of_three_planes_in_one(tmp_path):
    """Row by row one deposit; the metadata are those of one plane, whatever numbers the matches had."""
    rng = np.random.default_rng(1)
    images = {f"images_{plane}": rng.uniform(60, 90, (10, 128, 16)).astype(np.float32) for plane in "uvx"}
    metadata = old_metadata(10, 14)
    np.savez(tmp_path / "three_plane_matched_50k.npz", **images, metadata=metadata, match_ids=metadata[:, 13])
    found = {plane: load_images(DataFolders([tmp_path]), plane) for plane in "UVX"}
    for plane, content in found.items():
        np.testing.assert_array_equal(np.asarray(content.images), images[f"images_{plane.lower()}"])
        assert content.metadata["match_id"].tolist() == list(range(10))
        assert content.metadata["event"].tolist() == metadata[:, 0].tolist()
        assert content.sources == found["X"].sources
    np.testing.assert_allclose(found["X"].metadata["cluster_energy"], metadata[:, 10])
    charge = images["images_u"].sum(axis=(1, 2))
    np.testing.assert_allclose(found["U"].metadata["cluster_energy"], charge / 900, rtol=1e-5)
    np.savez(
        tmp_path / "three_plane_matched_50k.npz", **{**images, "images_v": images["images_v"][:7]}, metadata=metadata
    )
    with pytest.raises(DataError, match=r"three_plane_matched_50k\.npz: .*\(7, 128, 16\)|metadata has the shape"):
        load_images(DataFolders([tmp_path]), "V")


def test_volumes_are_not_taken_for_clusters(tmp_path):
    content = image_file(4)
    content.kind = "volumes"
    write_image_file(tmp_path / "a_volume_planeX.npz", content)
    with pytest.raises(DataError, match="no image file of plane X"):
        load_images(DataFolders([tmp_path]), "X")
    with pytest.raises(DataError, match=r"a_volume_planeX\.npz: holds volumes"):
        load_images(DataFolders([tmp_path], "*_plane{plane}.npz"), "X")


def test_old_and_own_files_join_and_sources_stay_apart(tmp_path):
    write_folder(tmp_path / "own", n=10, files=2)
    for folder in ("es", "cc"):  # the same names in two folders, as productions have them
        write_old_file(tmp_path / folder / "X" / "clusters_planeX_batch0000.npz", n=10, seed=7)
    found = load_images(DataFolders([tmp_path / "own", tmp_path / "es", tmp_path / "cc"]), "X")
    assert sorted(source.name for source in found.sources) == sorted(
        ["file0.root", "file1.root", "es/clusters_batch0000", "cc/clusters_batch0000"]
    )
    events = np.unique(found.metadata[["source", "event"]])
    assert len(events) == 4 * 5


def test_a_source_that_several_files_hold_is_read_once(tmp_path, capsys):
    start_logging()
    write_folder(tmp_path / "a", n=10)
    write_folder(tmp_path / "b", n=10, files=2)
    found = load_images(DataFolders([tmp_path / "a", tmp_path / "b"]), "X")
    assert [source.name for source in found.sources] == ["file0.root", "file1.root"]
    assert len(found) == 20
    assert found.cuts[-1] == {
        "step": "without 5 events of sources that an earlier file holds (file0.root)",
        "removed": 10,
        "kept": 20,
    }
    assert (
        f"5 events of file0.root are in {tmp_path}/a/file0_planeX.npz and again in {tmp_path}/b/file0"
        in capsys.readouterr().err
    )
    assert len(load_images(DataFolders([tmp_path / "a", tmp_path / "b"]), "X", every_copy=True)) == 30


def test_what_a_repeated_source_holds_besides_is_told(tmp_path, capsys):
    """Another conversion may call other clusters a match: one of the two counts, for all events."""
    start_logging()
    content = image_file(20)
    write_image_file(
        tmp_path / "a_planeX.npz", replace(content, images=content.images[:14], metadata=content.metadata[:14])
    )
    write_image_file(tmp_path / "b_planeX.npz", content)
    batches = image_file(8, source="in_parts.root")  # each event in one of two files: nothing is there twice
    for number, rows in enumerate((slice(0, 4), slice(4, 8))):
        part = replace(batches, images=batches.images[rows], metadata=batches.metadata[rows])
        write_image_file(tmp_path / f"clusters_planeX_batch{number}.npz", part)
    found = load_images(DataFolders([tmp_path]), "X")
    assert len(found) == 14 + 8
    assert f"7 events of one.root are in {tmp_path}/a_planeX.npz" in (said := capsys.readouterr().err)
    assert f"{tmp_path}/b_planeX.npz, with 3 more" in said
    assert "in_parts.root" not in said


def test_files_of_version_2_are_read_and_known_by_their_place(tmp_path, capsys):
    start_logging()
    image_file_module._tell_of_older_files.cache_clear()
    for folder in ("job1", "job2"):  # one name of source, which is all that they record
        write_folder(tmp_path / folder, n=10)
        make_older(tmp_path / folder / "file0_planeX.npz")
    found = load_images(DataFolders([tmp_path]), "X")
    assert [source.name for source in found.sources] == ["file0.root"] * 2
    assert [source.recorded_id for source in found.sources] == ["", ""]
    assert capsys.readouterr().err.count("files of format version 2 do not record run and subrun") == 1
    assert len(found) == 20
    assert set(found.metadata["run"]) == set(found.metadata["subrun"]) == {-1}
    assert len(np.unique(event_numbers(found.metadata))) == 10
    together = [
        load_images(DataFolders([tmp_path / "job1", tmp_path / "job2"]), "X"),
        load_images(DataFolders([tmp_path, tmp_path / "job1"]), "X"),
    ]
    assert [each.metadata["source"].tolist() for each in together] == [found.metadata["source"].tolist()] * 2


def test_fit_to_accounts_for_what_is_lost(tmp_path):
    found = load_images(DataFolders([write_folder(tmp_path, n=10)]), "X")
    fitted = found.fit_to((40, 32))
    lost = 1 - fitted.images.sums() / found.images.sums()
    np.testing.assert_allclose(fitted.metadata["lost_charge"], lost, atol=1e-6)
    assert f"{np.sum(lost > 0)} images cropped" in fitted.cuts[-1]["step"]


def test_own_files_are_checked(tmp_path):
    content = image_file(4)
    path = tmp_path / "a_planeX.npz"
    for change, reason in (
        (lambda arrays: arrays["data"].__setitem__(0, -5), r"data\[0\] is -5.0, a finite number from 0"),
        (lambda arrays: arrays["data"].__setitem__(0, np.nan), r"data\[0\] is nan, a finite number"),
        (lambda arrays: arrays["indices"].__setitem__(0, 60000), "from 0 to 4095 is needed, as there are 4096 pixels"),
        (lambda arrays: arrays["source"].__setitem__(0, 9), "source.0. is 9.*there are 1 sources"),
        (lambda arrays: arrays["indptr"].__setitem__(-1, 3), "indptr has to rise"),
        (lambda arrays: arrays.pop("event"), "event"),
        (lambda arrays: arrays.pop("run"), "run"),
        (lambda arrays: arrays.pop("source_ids"), "source_ids"),
        (lambda arrays: arrays.update(source_ids=arrays["source_ids"][:0]), "source_ids"),
        (
            lambda arrays: arrays.update(source_geometries=np.array(["dune10kt_3view"])),
            "source_geometries is 'dune10kt_3view', one of dune10kt_1x2x2, dune10kt_1x2x6 is needed",
        ),
        (lambda arrays: arrays.update(event=arrays["event"].astype(np.uint64) + np.uint64(2**63)), "event"),
        (lambda arrays: arrays.update(metadata=arrays["metadata"][:1]), r"metadata has the shape \(1, 15\), \(4, 15\)"),
        (lambda arrays: arrays.update(points=arrays["indptr"]), "holds points.*batch_pattern"),
        (lambda arrays: arrays.update(format_version=np.int64(99)), "version 99"),
    ):
        write_image_file(path, content)
        arrays = dict(np.load(path))
        change(arrays)
        np.savez(path, **arrays)
        with pytest.raises(DataError, match=rf"a_planeX\.npz.*{reason}"):
            load_images(DataFolders([tmp_path]), "X")


def test_files_without_the_name_of_a_geometry_are_of_the_first(tmp_path):
    """As those of older releases, of this format too."""
    path, content = tmp_path / "a_planeX.npz", image_file(4)
    content.sources = [source._replace(geometry=DUNE_1X2X6) for source in content.sources]
    write_image_file(path, content)
    assert [source.geometry for source in load_images(DataFolders([tmp_path]), "X").sources] == [DUNE_1X2X6]
    arrays = dict(np.load(path))
    del arrays["source_geometries"]
    np.savez(path, **arrays)
    assert [source.geometry for source in load_images(DataFolders([tmp_path]), "X").sources] == [DUNE_1X2X2]


def test_own_files_are_the_same_bytes_for_the_same_content(tmp_path):
    for name in ("a", "b"):
        write_image_file(tmp_path / name / "x_planeX.npz", image_file(6))
    one, other = ((tmp_path / name / "x_planeX.npz").read_bytes() for name in ("a", "b"))
    assert one == other
