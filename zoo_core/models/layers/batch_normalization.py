"""Batch normalization whose pass is computed once where two phases make the same one."""

from typing import Any

import keras
from keras import ops

from zoo_core.models.base import Tensor


class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization`, its weights, results and settings, in a form that XLA recognizes.

    The phases of a GAN pass the same z through the same generator, once without gradients and once with. XLA computes
    equal expressions once. Keras' are not equal to it, though they look so: they reshape γ, β and the statistics to
    (1, 1, 1, C) first, and its simplifier moves those reshapes where there is no gradient that needs them too, before
    it compares. Here everything stays (C,). `benchmarks/training/run.py` measures the gain.

    Input and output shape: (N, ..., C).
    """

    def call(self, inputs: Tensor, training: bool | None = None, mask: Tensor | None = None) -> Tensor:
        last = self.axis in (-1, len(inputs.shape) - 1)
        if keras.backend.backend() != "jax" or not last or mask is not None or self.renorm:
            return super().call(inputs, training, mask)
        x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        mean, variance = (ops.cast(moving, x.dtype) for moving in (self.moving_mean, self.moving_variance))
        if training and self.trainable:
            batch_mean, batch_variance = ops.moments(x, tuple(range(len(x.shape) - 1)), synchronized=self.synchronized)
            self._follow(self.moving_mean, mean, batch_mean)
            self._follow(self.moving_variance, variance, batch_variance)
            mean, variance = batch_mean, batch_variance
        factor = ops.rsqrt(variance + self.epsilon)  # (C,), as all up to the last line
        if self.scale:
            factor = factor * ops.cast(self.gamma, x.dtype)
        shift = -mean * factor
        if self.center:
            shift = shift + ops.cast(self.beta, x.dtype)
        return ops.cast(x * factor + shift, self.compute_dtype)

    def _follow(self, variable: Any, moving: Tensor, value: Tensor) -> None:
        variable.assign(moving * self.momentum + value * (1.0 - self.momentum))
