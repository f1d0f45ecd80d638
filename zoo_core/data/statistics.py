"""The mean and the standard deviation of each channel, from integer sums: the same whatever the order of the images."""

import math
from dataclasses import dataclass

import numpy as np

_CHUNK = 2**24  # bytes that are widened to 64 bits at once


@dataclass(frozen=True)
class Statistics:
    """Sums over pixels, levels 0 to 255, by channel.

    Attributes:
        count: pixels of a channel.
        sums, squares: (C,) each, of the levels and of their squares.
    """

    count: int
    sums: tuple[int, ...]
    squares: tuple[int, ...]

    @classmethod
    def empty(cls, channels: int) -> "Statistics":
        return cls(0, (0,) * channels, (0,) * channels)

    @classmethod
    def of(cls, images: np.ndarray) -> "Statistics":
        """Of uint8 images (N, H, W, C)."""
        found, step = cls.empty(images.shape[3]), max(1, _CHUNK // max(1, images[0].nbytes))
        for start in range(0, len(images), step):
            pixels = images[start : start + step].reshape(-1, images.shape[3])  # (N*H*W, C)
            counts = [np.bincount(channel, minlength=256).astype(np.int64) for channel in pixels.T]
            levels = np.arange(256, dtype=np.int64)
            sums, squares = ([int(count @ values) for count in counts] for values in (levels, levels**2))
            found += cls(len(pixels), tuple(sums), tuple(squares))
        return found

    def __add__(self, other: "Statistics") -> "Statistics":
        sums, squares = (
            tuple(a + b for a, b in zip(mine, others, strict=True))
            for mine, others in ((self.sums, other.sums), (self.squares, other.squares))
        )
        return Statistics(self.count + other.count, sums, squares)

    def means(self) -> tuple[float, ...]:
        """In levels, 0 to 255."""
        return tuple(total / self.count for total in self.sums)

    def deviations(self) -> tuple[float, ...]:
        """Standard deviations of the population, in levels."""
        variances = (
            # As integers to the last step, where nothing is lost.
            (self.count * square - total**2) / self.count**2
            for total, square in zip(self.sums, self.squares, strict=True)
        )
        return tuple(math.sqrt(variance) for variance in variances)
