"""Convolutional blocks for images of any size of at least 8 pixels: halving and doubling by 4x4 stride-2 layers."""

from collections.abc import Callable

import keras
from keras import layers as keras_layers

from zoo_core.errors import UnsupportedShape
from zoo_core.models import layers
from zoo_core.models.base import Tensor

SMALLEST_SIDE = 8


def halvings(shape: tuple[int, int, int], model: str) -> int:
    """How often the shorter side of (H, W, C) halves until it is 4 or less: 16 twice, 28 and 32 three times.

    Raises:
        UnsupportedShape: below 8 pixels, or with other than 1 or 3 channels.
    """
    check_shape(shape, model, SMALLEST_SIDE, "SET@16")
    return ((min(shape[:2]) - 1) // 4).bit_length()


def check_shape(shape: tuple[int, int, int], model: str, side: int, example: str) -> None:
    """Refuse images (H, W, C) that a model can't take.

    Args:
        side: the smallest that it takes, in pixels.
        example: data that it could take, for the hint, such as "SET@16".

    Raises:
        UnsupportedShape: below that side, or with other than 1 or 3 channels.
    """
    height, width, channels = shape
    if min(height, width) < side or channels not in (1, 3):
        raise UnsupportedShape(
            f"{model} takes images of at least {side}x{side} pixels with 1 or 3 channels, "
            f"received {height}x{width} with {channels}.",
            f"Ask for a larger size, for example --data {example}.",
        )


def doubled(width: int, times: int) -> int:
    """The channels of a layer: `width` doubled so many times, up to 8 times `width`."""
    return width * min(8, 2**times)


def small_normal() -> keras.initializers.Initializer:
    """N(0, 0.02), the initialisation of Radford et al. 2015. A new object each time: one object, one draw."""
    return keras.initializers.RandomNormal(stddev=0.02)


def batch_norm() -> keras.layers.Layer:
    """Batch normalization as convolutional GANs use it: momentum 0.9, ε 1e-5."""
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)


def grow(
    x: Tensor,
    shape: tuple[int, int, int],
    width: int,
    stages: int,
    *,
    normalize: bool = True,
    initializer: Callable[[], keras.initializers.Initializer] = small_normal,
) -> Tensor:
    """From a vector to an image's pre-activations by transposed convolutions, ReLU between them.

    The last hidden layer has `width` channels, and each one before it twice as many, up to 8 times `width`. Where a
    side is no multiple of 2^stages the middle of a slightly larger image is taken.

    Args:
        x: (N, D).
        shape: (H, W, C) of the image.
        stages: how often the size doubles.
        normalize: batch normalization after every layer but the last.
        initializer: makes the initializer of every kernel but the last one's, which is N(0, 0.02).

    Returns:
        (N, H, W, C).
    """
    height, across, channels = shape
    base_height, base_width = -(-height >> stages), -(-across >> stages)
    filters = [doubled(width, i) for i in reversed(range(stages))]

    def activate(x: Tensor) -> Tensor:
        return keras_layers.ReLU()(batch_norm()(x) if normalize else x)

    x = keras_layers.Dense(
        base_height * base_width * filters[0], use_bias=not normalize, kernel_initializer=initializer()
    )(x)
    x = activate(keras_layers.Reshape((base_height, base_width, filters[0]))(x))
    for count in filters[1:]:
        x = layers.Conv2DTranspose(
            count, 4, strides=2, padding="same", use_bias=not normalize, kernel_initializer=initializer()
        )(x)
        x = activate(x)
    x = layers.Conv2DTranspose(channels, 4, strides=2, padding="same", kernel_initializer=small_normal())(x)
    top, left = (x.shape[1] - height) // 2, (x.shape[2] - across) // 2
    bottom, right = x.shape[1] - height - top, x.shape[2] - across - left
    if top or left or bottom or right:
        x = keras_layers.Cropping2D(((top, bottom), (left, right)))(x)
    return x


def shrink(
    x: Tensor,
    width: int,
    stages: int,
    *,
    slope: float = 0.2,
    normalize: bool = True,
    initializer: Callable[[], keras.initializers.Initializer] = small_normal,
) -> Tensor:
    """From images to a flat vector by strided convolutions and LeakyReLU.

    The first layer has `width` channels, each further one twice as many, up to 8 times `width`.

    Args:
        x: (N, H, W, C).
        stages: how often the size halves.
        slope: of LeakyReLU below zero; 0 makes it a ReLU.
        normalize: batch normalization after every layer but the first.
        initializer: makes the initializer of every kernel.

    Returns:
        (N, ⌈H/2^stages⌉ · ⌈W/2^stages⌉ · channels).
    """
    for i in range(stages):
        x = layers.Conv2D(
            doubled(width, i),
            4,
            strides=2,
            padding="same",
            use_bias=not normalize or i == 0,
            kernel_initializer=initializer(),
        )(x)
        if normalize and i > 0:
            x = batch_norm()(x)
        x = keras_layers.LeakyReLU(slope)(x)
    return keras_layers.Flatten()(x)
