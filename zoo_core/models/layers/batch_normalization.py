"""Batch normalization in the form that trains fastest."""

import math

import keras
from keras import ops

from zoo_core.models.base import Tensor

if keras.backend.backend() == "torch":
    from zoo_core.models.layers import torch_native


class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization`, with the same weights, results and settings, faster on JAX and on torch.

    The phases of a GAN pass the same z through the same generator, once without gradients and once with. XLA computes
    equal expressions once. Keras' are not equal to it, though they look so: they reshape γ, β and the statistics to
    (1, 1, 1, C) first, and its simplifier moves those reshapes where there is no gradient that needs them too, before
    it compares. Here everything stays (C,). torch has a function for the whole. `benchmarks/training/run.py` measures
    the gain.

    Input and output shape: (N, ..., C).
    """

    def call(self, inputs: Tensor, training: bool | None = None, mask: Tensor | None = None) -> Tensor:
        if not (training and self.trainable) or mask is not None or not _has_a_faster_form(self, inputs):
            return super().call(inputs, training, mask)
        x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        gamma = ops.cast(self.gamma, x.dtype) if self.scale else None
        beta = ops.cast(self.beta, x.dtype) if self.center else None
        form = torch_native.batch_norm if keras.backend.backend() == "torch" else _batch_norm
        outputs, mean, variance = form(x, gamma, beta, self.epsilon)
        for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(ops.cast(moving, x.dtype) * self.momentum + value * (1.0 - self.momentum))
        return ops.cast(outputs, self.compute_dtype)


def _has_a_faster_form(layer: keras.layers.BatchNormalization, inputs: Tensor) -> bool:
    usual = layer.axis in (-1, len(inputs.shape) - 1) and not layer.renorm and not layer.synchronized
    if keras.backend.backend() == "torch":
        return usual and math.prod(inputs.shape[:-1]) > 1  # torch refuses a variance of one value
    return usual and keras.backend.backend() == "jax"


def _batch_norm(x: Tensor, gamma: Tensor | None, beta: Tensor | None, epsilon: float) -> tuple[Tensor, Tensor, Tensor]:
    """As `torch_native.batch_norm`; of statistics and weights all arrays are (C,)."""
    mean, variance = ops.moments(x, tuple(range(len(x.shape) - 1)))
    factor = ops.rsqrt(variance + epsilon)
    factor = factor if gamma is None else factor * gamma
    shift = -mean * factor
    shift = shift if beta is None else shift + beta
    return x * factor + shift, mean, variance
