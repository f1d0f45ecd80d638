"""DiffAugment: random changes of what a discriminator sees, real and generated, through which gradients flow.

Zhao et al., "Differentiable Augmentation for Data-Efficient GAN Training" (2020), https://arxiv.org/abs/2006.10738.
Ranges and order are those of the authors' code. Whatever is random is so for each image.
"""

from collections.abc import Callable, Sequence

from keras import ops

from zoo_core.models.base import Tensor, Tools

SHIFT = 1 / 8
"""The largest translation, a share of the side."""

CUTOUT = 1 / 2
"""The side of what is cut out, a share of the image's."""


def diff_augment(images: Tensor, policies: Sequence[str], tools: Tools) -> Tensor:
    """Apply policies in turn.

    Args:
        images: (N, H, W, C) in [-1, 1].
        policies: out of `POLICIES`.
        tools: what draws the noise.

    Returns:
        (N, H, W, C); "color" can leave [-1, 1].
    """
    for policy in policies:
        images = _APPLY[policy](images, tools)
    return images


def _color(images: Tensor, tools: Tools) -> Tensor:
    """Brightness shifted by U[-0.5, 0.5), saturation scaled by U[0, 2), contrast scaled by U[0.5, 1.5)."""
    each = (images.shape[0], 1, 1, 1)
    images = images + (tools.uniform(each) - 0.5)
    gray = ops.mean(images, axis=3, keepdims=True)
    images = (images - gray) * (2.0 * tools.uniform(each)) + gray
    mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
    return (images - mean) * (tools.uniform(each) + 0.5) + mean


def _translation(images: Tensor, tools: Tools) -> Tensor:
    """Moved by up to 1/8 of the sides, zero where nothing comes in."""
    for axis in (1, 2):
        size = images.shape[axis]
        most = int(SHIFT * size + 0.5)
        shift = tools.randint((images.shape[0], 1, 1, 1), 2 * most + 1) - most
        source = ops.clip(_positions(size, axis) - shift + 1, 0, size + 1)  # 0 and size + 1 are the padding
        padded = ops.pad(images, [(1, 1) if i == axis else (0, 0) for i in range(4)])
        images = ops.take_along_axis(padded, source, axis=axis)
    return images


def _cutout(images: Tensor, tools: Tools) -> Tensor:
    """Zero in a rectangle of half the sides, whose centre is anywhere in the image."""
    inside = True
    for axis in (1, 2):
        size = images.shape[axis]
        side = int(CUTOUT * size + 0.5)
        first = tools.randint((images.shape[0], 1, 1, 1), size + 1 - side % 2) - side // 2
        position = _positions(size, axis)
        inside = ops.logical_and(inside, ops.logical_and(position >= first, position < first + side))
    return ops.where(inside, 0.0, images)


def _positions(size: int, axis: int) -> Tensor:
    """0 … size - 1 along one of four axes."""
    return ops.reshape(ops.arange(size, dtype="int32"), [size if i == axis else 1 for i in range(4)])


_APPLY: dict[str, Callable[[Tensor, Tools], Tensor]] = {
    "color": _color,
    "translation": _translation,
    "cutout": _cutout,
}

POLICIES = tuple(_APPLY)
"""Names of the policies, in the order in which the authors apply them."""
