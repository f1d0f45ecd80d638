"""The prepared form of a data set: one HDF5 file, format "zoo-dataset", schema 2, whose arrays are mapped, not read.

    attributes: format, name, classes (JSON), provenance (JSON), content_hash, texts of fixed length; schema, integer
    train, validation, test:
        images             (N, H, W, C) uint8
        inputs             (N, H', W', C') uint8, what the image is to be made from; absent where the set has no pairs
        hashes             (N, 32) uint8, the SHA-256 of each image (`zoo_core.data.dataset.digest`)
        paths              (N,) texts of fixed length, in UTF-8: where each image came from
        labels             (N,) int32, -1 where an image has none; like the next two absent where there are no classes
        label_origins      (N,) uint8, positions in `ORIGINS`
        label_confidences  (N,) float32 in [0, 1]
    statistics, of the train images by channel:
        count, sums, squares   (), (C,), (C,) int64: pixels, the sum of their levels and of their squares
        means, deviations      (C,) float64, in levels 0 to 255

All arrays are contiguous and uncompressed; `zoo_core.hdf5` says why no other layout is read.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from zoo_core import hdf5
from zoo_core.data.dataset import SPLITS, Dataset, Split, digest
from zoo_core.data.statistics import Statistics
from zoo_core.errors import UsageError, ZooError

FORMAT = "zoo-dataset"
SCHEMA = 2

ORIGINS = ("none", "folder", "table", "array", "pattern", "cluster", "classifier")
"""Where a label comes from: nowhere, a folder's name, a CSV file, labels beside an array, a pattern in the path, a
cluster of features, a classifier's guess."""

_LABELLING = ("labels", "label_origins", "label_confidences")
_TYPES = {"images": "|u1", "hashes": "|u1", "paths": "|S", "labels": "<i4", "label_origins": "|u1"}
_TYPES |= {"label_confidences": "<f4", "inputs": "|u1"}
CHUNK = 2**24  # bytes of images, about, that are looked at or written at once

Columns = Mapping[str, np.ndarray]
"""Some images of a split: their part of each column, by its name."""


