"""Arrays in a NumPy file from a stranger, .npz or .npy: checked before anything is unpacked, and never executed."""

import os
import struct
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, ClassVar, final

import numpy as np

from zoo_core.data.array_file import BLOCK, ArrayFile, ArrayHeader, Placed
from zoo_core.errors import ZooError

_END = struct.Struct("<10xH10x")
"""The record at the end of a zip file (APPNOTE.TXT, 4.3.16): the number of entries is in bytes 10 and 11."""


@final
class NumpyFile(ArrayFile):
    """The header of an .npy is the only one, and its name is ""."""

    example: ClassVar[str] = "np.savez(FILE, images=array)"

    def __init__(self, path: Path, headers: Mapping[str, ArrayHeader], archive: zipfile.ZipFile | None) -> None:
        super().__init__(path, headers)
        self._archive = archive

    def placed(self, name: str) -> Placed | None:
        # In an .npz all are packed, be it as they are.
        if self._archive is not None:
            return None
        header = self.headers[name]
        if header.start + header.nbytes != self.path.stat().st_size:
            raise ValueError(f"its {header.dtype} array {header.shape} does not fit its length")
        return Placed(self.path, header.start, header.shape, header.dtype.str, header.order)

    def blocks(self, name: str) -> Iterator[bytes]:
        assert self._archive is not None
        header, member = self.headers[name], self._archive.getinfo(f"{name}.npy")
        if header.start + header.nbytes != member.file_size:
            raise ValueError(f"'{name}' {header} does not fit its length")
        self.check_unpacked(name, member.compress_size)
        left = header.nbytes
        with self._archive.open(member) as file:
            file.read(header.start)
            while block := file.read(BLOCK):  # to the end, where zipfile compares the checksum
                left -= len(block)
                yield block
        if left:
            raise ValueError(f"'{name}' ends early")


@contextmanager
def reading_numpy(path: Path) -> Iterator[NumpyFile]:
    """An open file.

    Raises:
        ZooError: if it is damaged, now or within the `with` block.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy and Python's parser grumble about odd headers
            if _is_single(path):
                with path.open("rb") as file:
                    header = _read_header(file)
                yield NumpyFile(path, {"": header}, None)
            else:
                with zipfile.ZipFile(path) as archive:
                    check_entries(path, archive)
                    yield NumpyFile(path, _read_headers(archive), archive)
    except ZooError:
        raise
    except Exception as error:  # zipfile, zlib and the .npy parser raise whatever broken bytes lead them to
        raise ZooError(f"'{path}' can't be read as a NumPy file: {error}.", "Write it again.") from error


def check_entries(path: Path, archive: zipfile.ZipFile) -> None:
    """zipfile itself does not notice where damage hides an entry: the record at the end says how many there are.

    Raises:
        ValueError: where they are others.
    """
    with path.open("rb") as file:
        file.seek(-_END.size - len(archive.comment), os.SEEK_END)
        stated = _END.unpack(file.read(_END.size))[0]
    if stated not in (len(archive.infolist()) % 2**16, 2**16 - 1):  # the latter where another record says it (ZIP64)
        raise ValueError(f"it should hold {stated} files, but {len(archive.infolist())} are found")


def _is_single(path: Path) -> bool:
    magic = np.lib.format.MAGIC_PREFIX
    with path.open("rb") as file:
        return file.read(len(magic)) == magic


def _read_headers(archive: zipfile.ZipFile) -> dict[str, ArrayHeader]:
    headers = {}
    for member in archive.namelist():
        with archive.open(member) as file:  # of whatever name: zipfile finds damaged ones when it opens them
            if member.endswith(".npy"):
                headers[member.removesuffix(".npy")] = _read_header(file)
    return headers


def _read_header(file: IO[bytes]) -> ArrayHeader:
    if (version := np.lib.format.read_magic(file)) != (1, 0):  # later ones are for tables, and may be of any length
        raise ValueError(f"version {version[0]}.{version[1]} of the .npy format is not for images")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    if min(shape, default=0) < 0:
        raise ValueError(f"an array can't have the shape {shape}")
    return ArrayHeader(shape, "F" if fortran else "C", dtype, file.tell())
