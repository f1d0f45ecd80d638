"""From what people type to a source of images, by what is there and not by how it is called."""

import os
import zipfile
from pathlib import Path

from zoo_core.data.collecting.array_files import open_hdf5, open_idx, open_named, open_numpy
from zoo_core.data.collecting.base import ImageSource
from zoo_core.data.collecting.folder import Folder
from zoo_core.data.collecting.table import Table
from zoo_core.data.collecting.tar import decompressing, open_tar
from zoo_core.data.collecting.zip import Zip
from zoo_core.data.decoding import is_image
from zoo_core.data.idx import is_idx
from zoo_core.errors import UsageError, ZooError
from zoo_core.hdf5 import SIGNATURE
from zoo_core.registry import registry

_ACCEPTED = (
    "Accepted are folders of images, tar and zip archives, .npz and .npy files, idx files, .csv files with a column "
    "'path', .h5 files, prepared or of arrays, and the built-in sets."
)
_NUMPY, _ZIP = b"\x93NUMPY", b"PK\x03\x04"


def open_source(text: str, work: Path, data_dir: Path | None) -> ImageSource:
    """A folder, an archive, a CSV file, a file of arrays or a data set that has a name.

    Args:
        text: a path, `folder:PATH`, `h5:PATH`, or the name of a data set, which goes before a path.
        work: an existing folder for what must be unpacked once. It is needed as long as the source.
        data_dir: the folder with local copies of built-in sets; by default ZOO_DATA_DIR, or else a download.

    Raises:
        UsageError: if it is not there, empty, or nothing that images are taken from.
        ZooError: if it is damaged, or can't be read or unpacked.
    """
    work = Path(os.path.abspath(work))
    known = registry().datasets
    if text in known:
        return open_named(text, work, data_dir)
    kind, colon, rest = text.partition(":")
    prefixed = colon == ":" and kind in ("folder", "h5") and rest != ""
    path = Path(os.path.abspath(os.path.expanduser(rest if prefixed else text)))
    if prefixed and kind == "h5":
        return open_hdf5(text, path, work)
    try:
        if not path.exists():
            if prefixed or os.sep in text or path.suffix:
                raise UsageError(f"There is no file or folder '{path}'.", "Check the path.")
            # Not one of them: this raises, also for what a broken plugin would have brought.
            registry().dataset(text, f"There is no such file or folder. Data sets: {', '.join(known)}.")
        if prefixed and not path.is_dir():
            raise UsageError(f"'{path}' should be a folder of images, but it is a file.", f"To use it, write {rest}")
        return Folder(text, path) if path.is_dir() else _open_file(text, path, work)
    except OSError as error:
        raise ZooError(f"Can't read '{path}': {error.strerror or error}.", "Check the path and the rights.") from error


def _open_file(name: str, path: Path, work: Path) -> ImageSource:
    if not path.is_file():
        raise UsageError(f"'{name}' is neither a file nor a folder.", _ACCEPTED)
    with path.open("rb") as file:
        start = file.read(4096)
    if not start:
        raise UsageError(f"'{name}' is empty.", _ACCEPTED)
    if start.startswith(SIGNATURE):
        return open_hdf5(name, path, work)
    if start.startswith(_NUMPY):
        return open_numpy(name, path, work)
    if is_idx(_decompressed_start(path) or start):
        return open_idx(name, path, work)
    if (tar := open_tar(name, path, work)) is not None:
        return tar
    if start.startswith(_ZIP) or _is_zip(path):
        return open_numpy(name, path, work) if _holds_arrays(path) else Zip(name, path)
    if path.suffix.lower() == ".csv" or _is_table(start):
        return Table(name, path)
    if is_image(path):
        raise UsageError(f"'{name}' is a single image.", "Name the folder that it lies in, or list it in a CSV file.")
    raise UsageError(f"'{name}' is nothing that images are taken from.", _ACCEPTED)


def _decompressed_start(path: Path) -> bytes | None:
    """The first bytes of what is compressed in a file; None where nothing is, or it is damaged from the first on."""
    stream = decompressing(path)
    if stream is None:
        return None
    try:
        with stream:
            return stream.read(4)
    except Exception:
        return None


def _is_zip(path: Path) -> bool:
    try:
        return zipfile.is_zipfile(path)
    except zipfile.BadZipFile:  # one of several disks, say: who reads it says so
        return True


def _holds_arrays(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except Exception:  # of whatever kind: who reads it says what is wrong with it
        return path.suffix.lower() == ".npz"
    return path.suffix.lower() == ".npz" or (bool(names) and all(name.endswith(".npy") for name in names))


def _is_table(start: bytes) -> bool:
    header = start.splitlines()[0].decode("utf-8-sig", "replace")
    return "path" in [name.strip().strip('"') for name in header.split(",")]
