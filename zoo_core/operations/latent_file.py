"""The file that `zoo compress` writes: the latents of images, whole numbers, entropy coded. docs/operations.md has the
format byte by byte.

A latent of channel c, of those in the last axis, is coded under a discrete Gaussian with this channel's mean and scale.
Its table is made by `decimal`, whose exponential function is rounded correctly: it is the same on every machine.
"""

import struct
import zlib
from decimal import Context, Decimal, localcontext
from functools import lru_cache
from math import prod
from types import ModuleType
from typing import NamedTuple

import numpy as np

from zoo_core.errors import UsageError, ZooError

MAGIC, VERSION = b"ZOOL", 1
LARGEST_FILE = 2**26
MOST_IMAGES = 2**16 - 1
MOST_VALUES = 2**24
LONGEST_AXIS = 2**16 - 1
LARGEST_STEP = 1e30
FARTHEST = 4095
"""From its channel's mean a value may lie at most."""

_HEADER = struct.Struct("<4sB8sHfHIHB")
_TABLE = np.dtype([("mean", "<i2"), ("scale", "u1")])
_SCALES = 256
_ONE = 2**20
"""The weight of the mean; the least weight of a value is 1."""


class Latents(NamedTuple):
    """What a file holds.

    Attributes:
        run: 8 bytes, the identity of the networks whose latents they are.
        step: that they are multiples of.
        values: int32 (N, ...).
    """

    run: bytes
    step: np.float32
    values: np.ndarray


def pack(latents: Latents) -> bytes:
    """The content of a file.

    Raises:
        UsageError: for more images or values than a file may hold, latents with a longer axis, or values too far from
            each other.
    """
    count, *shape = latents.values.shape
    if count > MOST_IMAGES or latents.values.size > MOST_VALUES:
        raise UsageError(
            f"A file holds at most {MOST_IMAGES:,} images and {MOST_VALUES:,} latents, received {count:,} "
            f"and {latents.values.size:,}.",
            "Compress them into several files.",
        )
    if max(shape, default=1) > LONGEST_AXIS:
        raise UsageError(
            f"A file holds latents with axes of at most {LONGEST_AXIS:,}, received {tuple(shape)} for each image.",
            "Choose a model with smaller latents: zoo models list.",
        )
    channels = shape[-1] if shape else 1
    spread = int(latents.values.max()) - int(latents.values.min())
    ways = [channels] if spread > FARTHEST else sorted({1, channels})  # one Gaussian may not reach all channels
    return min((_pack(latents, models) for models in ways), key=len)


