"""What folders and archives of image files have in common: which files count, and what the folders around them say."""

import os
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, NamedTuple

from zoo_core.data.collecting.base import ImageSource, Item
from zoo_core.data.collecting.layout import Layout, layout_of
from zoo_core.data.decoding import EXTENSIONS, is_image
from zoo_core.errors import UsageError, ZooError

LARGEST = 2**28
"""Bytes of an image file that is read, 256 MiB."""

_NOT_READ = (".avif", ".heic", ".heif")  # but pictures all the same, which are listed where others are not


class Entry(NamedTuple):
    """A file that is not hidden.

    Args:
        path, place, length: as of an `Item`.
        odd: what it is, where it is no file of its own: "link", "special file".
    """

    path: str
    place: int = 0
    length: int = 0
    odd: str = ""


class ImageFiles(ImageSource):
    """A folder or an archive of image files. Names that start with a dot are hidden and do not count."""

    label_origin: ClassVar[str] = "folder"

    @abstractmethod
    def entries(self) -> Iterator[Entry]:
        """All files that are not hidden. Raises ZooError where they can't be listed."""

    def layout(self) -> Layout:
        """What the folders say. All files are listed for it. Raises UsageError where the folders make no sense."""
        return layout_of((entry.path for entry in self.images(Counter())), self.name)

    def items(self) -> Iterator[Item]:
        layout, found = self.layout(), False
        self.ignored.clear()
        for entry in self.images(self.ignored):
            found = True
            path = layout.within(entry.path)
            yield Item(path, *layout.split_and_label(path), entry.place, entry.length)
        if not found:
            raise no_images(self)

    def images(self, ignored: Counter[str]) -> Iterator[Entry]:
        """The files that are images by their names; the others are counted."""
        for entry in self.entries():
            if entry.odd:
                ignored[entry.odd] += 1
                continue
            extension = os.path.splitext(entry.path)[1].lower()
            if is_image(entry.path) or extension in _NOT_READ:
                yield entry
            else:
                ignored[extension or "no extension"] += 1


def no_images(source: ImageSource) -> UsageError:
    ignored = ", ".join(f"{count} {kind}" for kind, count in source.ignored.most_common(5))
    return UsageError(
        f"'{source.name}' holds no images{f'; left out: {ignored}' if ignored else ''}.",
        f"Accepted are {' '.join(EXTENSIONS)}, in folders of any depth.",
    )


def check_size(size: int) -> None:
    """Raises ValueError for an image file of more bytes than are read."""
    if size > LARGEST:
        raise ValueError(f"it has {size / 2**20:,.0f} MiB, more than {LARGEST / 2**20:.0f}")


def stamp(path: str | Path) -> str:
    """Another text once a file was changed. Raises ZooError where it can't be found."""
    try:
        status = os.stat(path)
    except OSError as error:
        raise ZooError(f"Can't read '{path}': {error.strerror}.", "Check the path and the rights.") from error
    return f"{status.st_size} {status.st_mtime_ns}"


def stamp_of_image(path: str | Path) -> str:
    """As `stamp`; a text of its own for what can't be found, such as a link to nothing: reading it says why."""
    try:
        return stamp(path)
    except ZooError:
        return "not there"
