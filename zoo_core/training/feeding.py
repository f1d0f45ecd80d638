"""Batches on their way to the engine: resident on the device, or one dispatch ahead of it."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from zoo_core.data import Feeder
from zoo_core.training.backends import Backend

RESIDENT_SHARE = 0.25  # of the device's memory, at most
STEPS_PER_DISPATCH = 16


def fits_on_device(feeder: Feeder, backend: Backend, device: Any) -> bool:
    """Whether the whole split can stay in the memory that a device has of its own; a degradation, which happens on the
    host, keeps it there."""
    memory = None if feeder.degradation else backend.device_memory(device)
    return memory is not None and sum(array.nbytes for array in feeder.arrays.values()) <= RESIDENT_SHARE * memory


def usual_dispatch(backend: Backend, device: Any) -> int:
    """How many steps run at once where nobody says: several where the host would otherwise hold up a GPU."""
    return 1 if backend.device_memory(device) is None else STEPS_PER_DISPATCH


class Feed:
    """What the engine's steps take, `count` batches at a time.

    Args:
        resident: the engine holds the arrays, and a batch is `indices` into them. Otherwise, where the images are
            mapped from a file or degraded, a thread reads the batches after those that are in use.
    """

    def __init__(self, feeder: Feeder, resident: bool) -> None:
        self.images_per_step = feeder.batch_size
        self._feeder = feeder
        self._resident = resident
        slow = isinstance(feeder.arrays["images"], np.memmap) or feeder.degradation
        self._thread = ThreadPoolExecutor(1) if slow else None
        self._ahead: tuple[int, int, Future] | None = None

    def batches(self, step: int, count: int, ahead: int = 0) -> dict[str, np.ndarray]:
        """Those of steps `step` to `step + count`, with an axis of `count` before all others.

        Args:
            ahead: how many will be asked for next, which are read meanwhile.
        """
        if self._resident or self._thread is None:
            return self._read(step, count)
        if self._ahead is not None and self._ahead[:2] == (step, count):
            found = self._ahead[2].result()
        else:
            found = self._read(step, count)
        following = step + count, ahead
        self._ahead = (*following, self._thread.submit(self._read, *following)) if ahead else None
        return found

    def single(self, step: int) -> dict[str, np.ndarray]:
        """That of one step, without the axis."""
        return {name: array[0] for name, array in self._read(step, 1).items()}

    def _read(self, step: int, count: int) -> dict[str, np.ndarray]:
        if self._resident:
            found = {"indices": self._feeder.indices(step, count).astype(np.int32)}
        else:
            found = self._feeder.read(step, count)
        return {name: array.reshape(count, -1, *array.shape[1:]) for name, array in found.items()}
