"""Which images are in a set twice: to the pixel, or nearly."""

from hashlib import sha256
from typing import NamedTuple

import imagehash
import numpy as np
from PIL import Image

from zoo_core.data.preparing.hamming import first_linked, leaders

BITS = 256
"""Of a perceptual hash."""

_SIDE = 32  # pixels of the image that is hashed


class Duplicates(NamedTuple):
    """Args:
    of: int64 (N,), the number of the kept image that each duplicates, -1 for those that are kept.
    distance: int32 (N,), in bits, -1 for those that are kept.
    """

    of: np.ndarray
    distance: np.ndarray


def perceptual_hash(image: np.ndarray) -> bytes:
    """ImageHash's `phash` (DCT hash) with `hash_size=16` and `highfreq_factor=2`.

    An image is brought to 32x32 levels of gray; a bit says whether one of its 16x16 lowest frequencies lies above their
    median. Two differences: sides of 64 pixels or more are first shortened by averaging blocks. And where most
    frequencies are the median, as in stripes and ramps, the others tell too little: the hash is SHA-256 of the levels.

    Args:
        image: uint8 (H, W, C), C 1 or 3, of any size.

    Returns:
        `BITS` bits.
    """
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).convert("L")
    picture = picture.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS, reducing_gap=1.0)
    bits = imagehash.phash(picture, hash_size=16, highfreq_factor=2).hash
    if np.count_nonzero(bits) < BITS // 4:
        return sha256(picture.tobytes()).digest()
    return np.packbits(bits).tobytes()


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


def first_alike(digests: np.ndarray, hashes: np.ndarray, threshold: int | None, found: Duplicates) -> np.ndarray:
    """What must not be parted where duplicates are kept: for each image the first that it is linked with, by any number
    of others of which each is within the threshold of the next.

    Args:
        found: what `find_duplicates` found for the same.

    Returns:
        int64 (N,), -1 for an image that is the first itself.
    """
    first = first_linked(digests, 0, found.of) if threshold is None else first_linked(hashes, threshold, found.of)
    return np.where(first == np.arange(len(first)), -1, first)
