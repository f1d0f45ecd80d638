"""Tools whose noise is known."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from zoo_core.models import Tensor, Tools


class KnownTools(Tools):
    """Draws the given numbers, one call after the other, each for all of its shape; or where there are none, seeded
    noise."""

    def __init__(self, *draws: float | list) -> None:
        self.step = jnp.zeros((), "int32")
        self._draws = [np.asarray(draw, "float32") for draw in draws]
        self._noise = None if draws else np.random.default_rng(0)

    def uniform(self, shape: tuple[int, ...], index: Tensor | None = None) -> Tensor:
        if self._noise:
            return jnp.asarray(self._noise.random(shape, "float32"))
        draw = self._draws.pop(0)
        return jnp.broadcast_to(draw.reshape(draw.shape + (1,) * (len(shape) - draw.ndim)), shape)

    def grad(self, function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        return jax.grad(function)

    def augment(self, images: Tensor) -> Tensor:
        return images


@pytest.fixture
def known_tools() -> type[KnownTools]:
    return KnownTools
