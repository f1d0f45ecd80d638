"""HDF5 files from strangers: the one layout that is written and read, and what may lie under a name.

A file can lead a reader astray: links, external and virtual data sets reach any other file, filters run code of other
libraries, so only arrays are read that lie in the file as they are. And it can be broken: in the layouts before HDF5
1.10, and in texts of variable length, a few damaged bytes make libhdf5 (2.0) loop for ever, crash or fill the memory.
So only `libver="v110"`, whose structures carry checksums, is written and read, with texts of fixed length.

Names such as "train/images" are paths of links; a message shows them as they are from the file's root.
"""

import hashlib
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np

SIGNATURE = b"\x89HDF\r\n\x1a\n"
"""How every HDF5 file starts."""

_START = SIGNATURE + b"\x03"  # of a file in that layout, with superblock version 3

_RAISED = (OSError, ValueError, KeyError, TypeError, RuntimeError, OverflowError, MemoryError)
"""By h5py and NumPy, where a file is broken."""


class Broken(Exception):
    """The file is not what it should be. The message is a clause, for the caller to put into a sentence."""


class Unexpected(Broken):
    """The file may be whole, but what lies under a name in it is not what the caller expects there."""


def create(target: Path | BinaryIO, format: str, schema: int) -> h5py.File:
    """A new file, open for writing, that says what it is; the same content gives the same bytes."""
    file = h5py.File(target, "w", libver="v110")
    write_text(file, "format", format)
    file.attrs["schema"] = schema
    return file


@contextmanager
def reading(source: Path | bytes, format: str, schema: int) -> Iterator[h5py.File]:
    """A file, or the content of one, open for reading.

    Raises:
        Broken: if it can't be read or is not of this format and schema; and in place of the errors that h5py, numpy
            and checks of the caller's own raise in the `with` block.
    """
    try:
        # A stream also for a path: what was looked at is what is read, and libhdf5 asks for no lock.
        with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as stream:
            if stream.read(len(_START)) != _START:
                raise Broken("it does not start as a file of HDF5 1.10 or later does")
            with h5py.File(stream, "r") as file:
                _check_header(file, format, schema)
                yield file
    except _RAISED as error:
        raise Broken(" ".join(str(error).split())) from error


def is_foreign(path: Path) -> bool:
    """Whether this is an HDF5 file that another program wrote: it is of another layout, or does not say its format.
    What is of our layout and can't be opened counts as ours."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as stream:
            start = stream.read(len(_START))
            if start != _START:
                return start.startswith(SIGNATURE)
            with h5py.File(stream, "r") as file:
                return "format" not in file.attrs
    except _RAISED:
        return False


def write_text(item: h5py.Group, attribute: str, text: str) -> None:
    """What UTF-8 can't hold, such as the bytes of an odd file name, is written as `\\udcff`."""
    item.attrs[attribute] = np.bytes_(text.encode(errors="backslashreplace"))


def read_text(item: h5py.Group, attribute: str) -> str:
    """Raises `Broken` for anything but a text of fixed length."""
    return _attribute(item, attribute, "S", "a text of fixed length").decode()


def child(parent: h5py.Group, name: str, kind: type) -> Any:
    """What lies under a name, reached by hard links only: any other may lead out of the file.

    Args:
        kind: `h5py.Group` or `h5py.Dataset`.

    Raises:
        Unexpected: if that is not there, or of another kind.
    """
    item = parent
    for part in name.split("/"):
        link = item.get(part, getlink=True) if isinstance(item, h5py.Group) else None
        item = item[part] if isinstance(link, h5py.HardLink) else None
    if not isinstance(item, kind):
        what = "a group" if kind is h5py.Group else "a data set"
        raise Unexpected(f"'{_full(parent, name)}' should be {what} within the file")
    return item


def plain_array(parent: h5py.Group, name: str) -> h5py.Dataset:
    """The data set under a name, not read yet: its array lies in the file, in one piece and as it is.

    Raises:
        Unexpected: if there is none, or stored otherwise.
    """
    dataset = child(parent, name, h5py.Dataset)
    stored = dataset.id.get_create_plist()
    if stored.get_layout() != h5py.h5d.CONTIGUOUS or stored.get_external_count() or stored.get_nfilters():
        raise Unexpected(f"'{_full(parent, name)}' should be contiguous and uncompressed, in the file itself")
    return dataset


def mapped(group: h5py.Group, name: str, dtype: str, path: Path) -> np.memmap:
    """An array of an open HDF5 file, read-only, mapped from where it lies in it.

    Args:
        dtype: that it must have, as NumPy abbreviates it with its byte order: "|u1", "<f4"; "|S" for texts of any one
            length.

    Raises:
        ValueError, Unexpected: if there is none of that type, or it does not lie there in one piece.
    """
    dataset = plain_array(group, name)
    if dataset.dtype.str != dtype and not (dtype == "|S" and dataset.dtype.kind == "S"):
        raise ValueError(f"'{dataset.name}' should be {np.dtype(dtype)}, received {dataset.dtype}")
    offset = dataset.id.get_offset()
    if offset is None or offset + dataset.nbytes > path.stat().st_size:
        raise ValueError(f"'{dataset.name}' {dataset.shape} has no or too few bytes in the file")
    return np.memmap(path, dataset.dtype, "r", offset, dataset.shape)


def write_arrays(group: h5py.Group, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays by name, and their checksum as the group's attribute `sha256`."""
    for name, array in arrays.items():
        group.create_dataset(name, data=array)
    write_text(group, "sha256", _digest(arrays))


def read_arrays(group: h5py.Group, expected: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The arrays that `write_arrays` wrote; none is read whose shape and type do not fit.

    Args:
        expected: by name, anything with the `shape` and `dtype` that the array must have.

    Raises:
        Unexpected: if one is missing or of another shape or type.
        Broken: if they are not what the checksum says.
    """
    arrays = {name: _read_array(group, name, like) for name, like in expected.items()}
    if read_text(group, "sha256") != _digest(arrays):
        raise Broken("its checksum does not fit its content")
    return arrays


def _read_array(group: h5py.Group, name: str, expected: Any) -> np.ndarray:
    dataset, shape, dtype = plain_array(group, name), tuple(expected.shape), np.dtype(expected.dtype)
    if dataset.shape != shape or dataset.dtype != dtype:
        received = f"{dataset.dtype} {dataset.shape}"
        raise Unexpected(f"'{_full(group, name)}' should be {dtype} {shape}, received {received}")
    return dataset[()]


def _check_header(file: h5py.File, format: str, schema: int) -> None:
    if (found := read_text(file, "format")) != format:
        raise Broken(f"its attribute 'format' should be '{format}', received '{found}'")
    if (number := _attribute(file, "schema", "i", "an integer")) != schema:
        raise Broken(f"this version reads schema {schema}, received {number}")


def _attribute(item: h5py.Group, name: str, kind: str, what: str) -> Any:
    """A single value of a NumPy kind; nothing of another type is read."""
    stored = item.attrs.get_id(name) if name in item.attrs else None
    if stored is None or stored.dtype.kind != kind or stored.shape != ():
        raise Broken(f"its attribute '{name}' should be {what}")
    return item.attrs[name]


def _full(parent: h5py.Group, name: str) -> str:
    return f"{parent.name}/{name}".strip("/")


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()
