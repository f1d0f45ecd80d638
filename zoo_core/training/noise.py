"""Noise by counting, for backends without such a generator of their own: the bits are those of `jax.random`.

Threefry-2x32 with 20 rounds (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") is a function of a key
and a counter, without any state: what a step or an image draws depends on nothing but its key. 32-bit words are kept
in int64 tensors, since torch has no shifts of unsigned ones.
"""

import math
from itertools import cycle, islice
from typing import NamedTuple

from keras import ops

from zoo_core.models import Tensor

WORD = 0xFFFFFFFF
ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
PARITY = 0x1BD11BDA


class Key(NamedTuple):
    """Two words of 32 bits: int64 tensors of one shape, () or (N,)."""

    high: Tensor
    low: Tensor


def key_of(seed: int) -> Key:
    """The key of a seed in [0, 2³¹)."""
    return Key(ops.zeros((), "int64"), ops.cast(seed, "int64"))


def fold_in(key: Key, data: Tensor) -> Key:
    """A new key for each pair of a key and an integer in [0, 2³²); shapes broadcast."""
    data = ops.cast(data, "int64")
    return Key(*_threefry(key, ops.zeros_like(data), data))


def uniform(key: Key, shape: tuple[int, ...]) -> Tensor:
    """U[0, 1) in float32. A key of shape (N,) draws for each of N images, from the same counters: `shape[0]` is N."""
    each = len(key.high.shape) > 0
    counted = shape[1:] if each else shape
    counter = ops.reshape(ops.arange(math.prod(counted), dtype="int64"), (*((1,) if each else ()), *counted))
    ones = (1,) * len(counted)
    words = Key(*(ops.reshape(word, (-1, *ones)) if each else word for word in key))
    high, low = _threefry(words, ops.zeros_like(counter), counter)
    bits = ops.right_shift(ops.bitwise_xor(high, low), 9)  # the 23 that a float32's mantissa holds
    return ops.cast(bits, "float32") * (2.0**-23)


def _threefry(key: Key, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    words = (key.high, key.low, ops.bitwise_xor(ops.bitwise_xor(key.high, key.low), PARITY))
    x, y = _add(x, words[0]), _add(y, words[1])
    for block, rotations in enumerate(islice(cycle(ROTATIONS), 5), start=1):
        for rotation in rotations:
            x = _add(x, y)
            left, right = ops.left_shift(y, rotation), ops.right_shift(y, 32 - rotation)
            y = ops.bitwise_xor(ops.bitwise_and(ops.bitwise_or(left, right), WORD), x)
        x, y = _add(x, words[block % 3]), _add(y, words[(block + 1) % 3] + block)
    return x, y


def _add(a: Tensor, b: Tensor) -> Tensor:
    return ops.bitwise_and(a + b, WORD)
