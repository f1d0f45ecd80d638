"""From what people type to a data set: `NAME`, `folder:PATH` or `h5:PATH`, each with an optional size."""

import os
import re
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image

from zoo_core.data.builtin import BUILTIN, load_builtin
from zoo_core.data.dataset import SPLITS, Dataset, Split
from zoo_core.data.folder import load_folder
from zoo_core.data.hdf5 import read_h5
from zoo_core.errors import UsageError, unknown

_LARGEST_SIDE = 4096


class Source(NamedTuple):
    """A parsed source: the kind, the name or the path, and the size (H, W) where one is given."""

    kind: Literal["builtin", "folder", "h5"]
    target: str
    size: tuple[int, int] | None


def parse_source(text: str) -> Source:
    """Parse `NAME`, `folder:PATH` or `h5:PATH`, with `@SIZE` or `@HEIGHTxWIDTH` after it where a size is wanted.

    A path that itself ends like that needs a `/` after it: `folder:icons@64/`.

    Raises:
        UsageError: for an unknown name, a kind without a path, or a size out of bounds.
    """
    target, size = text, None
    if suffix := re.search(r"@([0-9]+)(?:x([0-9]+))?\Z", text):
        height, width = suffix.groups()
        target, size = text[: suffix.start()], (_side(height, text), _side(width or height, text))
    kind, colon, path = target.partition(":")
    if colon and kind in ("folder", "h5"):
        if not path:
            raise UsageError(f"A path should follow '{kind}:', received '{text}'.", f"For example: {kind}:path/to/it")
        return Source("folder" if kind == "folder" else "h5", path, size)
    if target in BUILTIN:
        return Source("builtin", target, size)
    if os.path.exists(target):
        kind = "folder" if os.path.isdir(target) else "h5"
        raise UsageError(f"'{target}' is no built-in data set, but a path.", f"To use it, write {kind}:{text}")
    known = f"Built in: {', '.join(BUILTIN)}. Your own images: folder:PATH, or h5:PATH for a prepared file."
    raise unknown("data set", target, BUILTIN, known)


def load_dataset(source: str, data_dir: Path | None = None) -> Dataset:
    """Load a data set.

    Args:
        source: see `parse_source`. The size is reached with Pillow's antialiased Lanczos filter; images of a folder
            are first cropped, centred, to its aspect ratio. `digits` alone means `digits@16`.
        data_dir: the folder with the built-in sets' `<name>.npz`; by default ZOO_DATA_DIR, or else a download.

    Raises:
        UsageError: for what is misspelt or not there.
        ZooError: for what is there but broken, or a download that fails.
    """
    kind, target, size = parse_source(source)
    if kind == "folder":
        return load_folder(_path(target), size, name=source)
    if kind == "h5":
        dataset = read_h5(_path(target), name=source)
        return dataset if size is None else _resized(dataset, size)
    record = BUILTIN[target]
    dataset = Dataset(source, load_builtin(record, data_dir), record.classes)
    return _resized(dataset, size or record.shape[:2])


def resize(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bring uint8 images (N, H, W, C), C 1 or 3, to `size` (H', W') with Pillow's antialiased Lanczos filter.

    Each channel is filtered on its own. The aspect ratio is not kept. Images of that size are returned as they are.
    """
    count, *old_size, channels = images.shape
    if tuple(old_size) == size:
        return images
    height, width = size
    resized = np.empty((count, height, width, channels), np.uint8)
    for source, target in zip(images, resized, strict=True):
        image = Image.fromarray(source[..., 0] if channels == 1 else source)
        pixels = np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))
        target[...] = pixels.reshape(height, width, channels)  # grayscale: (H', W') -> (H', W', 1)
    return resized


def _resized(dataset: Dataset, size: tuple[int, int]) -> Dataset:
    splits = {split: Split(resize(dataset.images(split), size), dataset.labels(split)) for split in SPLITS}
    return Dataset(dataset.name, splits, dataset.classes, dataset.provenance)


def _path(text: str) -> Path:
    return Path(os.path.expanduser(text))  # the shell does not expand the ~ in folder:~/photos


def _side(digits: str, source: str) -> int:
    side = int(digits) if len(digits) <= 4 else 0
    if not 1 <= side <= _LARGEST_SIDE:
        raise UsageError(
            f"A size must lie between 1 and {_LARGEST_SIDE}, received '{source}'.",
            "For example: folder:photos@64, or @48x64 for 48 rows of 64 pixels.",
        )
    return side
