"""The format of MNIST's files, idx, plain or compressed with gzip: a magic number, the sizes, and the bytes.

    0, 0, 8       zeros, and the type: unsigned bytes
    n             dimensions: 3 of images (N, H, W), 1 of labels (N,)
    n × 4 bytes   the sizes, big-endian
    the values, row by row

LeCun, Cortes and Burges, The MNIST database of handwritten digits, "File formats".
"""

import gzip
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path

import numpy as np

from zoo_core.data.array_file import BLOCK, LARGEST, RATIO, SUSPECT, Placed
from zoo_core.errors import ZooError

_START = b"\0\0\x08"
_GZIP = b"\x1f\x8b"


class IdxFile:
    """An open file.

    Attributes:
        shape: of its array of unsigned bytes.
    """

    def __init__(self, path: Path, stream: BufferedIOBase, compressed: bool) -> None:
        self.path, self._stream, self._compressed = path, stream, compressed
        start = stream.read(4)
        if start[:3] != _START or len(start) < 4:
            raise ValueError("it does not start as a file of unsigned bytes does")
        self._length = 4 + 4 * start[3]
        sizes = stream.read(4 * start[3])
        if start[3] not in (1, 3) or len(sizes) < 4 * start[3]:
            raise ValueError(f"it should have 1 or 3 dimensions, and their sizes; received {start[3]}")
        self.shape = tuple(np.frombuffer(sizes, ">u4").tolist())
        if 0 in self.shape:
            raise ValueError(f"its array {self.shape} is empty")

    def placed(self) -> Placed | None:
        """Where the array lies; None where it must be unpacked first. Raises as `reading_idx`."""
        if self._compressed:
            return None
        if self._length + math.prod(self.shape) != self.path.stat().st_size:
            raise ValueError(f"its array {self.shape} does not fit its length")
        return Placed(self.path, self._length, self.shape, "|u1")

    def blocks(self) -> Iterator[bytes]:
        """The bytes of the array, in pieces.

        Raises:
            ZooError: where there would be too many of them; otherwise as `reading_idx`.
        """
        left = math.prod(self.shape)
        if left > LARGEST or (left > SUSPECT and left > RATIO * self.path.stat().st_size):
            raise ValueError(f"its array {self.shape} would be {left / 2**20:,.0f} MiB when unpacked")
        while block := self._read_block():
            left -= len(block)
            if left < 0:
                break
            yield block
        if left:
            raise ValueError(f"its array {self.shape} does not fit its length")

    def _read_block(self) -> bytes:
        try:
            return self._stream.read(BLOCK)
        except gzip.BadGzipFile as error:  # an OSError, as what fails where the blocks are written
            raise ValueError(str(error)) from error

    def read(self) -> np.ndarray:
        """The array, uint8, in memory. Raises as `blocks`."""
        return np.frombuffer(b"".join(self.blocks()), np.uint8).reshape(self.shape)


@contextmanager
def reading_idx(path: Path) -> Iterator[IdxFile]:
    """An open file.

    Raises:
        ZooError: if it is damaged or something else, now or within the `with` block.
    """
    try:
        with path.open("rb") as plain:
            compressed = plain.read(2) == _GZIP
        with gzip.open(path) if compressed else path.open("rb") as stream:
            yield IdxFile(path, stream, compressed)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise ZooError(f"'{path}' can't be read as an idx file: {error}.", "Fetch it again.") from error


def is_idx(start: bytes) -> bool:
    """Whether a file, uncompressed, starts like one of these."""
    return start[:3] == _START and start[3:4] in (b"\1", b"\3")
