import numpy as np
import pytest

from python.data.image_file import write_image_file
from python.data.image_set import find_image_files, load_images
from python.general_purpose_libs import DataError
from tests.synthetic import cluster_images, image_file, old_metadata, write_folder, write_old_file


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
        load_images([tmp_path], "X")
    for name, reason in reasons.items():
        assert any(f"{name}_planeX" in line for line in str(error.value).splitlines()), name
        error.match(rf"{name}_planeX\.npz: [^\n]*{reason}")
    found = load_images([tmp_path], "X", skip_bad_files=True)
    assert len(found) == 30
    assert len(found.bad_files) == len(reasons)
    assert found.cuts[1]["step"] == f"{len(reasons)} bad files skipped"


def test_folders_that_hold_nothing(tmp_path):
    with pytest.raises(DataError, match="no such data folder"):
        load_images([tmp_path / "missing"], "X")
    with pytest.raises(DataError, match=r"no image file of plane X.*make_images\.sh"):
        load_images([tmp_path], "X")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="is a file"):
        load_images([tmp_path / "file"], "X")


def test_both_namings_and_plane_folders_are_found_and_volumes_left(tmp_path):
    for name in ("run1_planeX", "clusters_planeX_batch0001", "X/run2_planeX", "X/run2_volume_planeX", "U/run2_planeU"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.npz").touch()
    found = {path.stem for path in find_image_files([tmp_path], "X").paths}
    assert found == {"run1_planeX", "clusters_planeX_batch0001", "run2_planeX"}
    assert [path.stem for path in find_image_files([tmp_path], "X", "run1_plane{plane}.npz").paths] == ["run1_planeX"]


def test_volumes_are_not_taken_for_clusters(tmp_path):
    content = image_file(4)
    content.kind = "volumes"
    write_image_file(tmp_path / "a_volume_planeX.npz", content)
    with pytest.raises(DataError, match="no image file of plane X"):
        load_images([tmp_path], "X")
    with pytest.raises(DataError, match=r"a_volume_planeX\.npz: holds volumes"):
        load_images([tmp_path], "X", pattern="*_plane{plane}.npz")


def test_old_and_own_files_join_and_sources_stay_apart(tmp_path):
    write_folder(tmp_path / "own", n=10, files=2)
    for folder in ("es", "cc"):  # the same names in two folders, as productions have them
        write_old_file(tmp_path / folder / "X" / "clusters_planeX_batch0000.npz", n=10, seed=7)
    found = load_images([tmp_path / "own", tmp_path / "es", tmp_path / "cc"], "X")
    assert sorted(found.sources) == sorted(
        ["file0.root", "file1.root", "es/clusters_batch0000", "cc/clusters_batch0000"]
    )
    events = np.unique(found.metadata[["source", "event"]])
    assert len(events) == 4 * 5


def test_one_source_read_from_two_files_is_one_source(tmp_path):
    write_folder(tmp_path / "a", n=10)
    write_folder(tmp_path / "b", n=10)
    assert load_images([tmp_path / "a", tmp_path / "b"], "X").sources == ["file0.root"]


def test_fit_to_accounts_for_what_is_lost(tmp_path):
    found = load_images([write_folder(tmp_path, n=10)], "X")
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
        (lambda arrays: arrays.update(metadata=arrays["metadata"][:1]), r"metadata has the shape \(1, 15\), \(4, 15\)"),
        (lambda arrays: arrays.update(points=arrays["indptr"]), "holds points.*batch_pattern"),
        (lambda arrays: arrays.update(format_version=np.int64(99)), "version 99"),
    ):
        write_image_file(path, content)
        arrays = dict(np.load(path))
        change(arrays)
        np.savez(path, **arrays)
        with pytest.raises(DataError, match=rf"a_planeX\.npz.*{reason}"):
            load_images([tmp_path], "X")


def test_own_files_are_the_same_bytes_for_the_same_content(tmp_path):
    for name in ("a", "b"):
        write_image_file(tmp_path / name / "x_planeX.npz", image_file(6))
    one, other = ((tmp_path / name / "x_planeX.npz").read_bytes() for name in ("a", "b"))
    assert one == other
