"""From what people type to a data set: `NAME`, `folder:PATH` or `h5:PATH`, and what may follow each of them: a size, a
degradation, splits."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image

from zoo_core.data.dataset import SPLITS, Dataset, Split
from zoo_core.data.decoding import LARGEST_SIDE
from zoo_core.data.degradation import Degradation
from zoo_core.data.folder import load_folder
from zoo_core.data.hdf5 import read_h5
from zoo_core.data.named import load_named
from zoo_core.errors import UsageError, unknown
from zoo_core.registry import registry


class Source(NamedTuple):
    """A parsed source: the kind, the name or the path; the size (H, W), the splits and the degradation where they are
    given."""

    kind: Literal["named", "folder", "h5"]
    target: str
    size: tuple[int, int] | None = None
    splits: tuple[str, ...] | None = None
    degradation: Degradation | None = None


def parse_source(text: str) -> Source:
    """Parse `NAME`, `folder:PATH` or `h5:PATH`, and after it, in this order and each where it is wanted, `@SIZE` or
    `@HEIGHTxWIDTH`, `~DEGRADATION` such as `~noise25`, and `#SPLIT` or `#SPLIT+SPLIT`; splits are then in the order of
    `SPLITS`.

    A path that itself ends like that needs a `/` after it: `folder:icons@64/`, `folder:icons#old/`.

    Raises:
        UsageError: for an unknown name, degradation or split, a split named twice, a kind without a path, or a size or
            an amount out of bounds.
    """
    whole, splits = _cut_splits(text)
    whole, degradation = _cut_degradation(whole)
    target, size = cut_size(whole)
    kind, colon, path = target.partition(":")
    if colon and kind in ("folder", "h5"):
        if not path:
            raise UsageError(f"A path should follow '{kind}:', received '{text}'.", f"For example: {kind}:path/to/it")
        return Source("folder" if kind == "folder" else "h5", path, size, splits, degradation)
    known = registry().datasets
    if target not in known and os.path.exists(target):
        kind = "folder" if os.path.isdir(target) else "h5"
        raise UsageError(f"'{target}' is no built-in data set, but a path.", f"To use it, write {kind}:{text}")
    own = f"There are: {', '.join(known)}. Your own images: folder:PATH, or h5:PATH for a prepared file."
    return Source("named", registry().dataset(target, own).spec.name, size, splits, degradation)


def cut_size(text: str) -> tuple[str, tuple[int, int] | None]:
    """What stands before `@SIZE` or `@HEIGHTxWIDTH` at the end, and that size (H, W); None where there is none.

    Raises:
        UsageError: for a size out of bounds.
    """
    suffix = re.search(r"@([0-9]+)(?:x([0-9]+))?\Z", text)
    if suffix is None:
        return text, None
    height, width = suffix.groups()
    return text[: suffix.start()], (_side(height, text), _side(width or height, text))


def without_splits(text: str) -> str:
    """A source without its `#SPLITS`: the data set as it was divided. Raises as `parse_source` does for wrong ones."""
    return _cut_splits(text)[0]


def load_dataset(source: str, data_dir: Path | None = None, skipped: list[tuple[str, str]] | None = None) -> Dataset:
    """Load a data set.

    Args:
        source: see `parse_source`. The size is reached with Pillow's antialiased Lanczos filter; images of a folder
            are first cropped, centred, to its aspect ratio. `digits` alone means `digits@16`. Where splits are named,
            they together become the train split, read into memory; validation and test stay as they are.
        data_dir: the folder with the built-in sets' `<name>.npz`; by default ZOO_DATA_DIR, or else a download.
        skipped: takes the files of a folder that can't be read, each with the reason: they are left out. By default
            they are an error.

    Raises:
        UsageError: for what is misspelt or not there, or for the test split as one to train on.
        ZooError: for what is there but broken, or a download that fails.
    """
    parsed = parse_source(source)
    splits = parsed.splits
    if splits is not None and "test" in splits:
        raise UsageError(
            f"'{source}' would train on the test split, which scores are taken against.",
            "Name train, validation or both, such as cifar10#train+validation.",
        )
    dataset = _load(parsed, source, data_dir, skipped)
    if splits is not None and splits != ("train",):
        dataset = _trained_on(dataset, splits)
    return dataset if parsed.degradation is None else dataset.degraded(parsed.degradation)


def _load(source: Source, name: str, data_dir: Path | None, skipped: list[tuple[str, str]] | None) -> Dataset:
    kind, target, size, *_ = source
    if kind == "folder":
        return load_folder(_path(target), size, name, skipped)
    if kind == "h5":
        dataset = read_h5(_path(target), name=name)
        wanted = size or dataset.images("train").shape[1:3]
    else:
        dataset = load_named(target, data_dir)
        dataset = dataset.named(name, dataset.plugin)
        wanted = size or registry().dataset(target).spec.shape[:2]
    return dataset if dataset.images("train").shape[1:3] == wanted else resize_dataset(dataset, wanted)


def resize(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bring uint8 images (N, H, W, C), C 1 or 3, to `size` (H', W') with Pillow's antialiased Lanczos filter.

    Each channel is filtered on its own. The aspect ratio is not kept. Images of that size are returned as they are.
    """
    count, *old_size, channels = images.shape
    if tuple(old_size) == size:
        return images
    height, width = size
    resized = np.empty((count, height, width, channels), np.uint8)
    for source, target in zip(images, resized, strict=True):
        image = Image.fromarray(source[..., 0] if channels == 1 else source)
        pixels = np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))
        target[...] = pixels.reshape(height, width, channels)  # grayscale: (H', W') -> (H', W', 1)
    return resized


