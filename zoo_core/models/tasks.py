"""What a model can do: one small protocol for each task of `zoo_core.specs.TASKS`."""

from typing import Protocol

from zoo_core.models.base import Networks, Tensor, Tools


class Generates(Protocol):
    """The task `generate`."""

    def sample(self, nets: Networks, count: int, labels: Tensor | None, tools: Tools) -> Tensor:
        """`count` images (count, H, W, C) in [-1, 1]; labels (count,) int32, None where the model ignores them."""
        ...


class Reconstructs(Protocol):
    """The task `reconstruct`."""

    def encode(self, nets: Networks, images: Tensor) -> Tensor:
        """Images (N, H, W, C) in [-1, 1] → latents (N, ...). Deterministic: the mean of a stochastic encoder."""
        ...

    def decode(self, nets: Networks, latents: Tensor) -> Tensor:
        """Latents (N, ...) → images (N, H, W, C) in [-1, 1]."""
        ...
