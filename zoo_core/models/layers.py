"""Layers that Keras has too, with the same weights and results, in the form that trains fastest.

XLA's gradients of strided and transposed convolutions are slow on a CPU. A 4x4 kernel with stride 2 and "same"
padding, the workhorse of convolutional GANs, is also exactly a matrix product with shifted sums, and XLA's matrix
product is fast everywhere. Both layers subclass Keras' own: names, initializers, weights and checkpoints are theirs.
`benchmarks/layers.py` measures the gain.
"""

import keras
from keras import ops

from zoo_core.models.base import Tensor


class Conv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D`, where 4x4 stride-2 kernels over even sizes are one matrix product.

    Input shape: (N, H, W, C). Output shape: (N, ⌈H/2⌉, ⌈W/2⌉, filters) for such kernels.
    """

    def call(self, inputs: Tensor) -> Tensor:
        height, width, channels = inputs.shape[1:]
        if not _is_product(self) or self.groups != 1 or height % 2 or width % 2:
            return super().call(inputs)
        h, w = height // 2, width // 2
        x = ops.pad(inputs, ((0, 0), (1, 1), (1, 1), (0, 0)))  # (N, H+2, W+2, C)
        x = ops.reshape(x, (-1, h + 1, 2, w + 1, 2, channels))  # 2x2 blocks: (N, h+1, 2, w+1, 2, C)
        x = ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, h + 1, w + 1, 4 * channels))
        # Output pixel (m, n) sees blocks (m, n), (m, n+1), (m+1, n), (m+1, n+1): 16 taps.
        x = ops.concatenate([x[:, p : p + h, q : q + w] for p in (0, 1) for q in (0, 1)], axis=-1)
        kernel = ops.reshape(self.kernel, (2, 2, 2, 2, channels, self.filters))  # (p, a, q, b, C, F)
        kernel = ops.reshape(ops.transpose(kernel, (0, 2, 1, 3, 4, 5)), (16 * channels, self.filters))
        return _finish(self, ops.matmul(x, kernel))  # (N, h, w, F)


class Conv2DTranspose(keras.layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose`, where 4x4 stride-2 kernels are one matrix product and shifted sums.

    Input shape: (N, H, W, C). Output shape: (N, 2H, 2W, filters) for such kernels.
    """

    def call(self, inputs: Tensor) -> Tensor:
        if not _is_product(self) or self.output_padding is not None:
            return super().call(inputs)
        height, width, channels = inputs.shape[1:]
        kernel = ops.reshape(self.kernel, (16 * self.filters, channels))
        taps = ops.matmul(inputs, ops.transpose(kernel))
        taps = ops.reshape(taps, (-1, height, width, 4, 4, self.filters))  # (N, H, W, ky, kx, F)
        rows = _interleave(taps, axis=1, taps_axis=3)  # (N, H, 2, W, kx, F)
        rows = ops.reshape(rows, (-1, 2 * height, width, 4, self.filters))
        columns = _interleave(rows, axis=2, taps_axis=3)  # (N, 2H, W, 2, F)
        return _finish(self, ops.reshape(columns, (-1, 2 * height, 2 * width, self.filters)))


def _is_product(layer: keras.layers.Layer) -> bool:
    return (
        keras.backend.backend() == "jax"
        and layer.kernel_size == (4, 4)
        and layer.strides == (2, 2)
        and layer.padding == "same"
        and layer.dilation_rate == (1, 1)
        and layer.data_format == "channels_last"
    )


def _finish(layer: keras.layers.Layer, outputs: Tensor) -> Tensor:
    if layer.use_bias:
        outputs = outputs + layer.bias
    return outputs if layer.activation is None else layer.activation(outputs)


def _interleave(taps: Tensor, axis: int, taps_axis: int) -> Tensor:
    """Overlap-add along one axis: outputs 2m = k1[m] + k3[m-1] and 2m+1 = k2[m] + k0[m+1], stacked after `axis`."""
    k0, k1, k2, k3 = (ops.squeeze(k, taps_axis) for k in ops.split(taps, 4, axis=taps_axis))
    even = k1 + _shift(k3, axis, +1)
    odd = k2 + _shift(k0, axis, -1)
    return ops.stack([even, odd], axis=axis + 1)


def _shift(x: Tensor, axis: int, by: int) -> Tensor:
    """x moved by one along axis, zero where nothing comes in."""
    padding = [(0, 0)] * len(x.shape)
    padding[axis] = (1, 0) if by > 0 else (0, 1)
    kept = [slice(None)] * len(x.shape)
    kept[axis] = slice(0, -1) if by > 0 else slice(1, None)
    return ops.pad(x[tuple(kept)], padding)
