"""The same batches whichever way they take to the engine."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from zoo_core.data import Dataset, Feeder, Split
from zoo_core.data.degradation import Degradation
from zoo_core.training.backends import backend
from zoo_core.training.feeding import RESIDENT_SHARE, Feed, fits_on_device

BATCH = 6


@pytest.fixture
def mapped(data: Dataset, tmp_path: Path) -> Dataset:
    """The same images, mapped from a file."""
    splits = {}
    for name in ("train", "validation", "test"):
        np.save(tmp_path / f"{name}.npy", data.images(name))
        splits[name] = Split(np.load(tmp_path / f"{name}.npy", mmap_mode="r"), data.labels(name))
    return Dataset("mapped", splits, data.classes)


def feed(data: Dataset, resident: bool = False) -> Feed:
    return Feed(Feeder(data, "train", BATCH, seed=3), resident)


def assert_same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, strict=True)


def test_several_batches_are_single_ones_with_an_axis_before_all_others(data: Dataset):
    several = feed(data).batches(5, 4)
    assert several["images"].shape == (4, BATCH, 8, 8, 1)
    assert several["labels"].shape == (4, BATCH)
    for i in range(4):
        single = feed(data).single(5 + i)
        assert_same({name: array[i] for name, array in several.items()}, single)
        assert_same(single, Feeder(data, "train", BATCH, seed=3).batch(5 + i))


def test_where_the_data_is_resident_a_batch_is_indices_into_it(data: Dataset):
    resident = feed(data, resident=True)
    batches = resident.batches(5, 4)
    assert batches["indices"].shape == (4, BATCH)
    assert batches["indices"].dtype == np.int32
    fed = feed(data).batches(5, 4)
    assert_same({name: array[batches["indices"]] for name, array in Feeder(data, "train", 1, 0).arrays.items()}, fed)
    assert_same(resident.single(5), {"indices": batches["indices"][0]})


@pytest.mark.parametrize("asked", [[(0, 4), (4, 4), (8, 2), (10, 4)], [(8, 4), (0, 1), (8, 4), (12, 16)]])
def test_reading_ahead_changes_no_batch(data: Dataset, mapped: Dataset, asked: list[tuple[int, int]]):
    """Whether what was read ahead is what is asked for next or not."""
    ahead, plain = feed(mapped), feed(data)
    for step, count in asked:
        assert_same(ahead.batches(step, count, ahead=4), plain.batches(step, count))
        assert_same(ahead.single(0), plain.single(0))  # as for batch statistics, in between


def test_no_batch_is_read_twice(mapped: Dataset, monkeypatch: pytest.MonkeyPatch):
    feeder, asked = Feeder(mapped, "train", BATCH, seed=3), []
    read: Callable = feeder.read
    monkeypatch.setattr(feeder, "read", lambda step, count: asked.append((step, count)) or read(step, count))
    ahead = Feed(feeder, resident=False)
    for step, count, following in ((0, 4, 2), (4, 2, 4), (6, 4, 0)):
        ahead.batches(step, count, following)
    assert asked == [(0, 4), (4, 2), (6, 4)]


def test_only_mapped_images_are_read_ahead(data: Dataset, mapped: Dataset):
    before = set(threading.enumerate())
    feed(data).batches(0, 2, ahead=2)
    feed(mapped, resident=True).batches(0, 2, ahead=2)
    assert not set(threading.enumerate()) - before
    ahead = feed(mapped)
    ahead.batches(0, 2, ahead=2)
    assert len(set(threading.enumerate()) - before) == 1


class Disturbed(Feeder):
    """Whenever it keeps the order of an epoch, another thread asks it for the batches of other epochs."""

    disturbing = False

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name == "_permutations" and value and not self.disturbing:
            self.__dict__["disturbing"] = True
            with ThreadPoolExecutor(1) as thread:
                thread.submit(self.indices, 1000).result()
            self.__dict__["disturbing"] = False


def test_single_batches_may_be_asked_for_while_others_are_read_ahead(data: Dataset):
    disturbed, plain = Disturbed(data, "train", BATCH, seed=3), Feeder(data, "train", BATCH, seed=3)
    for step in range(0, 20, 4):
        np.testing.assert_array_equal(disturbed.indices(step, 4), plain.indices(step, 4))


def test_a_reader_s_error_is_raised_where_its_batch_is_asked_for(mapped: Dataset, monkeypatch: pytest.MonkeyPatch):
    feeder = Feeder(mapped, "train", BATCH, seed=3)
    broken = Feed(feeder, resident=False)
    read: Callable = feeder.read

    def fail_at_the_second(step: int, count: int) -> dict[str, np.ndarray]:
        monkeypatch.setattr(feeder, "read", lambda step, count: (_ for _ in ()).throw(OSError("the disk is gone")))
        return read(step, count)

    monkeypatch.setattr(feeder, "read", fail_at_the_second)
    broken.batches(0, 2, ahead=2)
    with pytest.raises(OSError, match="the disk is gone"):
        broken.batches(2, 2)


def test_data_is_resident_where_it_takes_a_quarter_of_the_device_s_memory_at_most(
    data: Dataset, monkeypatch: pytest.MonkeyPatch
):
    feeder = Feeder(data, "train", BATCH, seed=3)
    size = 40 * (64 + 4)  # uint8 images and int32 labels
    on = backend()
    for memory, expected in ((None, False), (size / RESIDENT_SHARE, True), (size / RESIDENT_SHARE - 1, False)):
        monkeypatch.setattr(type(on), "device_memory", lambda self, device, memory=memory: memory)
        assert fits_on_device(feeder, on, "a device") is expected


def test_degraded_images_come_from_the_host_and_are_read_ahead(data: Dataset, monkeypatch: pytest.MonkeyPatch):
    noisy = data.degraded(Degradation("noise", 25))
    on, feeder = backend(), Feeder(noisy, "train", BATCH, seed=3)
    monkeypatch.setattr(type(on), "device_memory", lambda self, device: 2**40)
    assert fits_on_device(Feeder(data, "train", BATCH, seed=3), on, "a device")
    assert not fits_on_device(feeder, on, "a device")
    ahead, before = feed(noisy), set(threading.enumerate())
    for step in (0, 4):
        found = ahead.batches(step, 4, ahead=4)
        assert found["inputs"].shape == (4, BATCH, 8, 8, 1)
        for i in range(4):
            assert_same({name: array[i] for name, array in found.items()}, feeder.batch(step + i))
    assert len(set(threading.enumerate()) - before) == 1
