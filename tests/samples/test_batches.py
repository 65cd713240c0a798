import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from python.data.image_set import ImageSet
from python.data.metadata import empty_metadata
from python.data.sparse_images import SparseImages
from python.samples.augmentation import RandomFlips
from python.samples.balance import ENERGY_STEP, balanced_rows, balanced_rows_by_energy
from python.samples.batches import Batches
from tests.synthetic import cluster_images


@pytest.fixture
def images():
    return ImageSet(SparseImages.from_dense(cluster_images(23)[0]), empty_metadata(23), [])


def epoch(batches, number):
    batches.start_epoch(number)
    parts = [batches[index] for index in range(len(batches))]
    return np.concatenate([part[0] for part in parts])[..., 0], np.concatenate([part[1] for part in parts])


def test_an_epoch_holds_every_row_once_with_its_target(images):
    rows = np.arange(3, 20)
    batches = Batches(images, np.arange(23), rows, batch_size=5, seed=1)
    shown, targets = epoch(batches, 0)
    assert len(batches) == 4
    assert sorted(targets) == list(rows)
    np.testing.assert_array_equal(shown, images.images.dense(targets))


def test_copies_multiply_an_epoch(images):
    _, targets = epoch(Batches(images, np.arange(23), np.arange(23), batch_size=4, seed=1, copies=3), 0)
    assert np.bincount(targets).tolist() == [3] * 23


def test_content_follows_from_seed_and_epoch_alone(images):
    def make(seed=1):
        flips = RandomFlips(("channel", "time"), 0.5)
        return Batches(images, np.arange(23), np.arange(23), batch_size=4, seed=seed, augmentation=flips)

    straight = make()
    first, second = epoch(straight, 0), epoch(straight, 1)
    np.testing.assert_array_equal(epoch(make(), 1)[0], second[0])  # as a resumed run asks for it
    assert not np.array_equal(first[1], second[1])
    assert not np.array_equal(epoch(make(2), 0)[1], first[1])


@pytest.mark.parametrize(("axes", "axis"), [(("channel",), 2), (("time",), 1)])
def test_flips_are_drawn_with_their_probability(axes, axis):
    images = np.random.default_rng(0).random((4000, 5, 4)).astype(np.float32)
    flipped, targets = RandomFlips(axes, 0.3)(images, np.arange(4000), np.random.default_rng(1))
    np.testing.assert_array_equal(targets, np.arange(4000))
    as_is = np.all(flipped == images, axis=(1, 2))
    assert np.mean(~as_is) == pytest.approx(0.3, abs=0.03)
    np.testing.assert_array_equal(flipped[~as_is], np.flip(images[~as_is], axis))


def test_balance():
    labels = np.array([0] * 50 + [1] * 8 + [2] * 20)
    rng = np.random.default_rng(0)
    under = balanced_rows(labels, "undersample", rng)
    assert np.bincount(labels[under]).tolist() == [8, 8, 8]
    assert len(set(under)) == 24
    over = balanced_rows(labels, "oversample", rng)
    assert np.bincount(labels[over]).tolist() == [50, 50, 50]
    repeats = np.bincount(over)[labels == 1]
    assert set(repeats) == {6, 7}
    with pytest.raises(ValueError, match="sideways"):
        balanced_rows(labels, "sideways", rng)


@given(
    st.lists(st.tuples(st.integers(0, 1), st.floats(-1, 200) | st.just(float("nan"))), min_size=1, max_size=80),
    st.integers(0, 9),
)
def test_balance_at_every_energy(events, seed):
    labels, energy = (np.array(column) for column in zip(*events, strict=True))
    assume(len(set(labels)) == 2)
    rows = balanced_rows_by_energy(labels, energy, np.random.default_rng(seed))
    assert np.all(np.diff(rows) > 0)
    assert np.all(energy[rows] > 0)
    for low in ENERGY_STEP ** np.arange(-4, 30):
        inside = (energy[rows] >= low * (1 + 1e-9)) & (energy[rows] < low * ENERGY_STEP * (1 - 1e-9))
        assert np.sum(labels[rows][inside]) * 2 == np.sum(inside)


def test_balance_by_energy_keeps_as_many_as_it_can():
    labels = np.repeat([0, 1, 0, 1], [30, 10, 5, 40])
    energy = np.repeat([5.0, 5.0, 20.0, 20.0], [30, 10, 5, 40])
    rows = balanced_rows_by_energy(labels, energy, np.random.default_rng(0))
    assert np.bincount(labels[rows]).tolist() == [15, 15]
    assert [int(np.sum(energy[rows] == value)) for value in (5.0, 20.0)] == [20, 10]
