"""Labels of all images of a prepared file, and the same file with them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo_core.data.hdf5 import Columns, Prepared
from zoo_core.data.writing import Header, write_prepared
from zoo_core.errors import UsageError


@dataclass(frozen=True, kw_only=True, eq=False)
class Labels:
    """Args:
    classes: the class names, in the order of the labels.
    columns: of each split `labels`, `label_origins` and `label_confidences`, as `zoo_core.data.hdf5` describes them.
    method: how they were made and how many of them, JSON values.
    """

    classes: tuple[str, ...]
    columns: Mapping[str, Columns]
    method: Mapping[str, Any]


def columns_of(labels: np.ndarray, origins: np.ndarray, confidences: np.ndarray) -> Columns:
    """Three columns (n,), in the types of the file."""
    return {
        "labels": labels.astype("<i4"),
        "label_origins": origins.astype("u1"),
        "label_confidences": confidences.astype("<f4"),
    }


def joined(parts: Iterable[tuple[str, Columns]]) -> dict[str, Columns]:
    """The columns of each split, from parts in their order."""
    found: dict[str, list[Columns]] = {}
    for split, columns in parts:
        found.setdefault(split, []).append(columns)
    return {
        split: {name: np.concatenate([one[name] for one in columns]) for name in columns[0]}
        for split, columns in found.items()
    }


def relabel(prepared: Prepared, labels: Labels, out: Path, drop_unlabelled: bool = False) -> Mapping[str, np.ndarray]:
    """Write a prepared file with these labels in place of its own; `out` may be the file itself.

    The labels' `method` becomes `labelling` in its provenance.

    Args:
        drop_unlabelled: leave out the images that have none.

    Returns:
        Of each split, which images are still in it, bool (N,).

    Raises:
        UsageError: if no image of a split would be left.
        ZooError: if the disk is full or the folder can't be written.
    """
    kept = {split: (columns["labels"] >= 0) | (not drop_unlabelled) for split, columns in labels.columns.items()}
    counts = {split: int(np.count_nonzero(chosen)) for split, chosen in kept.items()}
    if empty := [split for split, count in counts.items() if not count]:
        raise UsageError(
            f"No image of {' and '.join(empty)} has got a label, and those without are to be dropped.",
            "Keep them, or ask for less confidence.",
        )

    def parts() -> Iterator[tuple[str, Columns]]:
        seen = dict.fromkeys(counts, 0)
        for split, columns in prepared.parts():
            rows = slice(seen[split], seen[split] + len(columns["images"]))
            seen[split] = rows.stop
            new = {name: column[rows] for name, column in labels.columns[split].items()}
            yield split, {name: column[kept[split][rows]] for name, column in {**columns, **new}.items()}

    like = {name: column[:1] for name, column in {**prepared.columns("train"), **labels.columns["train"]}.items()}
    told = {**prepared.provenance, "labelling": dict(labels.method)}
    write_prepared(out, Header(prepared.name, labels.classes, counts, like, told), parts())
    return kept
