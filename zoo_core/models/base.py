"""The contract between a model and the engine: pure Keras and `keras.ops`, no training loop, no backend."""

import abc
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from zoo_core.options import Options
from zoo_core.specs import DataSpec

Tensor = Any
"""A tensor of whatever backend Keras runs on."""

Networks = Mapping[str, keras.Model]
Batch = Mapping[str, Tensor]
ALMOST_MINUS_ONE = -1.0 + 2.0**-24
"""The smallest float32 above -1: what the uniform numbers that become normal ones start from."""

Loss = Callable[[Networks, Batch, "Tools"], tuple[Tensor, dict[str, Tensor]]]


class Tools(abc.ABC):
    """What differs between backends or must be controlled: noise, gradients, augmentation.

    The same seed draws the same noise on every backend. While sampling, axis 0 is the image, and the noise of an image
    depends on the seed, the image's number and the call, never on the batch that it is in.

    Attributes:
        step: () int32, the training step; 0 while sampling.
    """

    step: Tensor

    @abc.abstractmethod
    def uniform(self, shape: tuple[int, ...], index: Tensor | None = None) -> Tensor:
        """U[0, 1) noise in steps of 2⁻²³. Inside a `keras.ops` loop give the loop's counter as `index`."""

    def normal(self, shape: tuple[int, ...], index: Tensor | None = None) -> Tensor:
        """N(0, 1) noise, from `uniform` by the inverse of the distribution function."""
        u = ops.maximum(self.uniform(shape, index) * (1.0 - ALMOST_MINUS_ONE) + ALMOST_MINUS_ONE, ALMOST_MINUS_ONE)
        return math.sqrt(2.0) * ops.erfinv(u)

    def randint(self, shape: tuple[int, ...], high: int, index: Tensor | None = None) -> Tensor:
        """Uniform integers in [0, high), int32; `high` far below 2²³, the number of levels of `uniform`."""
        return ops.cast(ops.floor(self.uniform(shape, index) * high), "int32")

    @abc.abstractmethod
    def grad(self, function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        """The gradient of a scalar function of one tensor, itself differentiable."""

    @abc.abstractmethod
    def augment(self, images: Tensor) -> Tensor:
        """What every discriminator input, real or generated, must pass through: the identity unless DiffAugment is
        on. A list of images that belong together, such as inputs and what is made of them, gives a list: all of them
        change alike."""

    @contextmanager
    def active(self) -> Iterator[None]:
        """Within this scope, layers such as `zoo_core.models.layers.Dropout` draw their noise from these tools."""
        token = _in_use.set(self)
        try:
            yield
        finally:
            _in_use.reset(token)


_in_use: ContextVar[Tools | None] = ContextVar("tools in use", default=None)


def tools_in_use() -> Tools | None:
    """The tools whose scope `Tools.active` is open, if any."""
    return _in_use.get()


@dataclass(frozen=True)
class Phase:
    """One update within a training step.

    Args:
        name: names the phase's metrics, such as "discriminator".
        loss: `loss(nets, batch, tools)` → (scalar, dict of scalars to log).
        trains: the networks whose trainable weights the update changes.
        optimizer: a Keras optimizer that no other phase uses.
        repeat: updates in each step, each on a batch of its own.
        every: run in one step out of so many.
    """

    name: str
    loss: Loss
    trains: tuple[str, ...]
    optimizer: keras.optimizers.Optimizer
    repeat: int = 1
    every: int = 1


class GenerativeModel(abc.ABC):
    """Base of all models. Holds its options and nothing else; the engine owns all state."""

    def __init__(self, options: Options) -> None:
        self.options: Any = options

    @property
    @abc.abstractmethod
    def inference(self) -> tuple[str, ...]:
        """The networks that are used after training, an attribute of the class or a property. Their weights are
        averaged (EMA) while training, and `sample`, `encode` and `decode` receive these networks, and only these,
        averaged."""

    @abc.abstractmethod
    def networks(self, data: DataSpec) -> dict[str, keras.Model]:
        """Build the networks for this data, by name.

        Raises:
            UnsupportedShape: for images that the model can't take, with those that it can.
        """

    @abc.abstractmethod
    def phases(self) -> tuple[Phase, ...]:
        """The updates of one training step, in order. Each call makes new optimizers."""

    def prepare(self, batch: Batch, tools: Tools) -> Batch:
        """Run once a step, before the phases: what they share, such as latents, is added to the batch here.

        Args:
            batch: `images` (N, H, W, C) in [-1, 1]; where the set has them `inputs` (N, H', W', C') in [-1, 1], which
                the images are to be made from, and `labels` (N,) int32. N is the batch size times the largest `repeat`.
        """
        return batch
