"""Sheets of images as the report embeds them."""

import base64
import io
from pathlib import Path
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError

WIDEST = 372
"""CSS pixels: small sheets are enlarged by a whole factor up to this width, large ones are brought down to it."""

ROOM = 15 * 2**20
"""Bytes that all the sheets of a report may take."""

SIZES: tuple[tuple[int | None, dict[str, bool | int]], ...] = (
    (WIDEST // 2, {"quality": 50}),
    (WIDEST, {"quality": 50}),
    (WIDEST, {"quality": 80}),
    (2 * WIDEST, {"quality": 85}),
    (None, {"lossless": True}),
)
"""Widths in pixels and how to encode, from the smallest file to the largest."""


class Picture(NamedTuple):
    """An image for a page: a data URI, the size at which to show it, in CSS pixels, and whether that is enlarged."""

    uri: str
    width: int
    height: int
    enlarged: bool


def picture(path: Path, most: int) -> Picture | None:
    """The image at `path` as WebP, as finely as `most` bytes allow: at best as it is, pixel by pixel; None where there
    is none, or none that can be read."""
    try:
        with Image.open(path) as image:
            image.load()
    except (OSError, UnidentifiedImageError):
        return None
    finer = (_webp(image, widest, **settings) for widest, settings in SIZES)
    webp = next(finer)
    for candidate in finer:
        if len(candidate) * 4 / 3 > most:
            break
        webp = candidate
    shown = image.width * (WIDEST // image.width) or WIDEST
    uri = f"data:image/webp;base64,{base64.b64encode(webp).decode()}"
    return Picture(uri, shown, round(image.height * shown / image.width), enlarged=shown >= image.width)


def _webp(image: Image.Image, widest: int | None, **settings: bool | int) -> bytes:
    if widest and image.width > widest:
        image = image.resize((widest, round(image.height * widest / image.width)), Image.Resampling.BOX)
    content = io.BytesIO()
    image.convert("RGB").save(content, "WebP", **settings)
    return content.getvalue()
