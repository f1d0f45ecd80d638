"""Tar archives from strangers: the members one after the other, whatever their headers say."""

import tarfile
from collections.abc import Iterator
from io import BufferedIOBase
from typing import Any

_LONGEST = 2**16
"""Bytes of a header, the extended ones that hold long names included."""


def tar_members(stream: BufferedIOBase) -> Iterator[tarfile.TarInfo]:
    """The members of an uncompressed archive, none of them kept. The stream may be moved in between.

    Raises:
        Exception: of several kinds, where it is damaged or ends early; `tarfile` alone takes both for its end.
    """
    headers = _Headers(stream)
    archive: Any = tarfile.TarFile(fileobj=headers, encoding="utf-8")  # type: ignore[arg-type]
    position = 0
    while (member := archive.next()) is not None:
        archive.members.clear()
        if archive.offset <= position:  # a negative size: it would go round in circles
            raise tarfile.ReadError(f"the size of '{member.name}' makes no sense")
        position = archive.offset
        yield member
    if headers.last != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError(f"it ends early, or is damaged at byte {archive.offset}")


def is_tar(stream: BufferedIOBase) -> bool:
    """Whether a stream starts as an uncompressed archive does."""
    try:
        tarfile.TarInfo.frombuf(stream.read(tarfile.BLOCKSIZE), "utf-8", "surrogateescape")
    except tarfile.TarError:  # of another format, or too short
        return False
    return True


class _Headers:
    """A stream for what is short. Sizes in headers are not to be believed, and `tarfile` reads what they say.

    Attributes:
        last: what was read at last.
    """

    def __init__(self, stream: BufferedIOBase) -> None:
        self._stream = stream
        self.seek, self.tell = stream.seek, stream.tell
        self.last = b""

    def read(self, size: int) -> bytes:
        if not 0 <= size <= _LONGEST:
            raise tarfile.ReadError(f"a header of {size} bytes")
        self.last = self._stream.read(size)
        return self.last
