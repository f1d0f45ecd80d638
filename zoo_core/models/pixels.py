"""Between a model's images, float in [-1, 1], and images as they are stored, shown and measured, uint8."""

import keras
import numpy as np
from keras import ops

from zoo_core.errors import ZooError
from zoo_core.models.base import Tensor


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Round 127.5·x + 127.5 half up, clipped to [0, 255]; `from_uint8` undoes it, and this undoes `from_uint8`.

    Args:
        images: float, any shape; [-1, 1] is what has its own level, and what lies outside is clipped.

    Returns:
        uint8 of the same shape.

    Raises:
        ZooError: where a value is not finite.
    """
    if not np.isfinite(images).all():
        raise ZooError(
            "Expected finite images, received NaN or infinity.",
            "The model has probably diverged: train it again with a lower learning rate or another seed.",
        )
    return np.clip(np.floor(127.5 * images + 128.0), 0, 255).astype(np.uint8)


def from_uint8(images: np.ndarray) -> np.ndarray:
    """uint8 levels 0 to 255 as float32 in [-1, 1], any shape."""
    return images.astype(np.float32) / np.float32(127.5) - np.float32(1)


def scale(images: Tensor) -> Tensor:
    """`from_uint8` of a tensor, in the float type of Keras."""
    return ops.cast(images, keras.config.floatx()) / 127.5 - 1.0
