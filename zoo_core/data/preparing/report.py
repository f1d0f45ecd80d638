"""What a preparation did, for people and for programs: `OUT.report.json`."""

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from zoo_core.data.hdf5 import Prepared
from zoo_core.data.preparing.ledger import Ledger, as_text
from zoo_core.data.preparing.rules import Rules
from zoo_core.files import atomic

_SET_ASIDE = """
SELECT images.path, images.state, images.detail, images.given, kept.path, kept.split, images.distance
FROM images LEFT JOIN images AS kept ON kept.id = images.duplicate_of
WHERE images.state != 'good' ORDER BY images.path, images.id
"""
_KEPT_DUPLICATES = """
SELECT images.path, images.split, kept.path, kept.split, images.distance
FROM images JOIN images AS kept ON kept.id = COALESCE(images.duplicate_of, images.alike)
WHERE images.state = 'good' ORDER BY images.path, images.id
"""
_OVERLAPS = """
SELECT COUNT(*) FROM images JOIN images AS first ON first.id = images.alike
WHERE images.given IS NOT NULL AND first.given IS NOT NULL AND images.given != first.given
"""
_SURPLUS = "FROM inputs WHERE stem NOT IN (SELECT stem FROM images)"
_CONFLICTS = """
SELECT COUNT(*) FROM images JOIN images AS kept ON kept.id = images.duplicate_of
WHERE images.label IS NOT NULL AND kept.label IS NOT NULL AND images.label != kept.label
"""


class SourceReport(BaseModel):
    """A source.

    Attributes:
        name: as it was typed.
        images: that it names.
        ignored: files that are no images by their names, by extension.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    images: int
    ignored: dict[str, int]


class PreparationReport(BaseModel):
    """What became of the images.

    Attributes:
        file: the prepared one.
        content_hash: of it.
        sources: where the images came from.
        inputs: where what they are to be made from came from, if there are pairs; its `images` are these.
        rules: every option, as it was resolved.
        shape: (H, W, C).
        kept: images of each split.
        classes: images of each class in each split; unlabelled ones are not counted.
        unlabelled: images that are kept without a label.
        labelling: how labels were made, where they are not those of the source.
        set_aside: images that are not in the file, by reason; and inputs that no image goes with.
        notes: images that are in the file though something about them is odd, by what it is.
        duplicates: images that duplicate a kept one, exactly or nearly, whether they were set aside or not.
        overlap: images whose source put them in another split than the one that they duplicate; where duplicates are
            kept, than the first of all that they are linked with by duplicates between them.
        conflicts: those of them whose label is another than the kept one's.
        seconds: of wall time, since this process began with it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    content_hash: str
    sources: tuple[SourceReport, ...]
    inputs: SourceReport | None
    rules: Rules
    shape: tuple[int, int, int]
    kept: dict[str, int]
    classes: dict[str, dict[str, int]]
    unlabelled: int
    labelling: dict[str, Any] | None
    set_aside: dict[str, int]
    notes: dict[str, int]
    duplicates: int
    overlap: int
    conflicts: int
    seconds: float


def summarize(
    ledger: Ledger,
    names: Sequence[str],
    inputs: str | None,
    rules: Rules,
    file: Path,
    complete: Prepared,
    seconds: float,
) -> PreparationReport:
    """The report of a set that is complete.

    Args:
        names, inputs: of the sources, as they were typed.
        file: where it will be.
        complete: where it is.
    """
    images = ledger.counts("source")
    sources = [
        SourceReport(name=name, images=images.get(number, 0), ignored=ignored)
        for number, (name, ignored) in enumerate(zip(names, ledger.noted("ignored"), strict=True))
    ]
    partners = None
    if inputs is not None:
        count = ledger.one("SELECT COUNT(*) FROM inputs")
        partners = SourceReport(name=inputs, images=count, ignored=ledger.noted("ignored_inputs"))
    set_aside = Counter(ledger.counts("state", "state != 'good'"))
    set_aside["unpaired"] += ledger.one(f"SELECT COUNT(*) {_SURPLUS}")
    classes, unlabelled = complete.count_labels()
    return PreparationReport(
        file=as_text(str(file)),
        content_hash=complete.content_hash,
        sources=tuple(sources),
        inputs=partners,
        rules=rules,
        shape=complete.shape,
        kept=dict(complete.counts),
        classes=classes,
        unlabelled=unlabelled,
        labelling=complete.provenance.get("labelling"),
        set_aside=dict(sorted((+set_aside).items())),
        notes=dict(ledger.counts("note", "state = 'good' AND note != ''")),
        duplicates=ledger.one("SELECT COUNT(*) FROM images WHERE duplicate_of IS NOT NULL"),
        overlap=ledger.one(_OVERLAPS),
        conflicts=ledger.one(_CONFLICTS),
        seconds=round(seconds, 3),
    )


def write_report(path: Path, report: PreparationReport, ledger: Ledger) -> None:
    """Write the report, and in it a line for each image that is set aside or odd; there may be very many."""
    lists = {"images_set_aside": _set_aside(ledger), "images_noted": _noted(ledger)}
    lists |= {"duplicates_kept": _kept_duplicates(ledger)}
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(report.model_dump_json(indent=2).removesuffix("\n}"))
        for name, entries in lists.items():
            file.write(f',\n  "{name}": [')
            separator = "\n    "
            for entry in entries:
                file.write(separator + json.dumps(entry, ensure_ascii=False))
                separator = ",\n    "
            file.write("]")
        file.write("\n}\n")


def _set_aside(ledger: Ledger) -> Iterator[dict[str, Any]]:
    for path, reason, detail, split, of, of_split, distance in ledger.stream(_SET_ASIDE):
        entry = {"path": path, "split": split, "reason": reason, "detail": detail}
        yield entry | ({"of": of, "of_split": of_split, "distance": distance} if of else {})
    for (item,) in ledger.stream(f"SELECT item {_SURPLUS} ORDER BY item"):
        yield {"path": as_text(os.fsdecode(item)), "split": None, "reason": "unpaired", "detail": "an input"}


def _noted(ledger: Ledger) -> Iterator[dict[str, Any]]:
    for path, note in ledger.stream("SELECT path, note FROM images WHERE state = 'good' AND note != '' ORDER BY path"):
        yield {"path": path, "note": note}


def _kept_duplicates(ledger: Ledger) -> Iterator[dict[str, Any]]:
    for path, split, of, of_split, distance in ledger.stream(_KEPT_DUPLICATES):
        yield {"path": path, "split": split, "of": of, "of_split": of_split, "distance": distance}