def resize_dataset(dataset: Dataset, size: tuple[int, int]) -> Dataset:
    """The data set with every image brought to a size by `resize`.

    Raises:
        UsageError: where images are to be made from others, which would have to change with them.
    """
    if dataset.inputs("train") is not None:
        raise UsageError(
            f"The images of '{dataset.name}' belong to inputs, and can't be brought to another size without them.",
            "Prepare the pairs at that size: zoo datasets prepare --size",
        )
    splits = {split: Split(resize(dataset.images(split), size), dataset.labels(split)) for split in SPLITS}
    return Dataset(dataset.name, splits, dataset.classes, dataset.provenance, plugin=dataset.plugin)


def _trained_on(dataset: Dataset, chosen: Sequence[str]) -> Dataset:
    """The data set with the chosen splits, one after the other, as its train split."""
    splits = {split: Split(dataset.images(split), dataset.labels(split)) for split in SPLITS}
    images = np.concatenate([splits[split].images for split in chosen])
    labels = [labels for split in chosen if (labels := splits[split].labels) is not None]
    splits["train"] = Split(images, np.concatenate(labels) if labels else None)
    pairs = {split: found for split in SPLITS if isinstance(found := dataset.inputs(split), np.ndarray)}
    if pairs:
        pairs["train"] = np.concatenate([pairs[split] for split in chosen])
    return Dataset(dataset.name, splits, dataset.classes, dataset.provenance, inputs=pairs, plugin=dataset.plugin)


def _cut_degradation(text: str) -> tuple[str, Degradation | None]:
    suffix = re.search(r"~([a-z]+[0-9.]*)\Z", text)
    return (text, None) if suffix is None else (text[: suffix.start()], Degradation.parse(suffix[1]))


def _cut_splits(text: str) -> tuple[str, tuple[str, ...] | None]:
    suffix = re.search(r"#([a-z+]+)\Z", text)
    if suffix is None:
        return text, None
    named = suffix[1].split("+")
    for split in named:
        if split not in SPLITS:
            hint = f"Splits are {', '.join(SPLITS)}, joined by +. A path that ends like that needs a / after it."
            raise unknown("split", split, SPLITS, hint)
    if len(set(named)) < len(named):
        raise UsageError(f"Each split should be named once, received '{text}'.")
    return text[: suffix.start()], tuple(split for split in SPLITS if split in named)


def _path(text: str) -> Path:
    return Path(os.path.expanduser(text))  # the shell does not expand the ~ in folder:~/photos


def _side(digits: str, source: str) -> int:
    side = int(digits) if len(digits) <= 4 else 0
    if not 1 <= side <= LARGEST_SIDE:
        raise UsageError(
            f"A size must lie between 1 and {LARGEST_SIDE}, received '{source}'.",
            "For example: folder:photos@64, or @48x64 for 48 rows of 64 pixels.",
        )
    return side
