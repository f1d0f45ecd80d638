"""Built-in sets from where they are: a package, local files in their original formats, or a download by Keras."""

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from zoo_core.data.builtin.cifar import find_cifar, read_cifar
from zoo_core.data.builtin.shipped import SHIPPED
from zoo_core.data.dataset import Dataset, Split, carve_all, carve_validation
from zoo_core.data.idx import reading_idx
from zoo_core.data.npz import reading_numpy
from zoo_core.errors import UsageError, ZooError
from zoo_core.specs import DatasetSpec

_IDX = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}

_NAMED_ALIKE = ("fashion_mnist", "kmnist")
"""The files of these are called as those of `mnist`: they count only in a folder that is called as the set."""

_OF_KERAS = {
    "mnist": "mnist.npz",
    "fashion_mnist": "fashion-mnist/t10k-images-idx3-ubyte.gz",
    "cifar10": "cifar-10-batches-py-target_archive",
    "cifar100": "cifar-100-python-target_archive",
}
"""Where Keras 3 keeps what it downloaded; of several files the last one."""


def open_builtin(record: DatasetSpec, data_dir: Path | None) -> Dataset:
    """A built-in set, as its record names this function. Raises as `load_builtin` does."""
    return Dataset(record.name, load_builtin(record, data_dir), record.classes)


def load_builtin(record: DatasetSpec, data_dir: Path | None) -> dict[str, Split]:
    """The splits of a built-in set, in its native size.

    Validation is a tenth of the source's training images, at most 5,000. A set that comes with a package is divided as
    `zoo_core.data.dataset.carve_all` does.

    Args:
        data_dir: the folder of local copies; None for the one that ZOO_DATA_DIR names, or else a download.

    Raises:
        UsageError: if a folder is named but the set is not in it, or nobody offers a download.
        ZooError: if the files are broken or hold something else, or the download fails.
    """
    if record.name in SHIPPED:
        pile = SHIPPED[record.name]()
        return {split: pile.take(indices) for split, indices in carve_all(len(pile.images), pile.labels).items()}
    folder = _folder(data_dir)
    if folder is not None:
        train, test = _read_local(record, folder)
    elif record.name in _OF_KERAS:
        train, test = _download(record)
    else:
        raise UsageError(f"'{record.name}' must be downloaded by hand, from {record.origin}.", _advice(record))
    carved = carve_validation(len(train.images), train.labels)
    return {split: train.take(indices) for split, indices in carved.items()} | {"test": test}


