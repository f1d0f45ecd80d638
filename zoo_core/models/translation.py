"""Networks from image to image, for images of any size of at least 16 pixels: U-Net and a discriminator of patches.

Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks" (2017),
https://arxiv.org/abs/1611.07004.
"""

import keras
from keras import layers as keras_layers
from keras import ops

from zoo_core.models import layers
from zoo_core.models.base import Tensor
from zoo_core.models.blocks import batch_norm, check_shape, doubled, small_normal

MOST_HALVINGS = 8
DROPPED = 3
"""Layers of the decoder that drop values, from the innermost on."""

LARGEST_PATCHES = 3


def u_net_stages(shape: tuple[int, int, int]) -> int:
    """How often the shorter side of (H, W, C) halves, rounded up, until it is 1, at most 8 times: 16 four times, 28 and
    32 five times, 256 eight times."""
    return min(MOST_HALVINGS, (min(shape[:2]) - 1).bit_length())


def patch_stages(shape: tuple[int, int, int], model: str) -> int:
    """How many halvings make the largest patches that fit into images (H, W, C): patches are of 16 pixels with one, 34
    with two, 70 with three, which is the most.

    Raises:
        UnsupportedShape: below 16 pixels, or with other than 1 or 3 channels.
    """
    check_shape(shape, model, patch_side(1), "SET@32~noise25")
    return max(stages for stages in range(1, LARGEST_PATCHES + 1) if patch_side(stages) <= min(shape[:2]))


def patch_side(stages: int) -> int:
    """The side, in pixels, of what one output of `patches` sees."""
    return 18 * 2 ** (stages - 1) - 2


def enlarge(x: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Images (N, H', W', C') brought bilinearly to the size of `shape` (H, W, C), where they have another."""
    size = shape[:2]
    return x if tuple(x.shape[1:3]) == size else ops.image.resize(x, size, interpolation="bilinear")


def u_net(x: Tensor, channels: int, width: int, stages: int, dropout: float = 0.0) -> Tensor:
    """From images to pre-activations of images of the same size, through ever fewer pixels and back.

    Strided 4x4 convolutions halve the sides, rounded up; transposed ones double them, and lose a row or a column where
    a side was odd. What goes in at each size stands again beside what comes out of the smaller ones (skip connections).
    The outermost layer has `width` channels, each further one twice as many, up to 8 times `width`. LeakyReLU on the
    way down, ReLU on the way up; batch normalization after every layer but the first, the innermost and the last.

    Args:
        x: (N, H, W, C).
        channels: of the result.
        stages: how often the sides halve.
        dropout: the share of values dropped in the three innermost layers on the way up, also while sampling: the only
            noise that such a network has.

    Returns:
        (N, H, W, channels).
    """
    skips = []
    for i in range(stages):
        skips.append(x)
        normalize = 0 < i < stages - 1
        x = layers.Conv2D(doubled(width, i), 4, 2, "same", use_bias=not normalize, kernel_initializer=small_normal())(x)
        x = keras_layers.LeakyReLU(0.2)(batch_norm()(x) if normalize else x)
    for i in reversed(range(1, stages)):
        x = layers.Conv2DTranspose(
            doubled(width, i - 1), 4, 2, "same", use_bias=False, kernel_initializer=small_normal()
        )(x)
        x = batch_norm()(_cropped(x, skips[i]))
        if dropout and stages - i <= DROPPED:
            x = layers.Dropout(dropout, always=True)(x)
        x = keras_layers.Concatenate()([keras_layers.ReLU()(x), skips[i]])
    x = layers.Conv2DTranspose(channels, 4, 2, "same", kernel_initializer=small_normal())(x)
    return _cropped(x, skips[0])


def patches(x: Tensor, width: int, stages: int) -> Tensor:
    """One logit for every patch of images, overlapping: a discriminator of texture (PatchGAN, section 3.2.2).

    Args:
        x: (N, H, W, C), an image, or an image and the input that it was made from, joined along C.
        width: channels of the first layer; each further one has twice as many, up to 8 times `width`.
        stages: see `patch_stages`; what one logit sees has the side `patch_side(stages)`.

    Returns:
        (N, ⌈H/2^stages⌉, ⌈W/2^stages⌉, 1).
    """
    for i in range(stages + 1):
        x = layers.Conv2D(
            doubled(width, i),
            4,
            strides=2 if i < stages else 1,
            padding="same",
            use_bias=i == 0,
            kernel_initializer=small_normal(),
        )(x)
        x = keras_layers.LeakyReLU(0.2)(batch_norm()(x) if i else x)
    return keras_layers.Conv2D(1, 4, padding="same", kernel_initializer=small_normal())(x)


def _cropped(x: Tensor, like: Tensor) -> Tensor:
    """Without the last row or column where `like` has one less."""
    bottom, right = x.shape[1] - like.shape[1], x.shape[2] - like.shape[2]
    return keras.layers.Cropping2D(((0, bottom), (0, right)))(x) if bottom or right else x
