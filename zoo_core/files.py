"""Writing files so that what is there is always whole: a temporary name, fsync, rename."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zoo_core.errors import ZooError


class NotWritten(ZooError):
    """The disk is full, or the folder can't be written."""


@contextmanager
def writing(path: Path, advice: str) -> Iterator[None]:
    """A scope in which `path` is written, and what the system refuses is told. Raises NotWritten."""
    try:
        yield
    except OSError as error:
        raise NotWritten(f"Can't write '{path}': {error.strerror or error}.", advice) from error


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it takes `path`'s place, on any error it is removed.

    Raises:
        NotWritten: where the disk is full or the folder can't be written. What stood at `path` is left as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    advice = "Nothing was changed there. Free some space or choose another folder, then run the same again."
    try:
        with writing(path, advice):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            sync(temporary)
            os.replace(temporary, path)
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)  # the rename itself must survive a power cut
            finally:
                os.close(folder)
    finally:
        with suppress(OSError):  # it is gone after the rename, and was never there if its folder can't be
            temporary.unlink()


def sync(path: Path) -> None:
    """Wait until a file's content is on the disk, so that it survives a power cut."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def remove_temporaries(folder: Path) -> None:
    """Remove what `atomic` left in a folder when its process was killed. No other process may be writing there."""
    for temporary in folder.glob(".*.tmp"):
        temporary.unlink()


def write_bytes(path: Path, content: bytes) -> None:
    """`path.write_bytes`, whole or not at all. Raises as `atomic` does."""
    with atomic(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """`path.write_text` in UTF-8, whole or not at all. Raises as `atomic` does."""
    write_bytes(path, content.encode())
