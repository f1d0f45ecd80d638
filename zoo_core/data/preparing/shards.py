"""A shard of images: what one worker is given at a time, and what comes back. The same whoever does it."""

import errno
import os
import platform
from typing import NamedTuple

import numpy as np

from zoo_core.data.collecting import ImageSource, Item
from zoo_core.data.dataset import digest
from zoo_core.data.preparing.cleaning import Clean, SetAside, clean, strict_decoders
from zoo_core.data.preparing.duplicates import perceptual_hash
from zoo_core.data.preparing.rules import Rules
from zoo_core.errors import ZooError

SIZE = 128
"""Images of a shard: what is lost when a worker is, and what a worker holds in memory at a time, as they are stored."""

_OF_THE_FILE = (
    *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP),
    *(errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.EINVAL),
    None,  # what decoders raise, and what says that an archive is damaged
)
"""Errors that every machine meets which reads the file, whatever else it has to do."""


class Shard(NamedTuple):
    """Args:
    inputs: what holds the partners of the items, where there are pairs.
    partners: as many as items, then.
    """

    number: int
    source: ImageSource
    items: list[Item]
    rules: Rules
    inputs: ImageSource | None = None
    partners: list[Item] | None = None


class Finding(NamedTuple):
    """Of one image, in the order of the shard's items.

    Args:
        reason: why it is set aside, or "good", and then the rest counts.
        shape: (H, W, C).
        area: pixels before it was resized.
        digest: SHA-256 of the pixels in colour: what is gray may be the same as what is RGB.
        hash: the perceptual one.
        input_shape: (H', W', C') of its partner, whose pixels follow its own.
    """

    reason: str
    detail: str = ""
    note: str = ""
    shape: tuple[int, ...] = ()
    area: int = 0
    digest: bytes = b""
    hash: bytes = b""
    input_shape: tuple[int, ...] = ()


class Done(NamedTuple):
    """Args:
    pixels: those of the good images, one after the other.
    """

    number: int
    findings: list[Finding]
    pixels: bytes | bytearray


class _Looked(NamedTuple):
    image: Clean
    partner: Clean | None


def work_off(shard: Shard) -> Done:
    """Read, decode, check and normalize the images of a shard.

    Raises:
        ZooError: where it is the machine that fails, so that what is set aside depends on the images alone.
    """
    findings, pixels = [], bytearray()
    with strict_decoders():
        for place in range(len(shard.items)):
            found = _look(shard, place)
            if isinstance(found, SetAside):
                findings.append(Finding(found.reason, found.detail))
                continue
            findings.append(_finding(*found))
            for one in found:
                if one is not None:
                    pixels += np.ascontiguousarray(one.pixels).data
    return Done(shard.number, findings, pixels)


def _finding(image: Clean, partner: Clean | None) -> Finding:
    notes = [image.note, f"its input: {partner.note}" if partner and partner.note else ""]
    in_colour = np.broadcast_to(image.pixels, (*image.pixels.shape[:2], 3))  # gray: (H, W, 1) -> (H, W, 3)
    hashes = digest(in_colour), perceptual_hash(image.pixels)
    shape = partner.pixels.shape if partner else ()
    return Finding("good", "", ", ".join(filter(None, notes)), image.pixels.shape, image.area, *hashes, shape)


def _look(shard: Shard, place: int) -> _Looked | SetAside:
    try:
        image = _clean(shard.source, shard.items[place], shard.rules)
        if shard.inputs is None or shard.partners is None:
            return _Looked(image, None)
    except SetAside as reason:
        return reason
    try:
        rules = shard.rules.model_copy(update={"size": shard.rules.input_size or shard.rules.size})
        return _Looked(image, _clean(shard.inputs, shard.partners[place], rules))
    except SetAside as reason:
        return SetAside(reason.reason, f"its input: {reason.detail}")


def _clean(source: ImageSource, item: Item, rules: Rules) -> Clean:
    try:
        return clean(_read(source, item), item.path, rules)
    except MemoryError as error:
        raise _stopped(source, item, "there is not enough memory") from error


def _read(source: ImageSource, item: Item) -> bytes | np.ndarray:
    try:
        return source.read(item)
    except MemoryError:
        raise
    except Exception as error:  # a damaged archive, a file that went away: whatever it is, the others go on
        if missing := next((path for path in source.read_from if not os.path.exists(path)), None):
            raise _stopped(source, item, f"'{missing}' is not there") from error
        if isinstance(error, OSError) and error.errno not in _OF_THE_FILE:
            raise _stopped(source, item, str(error)) from error
        raise SetAside("unreadable", str(error) or type(error).__name__) from error


def _stopped(source: ImageSource, item: Item, why: str) -> ZooError:
    return ZooError(
        f"Can't read '{item.path}' of '{source.name}' on {platform.node()}: {why}.",
        "This may be no fault of the image, so it is not set aside. What was done so far is kept: mend the cause, then "
        "run the same again to go on.",
    )
