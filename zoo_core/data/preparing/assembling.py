"""From the ledger and the shards' pixels to the prepared file."""

import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo_core.data.dataset import SPLITS, digest
from zoo_core.data.hdf5 import Columns
from zoo_core.data.preparing.ledger import Ledger
from zoo_core.data.writing import Header, write_prepared

IN_THE_FILE = "FROM images WHERE state = 'good' AND split = ? ORDER BY path, id"
"""The images of a split, in the order of the file."""

_ROWS = f"""
SELECT path, label, origin, confidence, shard, offset, digest, height, width, channels,
input_height, input_width, input_channels {IN_THE_FILE}
"""
_CHUNK = 2**23  # bytes of images that are put together at once


def assemble(ledger: Ledger, pixels: "PixelFiles", out: Path, name: str, provenance: Mapping[str, Any]) -> None:
    """Write the prepared file. The images of a split stand in the order of their paths."""
    classes = class_names(ledger)
    numbers: dict[str | None, int] = {label: number for number, label in enumerate(classes)}
    like = _one_row(ledger, bool(classes))

    def parts() -> Iterator[tuple[str, Columns]]:
        step = max(1, _CHUNK // sum(column.nbytes for column in like.values()))
        for split in SPLITS:
            rows = ledger.stream(_ROWS, (split,))
            while chunk := [row for _, row in zip(range(step), rows, strict=False)]:
                yield split, _columns(chunk, like, numbers, pixels)

    counts = ledger.counts("split", "state = 'good'")
    write_prepared(out, Header(name, classes, counts, like, provenance), parts())


def _one_row(ledger: Ledger, labelled: bool) -> dict[str, np.ndarray]:
    """Of every column, for its shape and type. In colour if any image is."""
    longest = ledger.one("SELECT MAX(LENGTH(CAST(path AS BLOB))) FROM images WHERE state = 'good'")
    like = {
        "images": np.zeros((1, *_shape(ledger, "")), np.uint8),
        "hashes": np.zeros((1, 32), np.uint8),
        "paths": np.zeros(1, f"S{longest}"),
    }
    if ledger.one("SELECT COUNT(*) FROM inputs"):
        like["inputs"] = np.zeros((1, *_shape(ledger, "input_")), np.uint8)
    if labelled:
        types = {"labels": "<i4", "label_origins": "|u1", "label_confidences": "<f4"}
        like |= {column: np.zeros(1, dtype) for column, dtype in types.items()}
    return like


def _shape(ledger: Ledger, prefix: str) -> tuple[int, int, int]:
    height, width, channels = (f"{prefix}{name}" for name in ("height", "width", "channels"))
    (found,) = ledger.rows(f"SELECT {height}, {width}, MAX({channels}) FROM images WHERE state = 'good'")  # one size
    return found


def class_names(ledger: Ledger) -> list[str]:
    """In the order of the sources where they have one, otherwise by name; [] where nothing has a label."""
    found = ledger.rows("SELECT DISTINCT label FROM images WHERE state = 'good' AND label IS NOT NULL ORDER BY label")
    labels = [label for (label,) in found]
    ordered: list[str] = ledger.noted("classes")
    return ordered if labels and set(labels) <= set(ordered) else labels


def _columns(
    rows: list[tuple], like: Columns, numbers: Mapping[str | None, int], pixels: "PixelFiles"
) -> dict[str, np.ndarray]:
    columns = {name: np.zeros((len(rows), *column.shape[1:]), column.dtype) for name, column in like.items()}
    shape = list(columns["images"].shape[1:])
    for place, (path, label, origin, confidence, shard, offset, stated, *shapes) in enumerate(rows):
        own, of_input = shapes[:3], shapes[3:]
        columns["images"][place] = pixels.read(shard, offset, own)  # grayscale among colour: (H, W, 1) -> (H, W, 3)
        found = stated if shape[2] == 3 else digest(columns["images"][place])  # the ledger has those in colour
        columns["hashes"][place] = np.frombuffer(found, np.uint8)
        columns["paths"][place] = path.encode()
        if "inputs" in columns:
            columns["inputs"][place] = pixels.read(shard, offset + math.prod(own), of_input)
        if "labels" in columns:
            columns["labels"][place] = numbers.get(label, -1)
            columns["label_origins"][place] = origin
            columns["label_confidences"][place] = confidence
    return columns


class PixelFiles:
    """The pixels of the good images, a file for each shard.

    Args:
        folder: made where it is not there.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder

    def path(self, shard: int) -> str:
        return os.path.join(self._folder, f"{shard:08d}.bin")  # it is asked for every image

    def read(self, shard: int, offset: int, shape: list[int]) -> np.ndarray:
        """One image, uint8 (H, W, C)."""
        return np.fromfile(self.path(shard), np.uint8, math.prod(shape), offset=offset).reshape(shape)
