"""What a generator is fitted to: arrays, folders, sources and data sets, as a data set in the size of its images."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo_core.data import Dataset, Split, load_dataset
from zoo_core.data.dataset import SPLITS, carve_all
from zoo_core.data.sources import parse_source, resize_dataset
from zoo_core.errors import UsageError
from zoo_core.sampling.sampler import TO_LEVELS


def to_fit(
    data: np.ndarray | str | Path | Dataset,
    labels: Sequence[Any] | np.ndarray | None,
    size: tuple[int, int],
    data_dir: str | Path | None = None,
) -> Dataset:
    """The data set to train on.

    Args:
        data, labels: as in `zoo_core.ImageGenerator.fit`.
        size: (H, W) to bring the images to.
        data_dir: where local copies of built-in data sets are.

    Raises:
        UsageError: for anything else, for labels of anything but an array, and for a source of another size.
        ZooError: for what is there but broken.
    """
    if not isinstance(data, np.ndarray | str | Path | Dataset):
        raise UsageError(
            'Expected an array of images, a source such as "mnist" or "folder:photos", the Path of a folder, or a data '
            f"set, received {type(data).__name__}.",
            "Make one array of a list of images: np.stack(images)",
        )
    if labels is not None and not isinstance(data, np.ndarray):
        raise UsageError("Labels belong to an array of images; a data set has its own.", "Leave them out.")
    text = f"{size[0]}" if size[0] == size[1] else f"{size[0]}x{size[1]}"
    if isinstance(data, Path):
        data = f"folder:{data}/"  # so that "photos@64" is the folder of that name
    if isinstance(data, str):
        return load_dataset(_sized(data, text, size), Path(data_dir) if data_dir else None)
    dataset = _of_array(data, labels) if isinstance(data, np.ndarray) else data
    if dataset.spec.image_shape[:2] == size:
        return dataset
    return resize_dataset(dataset, size).named(f"{dataset.name}@{text}", dataset.plugin)


def _of_array(images: np.ndarray, labels: Sequence[Any] | np.ndarray | None) -> Dataset:
    """Images in memory, divided as those of a folder."""
    images = images[..., None] if images.ndim == 3 else images
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3) or len(images) < 3:
        raise UsageError(
            "Expected at least 3 images, uint8 (N, H, W, C) with C 1 or 3, or (N, H, W), "
            f"received {images.dtype} {images.shape}.",
            TO_LEVELS,
        )
    numbers, classes = None, []
    if labels is not None:
        if np.shape(labels) != (len(images),):
            raise UsageError(f"Expected a label for each of {len(images)} images, received {np.shape(labels)}.")
        found, numbers = np.unique(np.asarray(labels), return_inverse=True)
        numbers, classes = numbers.astype(np.int32), [str(name) for name in found]
    whole = Split(images, numbers)
    chosen = carve_all(len(images), numbers)
    return Dataset("array", {split: whole.take(chosen[split]) for split in SPLITS}, classes)


def _sized(source: str, text: str, size: tuple[int, int]) -> str:
    """A source with the size to bring its images to."""
    parsed = parse_source(source)
    if parsed.size is not None and parsed.size != size:
        raise UsageError(f"The generator makes images of {size[0]}x{size[1]}, received '{source}'.", f"Say: @{text}")
    after = re.search(r"(~[a-z]+[0-9.]*)?(#[a-z+]+)?\Z", source)
    assert after is not None  # it matches the empty end too
    start = after.start()
    return source if parsed.size else f"{source[:start]}@{text}{source[start:]}"
