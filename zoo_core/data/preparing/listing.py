"""From sources to a ledger that names every image, and from the ledger to shards."""

import os
import re
from collections.abc import Iterator, Sequence

from zoo_core.data.collecting import ImageSource, Item
from zoo_core.data.dataset import SPLITS
from zoo_core.data.hdf5 import ORIGINS
from zoo_core.data.preparing.ledger import Ledger, as_text
from zoo_core.data.preparing.rules import Rules
from zoo_core.data.preparing.shards import SIZE, Shard
from zoo_core.errors import UsageError

_INSERT = """
INSERT INTO images (shard, source, item, path, stem, place, length, split, given, label, origin, confidence)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_PENDING = """
SELECT images.source, images.item, images.place, images.length, inputs.item, inputs.place, inputs.length
FROM images LEFT JOIN inputs ON inputs.stem = images.stem WHERE shard = ? AND state IS NULL ORDER BY id
"""


def list_images(ledger: Ledger, sources: Sequence[ImageSource], inputs: ImageSource | None, rules: Rules) -> None:
    """Enter every image of every source, all of them or none.

    Args:
        inputs: holds their partners, of the same names whatever the extensions, where there are to be pairs.

    Raises:
        UsageError, ZooError: as `ImageSource.items`; and for splits that are not train and test.
    """
    with ledger.transaction():
        ledger.execute_many(_INSERT, _rows(sources, rules))
        if inputs is not None:
            _list_inputs(ledger, inputs)
        _check_splits(ledger)
        ledger.note("ignored", [_ignored(source) for source in sources])
        ledger.note("ignored_inputs", _ignored(inputs) if inputs is not None else None)
        ledger.note("classes", _common_classes(sources) if rules.labels == "source" and not rules.pattern else [])
        ledger.note("listed", True)


def pending(
    ledger: Ledger, sources: Sequence[ImageSource], inputs: ImageSource | None, rules: Rules
) -> Iterator[Shard]:
    """The shards that were not worked off yet."""
    numbers = [number for (number,) in ledger.rows("SELECT DISTINCT shard FROM images WHERE state IS NULL")]
    for number in numbers:
        rows = ledger.rows(_PENDING, (number,))
        items = [_item(*row[1:4]) for row in rows]
        partners = None if inputs is None else [_item(*row[4:]) for row in rows]
        yield Shard(number, sources[rows[0][0]], items, rules, inputs, partners)


def _item(path: bytes, place: int, length: int) -> Item:
    return Item(os.fsdecode(path), place=place, length=length)


def _list_inputs(ledger: Ledger, inputs: ImageSource) -> None:
    for item in inputs.items():
        stem = as_text(os.path.splitext(item.path)[0])
        if ledger.rows("SELECT 1 FROM inputs WHERE stem = ?", (stem,)):
            raise UsageError(f"Two inputs are called '{stem}' but for their extensions.", "Rename one of them.")
        row = (stem, os.fsencode(item.path), item.place, item.length)
        ledger.execute("INSERT INTO inputs VALUES (?, ?, ?, ?)", row)
    ledger.execute("UPDATE images SET state = 'unpaired' WHERE stem NOT IN (SELECT stem FROM inputs)")
    if not ledger.one("SELECT COUNT(*) FROM images WHERE state IS NULL"):
        raise UsageError(
            f"No image has the name of an input of '{inputs.name}'.",
            "Inputs and images are matched by their paths within their folders, whatever the extensions.",
        )


def _ignored(source: ImageSource) -> dict[str, int]:
    return {as_text(kind): count for kind, count in source.ignored.items()}


def _rows(sources: Sequence[ImageSource], rules: Rules) -> Iterator[tuple]:
    shard = -1
    for number, source in enumerate(sources):
        prefix = f"{number}-{os.path.basename(source.name.rstrip('/'))}/" if len(sources) > 1 else ""
        for count, item in enumerate(source.items()):
            shard += count % SIZE == 0
            split = item.split if rules.split == "source" else None
            stem = as_text(os.path.splitext(item.path)[0])
            names = (os.fsencode(item.path), as_text(prefix + item.path), stem)
            yield shard, number, *names, item.place, item.length, split, item.split, *_label(item, source, rules)


def _label(item: Item, source: ImageSource, rules: Rules) -> tuple[str | None, int, float]:
    """The label, where it comes from as `ORIGINS` counts, and its confidence."""
    if rules.pattern is not None:
        found = re.search(rules.pattern, item.path)
        return (as_text(found[1]), ORIGINS.index("pattern"), 1) if found and found[1] else (None, 0, 0)
    if rules.labels == "none" or item.label is None:
        return None, 0, 0
    return as_text(item.label), ORIGINS.index(item.origin or source.label_origin), item.confidence


def _check_splits(ledger: Ledger) -> None:
    found = {split for split in ledger.counts("split") if split is not None}
    if found and not found >= {"train", "test"}:
        missing = " and no ".join(f"'{split}'" for split in SPLITS if split in {"train", "test"} - found)
        raise UsageError(
            f"The sources have a split '{', '.join(sorted(found))}', but no {missing}.",
            "Add it, or divide all images anew: --split 80/10/10",
        )


def _common_classes(sources: Sequence[ImageSource]) -> list[str]:
    """The class names in the order that every source has them in; [] where they are to be sorted."""
    orders = {source.classes for source in sources}
    return list(orders.pop()) if len(orders) == 1 else []
