"""Images of any size through a function of images of one size: overlapping tiles, blended."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from zoo_core.errors import UsageError

AT_ONCE = 16
"""Tiles that the function gets in one call; always so many, since it may be compiled for their number."""

Function = Callable[[np.ndarray, int], np.ndarray]
"""`function(tiles, first)`: uint8 (16, h, w, C), the first of them with this number → uint8 (16, h', w', C')."""


@dataclass(frozen=True)
class Tiling:
    """How an image is divided.

    Tiles lie evenly, and each overlaps the next by at least half, so that every pixel away from the image's border is
    well inside of one. What they become is averaged with weights that fall off linearly from a tile's middle to its
    edges: no seam is left where one begins. An image smaller than a tile is mirrored at its end, and cut again.

    Args:
        size: (H, W) of the image.
        tile: (h, w) of what the function takes.
        made: (h', w', C') of what it gives.

    Raises:
        UsageError: where an image that is no tile itself can't be put together, h' being no multiple of h, or w' of w.
    """

    size: tuple[int, int]
    tile: tuple[int, int]
    made: tuple[int, int, int]

    def __post_init__(self) -> None:
        if self.size != self.tile and any(self.made[axis] % self.tile[axis] for axis in (0, 1)):
            raise UsageError(
                f"The model makes {_text(self.made)} pixels of {_text(self.tile)}, which is no whole factor: tiles "
                f"can't be put together to an image of {_text(self.size)}.",
                f"Bring the images to {_text(self.tile)} pixels.",
            )

    def __len__(self) -> int:
        """The number of tiles."""
        return len(self._starts(0)) * len(self._starts(1))

    @property
    def result(self) -> tuple[int, int]:
        """(H', W') of what becomes of the image, H' = H·h'/h and W' = W·w'/w."""
        return self._scaled(self.size[0], 0), self._scaled(self.size[1], 1)

    def apply(self, image: np.ndarray, function: Function, tell: Callable[[int], object]) -> np.ndarray:
        """Put the image through the function.

        Args:
            image: uint8 (H, W, C).
            tell: is told how many further tiles are done.

        Returns:
            uint8 (H', W', C'), the size as `result` tells.
        """
        missing = [(0, max(0, self.tile[axis] - self.size[axis])) for axis in (0, 1)]
        image = np.pad(image, [*missing, (0, 0)], mode="symmetric")
        corners = [(y, x) for y in self._starts(0) for x in self._starts(1)]
        total = np.zeros((*map(self._scaled, image.shape[:2], (0, 1)), self.made[2]), np.float32)
        weights = np.zeros((*total.shape[:2], 1), np.float32)
        hat = _hat(self.made[0])[:, None, None] * _hat(self.made[1])[:, None]
        for first in range(0, len(corners), AT_ONCE):
            some = corners[first : first + AT_ONCE]
            tiles = np.stack([image[y : y + self.tile[0], x : x + self.tile[1]] for y, x in some])
            made = function(np.resize(tiles, (AT_ONCE, *tiles.shape[1:])), first)
            for (y, x), one in zip(some, made, strict=False):
                top, left = self._scaled(y, 0), self._scaled(x, 1)
                here = slice(top, top + self.made[0]), slice(left, left + self.made[1])
                total[here] += hat * one
                weights[here] += hat
            tell(len(some))
        height, width = self.result
        return np.floor(total / weights + 0.5).astype(np.uint8)[:height, :width]

    def _starts(self, axis: int) -> list[int]:
        size, tile = self.size[axis], self.tile[axis]
        if size <= tile:
            return [0]
        count = 1 + -(-(size - tile) // max(1, tile // 2))
        return [round(start) for start in np.linspace(0, size - tile, count)]

    def _scaled(self, length: int, axis: int) -> int:
        """From pixels of the image to those of the result."""
        return length * self.made[axis] // self.tile[axis]


def _hat(length: int) -> np.ndarray:
    """1, 2, … and down to 1 again."""
    up = np.arange(1, length + 1, dtype=np.float32)
    return np.minimum(up, up[::-1])


def _text(size: tuple[int, ...]) -> str:
    return f"{size[0]}x{size[1]}"
