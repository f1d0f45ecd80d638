"""From image files to what a model takes: its size, its channels."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from zoo_core.data.decoding import attempt_all, decode, unreadable
from zoo_core.errors import UsageError
from zoo_core.evaluation.folder_images import image_files
from zoo_core.lists import as_list
from zoo_core.sampling.grids import as_pillow

Paths = str | Path | Sequence[str | Path]
"""Files and folders, or one alone."""


class Given(NamedTuple):
    """Images of files.

    Attributes:
        names: their paths, as they were given.
        images: uint8 (N, H, W, C).
        resized: how many of them had another size.
    """

    names: list[str]
    images: np.ndarray
    resized: int


def list_images(sources: Paths) -> list[Path]:
    """Image files, and all of those in folders.

    Raises:
        UsageError: for no images, or a path that is not there.
        ZooError: for a folder that can't be listed.
    """
    files: list[Path] = []
    for source in map(Path, as_list(sources)):
        if not source.exists():
            raise UsageError(f"There is no file or folder '{source}'.", "Check the path.")
        files += image_files(source) if source.is_dir() else [source]
    if not files:
        raise UsageError("No images were named.", "Name image files, or a folder of them.")
    return files


def read_images(sources: Paths, shape: tuple[int, int, int]) -> Given:
    """Read image files, and all of those in folders, as images of one shape.

    An image of another size is cropped, centred, to the aspect ratio and resized, as in a data set (`folder:PATH@64`);
    colour becomes gray, or gray colour, where the model wants that.

    Args:
        shape: (H, W, C) of the model's images.

    Raises:
        UsageError: as `list_images`.
        ZooError: for files that can't be read; names them.
    """
    files = list_images(sources)
    height, width, channels = shape

    def read(file: Path) -> tuple[np.ndarray, bool]:
        image = decode(file, None)
        if image.shape[:2] == (height, width):
            return in_channels(image, channels), False
        resized = np.asarray(ImageOps.fit(as_pillow(image), (width, height), Image.Resampling.LANCZOS))
        return in_channels(resized.reshape(height, width, -1), channels), True

    found = attempt_all(read, files)
    bad = [(file, error) for file, error in zip(files, found, strict=True) if isinstance(error, Exception)]
    if bad:
        raise unreadable(bad, len(files), "Replace them, or leave them out.")
    good = [one for one in found if not isinstance(one, Exception)]
    return Given(list(map(str, files)), np.stack([image for image, _ in good]), sum(resized for _, resized in good))


def in_channels(image: np.ndarray, channels: int) -> np.ndarray:
    """An image uint8 (H, W, C), C 1 or 3, in gray or in colour: (H, W, channels)."""
    if image.shape[2] > channels:
        return np.asarray(Image.fromarray(image).convert("L"))[..., None]
    return np.repeat(image, channels // image.shape[2], axis=2)
