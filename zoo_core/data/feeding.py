"""Batches for training: which images step t sees depends on the seed and t alone, so that a run can be resumed."""

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
    """

    def __init__(self, dataset: Dataset, split: str, batch_size: int, seed: int) -> None:
        if batch_size < 1:
            raise UsageError(f"The batch size must be at least 1, received {batch_size}.")
        self.batch_size = batch_size
        self._images = dataset.images(split)
        self._labels = dataset.labels(split)
        self._seed = seed
        self._permutations: dict[int, np.ndarray] = {}

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """What batches are taken from: `images` and, where there are any, `labels` of the whole split."""
        return {"images": self._images} if self._labels is None else {"images": self._images, "labels": self._labels}

    def batch(self, step: int) -> dict[str, np.ndarray]:
        """Batch number `step`, from 0: `images` uint8 (B, H, W, C), and `labels` int32 (B,) where there are any."""
        return self.take(self.indices(step))

    def take(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """The images and labels at these places; where they are mapped from a file, only these are read."""
        return {name: np.asarray(array[indices]) for name, array in self.arrays.items()}

    def indices(self, step: int, count: int = 1) -> np.ndarray:
        """Where the images of `count` batches from number `step` on are in the split, one after another."""
        positions = np.arange(step * self.batch_size, (step + count) * self.batch_size)
        epochs, offsets = np.divmod(positions, len(self._images))
        needed = range(int(epochs[0]), int(epochs[-1]) + 1)
        # In names of its own, since another thread may ask for other epochs meanwhile. What is not needed is forgotten.
        known = self._permutations
        permutations = {epoch: known[epoch] if epoch in known else self._permutation(epoch) for epoch in needed}
        self._permutations = permutations
        return np.concatenate([permutations[epoch][offsets[epochs == epoch]] for epoch in needed])

    def _permutation(self, epoch: int) -> np.ndarray:
        return np.random.Generator(np.random.PCG64([self._seed, epoch])).permutation(len(self._images))
