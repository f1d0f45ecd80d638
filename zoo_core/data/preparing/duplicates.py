"""Which images are in a set twice: to the pixel, or nearly."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import groupby
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy.fft import dct

from zoo_core.data.preparing.hamming import leaders

BITS = 256
"""Of a perceptual hash."""

_PIXELS = 2**19  # that are converted at once, all channels counted
_SIDE = 32  # pixels of the image that is hashed
_BASIS = dct(np.eye(_SIDE), axis=0)[:16]  # (16, 32): its lowest frequencies, in one direction


class Duplicates(NamedTuple):
    """Args:
    of: int64 (N,), the number of the kept image that each duplicates, -1 for those that are kept.
    distance: int32 (N,), in bits, -1 for those that are kept.
    """

    of: np.ndarray
    distance: np.ndarray


def perceptual_hashes(images: Sequence[np.ndarray]) -> np.ndarray:
    """ImageHash's `phash` (DCT hash) with `hash_size=16` and `highfreq_factor=2`, of many images at once.

    ImageHash itself takes as long for a small image as Pillow does to decode it; these are its bits in a third of that.

    An image is brought to 32x32 levels of gray; a bit says whether one of its 16x16 lowest frequencies lies above their
    median. Three differences: sides of 64 pixels or more are first shortened by averaging blocks. What equals the
    median does so whatever the rounding, so that equal images have equal hashes on every machine. And where more than
    half of the frequencies do, as in stripes and ramps, the others tell too little: the hash is SHA-256 of the levels.

    Args:
        images: uint8 (H, W, C) each, C 1 or 3, of any size.

    Returns:
        uint8 (N, 32), each of `BITS` bits.
    """
    gray = np.empty((len(images), _SIDE, _SIDE))
    for place, levels in enumerate(_levels(images)):
        if levels.shape != (_SIDE, _SIDE):
            image = Image.fromarray(levels).resize((_SIDE, _SIDE), Image.Resampling.LANCZOS, reducing_gap=1.0)
            levels = np.asarray(image)
        gray[place] = levels
    low = (_BASIS @ gray @ _BASIS.T).round(3).reshape(len(images), BITS)
    median = np.median(low, axis=1, keepdims=True)
    hashes = np.packbits(low > median, axis=1)
    for poor in np.flatnonzero((low == median).sum(1) > BITS // 2):
        hashes[poor] = np.frombuffer(sha256(gray[poor].tobytes()).digest(), np.uint8)
    return hashes


def find_duplicates(digests: np.ndarray, hashes: np.ndarray, threshold: int | None) -> Duplicates:
    """An image is a duplicate if an earlier one that is kept lies within the threshold; of several, the nearest counts,
    and of those the first.

    Args:
        digests: uint8 (N, 32), SHA-256 of the pixels, in the order in which images are preferred.
        hashes: uint8 (N, B), such that equal digests have equal ones.
        threshold: bits in which the hashes may differ; None: only equal digests count.
    """
    of, distance = leaders(digests, 0) if threshold is None else leaders(hashes, threshold)
    return Duplicates(of, distance.astype(np.int32))


def _levels(images: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """Each image in levels of gray, uint8 (H, W), as Pillow weights the colours."""
    step = max(1, _PIXELS // max((image.size for image in images), default=1))
    for start in range(0, len(images), step):
        for (height, width, channels), alike in groupby(images[start : start + step], lambda image: image.shape):
            column = np.concatenate(list(alike))  # (N*H, W, C): one image for Pillow, as each costs it 10 microseconds
            image = Image.fromarray(column[..., 0] if channels == 1 else column).convert("L")
            yield from np.asarray(image).reshape(-1, height, width)
