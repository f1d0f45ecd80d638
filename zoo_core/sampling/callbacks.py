"""Sheets of images while a model trains: samples from fixed noise, the same at every look, and reconstructions."""

import numpy as np

from zoo_core.runs import RunFolder
from zoo_core.sampling.grids import grid, pairs, write_png
from zoo_core.sampling.sampler import Sampler
from zoo_core.training.jax_backend import Arrays

ROWS, COLUMNS = 8, 10
GRID_SEED = 0
CLASSES_SHOWN = 10


class SampleGrids:
    """Writes `samples/step-N.png`: 8 rows of 10 images, or, for conditional models, a row for each class.

    Args:
        steps: of the whole run; the grid of the last one is `samples/final.png`.
        every: steps between grids; 0 for none but the last.
    """

    def __init__(self, run: RunFolder, sampler: Sampler, every: int, steps: int) -> None:
        self.every = every
        self._run = run
        self._sampler = sampler
        self._steps = steps

    def __call__(self, step: int, weights: Arrays) -> None:
        self._sampler.weights = weights
        name = "final.png" if step == self._steps else f"step-{step:06d}.png"
        write_png(self._run.samples / name, sample_grid(self._sampler))


class ReconstructionSheet:
    """Writes `samples/reconstructions.png` after the last step: held-out images, each above its reconstruction.

    Args:
        images: uint8 (N, H, W, C), of which the first 20 are shown.
    """

    every = 0

    def __init__(self, run: RunFolder, sampler: Sampler, images: np.ndarray) -> None:
        self._run = run
        self._sampler = sampler
        self._images = np.asarray(images[: 2 * COLUMNS])

    def __call__(self, step: int, weights: Arrays) -> None:
        self._sampler.weights = weights
        sheet = pairs(self._images, self._sampler.reconstruct(self._images), COLUMNS)
        write_png(self._run.samples / "reconstructions.png", sheet)


def sample_grid(sampler: Sampler, seed: int = GRID_SEED) -> np.ndarray:
    """Fixed noise as one sheet: uint8 (H', W', C). A row shows one class where the model is conditional."""
    if not sampler.conditional:
        return grid(sampler.generate(ROWS * COLUMNS, seed), COLUMNS)
    labels = np.repeat(np.arange(min(len(sampler.data.classes), CLASSES_SHOWN)), COLUMNS)
    return grid(sampler.generate(len(labels), seed, labels), COLUMNS)
