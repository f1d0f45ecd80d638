"""What happens now and then while a model trains: sheets of samples from fixed noise, the same at every look, and of
reconstructions and translations; and what a user wants."""

from typing import Protocol

import numpy as np

from zoo_core.data.degradation import DegradedImages
from zoo_core.runs import RunFolder
from zoo_core.sampling.collapse import VarietyWatch
from zoo_core.sampling.grids import grid, pairs, triples, write_png
from zoo_core.sampling.sampler import Sampler
from zoo_core.training.backends import Arrays

ROWS, COLUMNS = 8, 10
TRIPLES = 4  # in a row
GRID_SEED = 0
CLASSES_SHOWN = 10


class SampleGrids:
    """Writes `samples/step-N.png`: 8 rows of 10 images, or, for conditional models, a row for each class.

    Args:
        every: steps between grids; 0 for none but the last, `samples/final.png`.
        watch: is shown the images.
    """

    def __init__(self, run: RunFolder, sampler: Sampler, every: int, watch: VarietyWatch | None = None) -> None:
        self.every = every
        self._run = run
        self._sampler = sampler
        self._watch = watch

    def __call__(self, step: int, weights: Arrays, last: bool) -> None:
        self._sampler.weights = weights
        labels = classes_in_rows(self._sampler)
        images = self._sampler.generate(ROWS * COLUMNS if labels is None else len(labels), GRID_SEED, labels)
        write_png(self._run.samples / _name(step, last), grid(images, COLUMNS))
        if self._watch:
            self._watch.look(step, images, labels)


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

    def __call__(self, step: int, weights: Arrays, last: bool) -> None:
        self._sampler.weights = weights
        sheet = pairs(self._images, self._sampler.reconstruct(self._images), COLUMNS)
        write_png(self._run.samples / "reconstructions.png", sheet)


class TranslationGrids:
    """Writes `samples/step-N.png`: held-out inputs, each beside its output and its target, 8 rows of 4.

    Args:
        every: steps between grids; 0 for none but the last, `samples/final.png`.
        inputs: uint8 (N, H', W', C'), of which the first 32 are shown.
        targets: uint8 (N, H, W, C).
    """

    def __init__(
        self,
        run: RunFolder,
        sampler: Sampler,
        every: int,
        inputs: np.ndarray | DegradedImages,
        targets: np.ndarray,
    ) -> None:
        self.every = every
        self._run = run
        self._sampler = sampler
        shown = slice(ROWS * TRIPLES)
        self._inputs, self._targets = np.asarray(inputs[shown]), np.asarray(targets[shown])

    def __call__(self, step: int, weights: Arrays, last: bool) -> None:
        self._sampler.weights = weights
        sheet = triples(self._inputs, self._sampler.transform(self._inputs, GRID_SEED), self._targets, TRIPLES)
        write_png(self._run.samples / _name(step, last), sheet)


class UserCallback(Protocol):
    """What users may pass to `zoo_core.train`."""

    every: int
    """Steps between calls; 0 for none but the last, after the final step."""

    def __call__(self, step: int, sampler: Sampler, last: bool) -> None:
        """Receives the averaged networks as they are now. What it raises ends the training."""
        ...


class WithSampler:
    """Calls a user's callback with the sampler in place of its weights."""

    def __init__(self, callback: UserCallback, sampler: Sampler) -> None:
        self.every = callback.every
        self._callback = callback
        self._sampler = sampler

    def __call__(self, step: int, weights: Arrays, last: bool) -> None:
        self._sampler.weights = weights
        self._callback(step, self._sampler, last)


def classes_in_rows(sampler: Sampler) -> np.ndarray | None:
    """The labels of a sheet with a row for each class, int32; None for a model that ignores them."""
    if not sampler.spec.conditional:
        return None
    return np.repeat(np.arange(min(len(sampler.data.classes), CLASSES_SHOWN), dtype="int32"), COLUMNS)


def _name(step: int, last: bool) -> str:
    return "final.png" if last else f"step-{step:06d}.png"