def unpack(content: bytes, run: bytes, shape: tuple[int, ...]) -> Latents:
    """Read the content of a file; nothing is made before its size is known to be allowed.

    Args:
        run: what `Latents.run` should be.
        shape: of one image's latents.

    Raises:
        UsageError: for a file of another run.
        ZooError: for anything else than such a file.
    """
    if len(content) < _HEADER.size or content[:4] != MAGIC:
        raise _damaged("it does not start as a file of zoo compress does")
    _, version, found, count, step, reach, checksum, models, rank = _HEADER.unpack_from(content)
    if version != VERSION:
        raise _damaged(f"this version of zoo-core reads version {VERSION} of the format, received {version}")
    if zlib.crc32(content[:-4]).to_bytes(4, "little") != content[-4:]:
        raise _damaged("its checksum does not fit its content")
    if found != run:
        raise UsageError(
            f"The file was compressed by another run, {found.hex()}; this one is {run.hex()}.",
            "Name the run that compressed it, with the same --checkpoint.",
        )
    channels = shape[-1] if shape else 1
    stored = struct.Struct(f"<{rank}H")
    words = _HEADER.size + stored.size + models * _TABLE.itemsize
    if len(content) < words + 4 or (len(content) - words) % 4 or stored.unpack_from(content, _HEADER.size) != shape:
        raise _damaged("its lengths do not fit each other")
    if not (count > 0 and count * prod(shape) <= MOST_VALUES and models in (1, channels)):
        raise _damaged("its counts are out of bounds")
    if not (1 <= reach <= FARTHEST and 0 < step < LARGEST_STEP):
        raise _damaged("its values are out of bounds")
    tables = np.frombuffer(content, _TABLE, models, _HEADER.size + stored.size)
    values = _decoded(np.frombuffer(content[words:-4], "<u4"), tables, reach, count * prod(shape) // models)
    values = values.T.reshape(count, *shape)
    if zlib.crc32(values.astype("<i4").tobytes()) != checksum:
        raise _damaged("the latents that it gives are not those that went in")
    return Latents(found, np.float32(step), values)


def header_size(content: bytes) -> int:
    """The bytes of a file, made by `pack`, that are no coded latents."""
    *_, models, rank = _HEADER.unpack_from(content)
    return _HEADER.size + 2 * rank + models * _TABLE.itemsize + 4


def _pack(latents: Latents, models: int) -> bytes:
    """The content of a file with a Gaussian for each channel, or one for all."""
    values = latents.values.reshape(-1, models).astype(np.int64)
    means = np.clip(np.rint(values.mean(axis=0)), -(2**15), 2**15 - 1).astype(np.int64)
    offsets = values - means
    reach = max(1, int(np.abs(offsets).max()))
    if reach > FARTHEST:
        raise UsageError(
            f"Latents lie up to {reach:,} steps from their mean, and at most {FARTHEST:,} can be coded.",
            "Take a larger --step.",
        )
    tables = np.empty(models, _TABLE)
    tables["mean"], tables["scale"] = means, _scales(offsets, reach)
    coder = _constriction().stream
    encoder = coder.queue.RangeEncoder()
    for offset, table in zip(offsets.T, tables, strict=True):
        encoder.encode((offset + reach).astype(np.int32), _model(coder, int(table["scale"]), reach))
    shape = latents.values.shape[1:]
    checksum = zlib.crc32(latents.values.astype("<i4").tobytes())
    header = _HEADER.pack(
        MAGIC, VERSION, latents.run, len(latents.values), latents.step, reach, checksum, models, len(shape)
    )
    stored = struct.pack(f"<{len(shape)}H", *shape)
    content = header + stored + tables.tobytes() + encoder.get_compressed().astype("<u4").tobytes()
    return content + zlib.crc32(content).to_bytes(4, "little")


def _decoded(words: np.ndarray, tables: np.ndarray, reach: int, count: int) -> np.ndarray:
    """The values of each table, int32 (models, count)."""
    coder = _constriction().stream
    values = np.empty((len(tables), count), np.int32)
    try:
        decoder = coder.queue.RangeDecoder(words.astype(np.uint32))
        for row, table in zip(values, tables, strict=True):
            row[:] = decoder.decode(_model(coder, int(table["scale"]), reach), count)
            row += np.int32(table["mean"]) - reach
    except (AssertionError, ValueError) as error:  # what constriction raises for words that no encoder gives
        raise _damaged("its coded part can't be decoded") from error
    return values


def _scales(offsets: np.ndarray, reach: int) -> np.ndarray:
    """For each column of offsets (N, M) from the mean, the scale that codes it in the fewest bits."""
    counts = np.stack([np.bincount(column + reach, minlength=2 * reach + 1) for column in offsets.T], axis=1)
    weights = np.stack([_weights(scale, reach) for scale in range(_SCALES)])
    bits = np.log2(weights.sum(axis=1, keepdims=True) / weights) @ counts
    return bits.argmin(axis=0).astype(np.uint8)


@lru_cache(maxsize=2 * _SCALES)
def _weights(scale: int, reach: int) -> np.ndarray:
    """Of the offsets -reach … reach from the mean: whole numbers ∝ exp(-offset²/2σ²), plus 1, float64 (2·reach + 1,).

    1/2σ² is exp(4 - scale/12), so σ goes from 0.1 to 4,000 in steps of 4 %.
    """
    half = [1] * (reach + 1)
    with localcontext(Context(prec=28)):
        steepness = (4 - Decimal(scale) / 12).exp()
        for k in range(reach + 1):
            if not (weight := int(_ONE * (-steepness * k * k).exp())):
                break
            half[k] += weight
    return np.array(half[:0:-1] + half, np.float64)


def _model(coder: ModuleType, scale: int, reach: int) -> object:
    return coder.model.Categorical(_weights(scale, reach), perfect=False)


def _constriction() -> ModuleType:
    try:
        import constriction
    except ImportError as error:
        raise UsageError(
            "Compression needs the package 'constriction', which is not installed.", "pip install constriction"
        ) from error
    module: ModuleType = constriction
    return module


def _damaged(problem: str) -> ZooError:
    return ZooError(f"The file can't be decompressed: {problem}.", "Get it again from where it came from.")
