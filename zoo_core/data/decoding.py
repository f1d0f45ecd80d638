"""From an image file to a uint8 array: what is accepted, and what becomes of colour, transparency and depth."""

import os
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from zoo_core.errors import UsageError, ZooError, counted

EXTENSIONS = (".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".gif", ".webp", ".tif", ".tiff")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")  # a .png that is really EPS must not start Ghostscript

LARGEST_SIDE = 4096
"""Of the sizes that images are brought to."""

T = TypeVar("T")


def is_image(path: str | Path) -> bool:
    """Whether a file counts as an image, by its name: hidden ones and other extensions do not."""
    name = os.path.basename(path)
    return os.path.splitext(name)[1].lower() in EXTENSIONS and not name.startswith(".")


def decode(path: Path, size: tuple[int, int] | None) -> np.ndarray:
    """One image, uint8 (H, W, 1) or (H, W, 3), turned as its EXIF data says; of an animation the first frame.

    Args:
        size: (H, W) to crop (centred, to the aspect ratio) and resize to, as `PIL.ImageOps.fit` does with Lanczos'
            filter; None to leave it as it is.

    Raises:
        Exception: of any kind: decoders raise whatever broken bytes lead them to. Call it through `attempt_all`.
    """
    if path.stat().st_size == 0:
        raise ValueError("it is empty")
    try:
        with Image.open(path, formats=FORMATS) as file:
            ImageOps.exif_transpose(file, in_place=True)
            image = gray_or_rgb(file)
    except UnidentifiedImageError:
        raise ValueError("it is no image of an accepted format") from None
    if size is not None:
        image = ImageOps.fit(image, (size[1], size[0]), Image.Resampling.LANCZOS)
    pixels = np.asarray(image)
    return pixels.reshape(*pixels.shape[:2], -1)  # grayscale: (H, W) -> (H, W, 1)


def attempt_all(function: Callable[[Path], T], paths: Sequence[Path]) -> list[T | Exception]:
    """What a function that decodes makes of each file, or the error that it raised, in the order of the files."""

    def attempt(path: Path) -> T | Exception:
        try:
            return function(path)
        except Exception as error:
            return error

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # decoders grumble about metadata that does not matter here
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with ThreadPoolExecutor() as pool:  # decoding releases the interpreter's lock
            return list(pool.map(attempt, paths))


def reason_of(error: Exception) -> str:
    """Why a file can't be read, in a few words, without its path."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def unreadable(failures: Sequence[tuple[Path, Exception]], count: int, hint: str) -> ZooError:
    """The error for files that can't be read among `count`; names the first three."""
    first = "; ".join(f"'{path}' ({reason_of(error)})" for path, error in sorted(failures, key=lambda f: f[0])[:3])
    others = "; and others" if len(failures) > 3 else ""
    return ZooError(f"{len(failures)} of {count} images can't be read: {first}{others}.", hint)


def several_sizes(folder: Path, sizes: Counter[tuple[int, int]], source: str) -> UsageError:
    """The error for images of several sizes (H, W); suggests the source with the commonest that may be asked for."""
    common = ", ".join(f"{height}x{width} ({counted(n, 'image')})" for (height, width), n in sizes.most_common(5))
    height, width = next((size for size, _ in sizes.most_common() if max(size) <= LARGEST_SIDE), (64, 64))
    return UsageError(
        f"The images of '{folder}' should have one size, but they have {len(sizes)} (height x width): {common}"
        f"{', …' if len(sizes) > 5 else ''}.",
        f"Name the size to crop and resize them to: {source}@{height if height == width else f'{height}x{width}'}",
    )


def on_white(pixels: np.ndarray) -> np.ndarray:
    """Put uint8 RGBA images (N, H, W, 4) onto white: (N, H, W, 3). As Pillow's `alpha_composite`, to the bit."""
    width = pixels.shape[2]
    column = _composited(Image.fromarray(pixels.reshape(-1, width, 4)))  # one image of N*H rows
    return np.asarray(column).reshape(*pixels.shape[:3], 3)


def gray_or_rgb(image: Image.Image) -> Image.Image:
    """The image in mode L or RGB: 16 bits lose the lower 8, [0, 1] floats become 0 to 255, alpha goes onto white."""
    if image.mode.startswith("I") or image.mode == "F":  # I;16 and its byte orders, I of 32 bits
        values = np.asarray(image)
        highest = 1 if image.mode == "F" else 65535
        if not (values.min() >= 0 and values.max() <= highest):  # so put, NaN is refused too
            raise ValueError(f"pixels of mode {image.mode} must lie in [0, {highest}]")
        scaled = np.floor(values * 255 + 0.5) if image.mode == "F" else values >> 8
        return Image.fromarray(scaled.astype(np.uint8))
    if image.has_transparency_data:
        return _composited(image.convert("RGBA"))
    if image.mode in ("L", "RGB"):
        image.load()  # before its file is closed
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _composited(image: Image.Image) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
