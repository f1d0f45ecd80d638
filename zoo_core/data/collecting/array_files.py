"""Arrays from files: NumPy's, HDF5, idx, prepared files, and data sets that have a name."""

import hashlib
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from zoo_core.data.array_file import ArrayFile, Placed, numbered_labels
from zoo_core.data.collecting.arrays import Arrays, Part
from zoo_core.data.collecting.files import stamp
from zoo_core.data.collecting.unpacking import unpacked, written
from zoo_core.data.dataset import SPLITS
from zoo_core.data.foreign_hdf5 import reading_hdf5
from zoo_core.data.hdf5 import Prepared
from zoo_core.data.idx import reading_idx
from zoo_core.data.named import load_named
from zoo_core.data.npz import reading_numpy
from zoo_core.errors import UsageError
from zoo_core.hdf5 import is_foreign


def open_numpy(name: str, path: Path, work: Path) -> Arrays:
    """An .npz with `x_train`, `y_train`, `x_test` and `y_test`, or the arrays that an evaluation takes; or an .npy.

    Raises:
        UsageError: if it holds anything else.
        ZooError: if it is damaged, or too large when unpacked.
    """
    return _open(name, reading_numpy(path), work)


def open_hdf5(name: str, path: Path, work: Path) -> Arrays:
    """An HDF5 file, either prepared or with such arrays as an .npz. Raises as `open_numpy` and `open_prepared`."""
    return _open(name, reading_hdf5(path), work) if is_foreign(path) else open_prepared(name, path)


def _open(name: str, reading: AbstractContextManager[ArrayFile], work: Path) -> Arrays:
    with reading as file:
        splits = [split for split in ("train", "test") if f"x_{split}" in file.headers]
        named: list[tuple[str | None, str, str | None]]
        if splits:
            named = [(split, f"x_{split}", f"y_{split}" if f"y_{split}" in file.headers else None) for split in splits]
        else:
            images = file.name_of_images()
            named = [(None, images, file.name_of_labels(images))]
        for _, images, labels in named:
            file.check_images(images)
            if labels is not None:
                file.check_labels(labels, images)
        parts = [
            Part(split, _of_numpy(file, images, work), None if labels is None else _labels(file, labels, work))
            for split, images, labels in named
        ]
    return Arrays(name, parts, None, stamp(file.path))


def open_idx(name: str, path: Path, work: Path) -> Arrays:
    """Images, with the labels and the other split beside them, as MNIST's files are called.

    Raises:
        UsageError: for labels in place of images, or of another number.
        ZooError: if a file is damaged.
    """
    paths: dict[str | None, Path] = {None: path}
    if path.name.startswith("train-") and (test := _beside(path, "t10k-" + path.name.removeprefix("train-"))):
        paths = {"train": path, "test": test}
    parts, stamps = [], []
    for split, images in paths.items():
        placed, labels = _of_idx(images, work), _labels_beside(images)
        if len(placed.shape) != 3:
            raise UsageError(f"'{images}' should hold images (N, H, W), received {placed.shape}.", "Name the images.")
        placed_labels = None if labels is None else _of_idx(labels, work)
        if placed_labels is not None and placed_labels.shape != placed.shape[:1]:
            raise UsageError(f"'{labels}' should hold {placed.shape[0]} labels, received {placed_labels.shape}.")
        parts.append(Part(split, placed, placed_labels))
        stamps += [stamp(images), stamp(labels) if labels else ""]
    return Arrays(name, parts, None, "\n".join(stamps))


def open_prepared(name: str, path: Path) -> Arrays:
    """A file that `zoo datasets prepare` made.

    Raises:
        UsageError: if there is no such file, or one of pairs.
        ZooError: if it is something else, or broken.
    """
    file = Prepared(path)
    parts = []
    for split in SPLITS:
        columns = file.columns(split)
        if "inputs" in columns:
            raise UsageError(f"'{path}' holds pairs, which can't be prepared once more.", "Prepare their sources.")
        parts.append(Part(split, **{name: _of_map(path, columns[name]) for name in columns.keys() & Part._fields}))
    return Arrays(name, parts, file.classes, stamp(path))


def open_named(name: str, work: Path, data_dir: Path | None) -> Arrays:
    """A data set that a plugin brings, in its native size. Raises as `load_named`, and UsageError for one of pairs."""
    dataset, parts, total = load_named(name, data_dir), [], hashlib.sha256()
    if dataset.inputs("train") is not None:
        raise UsageError(f"'{name}' holds pairs, which can't be prepared once more.", "Prepare their sources.")
    for split in SPLITS:
        images, labels = dataset.images(split), dataset.labels(split)
        known = {"images": images} if labels is None else {"images": images, "labels": labels}
        parts.append(Part(split, **{field: _of_memory(array, work) for field, array in known.items()}))
        total.update(b"".join(array.tobytes() for array in known.values()))
    return Arrays(name, parts, dataset.classes or None, total.hexdigest())


def _of_numpy(file: ArrayFile, name: str, work: Path) -> Placed:
    if (placed := file.placed(name)) is not None:
        return placed
    header = file.headers[name]
    where = unpacked(work, file.path, name, lambda: file.blocks(name))
    return Placed(where, 0, header.shape, header.dtype.str, header.order)


def _labels(file: ArrayFile, name: str, work: Path) -> Placed:
    placed = _of_numpy(file, name, work)
    numbered_labels(placed.open(), file.describe(name))
    return placed._replace(shape=placed.shape[:1])  # (N,) or (N, 1) -> (N,)


def _of_idx(path: Path, work: Path) -> Placed:
    with reading_idx(path) as file:
        return file.placed() or Placed(unpacked(work, path, "", file.blocks), 0, file.shape, "|u1")


def _of_map(path: Path, array: np.memmap) -> Placed:
    return Placed(path, array.offset, array.shape, array.dtype.str)


def _of_memory(array: np.ndarray, work: Path) -> Placed:
    content = np.ascontiguousarray(array).tobytes()
    where = written(work, hashlib.sha256(content).hexdigest(), lambda: iter([content]))
    return Placed(where, 0, array.shape, array.dtype.str)


def _beside(path: Path, name: str) -> Path | None:
    """The file of that name in the same folder, compressed or not."""
    plain = name.removesuffix(".gz")
    return next((found for found in (path.with_name(plain), path.with_name(f"{plain}.gz")) if found.is_file()), None)


def _labels_beside(images: Path) -> Path | None:
    name = images.name.replace("images", "labels").replace("idx3", "idx1")
    return None if name == images.name else _beside(images, name)
