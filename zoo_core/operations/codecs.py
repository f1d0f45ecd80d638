"""What JPEG and WebP make of the same images in as many bytes: what a compressed file is compared with."""

from dataclasses import dataclass
from io import BytesIO
from math import ceil
from typing import Any

import numpy as np
from PIL import Image

from zoo_core.evaluation.psnr import psnr_of
from zoo_core.operations.reconstruction import similarity
from zoo_core.operations.writing import LONGEST, most_pixels
from zoo_core.sampling.grids import as_pillow

SETTINGS: dict[str, dict[str, Any]] = {"JPEG": {"optimize": True}, "WebP": {"method": 6}}
"""By format, what Pillow is told beside the quality: to take its time."""


@dataclass(frozen=True)
class Coded:
    """One way to store some images, and what it costs.

    Args:
        coded_as: what it is.
        files: that they lie in.
        quality: of JPEG and WebP, from 0 to 100.
        bytes: of all files together.
        header_bytes: of these what a file takes whatever is in it: in JPEG and WebP the size of one of these files with
            nothing but gray in it, times their number.
        ratio: the bytes of the pixels, 8 bits for each pixel and channel, to those of the files.
        bits_per_pixel: of the files.
        ssim, psnr: of the images that come out, the mean; None for the SSIM of images below 7 pixels.
    """

    coded_as: str
    files: int
    quality: int | None
    bytes: int
    header_bytes: int
    ratio: float
    bits_per_pixel: float
    ssim: float | None
    psnr: float

    @classmethod
    def of(
        cls,
        coded_as: str,
        images: np.ndarray,
        decoded: np.ndarray,
        size: int,
        header: int,
        files: int = 1,
        quality: int | None = None,
    ) -> "Coded":
        """Of images uint8 (N, H, W, C), of what comes out, and of the bytes in between."""
        ssim = similarity(images, decoded)
        return cls(
            coded_as=coded_as,
            files=files,
            quality=quality,
            bytes=size,
            header_bytes=header,
            ratio=images.size / size,
            bits_per_pixel=8 * size / (images.size // images.shape[3]),
            ssim=None if ssim is None else float(ssim.mean()),
            psnr=float(psnr_of(images, decoded).mean()),
        )


def others_at(size: int, images: np.ndarray) -> list[Coded]:
    """JPEG and WebP at the quality whose bytes are nearest to `size`: a file for each image, and one for all of them,
    side by side, which has one header. That is left out where WebP or Pillow can't hold so many.

    Args:
        images: uint8 (N, H, W, C).
    """
    ways = [("a file each", images)]
    columns = ceil(len(images) ** 0.5)
    height, width = ceil(len(images) / columns) * images.shape[1], columns * images.shape[2]
    if len(images) > 1 and max(height, width) <= LONGEST["WEBP"] and height * width <= most_pixels():
        ways.append(("one sheet", _sheet(images, columns)[None]))
    return [_nearest(size, format, how, files, images) for how, files in ways for format in SETTINGS]


def _nearest(size: int, format: str, how: str, files: np.ndarray, images: np.ndarray) -> Coded:
    """By bisection: the bytes rise with the quality, but for a few here and there."""
    found: dict[int, list[bytes]] = {}
    low, high = 0, 100
    while low <= high:
        quality = (low + high) // 2
        found[quality] = [_save(file, format, quality) for file in files]
        low, high = (low, quality - 1) if _total(found[quality]) > size else (quality + 1, high)
    quality = min(found, key=lambda quality: abs(_total(found[quality]) - size))
    decoded = np.stack([_load(content, files.shape[3]) for content in found[quality]])
    return Coded.of(
        f"{format}, {how}",
        images,
        _cut(decoded[0], images) if len(files) < len(images) else decoded,
        size=_total(found[quality]),
        header=len(files) * len(_save(np.full_like(files[0], 128), format, quality)),
        files=len(files),
        quality=quality,
    )


def _total(contents: list[bytes]) -> int:
    return sum(map(len, contents))


def _save(image: np.ndarray, format: str, quality: int) -> bytes:
    buffer = BytesIO()
    as_pillow(image).save(buffer, format, quality=quality, **SETTINGS[format])
    return buffer.getvalue()


def _load(content: bytes, channels: int) -> np.ndarray:
    with Image.open(BytesIO(content)) as file:
        pixels = np.asarray(file.convert("L" if channels == 1 else "RGB"))  # WebP has no gray
    return pixels.reshape(*pixels.shape[:2], channels)


def _sheet(images: np.ndarray, columns: int) -> np.ndarray:
    """Images without gaps, row by row, and what is left over black: (H', W', C)."""
    count, height, width, channels = images.shape
    rows = ceil(count / columns)
    cells = np.zeros((rows * columns, height, width, channels), np.uint8)
    cells[:count] = images
    cells = cells.reshape(rows, columns, height, width, channels)
    return cells.swapaxes(1, 2).reshape(rows * height, columns * width, channels)


def _cut(sheet: np.ndarray, images: np.ndarray) -> np.ndarray:
    """The images of a sheet again, as many of that size as there were."""
    count, height, width, channels = images.shape
    cells = sheet.reshape(sheet.shape[0] // height, height, -1, width, channels).swapaxes(1, 2)
    return cells.reshape(-1, height, width, channels)[:count]
