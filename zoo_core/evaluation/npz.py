"""Images in a NumPy file from a stranger, .npz or .npy: checked before anything is unpacked, and mapped from disk."""

import math
import os
import struct
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from zoo_core.data.dataset import digest, ordered_hash
from zoo_core.data.decoding import on_white
from zoo_core.errors import UsageError, ZooError
from zoo_core.evaluation.images import CHUNK, ArrayImages
from zoo_core.evaluation.spool import spool

LARGEST = 2**34
"""Bytes of an array that is unpacked, 16 GiB."""

_SUSPECT, _RATIO = 2**26, 200
"""An array of more bytes than the first is refused where it was compressed to less than 1 in so many."""

_BLOCK = 2**22

_END = struct.Struct("<10xH10x")
"""The record at the end of a zip file (APPNOTE.TXT, 4.3.16): the number of entries is in bytes 10 and 11."""

_FROM_FLOATS = (
    "Convert them: np.floor(127.5 * x + 128).clip(0, 255).astype(np.uint8) for x in [-1, 1], "
    "np.floor(255 * x + 0.5).clip(0, 255).astype(np.uint8) for x in [0, 1]."
)


class _Header(NamedTuple):
    """What a .npy file says of its array, and how many bytes it takes to say so."""

    shape: tuple[int, ...]
    order: str
    dtype: np.dtype
    length: int

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def open_npz(path: Path, name: str | None = None) -> ArrayImages:
    """The images in an .npz or .npy file; nothing in it is ever executed.

    In an .npz they are the array `images`, else `arr_0`, else the only one of 3 or 4 dimensions; labels, where there
    are any, are `labels`, else `arr_1` beside `arr_0` if it can be labels. Images are uint8 (N, H, W) or (N, H, W, C):
    C = 4 is put onto white. Of uint16 the lower 8 bits are dropped. Labels have no class names.

    Args:
        name: of the images, by default the path.

    Raises:
        UsageError: if it holds anything else than such arrays.
        ZooError: if it is damaged or too large when unpacked, or there is no room to unpack it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy and Python's parser grumble about odd headers
            images, labels = (_map(path), None) if _is_single(path) else _read_archive(path)
    except ZooError:
        raise
    except Exception as error:  # zipfile, zlib and the .npy parser raise whatever broken bytes lead them to
        raise ZooError(f"'{path}' can't be read as a NumPy file: {error}.", "Write it again.") from error
    stored = ArrayImages(name or str(path), _as_uint8(images), labels)
    stored.content_hash = ordered_hash(digest(image) for chunk in stored.chunks() for image in chunk)
    return stored


def _is_single(path: Path) -> bool:
    magic = np.lib.format.MAGIC_PREFIX
    with path.open("rb") as file:
        return file.read(len(magic)) == magic


def _map(path: Path) -> np.ndarray:
    with path.open("rb") as file:
        header = _read_header(file)
    _check_images(header, f"'{path}'")
    if header.length + header.nbytes != path.stat().st_size:
        raise ValueError(f"its {header.dtype} array {header.shape} does not fit its length")
    return np.memmap(path, header.dtype, "r", header.length, header.shape, "F" if header.order == "F" else "C")


def _read_archive(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    with zipfile.ZipFile(path) as archive:
        _check_count(path, archive)
        headers = {}
        for member in archive.namelist():
            with archive.open(member) as file:  # of whatever name: zipfile finds damaged ones when it opens them
                if member.endswith(".npy"):
                    headers[member.removesuffix(".npy")] = _read_header(file)
        name = _name_of_images(path, headers)
        _check_images(headers[name], f"'{name}' in '{path}'")
        images = _unpack(archive, name, headers[name])
        name_of_labels = _name_of_labels(path, name, headers)
        labels = None if name_of_labels is None else _unpack(archive, name_of_labels, headers[name_of_labels])
    if labels is not None and not 0 <= labels.min() <= labels.max() < 2**31:
        raise UsageError(f"The labels of '{path}' should be numbers from 0, received {labels.min()} to {labels.max()}.")
    return images, None if labels is None else labels.reshape(-1).astype(np.int32)  # (N,) or (N, 1) -> (N,)


def _check_count(path: Path, archive: zipfile.ZipFile) -> None:
    """zipfile itself does not notice where damage hides an array: the record at the end says how many there are."""
    with path.open("rb") as file:
        file.seek(-_END.size - len(archive.comment), os.SEEK_END)
        stated = _END.unpack(file.read(_END.size))[0]
    if stated != len(archive.namelist()):
        raise ValueError(f"it should hold {stated} files, but {len(archive.namelist())} are found")


def _read_header(file: IO[bytes]) -> _Header:
    if (version := np.lib.format.read_magic(file)) != (1, 0):  # later ones are for tables, and may be of any length
        raise ValueError(f"version {version[0]}.{version[1]} of the .npy format is not for images")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    if min(shape, default=0) < 0:
        raise ValueError(f"an array can't have the shape {shape}")
    return _Header(shape, "F" if fortran else "C", dtype, file.tell())


def _name_of_images(path: Path, headers: Mapping[str, _Header]) -> str:
    like_images = [name for name, header in headers.items() if len(header.shape) in (3, 4)]
    for name in ("images", "arr_0", *(like_images if len(like_images) == 1 else ())):
        if name in headers:
            return name
    listed = ", ".join(f"'{name}' {header.dtype} {header.shape}" for name, header in headers.items())
    raise UsageError(
        f"'{path}' should hold one array of images, or one named 'images'; it holds {listed or 'no arrays'}.",
        "Write it so: np.savez(FILE, images=array)",
    )


def _check_images(header: _Header, what: str) -> None:
    """Raises UsageError for an array that is not of images."""
    shape, dtype = header.shape, header.dtype
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


def _name_of_labels(path: Path, images: str, headers: Mapping[str, _Header]) -> str | None:
    count = headers[images].shape[0]
    fitting = [name for name, h in headers.items() if h.dtype.kind in "iu" and h.shape in ((count,), (count, 1))]
    if "labels" in headers and "labels" not in fitting:
        header = headers["labels"]
        raise UsageError(
            f"'labels' in '{path}' should be {count} integers, one for each image; received {header.dtype} "
            f"{header.shape}.",
            "Leave them out, or give each image the number of its class.",
        )
    if "labels" in fitting:
        return "labels"
    return "arr_1" if images == "arr_0" and "arr_1" in fitting else None


def _unpack(archive: zipfile.ZipFile, name: str, header: _Header) -> np.ndarray:
    member = archive.getinfo(f"{name}.npy")
    if header.length + header.nbytes != member.file_size:
        raise ValueError(f"'{name}' {header.dtype} {header.shape} does not fit its length")
    if header.nbytes > LARGEST or (header.nbytes > _SUSPECT and header.nbytes > _RATIO * member.compress_size):
        raise ZooError(
            f"'{name}' in '{archive.filename}' would be {header.nbytes / 2**20:,.0f} MiB when unpacked, from "
            f"{member.compress_size / 2**20:,.1f} MiB.",
            f"Accepted are {LARGEST / 2**30:.0f} GiB, and {_RATIO} times its size in the file. Larger ones as .npy, "
            "which is not unpacked.",
        )

    def blocks() -> Iterator[np.ndarray]:
        with archive.open(member) as file:
            file.read(header.length)
            while block := file.read(_BLOCK):  # to the end, where zipfile compares the checksum
                yield np.frombuffer(block, np.uint8)

    unpacked = spool(blocks())
    if len(unpacked) != header.nbytes:
        raise ValueError(f"'{name}' ends early")
    return unpacked.view(header.dtype).reshape(header.shape, order="F" if header.order == "F" else "C")


def _as_uint8(images: np.ndarray) -> np.ndarray:
    """(N, H, W) or (N, H, W, C), uint8 or uint16 -> (N, H, W, 1 or 3) uint8, still on disk."""
    if images.ndim == 3:
        images = images[..., None]
    channels = images.shape[3]
    if images.dtype == np.uint8 and channels != 4:
        return images

    def converted() -> Iterator[np.ndarray]:
        for start in range(0, len(images), CHUNK):
            part = images[start : start + CHUNK]
            if part.dtype != np.uint8:
                part = (part >> 8).astype(np.uint8)
            yield on_white(part) if channels == 4 else part

    return spool(converted())
