"""The noise that a model makes images of, as vectors: drawn, truncated, interpolated, and made images again.

A model has no method for it: `sample` draws its noise from `tools`. Tools that write down what they draw tell the
vectors, and tools that hand out what they were given make images of them.
"""

import abc
import math
from collections.abc import Callable
from typing import Literal, get_args

import keras
import numpy as np
from keras import ops
from scipy.special import ndtr, ndtri

from zoo_core.errors import UsageError
from zoo_core.models import Tensor, Tools
from zoo_core.models.pixels import to_uint8
from zoo_core.sampling.sampler import Sampler

Way = Literal["spherical", "linear"]
WAYS: tuple[Way, ...] = get_args(Way)


class NoLatents(UsageError):
    """Raised for a model whose noise is not one vector of normal numbers for each image."""


class LatentSpace:
    """The latents of a generating model: for each image all normal numbers that `sample` asks for, in this order.

    Args:
        sampler: of the model.

    Attributes:
        dimensions: D, the length of a vector.

    Raises:
        UsageError: for a model that does not generate.
        NoLatents: for one that draws noise inside of a loop, as a diffusion model does, or other noise than normal, as
            an autoregressive one does.
    """

    def __init__(self, sampler: Sampler) -> None:
        sampler.check("generate")
        self.sampler = sampler
        self._noise = sampler.compile(self._noise_batch)
        self._images = sampler.compile(self._images_batch)
        self.dimensions: int = self.draw(1, seed=0).shape[1]
        if not self.dimensions:
            raise NoLatents(f"Model '{sampler.spec.name}' draws no noise, so its images have no latent vectors.")

    def draw(self, count: int, seed: int, first: int = 0) -> np.ndarray:
        """The latents of images number `first` to `first + count` of this seed, float32 (count, D).

        Raises:
            UsageError: for no images.
        """
        if count < 1:
            raise UsageError(f"At least 1 image must be asked for, received {count}.")
        return self._noise(seed, (np.zeros(count, "int32"),), first).astype(np.float32)

    def images(self, latents: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
        """The images of latents, float32 (N, D) → uint8 (N, H, W, C).

        Args:
            labels: int32 (N,), for conditional models.

        Raises:
            UsageError: for labels missing, out of range, or given to a model that ignores them.
        """
        self.sampler.check_labels(labels, len(latents))
        given = [latents] if labels is None else [latents, labels]
        images = np.empty((len(latents), *self.sampler.data.image_shape), np.uint8)
        batch = min(self.sampler.full_batch, len(latents))
        for start in range(0, len(latents), batch):
            start = min(start, len(latents) - batch)  # the last batch is as large as all, so that one shape is compiled
            here = slice(start, start + batch)
            images[here] = to_uint8(self._images(0, [array[here] for array in given]))
        return images

    def decode(self, tools: Tools, latents: Tensor, *labels: Tensor) -> Tensor:
        """The images (N, H, W, C) of latents (N, D), in [-1, 1]: for functions that are compiled."""
        given = _Given(tools, latents)
        with given.active():
            return self.sampler.sample(given, latents.shape[0], *labels)

    def _noise_batch(self, tools: Tools, count: int, labels: Tensor) -> Tensor:
        drawn = _Drawn(tools, self.sampler.spec.name)
        with drawn.active():
            self.sampler.sample(drawn, count, *([labels] if self.sampler.spec.conditional else []))
        return ops.concatenate([ops.zeros((count, 0)), *drawn.parts], axis=1)

    def _images_batch(self, tools: Tools, count: int, latents: Tensor, *labels: Tensor) -> Tensor:
        return self.decode(tools, latents, *labels)


def truncated(latents: np.ndarray, threshold: float) -> np.ndarray:
    """Normal numbers, float32 of any shape, become such as they are between -threshold and threshold.

    This is the truncation trick: values above the threshold are drawn again until they are not (Brock, Donahue &
    Simonyan 2019, "Large Scale GAN Training for High Fidelity Natural Image Synthesis", section 3.1). The quantile
    function gives the same distribution without drawing again: each number keeps its rank, and so images go over into
    more typical ones.
    """
    low = ndtr(-threshold)
    shares = low + ndtr(latents.astype(np.float64)) * (1 - 2 * low)
    return np.clip(ndtri(shares), -threshold, threshold).astype(np.float32)


def between(one: np.ndarray, other: np.ndarray, steps: int, way: Way = "spherical") -> np.ndarray:
    """Latents from one to another, both among them: float32 (..., D) twice → float32 (..., steps, D).

    Args:
        way: "linear"; or "spherical", on the great circle (Shoemake 1985; White 2016, "Sampling generative networks",
            section 2.1): in many dimensions normal vectors lie near a sphere, and a straight line leads through its
            inside, where a model has seen none.
    """
    one, other = one[..., None, :].astype(np.float64), other[..., None, :].astype(np.float64)
    shares = np.linspace(0, 1, steps)[:, None]
    if way == "spherical":
        norms = np.linalg.norm(one, axis=-1, keepdims=True) * np.linalg.norm(other, axis=-1, keepdims=True)
        cosines = np.sum(one * other, axis=-1, keepdims=True) / np.maximum(norms, np.finfo(float).tiny)
        angles = np.arccos(np.clip(cosines, -1, 1))
        curved = np.sin(angles) > 1e-6  # else they point the same way, or opposite ways: no circle is the great one
        sines = np.where(curved, np.sin(angles), 1)
        weights = np.where(curved, np.sin((1 - shares) * angles) / sines, 1 - shares)
        others = np.where(curved, np.sin(shares * angles) / sines, shares)
    else:
        weights, others = 1 - shares, shares
    return (weights * one + others * other).astype(np.float32)


class _NormalOnly(Tools):
    """Tools that know no noise but normal one, outside of loops."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self.step = tools.step

    @abc.abstractmethod
    def normal(self, shape: tuple[int, ...], index: Tensor | None = None) -> Tensor: ...

    def grad(self, function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        return self._tools.grad(function)

    def augment(self, images: Tensor) -> Tensor:
        return images


class _Drawn(_NormalOnly):
    """Noise of the tools, written down: `parts`, each (N, d)."""

    def __init__(self, tools: Tools, model: str) -> None:
        super().__init__(tools)
        self.parts: list[Tensor] = []
        self._model = model

    def normal(self, shape: tuple[int, ...], index: Tensor | None = None) -> Tensor:
        if index is not None:
            raise self._refusal("noise inside of a loop")
        noise = self._tools.normal(shape)
        self.parts.append(ops.reshape(noise, (shape[0], -1)))
        return noise

    def uniform(self, shape: tuple[int, ...], index: Tensor | None = None) -> Tensor:
        raise self._refusal("noise that is not normal")

    def _refusal(self, what: str) -> NoLatents:
        return NoLatents(
            f"Model '{self._model}' draws {what}, so its images have no latent vectors.",
            "Choose a model that makes an image of one vector of normal noise, such as a GAN or a VAE.",
        )


class _Given(_NormalOnly):
    """Noise that is handed out from latents (N, D), in the order in which `_Drawn` wrote it down."""

    def __init__(self, tools: Tools, latents: Tensor) -> None:
        super().__init__(tools)
        self._rest = ops.cast(latents, keras.config.floatx())

    def normal(self, shape: tuple[int, ...], index: Tensor | None = None) -> Tensor:
        size = math.prod(shape[1:])
        part, self._rest = self._rest[:, :size], self._rest[:, size:]
        return ops.reshape(part, shape)

    def uniform(self, shape: tuple[int, ...], index: Tensor | None = None) -> Tensor:
        raise AssertionError("a model with such noise has no latents")
