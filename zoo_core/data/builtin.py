"""The built-in data sets: what they are, and reading them from scikit-learn, from a .npz file, or through Keras."""

import contextlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo_core.data.dataset import Split, carve_all, carve_validation
from zoo_core.errors import UsageError, ZooError


@dataclass(frozen=True, kw_only=True)
class BuiltinSet:
    """What is known of a built-in data set without loading it.

    Attributes:
        shape: (H, W, C) of an image when the name is given without a size.
        splits: the number of images in each split. Validation is carved from the source's training images.
        origin: how the images are obtained.
    """

    name: str
    summary: str
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    splits: Mapping[str, int]
    origin: str


_DIGITS = tuple("0123456789")
_FASHION = "T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot"
_CIFAR10 = "airplane automobile bird cat deer dog frog horse ship truck"
_CIFAR100 = """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
    caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant
    flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree
    motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate
    poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider
    squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle
    wardrobe whale willow_tree wolf woman worm
"""
_DOWNLOAD = "NAME.npz in --data-dir, or else a download by keras.datasets"

BUILTIN: Mapping[str, BuiltinSet] = {
    record.name: record
    for record in (
        BuiltinSet(
            name="digits",
            summary="handwritten digits of the UCI repository, 8x8 brought to 16x16; digits@8 is the native size",
            shape=(16, 16, 1),
            classes=_DIGITS,
            splits={"train": 1294, "validation": 144, "test": 359},
            origin="comes with scikit-learn",
        ),
        BuiltinSet(
            name="mnist",
            summary="handwritten digits (LeCun et al., 1998)",
            shape=(28, 28, 1),
            classes=_DIGITS,
            splits={"train": 55_000, "validation": 5_000, "test": 10_000},
            origin=_DOWNLOAD,
        ),
        BuiltinSet(
            name="fashion_mnist",
            summary="articles of clothing (Xiao et al., 2017)",
            shape=(28, 28, 1),
            classes=tuple(_FASHION.split(",")),
            splits={"train": 55_000, "validation": 5_000, "test": 10_000},
            origin=_DOWNLOAD,
        ),
        BuiltinSet(
            name="cifar10",
            summary="animals and vehicles, 10 classes (Krizhevsky, 2009)",
            shape=(32, 32, 3),
            classes=tuple(_CIFAR10.split()),
            splits={"train": 45_000, "validation": 5_000, "test": 10_000},
            origin=_DOWNLOAD,
        ),
        BuiltinSet(
            name="cifar100",
            summary="things and creatures, 100 fine classes (Krizhevsky, 2009)",
            shape=(32, 32, 3),
            classes=tuple(_CIFAR100.split()),
            splits={"train": 45_000, "validation": 5_000, "test": 10_000},
            origin=_DOWNLOAD,
        ),
    )
}


def load_builtin(record: BuiltinSet, data_dir: Path | None) -> dict[str, Split]:
    """The splits of a built-in set, `digits` in its native 8x8.

    Args:
        data_dir: the folder that holds `<name>.npz`; None for the one that ZOO_DATA_DIR names, or else a download.

    Raises:
        UsageError: if a folder is named but the file is not in it.
        ZooError: if the file is broken or holds something else, or the download fails.
    """
    if record.name == "digits":
        return _load_digits()
    if data_dir is None and os.environ.get("ZOO_DATA_DIR"):
        data_dir = Path(os.environ["ZOO_DATA_DIR"])
    train, test = _download(record) if data_dir is None else _read_npz(record, data_dir / f"{record.name}.npz")
    carved = carve_validation(len(train.images), train.labels)
    return {split: train.take(indices) for split, indices in carved.items()} | {"test": test}


def _load_digits() -> dict[str, Split]:
    from sklearn.datasets import load_digits

    source = load_digits()
    images = np.rint(source.images * 255 / 16).astype(np.uint8)[..., None]  # values 0 to 16, (1797, 8, 8, 1)
    pile = Split(images, source.target.astype(np.int32))
    return {split: pile.take(indices) for split, indices in carve_all(len(images), pile.labels).items()}


def _read_npz(record: BuiltinSet, path: Path) -> tuple[Split, Split]:
    if not path.is_file():
        raise UsageError(f"'{record.name}' was looked for in '{path}', but there is no such file.", _advice(record))
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return _checked(record, arrays)
    except Exception as error:  # zipfile, zlib and the .npy parser raise whatever broken bytes lead them to
        raise ZooError(f"'{path}' can't be read as '{record.name}': {error}.", _advice(record)) from error


def _download(record: BuiltinSet) -> tuple[Split, Split]:
    import keras

    try:
        with contextlib.redirect_stdout(sys.stderr):  # Keras prints its progress
            (x_train, y_train), (x_test, y_test) = getattr(keras.datasets, record.name).load_data()
        return _checked(record, {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test})
    except Exception as error:  # Keras raises bare Exception where a download fails
        raise ZooError(f"'{record.name}' can't be had from keras.datasets: {error}.", _advice(record)) from error


def _checked(record: BuiltinSet, arrays: Mapping[str, np.ndarray]) -> tuple[Split, Split]:
    """The training and the test images of the source.

    Raises:
        ValueError: for an array that is missing or other than `_advice` says.
    """
    splits = []
    for name in ("train", "test"):
        if missing := {f"x_{name}", f"y_{name}"} - set(arrays):
            raise ValueError(f"it has no {' and no '.join(sorted(missing))}")
        images, labels = arrays[f"x_{name}"], arrays[f"y_{name}"]
        if images.dtype != np.uint8 or images.shape[1:] not in (record.shape, _source_shape(record)):
            raise ValueError(f"x_{name} is {images.dtype} {images.shape}")
        if labels.dtype.kind not in "iu" or labels.shape not in ((len(images),), (len(images), 1)):
            raise ValueError(f"y_{name} is {labels.dtype} {labels.shape} for {len(images)} images")
        if len(images) < 2:
            raise ValueError(f"x_{name} has fewer than 2 images")
        if labels.min() < 0 or labels.max() >= len(record.classes):
            raise ValueError(f"y_{name} goes from {labels.min()} to {labels.max()}")
        splits.append(Split(images.reshape(-1, *record.shape), labels.reshape(-1).astype(np.int32)))
    return splits[0], splits[1]


def _source_shape(record: BuiltinSet) -> tuple[int, ...]:
    """The shape of an image in the source: grayscale ones have no channel axis there."""
    return record.shape[:2] if record.shape[2] == 1 else record.shape


def _advice(record: BuiltinSet) -> str:
    shape = ", ".join(map(str, _source_shape(record)))
    return (
        f"Put a file '{record.name}.npz' into a folder and name the folder with --data-dir (or ZOO_DATA_DIR). "
        f"It must hold what keras.datasets.{record.name}.load_data() gives: x_train and x_test, uint8 (N, {shape}); "
        f"y_train and y_test, integers (N,) or (N, 1) from 0 to {len(record.classes) - 1}."
    )
