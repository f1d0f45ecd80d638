"""What is an image's fault sets it aside; what is the machine's ends the work, so that it can be done again."""

import errno
import os
import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from zoo_core.data.collecting import ImageSource, Item
from zoo_core.data.preparing.rules import Rules
from zoo_core.data.preparing.shards import Shard, work_off
from zoo_core.errors import ZooError


class Failing(ImageSource):
    """Its first image can't be read, for this reason."""

    label_origin = "array"

    def __init__(self, error: Exception, *read_from: Path) -> None:
        super().__init__("failing", *read_from)
        self._error = error

    def items(self):
        return map(Item, ("bad.png", "good.png"))

    def read(self, item: Item) -> np.ndarray:
        if item.path == "bad.png":
            raise self._error
        return np.random.default_rng(0).integers(0, 256, (9, 9), "uint8")

    def fingerprint(self) -> str:
        return ""


def of_system(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def looked_at(source: ImageSource) -> list[str]:
    return [found.reason for found in work_off(Shard(0, source, list(source.items()), Rules())).findings]


@pytest.mark.parametrize(
    "error",
    [of_system(number) for number in (errno.ENOENT, errno.EACCES, errno.ELOOP, errno.ENAMETOOLONG)]
    + [ValueError("it has 300 MiB"), OSError("unexpected end"), RuntimeError("encrypted")],
)
def test_a_file_that_no_machine_could_read_is_set_aside(error, tmp_path):
    assert looked_at(Failing(error, tmp_path)) == ["unreadable", "good"]


@pytest.mark.parametrize(
    "error", [MemoryError(), *map(of_system, (errno.EMFILE, errno.ENFILE, errno.EIO, errno.ESTALE, errno.ETIMEDOUT))]
)
def test_a_machine_that_fails_sets_nothing_aside(error, tmp_path):
    with pytest.raises(ZooError, match=r"Can't read 'bad\.png' of 'failing' on ") as caught:
        looked_at(Failing(error, tmp_path))
    assert "run the same again to go on" in caught.value.hint
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # as it comes from a worker


def test_a_machine_without_the_source_sets_nothing_aside(tmp_path):
    with pytest.raises(ZooError, match="gone' is not there"):
        looked_at(Failing(of_system(errno.ENOENT), tmp_path, tmp_path / "gone"))


def test_the_pixels_of_a_shard_are_in_memory_once(written):
    image = np.random.default_rng(0).integers(0, 256, (128, 128, 3), "uint8")
    names = {str(number): (None, None) for number in range(100)}
    shard = Shard(
        0, written(names, **dict.fromkeys(names, image)), [Item(name) for name in names], Rules(size=(192, 192))
    )
    tracemalloc.start()
    done = work_off(shard)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(done.pixels) == 100 * 192 * 192 * 3
    assert peak < 1.7 * len(done.pixels)
