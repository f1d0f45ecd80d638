"""The process that looks into an HDF5 file of another program: `zoo_core.data.foreign_hdf5` says why it is one.

    python -m zoo_core.data.foreign_hdf5_process FILE          what lies at the root, in JSON
    python -m zoo_core.data.foreign_hdf5_process FILE NAME     the bytes of an array there, row by row

What is wrong with the file goes to stderr, as one line. Only what lies in the file itself is read: links, external and
virtual data sets can reach any other file, and filters, but for those of `FILTERS`, run code of other libraries.
"""

import json
import resource
import sys
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np

from zoo_core.data.array_file import BLOCK

FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32, h5py.h5z.FILTER_LZF}
"""What libhdf5 and h5py themselves compress with."""

SECONDS = 30
"""Of computing, in which the root must be listed, and each block be read."""

MEMORY = 2**32
"""Bytes that this process may take, 4 GiB."""


def main(path: str, name: str | None = None) -> None:
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, MEMORY)
    _allow_time()
    try:
        with Path(path).open("rb") as stream, h5py.File(stream, "r") as file:  # a stream: libhdf5 asks for no lock
            if name is None:
                print(json.dumps({there: _describe(file, there) for there in file}))
            else:
                _write(file[name], sys.stdout.buffer)
    except Exception as error:  # h5py raises whatever broken bytes lead it to
        said = error.args[0] if isinstance(error, KeyError) else error  # which would put quotes around it
        sys.exit(" ".join(str(said).split()) or type(error).__name__)


def _allow_time() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + SECONDS)


def _limit(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _describe(file: h5py.File, name: str) -> dict[str, Any]:
    """Of an array: its shape and type, where it begins in the file, None where it is not in one piece and as it is, and
    how many bytes it takes there. Of anything else: why it is not read."""
    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        return {"refused": "is a link, which may lead out of the file"}
    item = file[name]
    if not isinstance(item, h5py.Dataset):
        return {"refused": "is no array, but a group"}
    stored = item.id.get_create_plist()
    if item.is_virtual or stored.get_external_count():
        return {"refused": "lies in another file"}
    if item.shape is None:
        return {"refused": "is empty"}
    for number in range(stored.get_nfilters()):
        code, _, _, called = stored.get_filter(number)
        if code not in FILTERS:
            return {"refused": f"is compressed by a filter that is not read: {code} {called.decode(errors='replace')}"}
    start = (item.id.get_offset() or 0) if stored.get_layout() == h5py.h5d.CONTIGUOUS else None
    return {"shape": item.shape, "dtype": item.dtype.str, "start": start, "packed": item.id.get_storage_size()}


def _write(dataset: h5py.Dataset, out: BinaryIO) -> None:
    """In stretches of whole chunks, so that none is unpacked twice."""
    rows_of_chunk = dataset.chunks[0] if dataset.chunks else 1
    row = dataset.nbytes // len(dataset)
    step = rows_of_chunk * max(1, BLOCK // (rows_of_chunk * row))
    for start in range(0, len(dataset), step):
        _allow_time()
        out.write(np.ascontiguousarray(dataset[start : start + step]).data)


if __name__ == "__main__":
    main(*sys.argv[1:])