def at_hand(record: DatasetSpec, data_dir: Path | None) -> str | None:
    """Where a built-in set would be loaded from without a download, a path; None where it is not there.

    Args:
        data_dir: as for `load_builtin`.
    """
    folder = _folder(data_dir)
    if folder is not None:
        found = _find(record, folder)
    else:
        cache = Path(os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras"), "datasets")
        found = cache / _OF_KERAS[record.name] if record.name in _OF_KERAS else None
    return str(found) if found is not None and found.exists() else None


def _folder(data_dir: Path | None) -> Path | None:
    if data_dir is None and os.environ.get("ZOO_DATA_DIR"):
        return Path(os.environ["ZOO_DATA_DIR"])
    return data_dir


def _find(record: DatasetSpec, folder: Path) -> Path | None:
    """`NAME.npz`, or what stands for the original files: their archive, or the folder that they lie in."""
    if (single := folder / f"{record.name}.npz").is_file():
        return single
    for inner in _folders(record, folder):
        if record.name.startswith("cifar"):
            found = find_cifar(record.name, inner)
        else:
            found = inner if _find_idx(inner) else None
        if found is not None:
            return found
    return None


def _folders(record: DatasetSpec, folder: Path) -> Iterator[Path]:
    """Where original files may lie."""
    names = record.name, record.name.replace("_", "-")
    yield from (folder / name for name in names)
    if record.name not in _NAMED_ALIKE or folder.resolve().name in names:
        yield folder


def _find_idx(folder: Path) -> dict[str, Path]:
    """The four files, plain or compressed; {} where one is missing."""
    found = {}
    for array, name in _IDX.items():
        paths = [path for path in (folder / f"{name}.gz", folder / name) if path.is_file()]
        if not paths:
            return {}
        found[array] = paths[0]
    return found


def _read_local(record: DatasetSpec, folder: Path) -> tuple[Split, Split]:
    found = _find(record, folder)
    if found is None:
        raise UsageError(
            f"'{record.name}' was looked for in '{folder}', but there is neither '{record.name}.npz' nor its original "
            "files.",
            _advice(record),
        )
    try:
        if found.suffix == ".npz":
            return _read_npz(record, found)
        if record.name.startswith("cifar"):
            return _checked(record, read_cifar(record.name, found))
        return _read_idx(record, _find_idx(found))
    except Exception as error:  # zipfile, zlib, tarfile and the .npy parser raise whatever broken bytes lead them to
        reason = (isinstance(error, ZooError) and error.__cause__) or error  # what others made a sentence of
        raise ZooError(f"'{found}' can't be read as '{record.name}': {reason}.", _advice(record)) from error


def _read_npz(record: DatasetSpec, path: Path) -> tuple[Split, Split]:
    with reading_numpy(path) as file:
        _check(record, {name: (header.dtype, header.shape) for name, header in file.headers.items()})
        return _checked(record, {name: file.read(name) for name in _IDX})


def _read_idx(record: DatasetSpec, paths: Mapping[str, Path]) -> tuple[Split, Split]:
    arrays = {}
    for name, path in paths.items():
        with reading_idx(path) as file:
            if file.shape[1:] != (_source_shape(record) if name.startswith("x") else ()):
                raise ValueError(f"{path.name} is {file.shape}")
            arrays[name] = file.read()
    return _checked(record, arrays)


def _download(record: DatasetSpec) -> tuple[Split, Split]:
    import keras

    try:
        with contextlib.redirect_stdout(sys.stderr):  # Keras prints its progress
            (x_train, y_train), (x_test, y_test) = getattr(keras.datasets, record.name).load_data()
        return _checked(record, {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test})
    except Exception as error:  # Keras raises bare Exception where a download fails
        raise ZooError(f"'{record.name}' can't be had from keras.datasets: {error}.", _advice(record)) from error


def _check(record: DatasetSpec, found: Mapping[str, tuple[np.dtype, tuple[int, ...]]]) -> None:
    """Raises ValueError where types and shapes of arrays are other than `_advice` says."""
    for split in ("train", "test"):
        x, y = f"x_{split}", f"y_{split}"
        if missing := {x, y} - set(found):
            raise ValueError(f"it has no {' and no '.join(sorted(missing))}")
        (dtype, shape), (dtype_of_labels, shape_of_labels) = found[x], found[y]
        if dtype != np.uint8 or shape[1:] not in (record.shape, _source_shape(record)):
            raise ValueError(f"{x} is {dtype} {shape}")
        if dtype_of_labels.kind not in "iu" or shape_of_labels not in ((shape[0],), (shape[0], 1)):
            raise ValueError(f"{y} is {dtype_of_labels} {shape_of_labels} for {shape[0]} images")
        if shape[0] < 2:
            raise ValueError(f"{x} has fewer than 2 images")


def _checked(record: DatasetSpec, arrays: Mapping[str, np.ndarray]) -> tuple[Split, Split]:
    """The training and the test images of the source. Raises ValueError for arrays other than `_advice` says."""
    _check(record, {name: (array.dtype, array.shape) for name, array in arrays.items()})
    splits = []
    for split in ("train", "test"):
        images, labels = arrays[f"x_{split}"], arrays[f"y_{split}"]
        if labels.min() < 0 or labels.max() >= len(record.classes):
            raise ValueError(f"y_{split} goes from {labels.min()} to {labels.max()}")
        splits.append(Split(images.reshape(-1, *record.shape), labels.reshape(-1).astype(np.int32)))
    return splits[0], splits[1]


def _source_shape(record: DatasetSpec) -> tuple[int, ...]:
    """The shape of an image in the source: grayscale ones have no channel axis there."""
    return record.shape[:2] if record.shape[2] == 1 else record.shape


def _advice(record: DatasetSpec) -> str:
    shape = ", ".join(map(str, _source_shape(record)))
    return (
        f"Name a folder with --data-dir (or ZOO_DATA_DIR), and put '{record.name}.npz' into it, or the original files "
        f"into its folder '{record.name}': {'; or '.join(record.files)}. The .npz must hold x_train and x_test, uint8 "
        f"(N, {shape}); y_train and y_test, integers (N,) or (N, 1) from 0 to {len(record.classes) - 1}."
    )
