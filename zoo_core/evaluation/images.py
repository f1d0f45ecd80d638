"""Sets of images as metrics see them: uint8, of one shape, read a stretch at a time."""

import abc
import hashlib
from collections.abc import Iterator

import numpy as np

from zoo_core.errors import UsageError

CHUNK = 1024
"""Images in memory at a time."""


class Images(abc.ABC):
    """Images of one shape, never all in memory unless they are there anyway.

    Attributes:
        name: as people typed it.
        shape: (H, W, C), C 1 or 3.
        labels: int32 (N,), the classes that they show or, for generated ones, were asked to show; None without.
        classes: the class names in the order of the labels; empty without.
        content_hash: SHA-256 of the images in their order, by which their features are kept for later; None where
            that is not worth while, as for images that are generated.
    """

    name: str
    shape: tuple[int, int, int]
    labels: np.ndarray | None
    classes: tuple[str, ...]
    content_hash: str | None

    @abc.abstractmethod
    def __len__(self) -> int: ...

    @abc.abstractmethod
    def pick(self, numbers: np.ndarray) -> np.ndarray:
        """The images of these numbers, in this order, uint8 (n, H, W, C)."""

    def read(self, start: int, stop: int) -> np.ndarray:
        """Images number `start` to `stop`, uint8 (stop - start, H, W, C)."""
        return self.pick(np.arange(start, stop))

    def chunks(self, size: int = CHUNK) -> Iterator[np.ndarray]:
        """All images in order, uint8 (n, H, W, C) with n at most `size`."""
        return (self.read(start, min(start + size, len(self))) for start in range(0, len(self), size))


class ArrayImages(Images):
    """Images of an array or a memory map.

    Args:
        images: uint8 (N, H, W, C).
        labels: int32 (N,), with `classes`.
    """

    def __init__(
        self,
        name: str,
        images: np.ndarray,
        labels: np.ndarray | None = None,
        classes: tuple[str, ...] = (),
        content_hash: str | None = None,
    ) -> None:
        if images.dtype != np.uint8 or images.ndim != 4 or not len(images):
            raise UsageError(f"'{name}' should hold uint8 images (N, H, W, C), received {images.dtype} {images.shape}.")
        self.name, self.labels, self.classes, self.content_hash = name, labels, classes, content_hash
        self.shape = images.shape[1:]
        self._images = images

    def __len__(self) -> int:
        return len(self._images)

    def read(self, start: int, stop: int) -> np.ndarray:
        return np.asarray(self._images[start:stop])

    def pick(self, numbers: np.ndarray) -> np.ndarray:
        return np.asarray(self._images[numbers])


class Taken(Images):
    """Some images of others.

    Args:
        numbers: which ones, integers (n,).
    """

    def __init__(self, images: Images, numbers: np.ndarray) -> None:
        self.name, self.shape, self.classes = images.name, images.shape, images.classes
        self.content_hash = images.content_hash and _hash_of_some(images.content_hash, numbers)
        self.labels = None if images.labels is None else images.labels[numbers]
        self._images, self._numbers = images, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def pick(self, numbers: np.ndarray) -> np.ndarray:
        return self._images.pick(self._numbers[numbers])


class InColour(Images):
    """Gray images beside colour ones: each becomes RGB by repetition, which changes no feature of a network that
    takes gray images."""

    def __init__(self, images: Images) -> None:
        self.name, self.labels, self.classes = images.name, images.labels, images.classes
        self.shape = (*images.shape[:2], 3)
        self.content_hash = images.content_hash and f"{images.content_hash}-rgb"
        self._images = images

    def __len__(self) -> int:
        return len(self._images)

    def pick(self, numbers: np.ndarray) -> np.ndarray:
        return np.repeat(self._images.pick(numbers), 3, axis=3)


def draw(images: Images, count: int, seed: int = 0) -> Images:
    """`count` images, or all where there are fewer, drawn without replacement: a set may be sorted by class."""
    if count >= len(images):
        return images
    return Taken(images, np.sort(np.random.default_rng(seed).choice(len(images), count, replace=False)))


def _hash_of_some(content_hash: str, numbers: np.ndarray) -> str:
    return hashlib.sha256(content_hash.encode() + numbers.astype("<i8").tobytes()).hexdigest()
