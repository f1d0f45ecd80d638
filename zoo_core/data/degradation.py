"""Degradations: from a clean image to the input that a model is to restore it from, made whenever a batch is read.

`noise25`, as it stands after `~` in a source, is one. It happens on the host, with NumPy, SciPy and Pillow.
"""

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image

from zoo_core.errors import UsageError, unknown

MID_GRAY = 128

Seed = Sequence[int]
"""Integers from 0 on, from which the noise of one image follows."""


@dataclass(frozen=True)
class Degradation:
    """A pure function of images and their seeds.

    Args:
        kind: one of `KINDS`.
        amount: how much of it, as its kind says.

    Raises:
        UsageError: for an unknown kind, or an amount out of its bounds.
    """

    kind: str
    amount: float

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            hint = f"Known: {', '.join(KINDS)}. A path that ends like that needs a / after it."
            raise unknown("degradation", self.kind, KINDS, hint)
        kind = KINDS[self.kind]
        if not kind.lowest <= self.amount <= kind.highest or (kind.whole and self.amount % 1):
            raise UsageError(
                f"The amount of '{self.kind}' is {kind.amount}, from {kind.lowest:g} to {kind.highest:g}; "
                f"received {'none' if math.isnan(self.amount) else f'{self.amount:g}'}.",
                f"For example: mnist~{self.kind}{kind.example:g}",
            )

    @classmethod
    def parse(cls, text: str) -> "Degradation":
        """`noise25`: a kind with its amount right after it, a decimal number. Raises as the class itself does."""
        name = text.rstrip("0123456789.")
        try:
            return cls(name, float(text[len(name) :] or "nan"))
        except ValueError:  # as of "2.5.5"
            return cls(name, math.nan)

    def shape(self, shape: tuple[int, int, int]) -> tuple[int, int, int]:
        """(H', W', C) of what becomes of images (H, W, C).

        Raises:
            UsageError: where the factor of a `downscale` does not divide both sides.
        """
        height, width, channels = shape
        if self.kind != "downscale":
            return shape
        factor = int(self.amount)
        if height % factor or width % factor:
            raise UsageError(
                f"Images of {height}x{width} can't be downscaled by {factor}: both sides should be multiples of it.",
                f"Name such a size: mnist@{8 * factor}~downscale{factor}",
            )
        return height // factor, width // factor, channels

    def __call__(self, images: np.ndarray, seeds: Sequence[Seed]) -> np.ndarray:
        """Degrade each image on its own.

        Args:
            images: uint8 (N, H, W, C), C 1 or 3.
            seeds: one for each image.

        Returns:
            uint8 (N, H', W', C), as `shape` says.
        """
        degraded = np.empty((len(images), *self.shape(images.shape[1:])), np.uint8)
        degrade = KINDS[self.kind].degrade
        for image, seed, place in zip(images, seeds, degraded, strict=True):
            place[...] = degrade(image, self.amount, seed).reshape(place.shape)
        return degraded


class DegradedImages:
    """What the images of a split are to be restored from: made of them when asked for, and always alike, since the
    noise of an image depends on its number alone.

    Indexed as an array uint8 (N, H', W', C) would be, by a slice or by integers (n,).
    """

    def __init__(self, images: np.ndarray, degradation: Degradation) -> None:
        self.shape = (len(images), *degradation.shape(images.shape[1:]))
        self._images = images
        self._degradation = degradation

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, chosen: slice | np.ndarray) -> np.ndarray:
        numbers = np.arange(len(self))[chosen]
        return self._degradation(np.asarray(self._images[chosen]), [(number,) for number in numbers.tolist()])


def _downscale(image: np.ndarray, factor: float, seed: Seed) -> np.ndarray:
    height, width = image.shape[0] // int(factor), image.shape[1] // int(factor)
    return np.asarray(_pillow(image).resize((width, height), Image.Resampling.BICUBIC))


def _noise(image: np.ndarray, sigma: float, seed: Seed) -> np.ndarray:
    return _levels(image + np.float32(sigma) * _random(seed).standard_normal(image.shape, np.float32))


def _blur(image: np.ndarray, sigma: float, seed: Seed) -> np.ndarray:
    from scipy.ndimage import gaussian_filter  # takes long to import, and is seldom needed

    return _levels(gaussian_filter(image.astype(np.float32), (sigma, sigma, 0), mode="nearest"))


def _jpeg(image: np.ndarray, quality: float, seed: Seed) -> np.ndarray:
    file = io.BytesIO()
    _pillow(image).save(file, "JPEG", quality=int(quality))
    with Image.open(file, formats=["JPEG"]) as decoded:
        return np.asarray(decoded)


def _mask(image: np.ndarray, percent: float, seed: Seed) -> np.ndarray:
    height, width, _ = image.shape
    share = percent / 100
    rows = max(1, round(height * share**0.5))
    columns = min(width, max(1, round(height * width * share / rows)))
    random = _random(seed)
    top, left = random.integers(height - rows, endpoint=True), random.integers(width - columns, endpoint=True)
    masked = image.copy()
    masked[top : top + rows, left : left + columns] = MID_GRAY
    return masked


def _random(seed: Seed) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(list(seed)))


def _levels(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _pillow(image: np.ndarray) -> Image.Image:
    return Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)


class Kind(NamedTuple):
    """A kind of degradation.

    Args:
        degrade: of an image (H, W, C), the amount and a seed.
        summary: what is done, for people.
        amount: what the amount is.
        whole: whether it must be a whole number.
    """

    degrade: Callable[[np.ndarray, float, Seed], np.ndarray]
    summary: str
    amount: str
    lowest: float
    highest: float
    example: float
    whole: bool = False


KINDS = {
    "downscale": Kind(_downscale, "Pillow's antialiased bicubic filter", "a whole factor", 2, 8, 2, whole=True),
    "noise": Kind(_noise, "Gaussian noise, rounded and clipped", "its standard deviation in levels", 0.1, 255, 25),
    "blur": Kind(_blur, "Gaussian filter, the edge repeated", "its standard deviation in pixels", 0.1, 32, 1.5),
    "jpeg": Kind(_jpeg, "JPEG as Pillow writes it, chroma at half the size", "a whole quality", 1, 95, 20, whole=True),
    "mask": Kind(
        _mask,
        f"a rectangle like the image, anywhere in it, of level {MID_GRAY}",
        "the percentage of the image that it covers",
        1,
        99,
        25,
    ),
}
"""What can be done to an image, by the name that stands in a source."""
