"""How the graph of 2015 brings an image to 299x299: bilinearly, as TensorFlow 1 did."""

from collections.abc import Callable
from typing import Any

import numpy as np

from zoo_core.features.inception.architecture import SIDE

Take = Callable[[Any, np.ndarray, int], Any]
"""`take(x, indices, axis)`: what `np.take` and its like do."""


def prepare(take: Take, images: Any) -> Any:
    """Resize, then (x - 128) / 128, in float32 and in the order of the reference.

    Output pixel i lies at i·(in/out) of the source, no half pixel added, and mixes the pixels on both sides of there,
    the edge repeated outwards; nothing is smoothed before shrinking. torch-fidelity's
    `interpolate_bilinear_2d_like_tensorflow1x` is the reference. Gray images become RGB by repetition.

    Args:
        take: for the kind of array that `images` is.
        images: (N, H, W, C) float32 in [0, 255], C 1 or 3.

    Returns:
        (N, 299, 299, 3) float32 in [-1, 1), of the same kind.
    """
    for axis in (2, 1):
        low, high, share = interpolation(images.shape[axis], SIDE)
        share = share.reshape(-1, *[1] * (3 - axis))  # (299, 1) along the width, (299, 1, 1) along the height
        pixels = take(images, low, axis)
        images = pixels + (take(images, high, axis) - pixels) * share
    middle = np.full(1, 128, np.float32)  # an array, since OpenVINO gives a bare number another type
    images = (images - middle) / middle
    return images if images.shape[3] == 3 else take(images, np.zeros(3, np.int32), 3)


def interpolation(before: int, after: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which pixels of a line of `before` each pixel of the resized line mixes.

    Returns:
        The pixel before it and the pixel behind it, (after,) int32, and the share of the latter, (after,) float32.
    """
    place = np.arange(after, dtype=np.float32) * np.float32(before / after)
    low = place.astype(np.int32)
    return low, np.minimum(low + 1, before - 1), place - low.astype(np.float32)
