"""The built-in data sets: what they are, and reading them from scikit-learn, from a .npz file, or through Keras."""

import contextlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
_DOWNLOAD = "NAME.npz in --data-dir or ZOO_DATA_DIR, or else a download by keras.datasets"

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
    arrays = _download(record) if data_dir is None else _read_npz(record, data_dir / f"{record.name}.npz")
    try:
        train = _checked(record, arrays["x_train"], arrays["y_train"], "train")
        test = _checked(record, arrays["x_test"], arrays["y_test"], "test")
    except (ValueError, KeyError) as error:
        raise ZooError(f"This is not {record.name}, {error.args[0]}.", _layout(record)) from error
    carved = carve_validation(len(train.images), train.labels)
    return {split: train.take(indices) for split, indices in carved.items()} | {"test": test}


def _load_digits() -> dict[str, Split]:
    from sklearn.datasets import load_digits

    source = load_digits()
    images = np.rint(source.images * 255 / 16).astype(np.uint8)[..., None]  # values 0 to 16, (1797, 8, 8, 1)
    pile = Split(images, source.target.astype(np.int32))
    return {split: pile.take(indices) for split, indices in carve_all(*_counted(pile)).items()}
