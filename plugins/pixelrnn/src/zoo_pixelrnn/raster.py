"""Pixel by pixel, in raster order: each one drawn given all before it.

At a pixel only what is new there is computed: of each Row LSTM the one state, whose neighbours above and whose input to
the left are kept. That gives what the whole network would.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from zoo_core.models import Tensor
from zoo_pixelrnn.layers import ABOVE, REACH, neighbours
from zoo_pixelrnn.network import RowLSTMNetwork

Draw = Callable[[Tensor, Tensor], Tensor]
"""`draw(logits, noise)`: of (N, outcomes) and U[0, 1) noise (N,) a value in [-1, 1], (N,)."""


def paint(network: RowLSTMNetwork, draw: Draw, noise: Tensor, known: Tensor, mask: Tensor) -> Tensor:
    """Images whose unknown pixels are drawn.

    Args:
        noise: U[0, 1), (N, H, W, C).
        known: images (N, H, W, C) in [-1, 1].
        mask: bool (N, H, W, 1), true where a pixel is known.

    Returns:
        (N, H, W, C) in [-1, 1].
    """
    count, height, width, colors = noise.shape
    by_rows = [ops.transpose(each, (1, 2, 0, 3)) for each in (noise, known, mask)]  # (H, W, N, ·)
    image = ops.zeros((count, REACH + height, width, colors), noise.dtype)  # with the rows that are beyond the edge
    state = ops.zeros((count, width, network.hidden), network.compute_dtype)
    states = [state for _ in network.rows]

    def row(i: Tensor, carry: tuple[Tensor, list[Tensor], list[Tensor]]) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        image, states, cells = carry  # states and cells of the row above, for each layer (N, W, h)
        seen = ops.slice(image, (0, i, 0, 0), (count, REACH + 1, width, colors))
        above = neighbours(seen, ABOVE)[:, REACH]
        from_above = [layer.from_above(state) for layer, state in zip(network.rows, states, strict=True)]
        given = tuple(ops.take(each, i, axis=0) for each in by_rows)
        pixels, states, cells = _paint_row(network, draw, _columns((above, from_above, cells)), given)
        return ops.slice_update(image, (0, i + REACH, 0, 0), pixels[:, None]), states, cells

    return ops.fori_loop(0, height, row, (image, states, states))[0][:, REACH:]


def _paint_row(
    network: RowLSTMNetwork, draw: Draw, above: Any, given: Any
) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Pixels (N, W, C) of a row, and of each layer its states and cells (N, W, h).

    Args:
        above: what the rows above give to each pixel, axis 0 being the column: pixels (W, N, ·), and for each layer a
            part of its gates (W, N, 4h) and the cells (W, N, h).
        given: noise, known pixels and their mask, (W, N, ·).
    """
    noise = given[0]
    _, count, colors = noise.shape

    def pixel(carry: Any, column: Any) -> tuple[Any, Any]:
        recent, lefts, _, _ = carry  # pixels to the left (N, REACH, C), and there the input of each layer (N, 2h)
        (above, from_above, cells_above), (noise, known, mask) = column
        values = ops.zeros_like(noise)
        for color in range(colors):
            x = network.window(ops.concatenate([above, ops.reshape(recent, (count, -1)), values], axis=1))
            inputs, states, cells = [], [], []
            for layer, left, gates, cell_above in zip(network.rows, lefts, from_above, cells_above, strict=True):
                inputs.append(x)
                x, state, cell = layer.pixel(x, left, gates, cell_above)
                states.append(state)
                cells.append(cell)
            drawn = draw(network.logits(x)[:, color], noise[:, color])
            value = ops.where(mask[:, 0], known[:, color], drawn)[:, None]
            values = ops.concatenate([values[:, :color], value, values[:, color + 1 :]], axis=1)
        new = ops.concatenate([recent[:, 1:], values[:, None]], axis=1), inputs, states, cells
        return new, new  # on TensorFlow a scan has to give what it carries

    recent = ops.zeros((count, REACH, colors), noise.dtype)
    left = ops.zeros((count, 2 * network.hidden), network.compute_dtype)
    state = ops.zeros((count, network.hidden), network.compute_dtype)
    start = recent, *([each for _ in network.rows] for each in (left, state, state))
    _, (recents, _, states, cells) = ops.scan(pixel, start, (above, given))
    return _columns((recents[:, :, -1], states, cells))


def _columns(parts: Any) -> Any:
    """(N, W, ·) to (W, N, ·), of each tensor, and back."""
    return keras.tree.map_structure(lambda tensor: ops.swapaxes(tensor, 0, 1), parts)
