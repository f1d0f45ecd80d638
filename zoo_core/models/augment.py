"""DiffAugment: random changes of what a discriminator sees, real and generated, through which gradients flow.

Zhao et al., "Differentiable Augmentation for Data-Efficient GAN Training" (2020), https://arxiv.org/abs/2006.10738.
Ranges and order are those of the authors' code. Whatever is random is so for each image.
"""

from collections.abc import Callable, Sequence

import keras
from keras import ops

from zoo_core.models.base import Tensor, Tools

Change = Callable[[Tensor], Tensor]
Shape = tuple[int, int, int, int]

SHIFT = 1 / 8
"""The largest translation, a share of the side."""

CUTOUT = 1 / 2
"""The side of what is cut out, a share of the image's."""


def diff_augment(images: Tensor | list[Tensor], policies: Sequence[str], tools: Tools) -> Tensor | list[Tensor]:
    """Apply policies in turn.

    Args:
        images: (N, H, W, C) in [-1, 1]; or a list of such, of one size, that belong together, such as inputs and what
            is made of them: the noise is the same for all, grays and means are each one's own.
        policies: out of `POLICIES`.
        tools: what draws the noise.

    Returns:
        As `images`; "color" can leave [-1, 1].
    """
    shape = keras.tree.flatten(images)[0].shape
    for policy in policies:
        images = keras.tree.map_structure(_CHANGES[policy](shape, tools), images)
    return images


def _color(shape: Shape, tools: Tools) -> Change:
    """Brightness shifted by U[-0.5, 0.5), saturation scaled by U[0, 2), contrast scaled by U[0.5, 1.5)."""
    each = (shape[0], 1, 1, 1)
    brightness, saturation, contrast = (tools.uniform(each) for _ in range(3))

    def change(images: Tensor) -> Tensor:
        images = images + (brightness - 0.5)
        gray = ops.mean(images, axis=3, keepdims=True)
        images = (images - gray) * (2.0 * saturation) + gray
        mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
        return (images - mean) * (contrast + 0.5) + mean

    return change


def _translation(shape: Shape, tools: Tools) -> Change:
    """Moved by up to 1/8 of the sides, zero where nothing comes in."""
    sources = {}
    for axis in (1, 2):
        size = shape[axis]
        most = int(SHIFT * size + 0.5)
        shift = tools.randint((shape[0], 1, 1, 1), 2 * most + 1) - most
        sources[axis] = ops.clip(_positions(size, axis) - shift + 1, 0, size + 1)  # 0 and size + 1 are the padding

    def change(images: Tensor) -> Tensor:
        for axis, source in sources.items():
            padded = ops.pad(images, [(1, 1) if i == axis else (0, 0) for i in range(4)])
            images = ops.take_along_axis(padded, source, axis=axis)
        return images

    return change


def _cutout(shape: Shape, tools: Tools) -> Change:
    """Zero in a rectangle of half the sides, whose centre is anywhere in the image."""
    inside = True
    for axis in (1, 2):
        size = shape[axis]
        side = int(CUTOUT * size + 0.5)
        first = tools.randint((shape[0], 1, 1, 1), size + 1 - side % 2) - side // 2
        position = _positions(size, axis)
        inside = ops.logical_and(inside, ops.logical_and(position >= first, position < first + side))
    return lambda images: ops.where(inside, 0.0, images)


def _positions(size: int, axis: int) -> Tensor:
    """0 … size - 1 along one of four axes."""
    return ops.reshape(ops.arange(size, dtype="int32"), [size if i == axis else 1 for i in range(4)])


_CHANGES: dict[str, Callable[[Shape, Tools], Change]] = {
    "color": _color,
    "translation": _translation,
    "cutout": _cutout,
}

POLICIES = tuple(_CHANGES)
"""Names of the policies, in the order in which the authors apply them."""