class Prepared:
    """An open prepared file.

    Attributes:
        name, classes, provenance, content_hash: what the file says of itself.
        counts: the number of images of each split.

    Raises:
        UsageError: if there is no such file.
        ZooError: if it is not a zoo data set, or broken.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            if not path.is_file():
                hint = (
                    "A folder of images is named folder:PATH." if path.exists() else "zoo datasets prepare makes one."
                )
                raise UsageError(f"There is no file '{path}'.", hint)
            with hdf5.reading(path, FORMAT, SCHEMA) as file:
                self._read(file)
        except (OSError, hdf5.Broken) as error:
            raise ZooError(
                f"'{path}' is not a zoo data set: {error}.",
                f"Expected is an HDF5 file (layout v110) of schema {SCHEMA}, as docs/data.md describes it. To make "
                "one: zoo datasets prepare SOURCE OUT.h5",
            ) from error

    def columns(self, split: str) -> dict[str, np.memmap]:
        """All of a split, mapped from the file."""
        return self._columns[split]

    def parts(self) -> Iterator[tuple[str, Columns]]:
        """All images, some at a time, by split and in the file's order."""
        for split in SPLITS:
            columns = self._columns[split]
            step = max(1, CHUNK // columns["images"][0].nbytes)
            for start in range(0, self.counts[split], step):
                yield split, {name: column[start : start + step] for name, column in columns.items()}

    def dataset(self, name: str | None = None) -> Dataset:
        """For training: without labels where some image has none.

        Args:
            name: by default the one in the file.
        """
        labelled = bool(self.classes) and all((columns["labels"] >= 0).all() for columns in self._columns.values())
        splits = {
            split: Split(columns["images"], np.array(columns["labels"], np.int32) if labelled else None)
            for split, columns in self._columns.items()
        }
        return Dataset(
            name or self.name,
            splits,
            self.classes if labelled else (),
            self.provenance,
            content_hash=self.content_hash,
            statistics=self.statistics,
            verify=self.verify,
            inputs={split: columns["inputs"] for split, columns in self._columns.items() if "inputs" in columns},
        )

    def count_labels(self) -> tuple[dict[str, dict[str, int]], int]:
        """Images of each class in each split, and all those without a label."""
        if not self.classes:
            return {}, sum(self.counts.values())
        # From -1 on, which stands for none.
        found = {
            split: np.bincount(columns["labels"] + 1, minlength=len(self.classes) + 1).tolist()
            for split, columns in self._columns.items()
        }
        by_class = {
            label: {split: found[split][number] for split in SPLITS}
            for number, label in enumerate(self.classes, start=1)
        }
        return by_class, sum(of_split[0] for of_split in found.values())

    def verify(self) -> None:
        """Read all of it, and compare with its hashes, its statistics and its content hash.

        Raises:
            ZooError: if they differ; names an image where its pixels were changed.
        """
        found, statistics = ContentHash(self.classes, self.shape), Statistics.empty(self.shape[2])
        for split, columns in self.parts():
            for image, stated, path in zip(columns["images"], columns["hashes"], columns["paths"], strict=True):
                if digest(image) != stated.tobytes():
                    raise self._changed(f"the pixels of '{path.decode(errors='replace')}' are not what its hash says")
            found.update(split, columns)
            if split == "train":
                statistics += Statistics.of(columns["images"])
        if statistics != self.statistics:
            raise self._changed("its statistics are not those of its train images")
        if found.hexdigest(statistics) != self.content_hash:
            raise self._changed(f"its content hash should be {self.content_hash}")

    def _changed(self, what: str) -> ZooError:
        return ZooError(
            f"'{self.path}' was changed after it was written: {what}.",
            "Make the file again: zoo datasets prepare SOURCE OUT.h5",
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of an image."""
        height, width, channels = self._columns["train"]["images"].shape[1:]
        return height, width, channels

    def _read(self, file: h5py.File) -> None:
        self.name, self.content_hash = hdf5.read_text(file, "name"), hdf5.read_text(file, "content_hash")
        classes, provenance = (json.loads(hdf5.read_text(file, attribute)) for attribute in ("classes", "provenance"))
        if not isinstance(classes, list) or not all(isinstance(label, str) for label in classes):
            raise ValueError("its attribute 'classes' should be a JSON list of texts")
        if not isinstance(provenance, dict):
            raise ValueError("its attribute 'provenance' should be a JSON object")
        self.classes, self.provenance = tuple(classes), provenance
        self._columns = {split: self._read_split(hdf5.child(file, split, h5py.Group)) for split in SPLITS}
        self.counts = {split: len(columns["images"]) for split, columns in self._columns.items()}
        self.statistics = _read_statistics(hdf5.child(file, "statistics", h5py.Group), self.shape[2])
        # What the columns say of each other is checked where a `Dataset` is made of them.
        self.dataset()

    def _read_split(self, group: h5py.Group) -> dict[str, np.memmap]:
        wanted = ["images", "hashes", "paths", *(_LABELLING if self.classes else ())]
        wanted += ["inputs"] if "inputs" in group else []
        columns = {name: hdf5.mapped(group, name, _TYPES[name], self.path) for name in wanted}
        count = len(columns["images"])
        shapes = {"hashes": (count, 32)} | dict.fromkeys(("paths", *_LABELLING), (count,))
        for name, column in columns.items():
            if name in shapes and column.shape != shapes[name]:
                raise ValueError(f"'{group.name}/{name}' should be {shapes[name]}, received {column.shape}")
        if self.classes and not (-1 <= columns["labels"].min() <= columns["labels"].max() < len(self.classes)):
            raise ValueError(f"'{group.name}/labels' should lie in [-1, {len(self.classes) - 1}]")
        if self.classes and columns["label_origins"].max() >= len(ORIGINS):
            raise ValueError(f"'{group.name}/label_origins' should lie in [0, {len(ORIGINS) - 1}]")
        if self.classes and not (0 <= columns["label_confidences"].min() <= columns["label_confidences"].max() <= 1):
            raise ValueError(f"'{group.name}/label_confidences' should lie in [0, 1]")
        return columns


class ContentHash:
    """SHA-256 over every array of a prepared file, fed in the file's order and in parts of any length.

    Of the images, their hashes enter.
    """

    def __init__(self, classes: Sequence[str], shape: Sequence[int]) -> None:
        self._head = [list(shape), list(classes)]
        self._columns: dict[str, Any] = {}

    def update(self, split: str, columns: Columns) -> None:
        for name in sorted(set(columns) - {"images"}):
            kind = f"{columns[name].dtype} {columns[name].shape[1:]}"
            column = self._columns.setdefault(f"{split}/{name}", hashlib.sha256(kind.encode()))
            column.update(np.ascontiguousarray(columns[name]).tobytes())

    def hexdigest(self, statistics: Statistics) -> str:
        columns = {name: column.hexdigest() for name, column in sorted(self._columns.items())}
        return hashlib.sha256(json.dumps([*self._head, columns, astuple(statistics)]).encode()).hexdigest()


def read_h5(path: Path, name: str | None = None) -> Dataset:
    """`Prepared(path).dataset(name)`."""
    return Prepared(path).dataset(name)


def _read_statistics(group: h5py.Group, channels: int) -> Statistics:
    shapes = {"count": (), "sums": (channels,), "squares": (channels,), "means": (channels,), "deviations": (channels,)}
    found = {}
    for name, shape in shapes.items():
        array, dtype = hdf5.plain_array(group, name), "<f8" if name in ("means", "deviations") else "<i8"
        if array.shape != shape or array.dtype.str != dtype:
            raise ValueError(
                f"'{array.name}' should be {np.dtype(dtype)} {shape}, received {array.dtype} {array.shape}"
            )
        found[name] = array[()].tolist()
    statistics = Statistics(found["count"], tuple(found["sums"]), tuple(found["squares"]))
    if [*statistics.means(), *statistics.deviations()] != found["means"] + found["deviations"]:
        raise ValueError("its means and deviations should follow from its sums")
    return statistics
