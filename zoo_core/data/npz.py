"""Arrays in a NumPy file from a stranger, .npz or .npy: checked before anything is unpacked, and never executed."""

import math
import os
import struct
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal, NamedTuple

import numpy as np

from zoo_core.errors import UsageError, ZooError

LARGEST = 2**34
"""Bytes of an array that is unpacked, 16 GiB."""

SUSPECT, RATIO = 2**26, 200
"""What unpacks to more bytes than the first is refused where it was compressed to less than 1 in so many."""

BLOCK = 2**22
"""Bytes that are unpacked at a time."""

_END = struct.Struct("<10xH10x")
"""The record at the end of a zip file (APPNOTE.TXT, 4.3.16): the number of entries is in bytes 10 and 11."""

_FROM_FLOATS = (
    "Convert them: np.floor(127.5 * x + 128).clip(0, 255).astype(np.uint8) for x in [-1, 1], "
    "np.floor(255 * x + 0.5).clip(0, 255).astype(np.uint8) for x in [0, 1]."
)


class ArrayHeader(NamedTuple):
    """What a .npy file says of its array, and how many bytes it takes to say so."""

    shape: tuple[int, ...]
    order: Literal["C", "F"]
    dtype: np.dtype
    length: int

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


class NumpyFile:
    """The arrays in an .npz or .npy file, by name; nothing is unpacked but what is asked for.

    Attributes:
        headers: of all arrays; that of an .npy is the only one, and its name is "".
    """

    def __init__(self, path: Path, headers: Mapping[str, ArrayHeader], archive: zipfile.ZipFile | None) -> None:
        self.path, self.headers, self._archive = path, headers, archive

    def describe(self, name: str) -> str:
        """An array, as messages call it."""
        return f"'{name}' in '{self.path}'" if name else f"'{self.path}'"

    def placed(self, name: str) -> Placed | None:
        """Where an array lies; None where it must be unpacked first, as in an .npz. Raises as `reading_numpy`."""
        if self._archive is not None:
            return None
        header = self.headers[name]
        if header.length + header.nbytes != self.path.stat().st_size:
            raise ValueError(f"its {header.dtype} array {header.shape} does not fit its length")
        return Placed(self.path, header.length, header.shape, header.dtype.str, header.order)

    def blocks(self, name: str) -> Iterator[bytes]:
        """The bytes of an array that is not `placed`, unpacked, in pieces.

        Raises:
            ZooError: where there would be too many of them; otherwise as `reading_numpy`.
        """
        assert self._archive is not None
        header, member = self.headers[name], self._archive.getinfo(f"{name}.npy")
        if header.length + header.nbytes != member.file_size:
            raise ValueError(f"'{name}' {header} does not fit its length")
        if header.nbytes > LARGEST or (header.nbytes > SUSPECT and header.nbytes > RATIO * member.compress_size):
            raise ZooError(
                f"{self.describe(name)} would be {header.nbytes / 2**20:,.0f} MiB when unpacked, from "
                f"{member.compress_size / 2**20:,.1f} MiB.",
                f"Accepted are {LARGEST / 2**30:.0f} GiB, and {RATIO} times its size in the file. Larger ones as .npy, "
                "which is not unpacked.",
            )
        left = header.nbytes
        with self._archive.open(member) as file:
            file.read(header.length)
            while block := file.read(BLOCK):  # to the end, where zipfile compares the checksum
                left -= len(block)
                yield block
        if left:
            raise ValueError(f"'{name}' ends early")

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
        listed = ", ".join(f"'{name}' {header}" for name, header in self.headers.items())
        raise UsageError(
            f"'{self.path}' should hold one array of images, or one named 'images'; it holds {listed or 'no arrays'}.",
            "Write it so: np.savez(FILE, images=array)",
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


@contextmanager
def reading_numpy(path: Path) -> Iterator[NumpyFile]:
    """An open file.

    Raises:
        ZooError: if it is damaged, now or within the `with` block.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy and Python's parser grumble about odd headers
            if _is_single(path):
                with path.open("rb") as file:
                    header = _read_header(file)
                yield NumpyFile(path, {"": header}, None)
            else:
                with zipfile.ZipFile(path) as archive:
                    check_entries(path, archive)
                    yield NumpyFile(path, _read_headers(archive), archive)
    except ZooError:
        raise
    except Exception as error:  # zipfile, zlib and the .npy parser raise whatever broken bytes lead them to
        raise ZooError(f"'{path}' can't be read as a NumPy file: {error}.", "Write it again.") from error


def check_entries(path: Path, archive: zipfile.ZipFile) -> None:
    """zipfile itself does not notice where damage hides an entry: the record at the end says how many there are.

    Raises:
        ValueError: where they are others.
    """
    with path.open("rb") as file:
        file.seek(-_END.size - len(archive.comment), os.SEEK_END)
        stated = _END.unpack(file.read(_END.size))[0]
    if stated not in (len(archive.infolist()) % 2**16, 2**16 - 1):  # the latter where another record says it (ZIP64)
        raise ValueError(f"it should hold {stated} files, but {len(archive.infolist())} are found")


def numbered_labels(labels: np.ndarray, what: str) -> np.ndarray:
    """Labels (N,) or (N, 1) as int32 (N,). Raises UsageError for numbers that are not those of classes."""
    if not 0 <= labels.min() <= labels.max() < 2**31:
        raise UsageError(f"The labels of {what} should be numbers from 0, received {labels.min()} to {labels.max()}.")
    return labels.reshape(-1).astype(np.int32)


def _is_single(path: Path) -> bool:
    magic = np.lib.format.MAGIC_PREFIX
    with path.open("rb") as file:
        return file.read(len(magic)) == magic


def _read_headers(archive: zipfile.ZipFile) -> dict[str, ArrayHeader]:
    headers = {}
    for member in archive.namelist():
        with archive.open(member) as file:  # of whatever name: zipfile finds damaged ones when it opens them
            if member.endswith(".npy"):
                headers[member.removesuffix(".npy")] = _read_header(file)
    return headers


def _read_header(file: IO[bytes]) -> ArrayHeader:
    if (version := np.lib.format.read_magic(file)) != (1, 0):  # later ones are for tables, and may be of any length
        raise ValueError(f"version {version[0]}.{version[1]} of the .npy format is not for images")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    if min(shape, default=0) < 0:
        raise ValueError(f"an array can't have the shape {shape}")
    return ArrayHeader(shape, "F" if fortran else "C", dtype, file.tell())
