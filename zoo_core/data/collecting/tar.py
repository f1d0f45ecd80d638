"""Image files in a tar archive, plain or compressed; the latter is unpacked once, as it is, to a plain one."""

import bz2
import gzip
import lzma
import os
import weakref
import zlib
from collections.abc import Callable, Iterator, Mapping
from io import BufferedIOBase
from pathlib import Path
from typing import Any, final

from zoo_core.data.array_file import BLOCK, RATIO, SUSPECT
from zoo_core.data.collecting.archive import Archive, damaged, visible
from zoo_core.data.collecting.base import Item
from zoo_core.data.collecting.files import Entry, check_size
from zoo_core.data.collecting.unpacking import unpacked
from zoo_core.data.tars import is_tar, tar_members
from zoo_core.errors import ZooError

_OPENERS: Mapping[bytes, Callable[[Path], BufferedIOBase]] = {
    b"\x1f\x8b": gzip.GzipFile,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
}
_DECOMPRESSING = (OSError, EOFError, zlib.error, lzma.LZMAError)


@final
class Tar(Archive):
    """Args:
    plain: the same archive without compression, absolute.
    """

    def __init__(self, name: str, path: Path, plain: Path) -> None:
        super().__init__(name, path)
        self._plain, self.read_from = plain, (plain,)
        self._descriptor: int | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_descriptor": None}

    def entries(self) -> Iterator[Entry]:
        try:
            with self._plain.open("rb") as stream:
                for member in tar_members(stream):
                    path = visible(member.name)
                    if path is None or member.isdir():
                        continue
                    if member.isreg() and not member.issparse():
                        yield Entry(path, member.offset_data, member.size)
                    else:
                        yield Entry(path, odd="link" if member.issym() or member.islnk() else "special file")
        except Exception as error:  # tarfile raises whatever broken bytes lead it to
            raise damaged(self.path, error) from error

    def read(self, item: Item) -> bytes:
        check_size(item.length)
        if self._descriptor is None:
            self._descriptor = os.open(self._plain, os.O_RDONLY)
            weakref.finalize(self, os.close, self._descriptor)
        content = os.pread(self._descriptor, item.length, item.place)
        if len(content) < item.length:
            raise ValueError("the archive ends before it")
        return content


def open_tar(name: str, path: Path, work: Path) -> Tar | None:
    """An archive; None where the file is something else.

    Raises:
        ZooError: if it can't be unpacked, or not into the room that there is.
    """
    with path.open("rb") as plain:
        if is_tar(plain):
            return Tar(name, path, path)
    stream = decompressing(path)
    if stream is None:
        return None
    try:
        with stream:
            if not is_tar(stream):
                return None
    except _DECOMPRESSING as error:
        raise damaged(path, error) from error
    return Tar(name, path, unpacked(work, path, "tar", lambda: _blocks(path)))


def decompressing(path: Path) -> BufferedIOBase | None:
    """The content of a file that is compressed with gzip, bzip2 or xz; None of another."""
    with path.open("rb") as file:
        start = file.read(8)
    opener = next((opener for magic, opener in _OPENERS.items() if start.startswith(magic)), None)
    return None if opener is None else opener(path)


def _blocks(path: Path) -> Iterator[bytes]:
    total, limit = 0, max(SUSPECT, RATIO * path.stat().st_size)
    stream = decompressing(path)
    assert stream is not None
    try:
        with stream:
            while block := stream.read(BLOCK):
                total += len(block)
                if total > limit:
                    break
                yield block
    except _DECOMPRESSING as error:
        raise damaged(path, error) from error
    if total > limit:
        raise ZooError(
            f"'{path}' grows to more than {RATIO} times its size when it is unpacked.",
            "Images do not compress like that. If it is in order, unpack it yourself, and name the folder.",
        )
