"""One image: from whatever a source gave to the pixels that are asked for, or the reason why it is set aside."""

import io
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from zoo_core.data.decoding import FORMATS, gray_or_rgb, reason_of
from zoo_core.data.preparing.rules import Rules

REASONS = {
    "unreadable": "the decoder gave up",
    "truncated": "the file ends early",
    "wrong type": "the content is no PNG, JPEG, BMP, GIF, WebP or TIFF image, whatever the name says",
    "too large": "more pixels than Pillow takes without suspecting a decompression bomb",
    "too small": "the shortest side is below `min_side`",
    "blank": "all pixels are alike",
    "near-constant": "no channel has levels whose standard deviation reaches `min_deviation`",
    "duplicate": "the same pixels as an image that is kept",
    "near duplicate": "within `near` bits of the perceptual hash of an image that is kept",
    "unpaired": "no input has its name; or it is an input, and no image has",
    "unlabelled": "no label, and `unlabelled` is drop",
}
"""Why images are set aside."""

_STARTS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"GIF8", b"RIFF", b"II*\0", b"MM\0*")
"""Of files in the accepted formats."""

_RESIZE: Mapping[str, Callable[..., Image.Image]] = {
    "crop": ImageOps.fit,
    "pad": ImageOps.contain,
    "stretch": Image.Image.resize,
}


class SetAside(Exception):
    """An image that is not to be in the data set.

    Args:
        reason: a key of `REASONS`.
        detail: more of it, for people.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


class Clean(NamedTuple):
    """Args:
    pixels: uint8 (H, W, C), C 1 or 3.
    area: pixels of the image before it was resized.
    note: what was done to it that people may want to know, or "".
    """

    pixels: np.ndarray
    area: int
    note: str


@contextmanager
def strict_decoders() -> Iterator[None]:
    """Metadata that decoders grumble about does not matter here; a decompression bomb does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def clean(content: bytes | np.ndarray, path: str, rules: Rules) -> Clean:
    """Decode, check and normalize an image. To be called within `strict_decoders`.

    Args:
        content: what `ImageSource.read` gave.
        path: for its extension.

    Raises:
        SetAside: where it is not to be in the data set.
        MemoryError: where it might be, on another machine.
    """
    try:
        image, note = _from_array(content) if isinstance(content, np.ndarray) else _decode(content, path)
    except (SetAside, MemoryError):
        raise
    except Exception as error:  # decoders raise whatever broken bytes lead them to
        raise _failed(error) from error
    if min(image.size) < rules.shortest:
        raise SetAside("too small", f"{image.height}x{image.width}, below {rules.shortest}")
    area, image = image.height * image.width, _normalized(image, rules)
    if min(image.size) == 0:  # so narrow that it is rounded to nothing
        raise SetAside("too small", "between the bars of `pad` nothing is left of it")
    _check_contrast(np.asarray(image), rules.min_deviation)
    if rules.size is not None and rules.fit == "pad":
        image = ImageOps.pad(image, rules.size[::-1])  # not earlier: black bars are contrast, too
    pixels = np.asarray(image)
    return Clean(pixels.reshape(*pixels.shape[:2], -1), area, note)  # grayscale: (H, W) -> (H, W, 1)


def _check_contrast(pixels: np.ndarray, least: float) -> None:
    rows = pixels.reshape(pixels.shape[0] * pixels.shape[1], -1)  # (H, W) or (H, W, C) -> (H*W, C)
    levels = np.ascontiguousarray(rows.T, np.float64)  # whose sums of integers are exact
    means = levels.sum(1) / len(rows)
    squares = np.einsum("cn,cn->c", levels, levels)  # not by BLAS, whose threads wait for each other in every worker
    deviation = math.sqrt(max(0.0, *(squares / len(rows) - means**2)))
    if deviation == 0 and (rows == rows[0]).all():
        raise SetAside("blank", f"all pixels are {', '.join(map(str, rows[0]))}")
    if deviation < least:
        raise SetAside("near-constant", f"standard deviation {deviation:.2f}, below {least:g}")


def _decode(content: bytes, path: str) -> tuple[Image.Image, str]:
    if not content:
        raise SetAside("truncated", "it is empty")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as file:
            notes = []
            if getattr(file, "n_frames", 1) > 1:
                notes.append("first frame of several")
            if Image.registered_extensions().get(_extension(path), file.format) != file.format:
                notes.append(f"{file.format} by its content")
            ImageOps.exif_transpose(file, in_place=True)
            return gray_or_rgb(file), ", ".join(notes)
    except UnidentifiedImageError:
        if content.startswith(tuple(start[: len(content)] for start in _STARTS)):
            raise SetAside("truncated", "its header is incomplete") from None
        raise SetAside("wrong type", "no image of an accepted format") from None


def _from_array(array: np.ndarray) -> tuple[Image.Image, str]:
    """(H, W) or (H, W, C), uint8 or uint16."""
    if array.dtype != np.uint8:
        array = (array >> 8).astype(np.uint8)
    return gray_or_rgb(Image.fromarray(array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array)), ""


def _normalized(image: Image.Image, rules: Rules) -> Image.Image:
    """In the colours and the size that are asked for, but for what `pad` fills."""
    if rules.colour != "auto":
        image = image.convert("L" if rules.colour == "gray" else "RGB")
    if rules.size is None or image.size == rules.size[::-1]:
        return image
    return _RESIZE[rules.fit](image, rules.size[::-1], Image.Resampling[rules.filter.upper()])


def _failed(error: Exception) -> SetAside:
    if isinstance(error, Image.DecompressionBombWarning | Image.DecompressionBombError):
        return SetAside("too large", str(error))
    detail = reason_of(error)
    return SetAside("truncated" if "truncated" in detail.lower() else "unreadable", detail)


def _extension(path: str) -> str:
    return "." + path.rpartition(".")[2].lower()
