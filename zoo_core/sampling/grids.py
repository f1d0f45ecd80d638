"""Sheets of images, as PNG."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from zoo_core.files import write_bytes

GAP = 2  # white pixels between images


def grid(images: np.ndarray, columns: int) -> np.ndarray:
    """Lay images out row by row on white.

    Args:
        images: uint8 (N, H, W, C).

    Returns:
        uint8 (H', W', C), with 2 pixels between images and around them.
    """
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    sheet = np.full((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, channels), 255, "uint8")
    for i, image in enumerate(images):
        top, left = (i // columns) * (height + GAP) + GAP, (i % columns) * (width + GAP) + GAP
        sheet[top : top + height, left : left + width] = image
    return sheet


def pairs(originals: np.ndarray, reconstructions: np.ndarray, columns: int) -> np.ndarray:
    """A sheet with each original above its reconstruction. Both uint8 (N, H, W, C); see `grid`."""
    rows = []
    for start in range(0, len(originals), columns):
        for images in (originals, reconstructions):
            row = images[start : start + columns]
            blank = np.full((columns - len(row), *row.shape[1:]), 255, "uint8")
            rows += [row, blank]
    return grid(np.concatenate(rows), columns)


def write_png(path: Path, image: np.ndarray) -> None:
    """Write uint8 (H, W, C), C 1 or 3, atomically.

    Raises:
        ZooError: where it can't be written.
    """
    buffer = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(buffer, "PNG", optimize=True)
    write_bytes(path, buffer.getvalue())
