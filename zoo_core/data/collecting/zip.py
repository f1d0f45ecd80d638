"""Image files in a zip archive."""

import functools
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import final

from zoo_core.data.collecting.archive import Archive, damaged, visible
from zoo_core.data.collecting.base import Item
from zoo_core.data.collecting.files import Entry, check_size, stamp
from zoo_core.data.npz import check_entries


@final
class Zip(Archive):
    """An item's `place` is the number of its entry in the archive's directory, as names need not be unique."""

    def entries(self) -> Iterator[Entry]:
        try:
            archive = _opened(self.path, stamp(self.path))
            check_entries(self.path, archive)
        except Exception as error:  # zipfile raises whatever broken bytes lead it to
            raise damaged(self.path, error) from error
        for number, member in enumerate(archive.infolist()):
            path = visible(member.filename)
            if path is None or member.filename.endswith("/"):
                continue
            link = stat.S_ISLNK(member.external_attr >> 16)
            yield Entry(path, number, member.file_size, "link" if link else "")

    def read(self, item: Item) -> bytes:
        archive = _opened(self.path, stamp(self.path))
        member = archive.infolist()[item.place]
        check_size(member.file_size)
        return archive.read(member)


@functools.lru_cache(maxsize=4)
def _opened(path: Path, _: str) -> zipfile.ZipFile:
    """One for each process, not for each shard: to read the directory of a large archive takes long."""
    return zipfile.ZipFile(path)
