"""Residual blocks, and the convolution that enlarges: what networks are made of that restore images.

They keep every pixel where it is, so that images may have any size.
"""

from collections.abc import Callable

import keras
from keras import layers as keras_layers
from keras import ops

from zoo_core.models.base import Tensor
from zoo_core.models.blocks import batch_norm

Activation = Callable[[], keras.layers.Layer]


def prelu() -> keras.layers.Layer:
    """A ReLU with a learned slope below zero, one for each channel, 0.25 at first (He et al. 2015, "Delving Deep into
    Rectifiers", https://arxiv.org/abs/1502.01852, section 2.1)."""
    return keras_layers.PReLU(alpha_initializer=keras.initializers.Constant(0.25), shared_axes=[1, 2])


def residual_block(x: Tensor, *, activation: Activation = keras_layers.ReLU, normalize: bool = True) -> Tensor:
    """Images plus what two 3x3 convolutions with as many channels make of them, the activation between the two.

    He et al., "Deep Residual Learning for Image Recognition" (2016), https://arxiv.org/abs/1512.03385, figure 2, but
    without the activation after the sum, as in networks that restore images (Ledig et al. 2017,
    https://arxiv.org/abs/1609.04802, figure 4).

    Args:
        x: (N, H, W, C).
        activation: makes the layer between the convolutions.
        normalize: batch normalization after each convolution.

    Returns:
        (N, H, W, C).
    """

    def convolve(x: Tensor) -> Tensor:
        x = keras_layers.Conv2D(x.shape[-1], 3, padding="same", use_bias=not normalize)(x)
        return batch_norm()(x) if normalize else x

    return keras_layers.Add()([x, convolve(activation()(convolve(x)))])


def sub_pixel(x: Tensor, channels: int, factor: int) -> Tensor:
    """Images enlarged by a 3x3 convolution that makes factor² pixels of each one: sub-pixel convolution, pixel shuffle.

    Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural
    Network" (2016), https://arxiv.org/abs/1609.05158, equations 3 and 4.

    Args:
        x: (N, H, W, C).
        channels: of the result.
        factor: at least 2.

    Returns:
        (N, H·factor, W·factor, channels).
    """
    x = keras_layers.Conv2D(channels * factor**2, 3, padding="same")(x)
    return ops.depth_to_space(x, factor)
