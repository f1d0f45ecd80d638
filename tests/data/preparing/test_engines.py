import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from zoo_core.data.collecting import ImageSource, Item
from zoo_core.data.preparing.engines import LocalEngine
from zoo_core.data.preparing.rules import Rules
from zoo_core.data.preparing.shards import Done, Shard
from zoo_core.errors import ZooError


class Deadly(ImageSource):
    """Reading the images of these names ends the process, as a decoder may on broken bytes; once, or always."""

    label_origin = "array"

    def __init__(self, folder: Path, names: set[str], always: bool) -> None:
        super().__init__("deadly")
        self._folder, self._names, self._always = folder, names, always

    def items(self) -> Iterator[Item]:
        return (Item(str(number)) for number in range(40))

    def read(self, item: Item) -> np.ndarray:
        marker = self._folder / item.path
        if item.path in self._names and (self._always or not marker.exists()):
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return np.random.default_rng(int(item.path)).integers(0, 256, (9, 9), "uint8")

    def fingerprint(self) -> str:
        return ""


def shards(source: ImageSource) -> Iterator[Shard]:
    items = list(source.items())
    return (Shard(number, source, items[start : start + 4], Rules()) for number, start in enumerate(range(0, 40, 4)))


def by_number(results: Iterator[Done]) -> list[Done]:
    return sorted(results, key=lambda done: done.number)


def test_a_process_that_dies_loses_nothing(tmp_path: Path):
    source = Deadly(tmp_path, {"6", "33"}, always=False)
    found = by_number(LocalEngine(2).run(shards(source)))
    assert {"6", "33"} == set(os.listdir(tmp_path))
    assert found == by_number(LocalEngine(1).run(shards(source)))
    assert [done.number for done in found] == list(range(10))


def test_images_that_kill_every_process_are_named(tmp_path: Path):
    with pytest.raises(ZooError, match="Whatever process reads the images '4' to '7' of 'deadly' dies"):
        list(LocalEngine(2).run(shards(Deadly(tmp_path, {"5"}, always=True))))
