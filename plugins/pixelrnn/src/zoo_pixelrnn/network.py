"""The whole network: every pixel at once, where all are known."""

from itertools import pairwise
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo_core.models import Tensor
from zoo_pixelrnn.layers import ABOVE, LEFT, WINDOW, MaskedDense, RowLSTM, mask, neighbours


class RowLSTMNetwork(keras.Model):
    """From an image to the logits of each of its values, given all values before it (table 1 of the paper).

    A masked 7×7 convolution, residual Row LSTM layers, two masked 1×1 convolutions, and a third one for the logits.

    Args:
        shape: (H, W, C) of an image.
        layers: how many Row LSTMs.
        width: their hidden units h.
        features: of the two layers before the softmax.
        outcomes: logits of each value.

    Input shape: (N, H, W, C) in [-1, 1]. Output shape: (N, H, W, C, outcomes).
    """

    def __init__(
        self, shape: tuple[int, int, int], layers: int, width: int, features: int, outcomes: int, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.image_shape, self.hidden, self.outcomes, colors = shape, width, outcomes, shape[2]
        all_before = np.ones((colors * len(ABOVE + LEFT), 2 * width), bool)
        self.window = MaskedDense(np.concatenate([all_before, mask(colors, 2 * width, colors, itself=False)]))
        self.rows = [RowLSTM(width, colors) for _ in range(layers)]
        sizes = (2 * width, features, features, colors * outcomes)
        self.head = [MaskedDense(mask(*pair, colors, itself=True)) for pair in pairwise(sizes)]

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        x = self.window(neighbours(images, WINDOW))
        for layer in self.rows:
            x = layer(x)
        return self.logits(x)

    def logits(self, x: Tensor) -> Tensor:
        """(..., 2h) → (..., C, outcomes)."""
        for layer in self.head:
            x = layer(ops.relu(x))
        return ops.reshape(x, (-1, *x.shape[1:-1], self.image_shape[2], self.outcomes))
