"""Sheets of images, as PNG, and animations, as GIF."""

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


def triples(inputs: np.ndarray, outputs: np.ndarray, targets: np.ndarray, columns: int) -> np.ndarray:
    """A sheet with each input beside what was made of it and what should have been, `columns` such triples in a row.

    Args:
        inputs: uint8 (N, H', W', C'), shown in the outputs' size by the nearest pixel.
        outputs, targets: uint8 (N, H, W, C).
    """
    height, width = outputs.shape[1:3]
    rows = np.arange(height) * inputs.shape[1] // height
    across = np.arange(width) * inputs.shape[2] // width
    shown = [inputs[:, rows][:, :, across], outputs, targets]
    most = max(images.shape[3] for images in shown)
    shown = [images if images.shape[3] == most else np.repeat(images, most, axis=3) for images in shown]
    return grid(np.stack(shown, axis=1).reshape(-1, height, width, most), 3 * columns)


def as_pillow(image: np.ndarray) -> Image.Image:
    """uint8 (H, W, C), C 1 or 3, as Pillow has it."""
    return Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)


def write_png(path: Path, image: np.ndarray) -> None:
    """Write uint8 (H, W, C), C 1 or 3, atomically.

    Raises:
        ZooError: where it can't be written.
    """
    buffer = io.BytesIO()
    as_pillow(image).save(buffer, "PNG", optimize=True)
    write_bytes(path, buffer.getvalue())


def write_gif(path: Path, frames: np.ndarray, seconds: float = 0.1) -> None:
    """Write uint8 (N, H, W, C) as an animation without end, atomically.

    Args:
        seconds: that each frame is shown. Frames that are all alike become one, shown as long as they all.

    Raises:
        ZooError: where it can't be written.
    """
    buffer = io.BytesIO()
    first, *others = map(as_pillow, frames)
    first.save(buffer, "GIF", save_all=True, append_images=others, duration=round(1000 * seconds), loop=0)
    write_bytes(path, buffer.getvalue())
