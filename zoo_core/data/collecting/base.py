"""What images are taken from: something that lists them, and reads one of them."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np


class Item(NamedTuple):
    """An image that a source names, not read yet.

    Args:
        path: within the source, with `/`, unique there, and never absolute: "cat/001.jpg", "train/000017".
        split: "train", "validation" or "test" where the source says so.
        label: the name of its class where the source says so.
        place: where it lies in the source: its number in an array, or the byte in an archive.
        length: in bytes, where `place` is a byte.
        origin: of the label, as `zoo_core.data.hdf5.ORIGINS` calls it; None for the source's `label_origin`.
        confidence: of the label, in [0, 1].
    """

    path: str
    split: str | None = None
    label: str | None = None
    place: int = 0
    length: int = 0
    origin: str | None = None
    confidence: float = 1


class ImageSource(ABC):
    """A folder, an archive, a list or an array of images.

    Worker processes receive it pickled, before or after `items`, and open files for themselves when they first read.

    Args:
        name: as it was typed.
        read_from: the folder or the files that images are read from, absolute, since workers may run elsewhere.

    Attributes:
        name, read_from: as given.
        classes: the class names in their order, where the source has one; () where they are to be sorted by name.
        ignored: how many files were left out because their names are not those of images, by extension; known once
            `items` came to its end.
    """

    label_origin: ClassVar[str]
    """Where its labels come from: "folder", "table" or "array" (`zoo_core.data.hdf5.ORIGINS`)."""

    def __init__(self, name: str, *read_from: Path) -> None:
        self.name, self.read_from = name, read_from
        self.classes: tuple[str, ...] = ()
        self.ignored: Counter[str] = Counter()

    @abstractmethod
    def items(self) -> Iterator[Item]:
        """All images, in no particular order, few of them in memory at a time.

        Raises:
            UsageError: if the source is not there, holds no images, or makes no sense.
            ZooError: if it is broken or can't be read.
        """

    @abstractmethod
    def read(self, item: Item) -> bytes | np.ndarray:
        """The bytes of an image file, or the pixels, uint8 or uint16, (H, W) or (H, W, C) with C 1, 3 or 4.

        Raises:
            Exception: of any kind; it becomes the reason why the image is set aside, unless the machine is to blame.
        """

    @abstractmethod
    def fingerprint(self) -> str:
        """Another text once the source was changed, by sizes and times of modification, not by its content.

        Raises:
            ZooError: if it can't be read any more.
        """
