"""Masked products and the Row LSTM, each for a whole image and for one pixel of it.

A convolution is written as a product with the concatenated neighbours: in a loop, XLA's own is about 50 times slower on
a CPU. Neighbours that a mask would hide at all times are left out.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo_core.models import Tensor

Offsets = tuple[tuple[int, int], ...]

REACH = 3
ABOVE: Offsets = tuple((dy, dx) for dy in range(-REACH, 0) for dx in range(-REACH, REACH + 1))
LEFT: Offsets = tuple((0, dx) for dx in range(-REACH, 0))
WINDOW: Offsets = (*ABOVE, *LEFT, (0, 0))
"""What the 7×7 convolution sees: rows above, pixels to the left, and of the pixel itself what mask A leaves."""

LEFT_AND_HERE: Offsets = ((0, -1), (0, 0))
"""What the 3×1 input-to-state convolution sees."""

STATES: Offsets = ((0, -1), (0, 0), (0, 1))
"""What the 3×1 state-to-state convolution sees, in the row above."""


def neighbours(x: Tensor, offsets: Offsets) -> Tensor:
    """The features at each of these (dy, dx) from a pixel, side by side; zero beyond the edge.

    Args:
        x: (N, H, W, F).

    Returns:
        (N, H, W, len(offsets)·F).
    """
    height, width = x.shape[1:3]
    up, left, right = (max(0, *(sign * o[axis] for o in offsets)) for sign, axis in ((-1, 0), (-1, 1), (1, 1)))
    x = ops.pad(x, ((0, 0), (up, 0), (left, right), (0, 0)))
    parts = [x[:, up + dy : up + dy + height, left + dx : left + dx + width] for dy, dx in offsets]
    return ops.concatenate(parts, axis=-1)


def mask(inputs: int, outputs: int, colors: int, itself: bool) -> np.ndarray:
    """Which features of a pixel may see which of the same pixel (section 3.4 of the paper), bool (inputs, outputs).

    Each color has a part of the features, in the order R, G, B, and sees those of the colors before it.

    Args:
        itself: whether it sees itself too: mask B; mask A otherwise.
    """
    sees, seen = color_of(outputs, colors)[None, :], color_of(inputs, colors)[:, None]
    return seen <= sees if itself else seen < sees


def color_of(features: int, colors: int) -> np.ndarray:
    """(features,), from 0."""
    return np.arange(features) * colors // features


class MaskedDense(keras.layers.Layer):
    """x W + b where entries of W are zero.

    Args:
        mask: bool (inputs, outputs), where W is not.

    Input shape: (..., inputs). Output shape: (..., outputs).
    """

    def __init__(self, mask: np.ndarray, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask = mask

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.kernel = self.add_weight(shape=self.mask.shape, initializer="glorot_uniform", name="kernel")
        self.bias = self.add_weight(shape=self.mask.shape[1:], initializer="zeros", name="bias")

    @property
    def masked(self) -> Tensor:
        """W."""
        return self.kernel * self.mask

    def call(self, x: Tensor) -> Tensor:
        return ops.matmul(x, self.masked) + self.bias


class RowLSTM(keras.layers.Layer):
    """A residual block of one Row LSTM layer (section 3.1 and figure 5 of the paper).

    Row by row from the top, the gates of a pixel come from the input at it and to its left, and from the states of the
    three pixels above (eq. 3). With h hidden units the map has 2h features.

    Args:
        width: h.
        colors: 1 or 3.

    Input shape, output shape: (N, H, W, 2h).
    """

    def __init__(self, width: int, colors: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        here = mask(2 * width, width, colors, itself=True)
        self.input_to_state = MaskedDense(np.tile(np.concatenate([np.ones_like(here), here]), 4))
        self.state_to_state = keras.layers.Dense(4 * width, use_bias=False)
        self.up = MaskedDense(mask(width, 2 * width, colors, itself=True))
        self.width = width

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.input_to_state.build((None, 4 * self.width))
        self.state_to_state.build((None, 3 * self.width))
        self.up.build((None, self.width))

    def call(self, x: Tensor) -> Tensor:
        gates = self.input_to_state(neighbours(x, LEFT_AND_HERE))
        nothing = ops.zeros_like(gates[:, 0, :, : self.width])  # (N, W, h)

        def row(carry: tuple[Tensor, Tensor], gates: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
            state, cell = carry
            new = self.cell(gates + self.from_above(state), cell)
            return new, new

        _, (states, _) = ops.scan(row, (nothing, nothing), ops.swapaxes(gates, 0, 1))
        return x + self.up(ops.swapaxes(states, 0, 1))

    def from_above(self, states: Tensor) -> Tensor:
        """What the states of a row (N, W, h) give to the gates of the row below, (N, W, 4h)."""
        return self.state_to_state(neighbours(states[:, None], STATES)[:, 0])

    def cell(self, gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        """Eq. 3: gates (..., 4h) and the cell above (..., h) → state and cell, (..., h) both."""
        output, forget, write, content = ops.split(gates, 4, axis=-1)
        cell = ops.sigmoid(forget) * cell + ops.sigmoid(write) * ops.tanh(content)
        return ops.sigmoid(output) * ops.tanh(cell), cell

    def pixel(self, x: Tensor, left: Tensor, from_above: Tensor, cell: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`call` at one pixel.

        Args:
            x, left: the input there and to the left, (N, 2h).
            from_above: `from_above` there, (N, 4h).
            cell: of the pixel above, (N, h).

        Returns:
            The output (N, 2h), state and cell (N, h).
        """
        gates = self.input_to_state(ops.concatenate([left, x], axis=-1))
        state, cell = self.cell(gates + from_above, cell)
        return x + self.up(state), state, cell
