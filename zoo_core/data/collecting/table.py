"""Image files that a CSV file lists."""

import csv
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple, final

from zoo_core.data.collecting.base import ImageSource, Item
from zoo_core.data.collecting.files import check_size, stamp, stamp_of_image
from zoo_core.data.collecting.layout import SPLIT_FOLDERS
from zoo_core.errors import UsageError, ZooError

if TYPE_CHECKING:
    from _csv import Reader

_COLUMNS = ("path", "label", "split")
_SPLITS: Mapping[str, str | None] = {"": None, **SPLIT_FOLDERS}
_EXAMPLE = "path,label,split\ncats/1.png,cat,train"
_RELATIVE, _ABSOLUTE = 0, 1


class _Row(NamedTuple):
    path: str
    label: str | None
    split: str | None


@final
class Table(ImageSource):
    """A CSV file with a header: `path` and, where they are wanted, `label` and `split`; other columns do not matter.

    Paths are relative to the file's folder, or absolute; an item's `place` says which, since its own path never is.

    Args:
        path: of the file, absolute, since workers may run elsewhere.
    """

    label_origin: ClassVar[str] = "table"

    def __init__(self, name: str, path: Path) -> None:
        super().__init__(name, path)
        self._path = path

    def items(self) -> Iterator[Item]:
        found = False
        for row in self._rows():
            found = True
            absolute = row.path.startswith("/")
            yield Item(row.path.lstrip("/"), row.split, row.label, _ABSOLUTE if absolute else _RELATIVE)
        if not found:
            raise UsageError(f"'{self.name}' lists no images.", f"For example:\n{_EXAMPLE}")

    def read(self, item: Item) -> bytes:
        root = Path("/") if item.place == _ABSOLUTE else self._path.parent
        with (root / item.path).open("rb") as file:
            check_size(os.fstat(file.fileno()).st_size)
            return file.read()

    def fingerprint(self) -> str:
        total = hashlib.sha256(stamp(self._path).encode())
        for row in self._rows():
            total.update(stamp_of_image(self._path.parent / row.path).encode())
        return total.hexdigest()

    def _rows(self) -> Iterator[_Row]:
        try:
            # Names of files need not be text; what Excel writes starts with a byte order mark.
            with self._path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
                lines = csv.reader(file, strict=True)
                try:
                    yield from self._parsed(lines)
                except csv.Error as error:
                    raise self._wrong(lines.line_num, str(error)) from error
        except OSError as error:
            raise ZooError(f"Can't read '{self._path}': {error.strerror or error}.", "Check the rights.") from error

    def _parsed(self, lines: "Reader") -> Iterator[_Row]:
        header = [name.strip() for name in next(lines, [])]
        places = {name: header.index(name) for name in _COLUMNS if name in header}
        if "path" not in places or any(header.count(name) > 1 for name in places):
            raise self._wrong(1, f"the header should have one column 'path'; it is {', '.join(header) or 'empty'}")
        for line in lines:
            if not line:
                continue
            if len(line) != len(header):
                raise self._wrong(lines.line_num, f"there should be {len(header)} fields, received {len(line)}")
            fields = {name: line[place].strip() for name, place in places.items()}
            if not fields["path"].strip("/") or "\0" in fields["path"]:
                raise self._wrong(lines.line_num, "there is no path")
            split = fields.get("split", "")
            if split not in _SPLITS:
                raise self._wrong(lines.line_num, f"the split should be train, validation or test, received '{split}'")
            yield _Row(fields["path"], fields.get("label") or None, _SPLITS[split])

    def _wrong(self, line: int, what: str) -> UsageError:
        return UsageError(f"'{self.name}', line {line}: {what}.", f"For example:\n{_EXAMPLE}")
