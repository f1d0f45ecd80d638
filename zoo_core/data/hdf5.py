"""The prepared form of a data set: one HDF5 file, format "zoo-dataset", schema 1, whose images are mapped, not read.

    attributes: format, name, classes (JSON), provenance (JSON), content_hash, texts of fixed length; schema, integer
    train, validation, test:
        images  (N, H, W, C) uint8, contiguous and uncompressed
        labels  (N,) int32, likewise; absent where the set has none

`zoo_core.hdf5` says why no other layout is read.
"""

import errno
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from zoo_core import hdf5
from zoo_core.data.dataset import SPLITS, Dataset, Split
from zoo_core.errors import UsageError, ZooError
from zoo_core.files import atomic

FORMAT = "zoo-dataset"
SCHEMA = 1


def read_h5(path: Path, name: str | None = None) -> Dataset:
    """Open a prepared data set. Its images are `np.memmap`s; the content hash is the one that the file states.

    Args:
        name: the data set's name; by default the one in the file.

    Raises:
        UsageError: if there is no such file.
        ZooError: if it is not a zoo data set, or broken.
    """
    try:
        if not path.is_file():
            hint = "A folder of images is named folder:PATH." if path.exists() else "zoo datasets prepare makes one."
            raise UsageError(f"There is no file '{path}'.", hint)
        with hdf5.reading(path, FORMAT, SCHEMA) as file:
            return _read(file, path, name)
    except (OSError, hdf5.Broken) as error:
        raise ZooError(
            f"'{path}' is not a zoo data set: {error}.",
            "Expected is an HDF5 file (layout v110) with the groups train, validation and test, each with images "
            "(N, H, W, C) uint8 and, if labelled, labels (N,) int32, contiguous and uncompressed. To make one: "
            "zoo datasets prepare SOURCE OUT.h5",
        ) from error


def write_h5(dataset: Dataset, path: Path, provenance: Mapping[str, Any]) -> None:
    """Write a data set, whole or not at all; a file that stands at `path` is replaced.

    Args:
        provenance: where the images came from and what was done to them, JSON values.

    Raises:
        ZooError: if the disk is full, the folder can't be written, or `dataset` is not what its hash says.
    """
    dataset.verify()
    with atomic(path) as temporary:
        size = sum(dataset.images(split).nbytes for split in SPLITS)
        if size > shutil.disk_usage(temporary.parent).free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # now, as libhdf5 fails without grace
        try:
            _write(dataset, temporary, provenance)
        except RuntimeError as error:  # what h5py raises where the file can't be finished when it is closed
            raise OSError(str(error)) from error


def _write(dataset: Dataset, path: Path, provenance: Mapping[str, Any]) -> None:
    with hdf5.create(path, FORMAT, SCHEMA) as file:
        hdf5.write_text(file, "name", dataset.name)
        hdf5.write_text(file, "classes", json.dumps(dataset.classes))
        hdf5.write_text(file, "provenance", json.dumps(dict(provenance)))
        hdf5.write_text(file, "content_hash", dataset.spec.content_hash)
        for split in SPLITS:
            group = file.create_group(split)
            group.create_dataset("images", data=dataset.images(split))
            if (labels := dataset.labels(split)) is not None:
                group.create_dataset("labels", data=labels.astype("<i4"))


def _read(file: h5py.File, path: Path, name: str | None) -> Dataset:
    stated_name, content_hash = hdf5.read_text(file, "name"), hdf5.read_text(file, "content_hash")
    classes, provenance = (json.loads(hdf5.read_text(file, attribute)) for attribute in ("classes", "provenance"))
    if not isinstance(classes, list) or not all(isinstance(label, str) for label in classes):
        raise ValueError("its attribute 'classes' should be a JSON list of texts")
    if not isinstance(provenance, dict):
        raise ValueError("its attribute 'provenance' should be a JSON object")
    splits = {}
    for split in SPLITS:
        group = hdf5.child(file, split, h5py.Group)
        labels = np.array(hdf5.mapped(group, "labels", "<i4", path), np.int32) if "labels" in group else None
        splits[split] = Split(hdf5.mapped(group, "images", "|u1", path), labels)
    return Dataset(name or stated_name, splits, classes, provenance, content_hash)
