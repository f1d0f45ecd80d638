"""Arrays in a file from a stranger, by name, of whatever format: what may be unpacked, and which can be images and
labels."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from zoo_core.errors import UsageError, ZooError

LARGEST = 2**34
"""Bytes of an array that is unpacked, 16 GiB."""

SUSPECT, RATIO = 2**26, 200
"""What unpacks to more bytes than the first is refused where it was compressed to less than 1 in so many."""

BLOCK = 2**22
"""Bytes that are unpacked at a time."""

_LISTED = 10
"""Arrays at most that a message names."""

_FROM_FLOATS = (
    "Convert them: np.floor(127.5 * x + 128).clip(0, 255).astype(np.uint8) for x in [-1, 1], "
    "np.floor(255 * x + 0.5).clip(0, 255).astype(np.uint8) for x in [0, 1]."
)


class ArrayHeader(NamedTuple):
    """What a file says of an array, and how many bytes come before it, in the file or in its member of an archive."""

    shape: tuple[int, ...]
    order: Literal["C", "F"]
    dtype: np.dtype
    start: int

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    def __str__(self) -> str:
        return f"{self.dtype} {self.shape}"


class Placed(NamedTuple):
    """An array that lies in a file, in one piece and as it is."""

    path: Path
    offset: int
    shape: tuple[int, ...]
    dtype: str
    order: Literal["C", "F"] = "C"

    def open(self) -> np.memmap:
        """Mapped, read-only."""
        return np.memmap(self.path, np.dtype(self.dtype), "r", self.offset, self.shape, self.order)


class ArrayFile(ABC):
    """The arrays in a file, by name; nothing is unpacked but what is asked for.

    Args:
        headers: of all arrays.
    """

    example: ClassVar[str]
    """How images are written into such a file."""

    def __init__(self, path: Path, headers: Mapping[str, ArrayHeader]) -> None:
        self.path, self.headers = path, headers

    def describe(self, name: str) -> str:
        """An array, as messages call it."""
        return f"'{name}' in '{self.path}'" if name else f"'{self.path}'"

    @abstractmethod
    def placed(self, name: str) -> Placed | None:
        """Where an array lies; None where it must be unpacked first."""

    @abstractmethod
    def blocks(self, name: str) -> Iterator[bytes]:
        """The bytes of an array that is not `placed`, unpacked, in pieces.

        Raises:
            ZooError: where there would be too many of them.
        """

    def check_unpacked(self, name: str, packed: int) -> None:
        """Raises ZooError for an array that is too large to unpack, or suspiciously so.

        Args:
            packed: the bytes that it takes in the file.
        """
        nbytes = self.headers[name].nbytes
        if nbytes > LARGEST or (nbytes > SUSPECT and nbytes > RATIO * packed):
            raise ZooError(
                f"{self.describe(name)} would be {nbytes / 2**20:,.0f} MiB when unpacked, from "
                f"{packed / 2**20:,.1f} MiB.",
                f"Accepted are {LARGEST / 2**30:.0f} GiB, and {RATIO} times its size in the file. Larger ones as .npy, "
                "which is not unpacked.",
            )

    def read(self, name: str) -> np.ndarray:
        """An array, in memory. Raises as `blocks`."""
        if (placed := self.placed(name)) is not None:
            return np.array(placed.open())
        header = self.headers[name]
        flat = np.frombuffer(b"".join(self.blocks(name)), header.dtype)
        return flat.reshape(header.shape, order=header.order)

    def name_of_images(self) -> str:
        """The array `images`, else `arr_0`, else the only one of 3 or 4 dimensions.

        Raises:
            UsageError: where there is none, or several.
        """
        like_images = [name for name, header in self.headers.items() if len(header.shape) in (3, 4)]
        for name in ("", "images", "arr_0", *(like_images if len(like_images) == 1 else ())):
            if name in self.headers:
                return name
        listed = ", ".join(f"'{name}' {header}" for name, header in [*self.headers.items()][:_LISTED])
        listed += ", …" if len(self.headers) > _LISTED else ""
        raise UsageError(
            f"'{self.path}' should hold one array of images, or one named 'images'; it holds {listed or 'no arrays'}.",
            f"Write it so: {self.example}",
        )

    def name_of_labels(self, images: str) -> str | None:
        """The array `labels`, else `arr_1` beside images `arr_0` if it can be labels.

        Raises:
            UsageError: where `labels` are not one integer for each image.
        """
        if "labels" in self.headers:
            self.check_labels("labels", images)
            return "labels"
        fits = images == "arr_0" and "arr_1" in self.headers and self._are_labels("arr_1", images)
        return "arr_1" if fits else None

    def check_images(self, name: str) -> None:
        """Raises UsageError for an array that is not of images, uint8 or uint16 (N, H, W) or (N, H, W, C)."""
        shape, dtype = self.headers[name].shape, self.headers[name].dtype
        what = self.describe(name)
        expected = f"{what} should hold uint8 images (N, H, W, C), C 1, 3 or 4, or (N, H, W); received {dtype} {shape}."
        if dtype.kind == "f":
            raise UsageError(expected, _FROM_FLOATS)
        if dtype.kind != "u" or dtype.itemsize > 2:
            raise UsageError(expected, "Convert it, if its values lie in [0, 255]: array.astype(np.uint8)")
        if len(shape) == 3 and shape[2] in (1, 3, 4):
            raise UsageError(expected, "Is it a single image? Then write array[None].")
        if len(shape) == 4 and shape[3] not in (1, 3, 4) and shape[1] in (1, 3, 4):
            raise UsageError(expected, "Channels come last: array.transpose(0, 2, 3, 1)")
        if len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] not in (1, 3, 4)) or 0 in shape:
            raise UsageError(expected)

    def check_labels(self, name: str, images: str) -> None:
        """Raises UsageError for an array that is not one integer for each image."""
        if not self._are_labels(name, images):
            raise UsageError(
                f"{self.describe(name)} should be {self.headers[images].shape[0]} integers, one for each image; "
                f"received {self.headers[name]}.",
                "Leave them out, or give each image the number of its class.",
            )

    def _are_labels(self, name: str, images: str) -> bool:
        count, header = self.headers[images].shape[0], self.headers[name]
        return header.dtype.kind in "iu" and header.shape in ((count,), (count, 1))


def numbered_labels(labels: np.ndarray, what: str) -> np.ndarray:
    """Labels (N,) or (N, 1) as int32 (N,). Raises UsageError for numbers that are not those of classes."""
    if not 0 <= labels.min() <= labels.max() < 2**31:
        raise UsageError(f"The labels of {what} should be numbers from 0, received {labels.min()} to {labels.max()}.")
    return labels.reshape(-1).astype(np.int32)
