"""What is known of every image while a set is prepared: one SQLite file, so that it may be larger than memory and a
preparation that was interrupted goes on."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

_TABLES = """
BEGIN;
CREATE TABLE notes (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE images (
    id INTEGER PRIMARY KEY,
    shard INTEGER NOT NULL,
    source INTEGER NOT NULL,
    item BLOB NOT NULL,       -- the path as the source calls it; names of files need not be text
    path TEXT NOT NULL,       -- as the data set calls it: with the source before it where there are several
    stem TEXT NOT NULL,       -- without extension, as the source calls it
    place INTEGER NOT NULL,
    length INTEGER NOT NULL,
    split TEXT,
    given TEXT,               -- the split that the source names
    label TEXT,
    origin INTEGER NOT NULL,  -- of the label
    confidence REAL NOT NULL, -- of the label
    state TEXT,               -- NULL until it was looked at; "good"; or the reason why it is set aside
    detail TEXT,
    note TEXT,
    height INTEGER, width INTEGER, channels INTEGER, area INTEGER,
    offset INTEGER,           -- of the pixels in the shard's file
    digest BLOB,              -- of the pixels in colour, also of a gray image
    hash BLOB,
    input_height INTEGER, input_width INTEGER, input_channels INTEGER,
    duplicate_of INTEGER, distance INTEGER,
    alike INTEGER             -- the image in whose split it belongs
);
CREATE TABLE inputs (      -- what images are to be made from, by the paths without extension
    stem TEXT PRIMARY KEY,
    item BLOB NOT NULL,
    place INTEGER NOT NULL,
    length INTEGER NOT NULL
);
CREATE INDEX by_shard ON images (shard);
COMMIT;
"""


def as_text(name: str) -> str:
    """What UTF-8 can't hold, such as the bytes of an odd file name, is written as `\\udcff`."""
    return name.encode(errors="backslashreplace").decode()


class Ledger:
    """Args:
    path: of the file, made where it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA synchronous = FULL")
        if not self.rows("SELECT name FROM sqlite_master WHERE name = 'images'"):
            self._connection.executescript(_TABLES)

    def close(self) -> None:
        self._connection.close()

    def transaction(self) -> "_Transaction":
        """All that is done within it, or nothing."""
        return _Transaction(self._connection)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> None:
        self._connection.execute(statement, values)

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple]:
        return self._connection.execute(query, values).fetchall()

    def stream(self, query: str, values: Sequence[Any] = ()) -> Iterator[tuple]:
        """The rows, few of them in memory at a time."""
        cursor = self._connection.execute(query, values)
        cursor.arraysize = 1024
        while rows := cursor.fetchmany():
            yield from rows

    def one(self, query: str, values: Sequence[Any] = ()) -> Any:
        """The first column of the first row."""
        return self._connection.execute(query, values).fetchone()[0]

    def execute_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        self._connection.executemany(statement, rows)

    def note(self, key: str, value: Any) -> None:
        """Keep a JSON value under a name."""
        self._connection.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (key, json.dumps(value)))

    def noted(self, key: str) -> Any:
        """What was kept under a name, or None."""
        found = self.rows("SELECT value FROM notes WHERE key = ?", (key,))
        return json.loads(found[0][0]) if found else None

    def counts(self, column: str, where: str = "1") -> Mapping[Any, int]:
        """How many images there are of each value of a column."""
        return dict(
            self.rows(f"SELECT {column}, COUNT(*) FROM images WHERE {where} GROUP BY {column} ORDER BY {column}")
        )


class _Transaction:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN")

    def __exit__(self, kind: type | None, *_: object) -> None:
        self._connection.execute("ROLLBACK" if kind else "COMMIT")
