import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo_core.data import SPLITS, Dataset, Feeder, Split, read_h5, write_h5
from zoo_core.data.degradation import Degradation
from zoo_core.errors import UsageError


def numbered(count: int, labelled: bool = True) -> Dataset:
    """Image n is one pixel-pair of the bytes of n; so is label n."""
    numbers = np.arange(count)
    images = np.stack([numbers // 256, numbers % 256], axis=1).astype(np.uint8).reshape(count, 1, 2, 1)
    split = Split(images, numbers.astype(np.int32) if labelled else None)
    return Dataset("numbered", dict.fromkeys(SPLITS, split), tuple(map(str, numbers)) if labelled else ())


def numbers_of(batch: dict[str, np.ndarray]) -> list[int]:
    high_low = batch["images"].reshape(-1, 2).astype(int)
    return list(high_low[:, 0] * 256 + high_low[:, 1])


@given(count=st.integers(1, 40), batch_size=st.integers(1, 90), seed=st.integers(0, 2**32))
def test_each_epoch_shows_every_image_once(count, batch_size, seed):
    feeder = Feeder(numbered(count), "train", batch_size, seed)
    stream = []
    for step in range(3 * count // batch_size + 1):
        batch = feeder.batch(step)
        assert len(batch["images"]) == batch_size
        assert numbers_of(batch) == list(batch["labels"])
        stream += numbers_of(batch)
    for epoch in range(len(stream) // count):
        assert sorted(stream[epoch * count : (epoch + 1) * count]) == list(range(count))


@given(steps=st.lists(st.integers(0, 10**6), max_size=6), seed=st.integers(0, 9))
def test_a_batch_depends_on_seed_and_step_alone(steps, seed):
    dataset = numbered(17)
    feeder = Feeder(dataset, "train", 5, seed)
    for step in steps:
        assert numbers_of(feeder.batch(step)) == numbers_of(Feeder(dataset, "train", 5, seed).batch(step))


def test_epochs_and_seeds_differ():
    dataset = numbered(100)
    batches = [numbers_of(Feeder(dataset, "train", 100, seed).batch(step)) for seed in (0, 1) for step in (0, 1)]
    assert len({tuple(batch) for batch in batches}) == 4


def test_the_order_is_the_documented_one():
    expected = np.random.Generator(np.random.PCG64([3, 1])).permutation(10)
    assert numbers_of(Feeder(numbered(10), "train", 10, seed=3).batch(1)) == list(expected)


def test_what_the_model_and_the_engine_get():
    batch = Feeder(numbered(300), "train", 4, seed=0).batch(0)
    assert batch["images"].dtype == np.uint8
    assert batch["images"].shape == (4, 1, 2, 1)
    assert batch["labels"].dtype == np.int32
    assert "labels" not in Feeder(numbered(9, labelled=False), "train", 4, seed=0).batch(0)


def test_images_of_a_file_are_read_row_by_row(tmp_path):
    dataset = numbered(50)
    write_h5(dataset, tmp_path / "set.h5", {})
    mapped = Feeder(read_h5(tmp_path / "set.h5"), "train", 8, seed=0)
    batch = mapped.batch(3)
    assert not isinstance(batch["images"], np.memmap)
    assert numbers_of(batch) == numbers_of(Feeder(dataset, "train", 8, seed=0).batch(3))


def test_a_batch_of_nothing_is_refused():
    with pytest.raises(UsageError, match="at least 1, received 0"):
        Feeder(numbered(3), "train", 0, seed=0)


def test_an_image_comes_with_its_input():
    split = numbered(30).images("train")
    pairs = Dataset("pairs", {name: Split(split, None) for name in SPLITS}, inputs=dict.fromkeys(SPLITS, 255 - split))
    batch = Feeder(pairs, "train", 8, seed=0).batch(2)
    assert set(batch) == {"images", "inputs"}
    assert np.array_equal(batch["inputs"], 255 - batch["images"])


@given(steps=st.lists(st.integers(0, 10**6), max_size=6), seed=st.integers(0, 2**40), size=st.integers(1, 9))
def test_the_noise_of_a_degradation_depends_on_seed_and_position_alone(steps, seed, size):
    noisy = numbered(17).degraded(Degradation("noise", 25))
    feeder = Feeder(noisy, "train", 5, seed)
    for step in steps:
        again = Feeder(noisy, "train", 5, seed).read(step, size)["inputs"]
        singles = [feeder.batch(step + i)["inputs"] for i in range(size)]
        assert np.array_equal(np.concatenate(singles), again)


def test_the_noise_is_another_one_in_each_epoch_and_for_each_seed():
    one = Dataset("one", dict.fromkeys(SPLITS, Split(np.full((1, 4, 4, 1), 128, np.uint8), None)))
    noisy = one.degraded(Degradation("noise", 25))
    made = [Feeder(noisy, "train", 3, seed).batch(step)["inputs"] for seed in (0, 1) for step in (0, 1)]
    assert len(np.unique(np.concatenate(made), axis=0)) == 12


def test_what_a_degradation_makes_is_not_among_the_arrays_to_take_batches_from():
    noisy = numbered(17).degraded(Degradation("noise", 25))
    feeder = Feeder(noisy, "train", 5, 0)
    assert set(feeder.arrays) == {"images", "labels"}
    assert set(feeder.batch(0)) == {"images", "labels", "inputs"}
    assert numbers_of(feeder.batch(3)) == numbers_of(Feeder(numbered(17), "train", 5, 0).batch(3))
