"""Which images are in a set twice: to the pixel, or nearly."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy.fft import dct

from zoo_core.data.preparing.hamming import leaders

BITS = 256
"""Of a perceptual hash."""

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

    An image is brought to 32x32 levels of gray; a bit says whether one of its 16x16 lowest frequencies lies above their
    median. Differences to the original: sides of 64 pixels or more are first shortened by averaging blocks, and
    a tie with the median is one whatever the rounding, so that equal images have equal hashes on every machine.

    Args:
        images: uint8 (H, W, C) each, C 1 or 3, of any size.

    Returns:
        uint8 (N, 32), each of `BITS` bits.
    """
    gray = np.empty((len(images), _SIDE, _SIDE))
    for place, pixels in enumerate(images):
        image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).convert("L")
        gray[place] = np.asarray(image.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS, reducing_gap=1.0))
    low = (_BASIS @ gray @ _BASIS.T).round(3).reshape(len(images), BITS)
    return np.packbits(low > np.median(low, axis=1, keepdims=True), axis=1)


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
