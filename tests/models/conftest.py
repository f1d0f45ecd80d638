"""Tools whose noise is known."""

from collections.abc import Callable

import numpy as np
import pytest
from keras import ops

from zoo_core.models import Tensor, Tools
from zoo_core.training.backends import backend


class KnownTools(Tools):
    """Draws the given numbers, one call after the other, each for all of its shape; or where there are none, seeded
    noise."""

    def __init__(self, *draws: float | list) -> None:
        self.step = ops.zeros((), "int32")
        self._draws = [np.asarray(draw, "float32") for draw in draws]
        self._noise = None if draws else np.random.default_rng(0)

    def uniform(self, shape: tuple[int, ...], index: Tensor | None = None) -> Tensor:
        if self._noise:
            return ops.convert_to_tensor(self._noise.random(shape, "float32"))
        draw = self._draws.pop(0)
        draw = draw.reshape(draw.shape + (1,) * (len(shape) - draw.ndim))
        return ops.convert_to_tensor(np.broadcast_to(draw, shape).copy())

    def grad(self, function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        return backend().grad(function)

    def augment(self, images: Tensor) -> Tensor:
        return images


@pytest.fixture
def known_tools() -> type[KnownTools]:
    return KnownTools
