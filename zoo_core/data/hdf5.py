"""The prepared form of a data set: one HDF5 file, format "zoo-dataset", schema 1, whose images are mapped, not read.

    attributes: format, name, classes (JSON), provenance (JSON), content_hash, texts of fixed length; schema, integer
    train, validation, test:
        images  (N, H, W, C) uint8, contiguous and uncompressed
        labels  (N,) int32, likewise; absent where the set has none

Files come from strangers, so what HDF5 would follow out of the file is refused. And they break: only the file layout
of HDF5 1.10 and later, `libver="v110"`, whose structures carry checksums, is written and read. In older layouts, and in
texts of variable length, a few damaged bytes can make libhdf5 (2.0) loop for ever or fill the memory.
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

from zoo_core.data.dataset import SPLITS, Dataset, Split
from zoo_core.errors import UsageError, ZooError
from zoo_core.files import atomic

FORMAT = "zoo-dataset"
SCHEMA = 1
_V110 = b"\x89HDF\r\n\x1a\n\x03"  # how a file of that layout starts: the signature, and superblock version 3


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
        with path.open("rb") as start:
            if start.read(len(_V110)) != _V110:
                raise ValueError("it does not start as a file of HDF5 1.10 or later does")
        with h5py.File(path, "r") as file:
            return _read(file, path, name)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, OverflowError, MemoryError) as error:
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
    with h5py.File(path, "w", libver="v110") as file:
        file.attrs["format"] = np.bytes_(FORMAT)
        file.attrs["schema"] = SCHEMA
        file.attrs["name"] = np.bytes_(dataset.name.encode(errors="backslashreplace"))
        file.attrs["classes"] = np.bytes_(json.dumps(dataset.classes))
        file.attrs["provenance"] = np.bytes_(json.dumps(dict(provenance)))
        file.attrs["content_hash"] = np.bytes_(dataset.spec.content_hash)
        for split in SPLITS:
            group = file.create_group(split)
            group.create_dataset("images", data=dataset.images(split))
            if (labels := dataset.labels(split)) is not None:
                group.create_dataset("labels", data=labels.astype("<i4"))


def _read(file: h5py.File, path: Path, name: str | None) -> Dataset:
    if _text(file, "format") != FORMAT:
        raise ValueError(f"its attribute 'format' should be '{FORMAT}', received '{_text(file, 'format')}'")
    if "schema" not in file.attrs or file.attrs.get_id("schema").dtype.kind != "i" or file.attrs["schema"] != SCHEMA:
        raise ValueError(f"this version reads schema {SCHEMA}, received another or none")
    stated_name, content_hash = _text(file, "name"), _text(file, "content_hash")
    classes, provenance = json.loads(_text(file, "classes")), json.loads(_text(file, "provenance"))
    if not isinstance(classes, list) or not all(isinstance(label, str) for label in classes):
        raise ValueError("its attribute 'classes' should be a JSON list of texts")
    if not isinstance(provenance, dict):
        raise ValueError("its attribute 'provenance' should be a JSON object")
    splits = {}
    for split in SPLITS:
        group = _child(file, split, h5py.Group)
        labelled = group.get("labels", getlink=True) is not None
        labels = np.array(_mapped(group, "labels", "<i4", path), np.int32) if labelled else None
        splits[split] = Split(_mapped(group, "images", "|u1", path), labels)
    return Dataset(name or stated_name, splits, classes, provenance, content_hash)


def _text(file: h5py.File, attribute: str) -> str:
    stored = file.attrs.get_id(attribute) if attribute in file.attrs else None
    if stored is None or stored.dtype.kind != "S" or stored.shape != ():
        raise ValueError(f"its attribute '{attribute}' should be a text of fixed length")
    return file.attrs[attribute].decode()


def _child(parent: h5py.Group, name: str, kind: type) -> Any:
    """What lies under a name. Soft and external links are refused: they can lead to any file of the reader's."""
    where = f"{parent.name}/{name}".replace("//", "/")
    if not isinstance(parent.get(name, getlink=True), h5py.HardLink) or not isinstance(parent[name], kind):
        raise ValueError(f"'{where}' should be a {kind.__name__.lower()} within the file")
    return parent[name]


def _mapped(group: h5py.Group, name: str, dtype: str, path: Path) -> np.memmap:
    """An array of the file, read-only, mapped from where it lies."""
    dataset = _child(group, name, h5py.Dataset)
    layout = dataset.id.get_create_plist()
    if dataset.dtype.str != dtype:
        raise ValueError(f"'{dataset.name}' should be {np.dtype(dtype)}, received {dataset.dtype}")
    if layout.get_layout() != h5py.h5d.CONTIGUOUS or layout.get_external_count() or layout.get_nfilters():
        raise ValueError(f"'{dataset.name}' should be contiguous and uncompressed, in the file itself")
    offset = dataset.id.get_offset()
    if offset is None or offset + dataset.nbytes > path.stat().st_size:
        raise ValueError(f"'{dataset.name}' {dataset.shape} has no or too few bytes in the file")
    return np.memmap(path, dtype, "r", offset, dataset.shape)
