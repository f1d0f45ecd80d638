"""Batches for training: which images step t sees depends on the seed and t alone, so that a run can be resumed."""

from typing import Any

import numpy as np

from zoo_core.data.dataset import Dataset
from zoo_core.errors import UsageError


class Feeder:
    """Endless shuffled batches of one split; each image comes once in every epoch.

    The stream of images is one permutation after another; epoch e's comes from PCG64 seeded with [seed, e]. Batch t
    holds the positions [t·B, (t+1)·B) of the stream: it may span epochs, and B may exceed the number of images.

    Args:
        split: "train", "validation" or "test".
        batch_size: B, at least 1.
        seed: at least 0.

    Attributes:
        arrays: what batches are taken from, the whole split: `images` and, where there are any, `labels` and stored
            `inputs`.
        degradation: makes the `inputs` of each batch, where the data set has one.
    """

    def __init__(self, dataset: Dataset, split: str, batch_size: int, seed: int) -> None:
        if batch_size < 1:
            raise UsageError(f"The batch size must be at least 1, received {batch_size}.")
        self.batch_size = batch_size
        self.degradation = dataset.degradation
        found: dict[str, Any] = {"images": dataset.images(split), "labels": dataset.labels(split)}
        if self.degradation is None:
            found["inputs"] = dataset.inputs(split)
        self.arrays = {name: array for name, array in found.items() if array is not None}
        self._seed = seed
        self._permutations: dict[int, np.ndarray] = {}

    def batch(self, step: int) -> dict[str, np.ndarray]:
        """Batch number `step`, from 0: `images` uint8 (B, H, W, C), and where there are any `inputs` uint8
        (B, H', W', C') and `labels` int32 (B,)."""
        return self.read(step, 1)

    def read(self, step: int, count: int) -> dict[str, np.ndarray]:
        """`count` batches from number `step` on, one after another.

        Of what is mapped from a file only these rows are read. The noise of a degradation follows from the seed and an
        image's position in the stream, so that it is another one in every epoch.
        """
        indices = self.indices(step, count)
        batches = {name: np.asarray(array[indices]) for name, array in self.arrays.items()}
        if self.degradation is not None:
            positions = range(step * self.batch_size, (step + count) * self.batch_size)
            # The 1 tells these numbers from those of the permutations, and of images outside of training.
            seeds = [(self._seed, position, 1) for position in positions]
            batches["inputs"] = self.degradation(batches["images"], seeds)
        return batches

    def indices(self, step: int, count: int = 1) -> np.ndarray:
        """Where the images of `count` batches from number `step` on are in the split, one after another."""
        positions = np.arange(step * self.batch_size, (step + count) * self.batch_size)
        epochs, offsets = np.divmod(positions, len(self.arrays["images"]))
        needed = range(int(epochs[0]), int(epochs[-1]) + 1)
        # In names of its own, since another thread may ask for other epochs meanwhile. What is not needed is forgotten.
        known = self._permutations
        permutations = {epoch: known[epoch] if epoch in known else self._permutation(epoch) for epoch in needed}
        self._permutations = permutations
        return np.concatenate([permutations[epoch][offsets[epochs == epoch]] for epoch in needed])

    def _permutation(self, epoch: int) -> np.ndarray:
        return np.random.Generator(np.random.PCG64([self._seed, epoch])).permutation(len(self.arrays["images"]))
