import numpy as np
import pytest

from python import data_loader as dl
from python.general_purpose_libs import DataError
from python.ingest.clustering import ClusterSettings
from python.ingest.products import ProductSettings
from tests.ingest.root_files import TP_TREE, make_tps, tp_columns, write_root
from tests.ingest.test_matching import deposit
from tests.synthetic import write_folder, write_old_file


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path, n=40, files=2)


def test_load_dataset_from_directory(folder):
    images, metadata = dl.load_dataset_from_directory(folder, plane="X")
    assert len(images) == len(metadata) == 80
    assert images[0].shape == (128, 32)
    assert np.asarray(images).dtype == np.float32


def test_max_samples_is_a_fixed_random_choice(folder):
    first, again = (dl.load_dataset_from_directory(folder, max_samples=15) for _ in range(2))
    assert len(first[0]) == 15
    np.testing.assert_array_equal(first[1]["event"], again[1]["event"])
    assert len(set(first[1]["source"])) == 2
    assert len(dl.load_dataset_from_directory(folder, max_samples=1000)[0]) == 80


def test_flips_of_older_code_are_undone_when_they_are_told(tmp_path):
    """Against what is written with the flips that the toolkit makes, here those of rows and columns of U and X."""
    write_old_file(tmp_path / "a_planeX.npz", n=12)
    raw, table = dl.load_dataset_from_directory(tmp_path)
    assert set(table["drift_frame"]) == {-1}
    for old_flips in ("none", "upstream"):
        images, metadata = dl.load_dataset_from_directory(tmp_path, old_flips=old_flips)
        expected = np.asarray(raw)
        if old_flips == "upstream":  # rows of X, where its sign of x, wrong on odd APAs, is +1
            odd = metadata["apa"] % 2 == 1
            flipped = np.where(odd, -metadata["face"], metadata["face"]) > 0
            assert 0 < flipped.sum() < 12
            expected = np.where(flipped[:, None, None], expected[:, ::-1], expected)
        np.testing.assert_array_equal(np.asarray(images), expected)
        assert set(metadata["drift_frame"]) == {1}
    with pytest.raises(ValueError, match="old_flips is one of"):
        dl.load_dataset_from_directory(tmp_path, old_flips="some")


def test_several_folders_and_broken_files(folder, tmp_path):
    (tmp_path / "torn_planeX.npz").touch()
    with pytest.raises(DataError, match="torn_planeX"):
        dl.load_dataset_from_directory(folder)
    assert len(dl.load_dataset_from_directory(dl.Folders([folder], skip_bad_files=True))[0]) == 80
    one = dl.Folders([folder], pattern="file1_plane{plane}.npz")
    assert len(dl.load_dataset_from_directory(one)[0]) == 40


def test_products_of_primitives_in_a_file_and_in_arrays(tmp_path):
    rows = make_tps(deposit(200.0, 100.0, 50.0, mev=12.0) + deposit(-150.0, -300.0, 350.0, mev=5.0))
    path = write_root(tmp_path / "a.root", {TP_TREE: tp_columns(rows)})
    columns = {
        name: getattr(rows, name) for name in ("event", "channel", "start", "sot", "to_peak", "integral", "peak")
    }
    for products in (dl.products_of_primitives(path), dl.products_of_primitives(columns)):
        np.testing.assert_allclose(products.images("X").metadata["cluster_energy"], [5, 12], rtol=0.01)
        assert products.images("U").images.shape == (128, 32)
        assert len(products.images("V", "volumes")) == 1
        assert len(products.only(np.arange(len(products.clusters))).images("V", "volumes")) == 2
    settings = ProductSettings(image_shape=(64, 16), clusters=ClusterSettings(energy_cut=6.0))
    images = dl.products_of_primitives(path, settings).images("X").images
    assert (len(images), images.shape) == (1, (64, 16))


def test_missing_plane(folder):
    with pytest.raises(DataError, match="plane U"):
        dl.load_dataset_from_directory(folder, plane="U")


def test_labels(folder):
    _, metadata = dl.load_dataset_from_directory(folder)
    np.testing.assert_array_equal(dl.extract_labels_for_mt_identification(metadata), metadata["is_main_track"])
    classes = dl.extract_labels_for_mt_identification(metadata, multiclass=True)
    np.testing.assert_array_equal(classes > 0, metadata["is_main_track"] == 1)
    assert set(metadata["is_es_interaction"][classes == 1]) == {1}
    assert set(metadata["is_es_interaction"][classes == 2]) == {0}
    metadata["is_es_interaction"][1] = -1  # event 0, its main track
    assert dl.extract_labels_for_mt_identification(metadata, multiclass=True)[1] == -1


def test_statistics(folder):
    _, metadata = dl.load_dataset_from_directory(folder)
    statistics = dl.get_dataset_statistics(metadata)
    assert statistics["n_images"] == 80
    assert statistics["n_events"] == 40
    assert statistics["n_main_track"] == statistics["n_background"] == 40
    assert statistics["n_es"] == statistics["n_cc"] == 40
    assert statistics["true_nu_energy_mev"] is None
    assert 5 <= statistics["true_electron_energy_mev"]["min"] <= statistics["true_electron_energy_mev"]["max"] <= 50


@pytest.mark.parametrize(("method", "wanted"), [("undersample", 10), ("oversample", 40)])
def test_balance_dataset(folder, method, wanted):
    images, metadata = dl.load_dataset_from_directory(folder)
    keep = np.flatnonzero((metadata["is_main_track"] == 0) | (np.arange(80) < 20))
    labels = metadata["is_main_track"][keep]
    balanced, new_labels = dl.balance_dataset(images[keep], labels, method=method)
    assert np.bincount(new_labels).tolist() == [wanted, wanted]
    heights = np.asarray(balanced).any(axis=2).sum(axis=1)  # main tracks are the long ones: labels went along
    np.testing.assert_array_equal(heights > 20, new_labels == 1)
