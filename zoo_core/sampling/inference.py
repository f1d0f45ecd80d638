"""A model in use: compiled, under weights that are given, with noise of its own for each image."""

from collections.abc import Callable

import numpy as np

from zoo_core.models import Networks, Tensor
from zoo_core.training.backends import Arrays, backend
from zoo_core.training.tools import SamplingTools
from zoo_core.training.variables import assigned, name_variables


def compile_inference(networks: Networks, function: Callable[..., Tensor]) -> Callable[..., np.ndarray]:
    """A compiled `run(weights, seed, numbers, *arrays)` that calls `function(tools, N, *arrays)` under those weights.

    Args:
        function: calls the networks; `tools` draws the noise of the images with these `numbers` (N,) int32.
    """
    on = backend()
    compiled = on.compile(_inference(networks, function))
    return lambda weights, seed, numbers, *arrays: on.to_numpy(compiled(weights, np.int32(seed), numbers, *arrays))


def shape_of_inference(
    networks: Networks, function: Callable[..., Tensor], count: int, *arrays: np.ndarray
) -> tuple[int, ...]:
    """The shape of what `compile_inference` of them gives for `count` images, with the networks' own weights."""
    weights = {name: variable.value for name, variable in name_variables(networks).items()}
    numbers = np.arange(count, dtype="int32")
    return backend().shape_of(_inference(networks, function), weights, np.int32(0), numbers, *arrays)


def _inference(networks: Networks, function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    on = backend()
    variables = name_variables(networks)

    def run(weights: Arrays, seed: Tensor, numbers: Tensor, *arrays: Tensor) -> Tensor:
        tools = SamplingTools(on, on.key(seed), numbers)
        with assigned(variables, weights), tools.active():
            return function(tools, int(numbers.shape[0]), *arrays)

    return run
