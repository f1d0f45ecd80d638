"""A folder of image files as a set of images, decoded whenever they are read."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from zoo_core.data.dataset import digest, ordered_hash
from zoo_core.data.decoding import EXTENSIONS, attempt_all, decode, is_image, reason_of, several_sizes, unreadable
from zoo_core.errors import UsageError, ZooError
from zoo_core.evaluation.images import Images

_FILES = 4096
"""Looked at between two takings of stock, so that what waits in line stays small."""


class _Seen(NamedTuple):
    """A decoded image as the first pass remembers it: (H, W, C), and its digest as it is and in colour."""

    shape: tuple[int, ...]
    own: bytes
    in_colour: bytes


class FolderImages(Images):
    """All images in a folder and the folders in it, by their paths; hidden files and folders do not count.

    Every file is decoded once when the folder is opened, as in a data set (`zoo_core.data.decoding`), and again
    whenever it is read. Images are gray only if all are. Where every image lies in a folder right in this one, these
    are the classes.

    Args:
        size: (H, W) to crop (centred, to the aspect ratio) and resize to; None where all have one size.
        skip_bad: leave out the files that can't be read.
        name: of the set, by default the path.

    Attributes:
        skipped: the files that were left out, each with the reason.

    Raises:
        UsageError: if there is no such folder, no images in it, or images of several sizes.
        ZooError: if files can't be read, now, or later as they were now.
    """

    def __init__(
        self, path: Path, size: tuple[int, int] | None = None, *, skip_bad: bool = False, name: str | None = None
    ) -> None:
        files = image_files(path)
        looked = [seen for start in range(0, len(files), _FILES) for seen in _look(files[start : start + _FILES], size)]
        good = [(file, seen) for file, seen in zip(files, looked, strict=True) if isinstance(seen, _Seen)]
        bad = [(file, seen) for file, seen in zip(files, looked, strict=True) if isinstance(seen, Exception)]
        if bad and not (skip_bad and good):
            raise unreadable(bad, len(files), "Replace or remove them, or leave them out with --skip-bad.")
        sizes = Counter((seen.shape[0], seen.shape[1]) for _, seen in good)
        if len(sizes) > 1:
            raise several_sizes(path, sizes, str(path))
        ((height, width),) = sizes
        channels = max(seen.shape[2] for _, seen in good)
        self.name, self.shape = name or str(path), (height, width, channels)
        self.skipped = tuple((file.relative_to(path).as_posix(), reason_of(error)) for file, error in bad)
        self._size = size
        self._files = [file for file, _ in good]
        self._digests = [seen.own if channels == 1 else seen.in_colour for _, seen in good]
        self.content_hash = ordered_hash(self._digests)
        self.classes, self.labels = _classes([file.relative_to(path).parts[:-1] for file in self._files])

    def __len__(self) -> int:
        return len(self._files)

    def pick(self, numbers: np.ndarray) -> np.ndarray:
        """As for all images. Raises ZooError for a file that is no longer what it was at first."""
        images = np.empty((len(numbers), *self.shape), np.uint8)
        files = [self._files[number] for number in numbers]
        for number, file, image, found in zip(
            numbers, files, images, attempt_all(partial(decode, size=self._size), files), strict=True
        ):
            if isinstance(found, Exception) or found.shape[:2] != self.shape[:2]:
                raise _changed(file)
            image[...] = found  # grayscale among colour: (H, W, 1) -> (H, W, 3)
            if digest(image) != self._digests[number]:
                raise _changed(file)
        return images


def image_files(path: Path) -> list[Path]:
    """All images in a folder and the folders in it, by their paths; hidden files and folders do not count.

    Raises:
        UsageError: if there is no such folder, or no images in it.
        ZooError: if it can't be listed.
    """
    if not path.is_dir():
        raise UsageError(f"There is no folder '{path}'.", "Check the path.")
    try:
        files = sorted(_walk(path, ()), key=lambda file: file.relative_to(path).as_posix())
    except OSError as error:
        raise ZooError(f"Can't list '{error.filename}': {error.strerror}.", "Check the path and the rights.") from error
    if not files:
        raise UsageError(f"'{path}' holds no images.", f"Accepted are {' '.join(EXTENSIONS)}, in folders of any depth.")
    return files


def _walk(folder: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    here = folder.resolve()
    if here in above:  # a link to a folder that it lies in
        return
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.name.startswith("."):
            yield from _walk(entry, (*above, here))
        elif is_image(entry) and (entry.is_file() or entry.is_symlink()):  # a link to nothing can't be read
            yield entry


def _look(files: Sequence[Path], size: tuple[int, int] | None) -> list[_Seen | Exception]:
    def look(file: Path) -> _Seen:
        image = decode(file, size)
        colour = np.broadcast_to(image, (*image.shape[:2], 3))
        return _Seen(image.shape, digest(image), digest(colour))

    return attempt_all(look, files)


def _classes(folders: Sequence[tuple[str, ...]]) -> tuple[tuple[str, ...], np.ndarray | None]:
    """The class names and the labels (N,) int32 of images in these folders, each a path in parts."""
    if any(len(folder) != 1 for folder in folders):
        return (), None
    classes, labels = np.unique([folder[0] for folder in folders], return_inverse=True)
    return tuple(classes.tolist()), labels.astype(np.int32)


def _changed(file: Path) -> ZooError:
    return ZooError(
        f"'{file}' was changed or removed while the images were read.", "Run again when the folder is complete."
    )
