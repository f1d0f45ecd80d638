"""Spectral normalization that alternating phases don't disturb."""

from typing import Any

import keras
from keras import ops

from zoo_core.models.base import Tensor

TINY = 1e-12
TRANSPOSED = (keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose)


class SpectralNormalization(keras.layers.Wrapper):
    """Calls a layer with its kernel W divided by an estimate σ of the kernel's largest singular value.

    Miyato et al., "Spectral Normalization for Generative Adversarial Networks" (2018), algorithm 1. Keras' own layer
    writes W/σ over the kernel in each training forward pass, even in a phase that does not train this network. Here the
    raw kernel is what is trained and stays as it is, and the gradient flows through W/σ with the singular vectors u and
    v held constant (eq. 12). `u` is a weight that is not trainable, updated only where `training` is true. σ = uᵀ W v
    with v of the updated u, half an iteration more than in the paper, so that it is the same where `training` is false.

    The kernel is a matrix with one column for each output channel, which is the last axis but for transposed
    convolutions, where it is the last but one. A kernel of zeros is left as it is.

    Args:
        layer: one with a `kernel`, such as Dense, Conv2D or Conv2DTranspose, or with `embeddings`.
        iterations: of the power method in each training forward pass.

    Input shape, output shape: those of the layer.

    Raises:
        ValueError: when built, for a layer that has neither.
    """

    def __init__(self, layer: keras.layers.Layer, iterations: int = 1, **kwargs: Any) -> None:
        if iterations < 1:
            raise ValueError(f"iterations must be at least 1. Received: iterations={iterations}")
        # The dtype of the layer's weights: under mixed precision σ is computed in full, and only the layer in half.
        super().__init__(layer, **{"dtype": layer.variable_dtype} | kwargs)
        self.iterations = iterations

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        super().build(input_shape)
        self._output_axis = -2 if isinstance(self.layer, TRANSPOSED) else -1
        self.u = self.add_weight(
            shape=(self._kernel.shape[self._output_axis],), initializer="random_normal", trainable=False, name="u"
        )

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        kernel = self._kernel
        normalized = kernel / self._spectral_norm(training)
        # A scope in which the layer's kernel is another. What it doesn't name would be read from outside all scopes.
        weights = [(variable, variable.value) for variable in self.layer.variables if variable is not kernel]
        with keras.StatelessScope([*weights, (kernel, normalized)]):
            return self.layer(inputs)

    def compute_output_spec(self, inputs: Tensor, training: bool = False) -> keras.KerasTensor:
        return self.layer.compute_output_spec(inputs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "iterations": self.iterations}

    @property
    def _kernel(self) -> keras.Variable:
        for name in ("kernel", "embeddings"):
            if hasattr(self.layer, name):
                return getattr(self.layer, name)
        raise ValueError(f"Expected a layer with a `kernel` or `embeddings`. Received: layer={self.layer}")

    def _spectral_norm(self, training: bool) -> Tensor:
        """() σ = uᵀ W v."""
        matrix = ops.moveaxis(ops.convert_to_tensor(self._kernel), self._output_axis, -1)
        matrix = ops.reshape(matrix, (-1, matrix.shape[-1]))  # (inputs, outputs)
        constant, u = ops.stop_gradient(matrix), _unit(ops.convert_to_tensor(self.u))
        if training:
            for _ in range(self.iterations):
                updated = _unit(ops.matmul(_unit(ops.matmul(constant, u)), constant))
                u = ops.where(ops.any(updated != 0), updated, u)
            self.u.assign(u)
        v = _unit(ops.matmul(constant, u))
        sigma = ops.matmul(v, ops.matmul(matrix, u))
        return ops.where(sigma > 0, sigma, 1)


def _unit(vector: Tensor) -> Tensor:
    return vector / ops.maximum(ops.norm(vector), TINY)
