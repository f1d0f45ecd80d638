"""Sample grids as the report embeds them."""

import base64
import io
from pathlib import Path
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError

WIDEST = 372
"""CSS pixels: small grids are enlarged by a whole factor up to this width, large ones are brought down to it."""


class Picture(NamedTuple):
    """An image for a page: a data URI, the size at which to show it, in CSS pixels, and whether that is enlarged."""

    uri: str
    width: int
    height: int
    enlarged: bool


def picture(path: Path) -> Picture | None:
    """The image at `path` as PNG; None where there is none, or none that can be read."""
    try:
        with Image.open(path) as image:
            width, height = image.size
            png = io.BytesIO()
            image.save(png, "PNG", optimize=True)
    except (OSError, UnidentifiedImageError):
        return None
    shown = width * (WIDEST // width) or WIDEST
    uri = f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"
    return Picture(uri, shown, round(height * shown / width), enlarged=shown >= width)
