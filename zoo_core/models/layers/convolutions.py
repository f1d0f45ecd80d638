"""Convolutions that Keras has too, with the same weights and results, in the form that trains fastest.

A 4x4 kernel with stride 2 and "same" padding is the workhorse of convolutional GANs. XLA's gradients of strided and
transposed convolutions are slow on a CPU, and its matrix product is fast: there such a layer is one (`product.py`), or
with enough channels nine smaller ones, with 9/16 of the multiplications (`winograd.py`). Keras on torch pads and crops
by copies, which torch's own convolutions have no need of (`torch_native.py`). Elsewhere Keras' own form is left alone.

Both layers subclass Keras' own: names, initializers, weights and checkpoints are theirs. `benchmarks/layers.py`
measures the gain on JAX.
"""

from types import ModuleType

import keras
from keras import ops

from zoo_core.models.base import Tensor
from zoo_core.models.layers import product

if keras.backend.backend() == "jax":
    from zoo_core.models.layers import winograd
elif keras.backend.backend() == "torch":
    from zoo_core.models.layers import torch_native

WINOGRAD_CHANNELS = 16
"""With fewer, in or out, the additions of the transforms cost more than the multiplications that they save."""


class Conv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D`, with 4x4 stride-2 kernels in a faster form on JAX on a CPU, and on torch.

    Input shape: (N, H, W, C). Output shape: (N, ⌈H/2⌉, ⌈W/2⌉, filters) for such kernels.
    """

    def call(self, inputs: Tensor) -> Tensor:
        form = _faster_form(self, inputs)
        if form is None or self.groups != 1:
            return super().call(inputs)
        return _finish(self, form.conv(inputs, ops.convert_to_tensor(self.kernel)))


class Conv2DTranspose(keras.layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose`, with 4x4 stride-2 kernels in a faster form on JAX on a CPU, and on torch.

    Input shape: (N, H, W, C). Output shape: (N, 2H, 2W, filters) for such kernels.
    """

    def call(self, inputs: Tensor) -> Tensor:
        form = _faster_form(self, inputs)
        if form is None or self.output_padding is not None:
            return super().call(inputs)
        return _finish(self, form.conv_transpose(inputs, ops.convert_to_tensor(self.kernel)))


def _faster_form(layer: keras.layers.Layer, inputs: Tensor) -> ModuleType | None:
    """The module of the form that is faster than Keras', None where none is."""
    suits = (
        layer.kernel_size == (4, 4)
        and layer.strides == (2, 2)
        and layer.padding == "same"
        and layer.dilation_rate == (1, 1)
        and layer.data_format == "channels_last"
        and not isinstance(inputs, keras.KerasTensor)
    )
    if suits and keras.backend.backend() == "torch":
        return torch_native
    if suits and keras.backend.backend() == "jax" and winograd.on_cpu():
        return winograd if _suits_winograd(layer, inputs) else product
    return None


def _suits_winograd(layer: keras.layers.Layer, inputs: Tensor) -> bool:
    """Its sums of inputs would be rounded in half precision before they are multiplied."""
    precise = keras.backend.standardize_dtype(inputs.dtype) in ("float32", "float64")
    return precise and min(layer.kernel.shape[2:]) >= WINOGRAD_CHANNELS


def _finish(layer: keras.layers.Layer, outputs: Tensor) -> Tensor:
    if layer.use_bias:
        outputs = outputs + layer.bias
    return outputs if layer.activation is None else layer.activation(outputs)
