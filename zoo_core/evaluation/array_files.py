"""Images in files of arrays, mapped from disk; `zoo_core.data.array_file` has what is checked before."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from zoo_core.data.array_file import ArrayFile, numbered_labels
from zoo_core.data.dataset import digest, ordered_hash
from zoo_core.data.decoding import on_white
from zoo_core.data.foreign_hdf5 import reading_hdf5
from zoo_core.data.npz import reading_numpy
from zoo_core.evaluation.images import CHUNK, ArrayImages
from zoo_core.evaluation.spool import spool


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
    return _open(reading_numpy(path), name or str(path))


def open_hdf5(path: Path) -> ArrayImages:
    """The images in an HDF5 file that is no prepared one, by the same rule. Raises as `open_npz`, and UsageError where
    the arrays do not lie in the file itself, or are compressed in another way than h5py's own."""
    return _open(reading_hdf5(path), str(path))


def _open(reading: AbstractContextManager[ArrayFile], name: str) -> ArrayImages:
    with reading as file:
        name_of_images = file.name_of_images()
        file.check_images(name_of_images)
        images, labels = _mapped(file, name_of_images), None
        if (name_of_labels := file.name_of_labels(name_of_images)) is not None:
            labels = numbered_labels(file.read(name_of_labels), f"'{file.path}'")
    stored = ArrayImages(name, _as_uint8(images), labels)
    stored.content_hash = ordered_hash(digest(image) for chunk in stored.chunks() for image in chunk)
    return stored


def _mapped(file: ArrayFile, name: str) -> np.ndarray:
    if (placed := file.placed(name)) is not None:
        return placed.open()
    header = file.headers[name]
    unpacked = spool(np.frombuffer(block, np.uint8) for block in file.blocks(name))
    return unpacked.view(header.dtype).reshape(header.shape, order=header.order)


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
