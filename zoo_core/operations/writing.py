"""Where results go: what is refused before the work begins, and folders that are there whole or not at all."""

import math
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from zoo_core.data.decoding import EXTENSIONS
from zoo_core.errors import UsageError
from zoo_core.files import NotWritten
from zoo_core.sampling.grids import write_png

LONGEST = {"JPEG": 65_500, "WEBP": 16_383}
"""By format, pixels along a side; others take more than `most_pixels` in a row."""


def most_pixels() -> float:
    """Of an image that Pillow, and so everything here, reads again; it takes larger ones for an attack."""
    return Image.MAX_IMAGE_PIXELS or math.inf


def check_file(out: Path, suffixes: Collection[str] = ()) -> None:
    """Raises UsageError for a file that is there already, is named after another format than those of `suffixes`, or
    lies where none can be written."""
    if out.exists():
        raise UsageError(f"'{out}' already exists.", "Name another file.")
    if suffixes and out.suffix.lower() not in suffixes:
        raise UsageError(f"The result is written as {' or '.join(suffixes)}, received '{out}'.", "Name such a file.")
    folder = next(parent for parent in out.absolute().parents if parent.exists())
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        raise UsageError(f"'{out}' can't be written, since '{folder}' can't.", "Name a file in another folder.")


def check_folder(out: Path, hint: str = "Name a folder.") -> None:
    """Raises UsageError for a file, a folder that has something in it, or one that is named as an image is."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"'{out}' already exists.", "Name another folder.")
    if out.suffix.lower() in EXTENSIONS:
        raise UsageError(f"The images go into a folder, received '{out}'.", hint)


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """Yield a temporary folder; on success what is in it goes to `out`, on any error it is removed.

    Args:
        out: a folder, which must not exist or be empty.

    Raises:
        NotWritten: where the disk is full or the folder can't be written.
    """
    try:
        there = next(path for path in (out, *out.parents) if path.exists())
        with TemporaryDirectory(prefix=f".{out.name}.", dir=there) as temporary:
            folder = Path(temporary) / "folder"  # with the usual rights, which `temporary` has not
            folder.mkdir()
            yield folder
            if there == out:  # a link or a mount point could not be replaced
                for path in folder.iterdir():
                    path.replace(out / path.name)
            else:
                out.parent.mkdir(parents=True, exist_ok=True)
                folder.replace(out)
    except OSError as error:
        raise NotWritten(f"Can't write '{out}': {error.strerror or error}.", "Choose another folder.") from error


def write_images(out: Path, parts: Iterable[np.ndarray]) -> list[Path]:
    """Write images to a folder as PNG, numbered in their order: all of them, or none.

    Args:
        out: as in `whole_folder`.
        parts: some of them at a time, uint8 (n, H, W, C).

    Returns:
        The files that were written.

    Raises:
        NotWritten: as `whole_folder`.
    """
    names: list[str] = []
    with whole_folder(out) as folder:
        for image in chain.from_iterable(parts):
            names.append(f"{len(names):06d}.png")
            write_png(folder / names[-1], image)
    return [out / name for name in names]
