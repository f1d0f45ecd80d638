"""Image files in a folder and the folders in it."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import final

from zoo_core.data.collecting.base import Item
from zoo_core.data.collecting.files import Entry, ImageFiles, check_size, stamp_of_image
from zoo_core.data.collecting.layout import Layout
from zoo_core.errors import ZooError


@final
class Folder(ImageFiles):
    """Args:
    root: absolute, since workers may run elsewhere.
    """

    def __init__(self, name: str, root: Path) -> None:
        super().__init__(name, root)
        self._root = root
        self._layout = super().layout()  # now, as workers read from the folder that is stepped over

    def entries(self) -> Iterator[Entry]:
        try:
            waiting: list[tuple[str, tuple[tuple[int, int], ...]]] = [("", (_identity(os.stat(self._root)),))]
            while waiting:
                folder, above = waiting.pop()
                with os.scandir(self._root / folder) as entries:
                    for entry in entries:
                        path = folder + entry.name
                        if entry.name.startswith("."):
                            continue
                        if _is_folder(entry):
                            here = _identity(entry.stat())
                            if here not in above:  # otherwise a link to a folder that it lies in
                                waiting.append((f"{path}/", (*above, here)))
                        else:
                            yield Entry(path, odd="" if _is_file(entry) else "special file")
        except OSError as error:
            raise ZooError(
                f"Can't list '{error.filename}': {error.strerror}.", "Check the path and the rights."
            ) from error

    def layout(self) -> Layout:
        return self._layout

    def read(self, item: Item) -> bytes:
        with (self._root / self._layout.top / item.path).open("rb") as file:
            check_size(os.fstat(file.fileno()).st_size)
            return file.read()

    def fingerprint(self) -> str:
        total = 0
        for entry in self.images(Counter()):
            state = stamp_of_image(os.path.join(self._root, entry.path))
            digest = hashlib.sha256(os.fsencode(entry.path) + b"\0" + state.encode()).digest()
            total += int.from_bytes(digest, "big")  # a sum, as folders list their files in any order
        return f"{total % 2**256:064x}"


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    return os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir()


def _is_file(entry: "os.DirEntry[str]") -> bool:
    """Or a link to nothing: it counts, and can't be read."""
    if entry.is_symlink():
        return os.path.isfile(entry.path) or not os.path.exists(entry.path)
    return entry.is_file()


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
