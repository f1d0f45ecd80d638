"""From images, whole or in part, back to latents, by descent: the latents whose images agree with what is known.

Yeh, Chen, Lim, Schwing, Hasegawa-Johnson & Do 2017, "Semantic Image Inpainting with Deep Generative Models",
https://arxiv.org/abs/1607.07539. The paper's prior loss asks the discriminator, which the zoo does not keep after
training; here it is that of the latents themselves.
"""

from collections.abc import Callable
from itertools import count as count_from

import numpy as np
from keras import ops
from scipy.ndimage import uniform_filter

from zoo_core.models import Tensor, Tools
from zoo_core.models.pixels import scale
from zoo_core.progress import Progress
from zoo_core.sampling.latents import LatentSpace

PRIOR = 0.03
"""λ: what a vector of the usual length √D adds to the loss, in units of [-1, 1] of a pixel, twice."""

WINDOW = 7
"""Pixels: the side of the square in which an unknown pixel gives a known one weight."""

STARTS = 8
STEPS = 300
RATE = 0.1
"""Of Adam in the first step; it falls to 0 in a straight line."""


class Projector:
    """Finds the latents z of images y by minimising Σ w·|G(z) − y| / Σ w + λ·‖z‖² / 2D, of which the first part is the
    paper's contextual loss (eq. 5), a mean here, and the second −log p(z) of the normal distribution, up to its scale.

    By Adam (Kingma & Ba 2015, algorithm 1) from several starts at once, of which the best end is kept.

    Args:
        prior: λ; greater values give more typical images, lesser ones agree better.
        starts: drawn for each image. Where all pixels are known, the latents that the model's own encoder finds are
            another one, if it has such.
        steps: of Adam.
    """

    def __init__(self, space: LatentSpace, prior: float = PRIOR, starts: int = STARTS, steps: int = STEPS) -> None:
        self._space = space
        self._prior = prior
        self._starts = starts
        self._steps = steps
        self._losses = space.sampler.compile(self._losses_batch)
        self._gradients = space.sampler.compile(self._gradients_batch)

    def __call__(
        self,
        images: np.ndarray,
        weights: np.ndarray | None = None,
        labels: np.ndarray | None = None,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> np.ndarray:
        """The latents of images, float32 (N, D). Those of an image depend on its number, and on the others by no more
        than float32 rounding.

        Args:
            images: uint8 (N, H, W, C).
            weights: float32 (N, H, W), how much each pixel counts: for images of which a part is unknown, whose pixels
                there, of weight 0, are not looked at. By default all pixels are known and count alike.
            labels: int32 (N,), for conditional models.
            seed: of the starts.
            progress: told of the steps that are done.

        Raises:
            UsageError: for images of another shape or type; for labels missing, or given to a model that ignores them.
        """
        sampler = self._space.sampler
        sampler.check_images(images)
        sampler.check_labels(labels, len(images))
        starts = self._drawn(len(images), seed)
        if weights is None:
            starts = np.concatenate([starts, *self._encoded(images)], axis=1)
            weights = np.ones(images.shape[:3], "float32")
        arrays = [starts, images, weights, *([] if labels is None else [labels.astype("int32")])]
        at_once = max(1, sampler.full_batch // starts.shape[1])  # images whose descents are one batch
        firsts = range(0, len(images), at_once)
        done, total = count_from(1), len(firsts) * self._steps
        found = []
        for first in firsts:
            parts = [array[first : first + at_once] for array in arrays]
            found.append(self._descend(*parts, told=lambda: progress("Steps", next(done), total) if progress else None))
        return np.concatenate(found)

    def _descend(self, starts: np.ndarray, *arrays: np.ndarray, told: Callable[[], object]) -> np.ndarray:
        """Of descents from (n, S, D) the best ends, (n, D)."""
        z = starts.reshape(-1, starts.shape[2])  # (n·S, D)
        every = [np.repeat(array, starts.shape[1], axis=0) for array in arrays]
        mean, square = np.zeros_like(z), np.zeros_like(z)
        for step in range(1, self._steps + 1):
            gradient = self._gradients(0, (z, *every))
            mean = 0.9 * mean + 0.1 * gradient
            square = 0.999 * square + 0.001 * gradient**2
            rate = RATE * (1 - (step - 1) / self._steps)
            z = z - rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
            told()
        losses = self._losses(0, (z, *every)).reshape(starts.shape[:2])
        return z.reshape(starts.shape)[np.arange(len(starts)), losses.argmin(axis=1)]

    def _drawn(self, count: int, seed: int) -> np.ndarray:
        """Starts (N, S, D), which the seed and the number of the image decide."""
        return self._space.draw(count * self._starts, seed).reshape(count, self._starts, -1)

    def _encoded(self, images: np.ndarray) -> list[np.ndarray]:
        """The encoder's latents, (N, 1, D), where they have the length of those that images are drawn from."""
        if not self._space.sampler.spec.reconstructs:
            return []
        latents = self._space.sampler.encode(images).reshape(len(images), 1, -1)
        return [latents] if latents.shape[2] == self._space.dimensions else []

    def _losses_batch(
        self, tools: Tools, count: int, latents: Tensor, images: Tensor, weights: Tensor, *labels: Tensor
    ) -> Tensor:
        differences = ops.mean(ops.abs(self._space.decode(tools, latents, *labels) - scale(images)), axis=3)
        context = ops.sum(weights * differences, axis=(1, 2)) / ops.sum(weights, axis=(1, 2))
        return context + 0.5 * self._prior * ops.mean(ops.square(latents), axis=1)

    def _gradients_batch(self, tools: Tools, count: int, latents: Tensor, *arrays: Tensor) -> Tensor:
        return tools.grad(lambda z: ops.sum(self._losses_batch(tools, count, z, *arrays)))(latents)


def contextual_weights(known: np.ndarray) -> np.ndarray:
    """How much known pixels count (eq. 4): the share of unknown ones in the 7×7 window around each, cut at the border.

    Args:
        known: bool (N, H, W).

    Returns:
        float32 (N, H, W), 0 where a pixel is unknown, or no unknown one is near.
    """
    around = [1, WINDOW, WINDOW]
    unknown = uniform_filter((~known).astype(np.float64), around, mode="constant")
    inside = uniform_filter(np.ones(known.shape), around, mode="constant")
    return (known * np.clip(unknown / inside, 0, 1)).astype(np.float32)
