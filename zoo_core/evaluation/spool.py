"""Arrays that may be larger than memory, in temporary files without a name: gone with the last array that maps them."""

import tempfile
from collections.abc import Iterable
from typing import IO

import numpy as np

from zoo_core.errors import ZooError


def spool(parts: Iterable[np.ndarray]) -> np.ndarray:
    """Write arrays (n, ...) of one type and, but for n, one shape to a temporary file, one after the other.

    Returns:
        (N, ...), N the sum of all n, read-only and mapped from the file.

    Raises:
        ZooError: where there is no room for the file.
        ValueError: where there are no arrays.
    """
    count, part = 0, None
    with _temporary_file() as file:
        for part in parts:
            _append(file, part)
            count += len(part)
        if part is None:
            raise ValueError("there is nothing to write")
        return np.memmap(file, part.dtype, "r", shape=(count, *part.shape[1:]))  # its own hold on the file


def _temporary_file() -> IO[bytes]:
    try:
        return tempfile.TemporaryFile(prefix="zoo-")
    except OSError as error:
        raise _no_room(error) from error


def _append(file: IO[bytes], part: np.ndarray) -> None:
    try:
        file.write(np.ascontiguousarray(part).data)
        file.flush()
    except OSError as error:
        raise _no_room(error) from error


def _no_room(error: OSError) -> ZooError:
    return ZooError(
        f"Can't write a temporary file: {error.strerror or error}.",
        "Free some space, or name a folder that has some with the environment variable TMPDIR.",
    )
