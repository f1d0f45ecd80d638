"""What a worker holds while it works."""

import tracemalloc

import numpy as np

from zoo_core.data.collecting import Item
from zoo_core.data.preparing import Rules
from zoo_core.data.preparing.shards import Shard, work_off


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
