"""What must be unpacked before single images can be read from it: once, into a file that all workers read."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from zoo_core.data.collecting.files import stamp
from zoo_core.errors import ZooError
from zoo_core.files import atomic


def unpacked(work: Path, source: Path, part: str, blocks: Callable[[], Iterator[bytes]]) -> Path:
    """The file in `work` with what `blocks` gives, written whole unless it is there already.

    Args:
        source: what it is unpacked from, and `part` of it: another one, or a changed one, gives another file.

    Raises:
        ZooError: where it is larger than the free disk space, or can't be written; and as `blocks`.
    """
    return written(work, f"{os.fspath(source)}\0{stamp(source)}\0{part}", blocks)


def written(work: Path, key: str, blocks: Callable[[], Iterator[bytes]]) -> Path:
    """As `unpacked`, for what is told apart by a key."""
    target = work / f"{hashlib.sha256(os.fsencode(key)).hexdigest()[:32]}.unpacked"
    if target.exists():
        return target
    left = shutil.disk_usage(work).free
    with atomic(target) as temporary, temporary.open("wb") as file:
        for block in blocks():
            left -= len(block)
            if left < 0:
                raise ZooError(
                    f"There is no room in '{work}' for what must be unpacked first.",
                    "Free some space, or prepare the file on a larger disk: what is unpacked lies beside it.",
                )
            file.write(block)
    return target
