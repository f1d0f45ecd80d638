"""Writing a prepared file (`zoo_core.data.hdf5`): some images at a time, whole or not at all."""

import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from zoo_core import hdf5
from zoo_core.data.dataset import SPLITS, Dataset, digest
from zoo_core.data.hdf5 import CHUNK, FORMAT, ORIGINS, SCHEMA, Columns, ContentHash
from zoo_core.data.statistics import Statistics
from zoo_core.files import atomic


class Header(NamedTuple):
    """What must be known of a prepared file before its first image is written.

    Args:
        name: of the source.
        counts: images of each split, each at least 1.
        like: one row (or more) of each column, for its shape and type; of `paths` as long as the longest.
        provenance: where the images came from and what was done to them, JSON values.
    """

    name: str
    classes: Sequence[str]
    counts: Mapping[str, int]
    like: Columns
    provenance: Mapping[str, Any]


def write_prepared(path: Path, header: Header, parts: Iterator[tuple[str, Columns]]) -> str:
    """Write a prepared file, whole or not at all; one that stands at `path` is replaced.

    Args:
        parts: the columns of all images, some at a time, those of a split in their order.

    Returns:
        The content hash.

    Raises:
        ZooError: if the disk is full or the folder can't be written.
    """
    with atomic(path) as temporary:
        rows = sum(header.counts.values())
        if rows * sum(column[0].nbytes for column in header.like.values()) > shutil.disk_usage(temporary.parent).free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # now, as libhdf5 fails without grace
        try:
            return _write(temporary, header, parts)
        except RuntimeError as error:  # what h5py raises where the file can't be finished when it is closed
            raise OSError(str(error)) from error


def write_h5(dataset: Dataset, path: Path, provenance: Mapping[str, Any]) -> None:
    """Write a data set as it is. Raises as `write_prepared` does."""

    def columns(split: str, start: int, stop: int) -> dict[str, np.ndarray]:
        images, labels = dataset.images(split)[start:stop], dataset.labels(split)
        hashes = np.frombuffer(b"".join(digest(image) for image in images), np.uint8).reshape(-1, 32)
        paths = np.array([f"{split}/{number:0{digits}d}".encode() for number in range(start, start + len(images))])
        found = {"images": np.asarray(images), "hashes": hashes, "paths": paths.astype(f"S{digits + 11}")}
        if (inputs := dataset.inputs(split)) is not None:
            found["inputs"] = inputs[start:stop]
        if labels is not None:
            origins = np.full(len(images), ORIGINS.index("array"), np.uint8)
            confidences = np.ones(len(images), np.float32)
            found |= {"labels": labels[start:stop], "label_origins": origins, "label_confidences": confidences}
        return found

    def parts() -> Iterator[tuple[str, Columns]]:
        for split, count in dataset.spec.splits.items():
            step = max(1, CHUNK // dataset.images(split)[0].nbytes)
            for start in range(0, count, step):
                yield split, columns(split, start, start + step)

    digits = len(str(max(dataset.spec.splits.values())))
    like = columns("train", 0, 1)
    write_prepared(path, Header(dataset.name, dataset.classes, dataset.spec.splits, like, provenance), parts())


def _write(path: Path, header: Header, parts: Iterator[tuple[str, Columns]]) -> str:
    shape = header.like["images"].shape[1:]
    content, statistics = ContentHash(header.classes, shape), Statistics.empty(shape[2])
    with hdf5.create(path, FORMAT, SCHEMA) as file:
        hdf5.write_text(file, "name", header.name)
        hdf5.write_text(file, "classes", json.dumps(list(header.classes)))
        hdf5.write_text(file, "provenance", json.dumps(dict(header.provenance)))
        for split in SPLITS:
            group = file.create_group(split)
            for name, column in header.like.items():
                group.create_dataset(name, (header.counts[split], *column.shape[1:]), column.dtype)
        written = dict.fromkeys(SPLITS, 0)
        for split, columns in parts:
            start, stop = written[split], written[split] + len(columns["images"])
            for name, column in columns.items():
                file[split][name][start:stop] = column
            content.update(split, columns)
            if split == "train":
                statistics += Statistics.of(columns["images"])
            written[split] = stop
        if written != dict(header.counts):
            raise ValueError(f"expected {dict(header.counts)} images, received {written}")
        group = file.create_group("statistics")
        for name, value in asdict(statistics).items():
            group.create_dataset(name, data=np.array(value, "<i8"))
        group.create_dataset("means", data=np.array(statistics.means(), "<f8"))
        group.create_dataset("deviations", data=np.array(statistics.deviations(), "<f8"))
        content_hash = content.hexdigest(statistics)
        hdf5.write_text(file, "content_hash", content_hash)
    return content_hash
