"""From what people type to images, the same on both sides of an evaluation."""

import copy
import os
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from zoo_core.data import SPLITS, Dataset, load_dataset, read_h5
from zoo_core.data.dataset import digest, ordered_hash
from zoo_core.data.sources import cut_size, parse_source, resize_dataset, without_splits
from zoo_core.errors import UnknownName, UsageError
from zoo_core.evaluation.array_files import open_hdf5, open_npz
from zoo_core.evaluation.folder_images import FolderImages
from zoo_core.evaluation.images import Images, InColour
from zoo_core.hdf5 import is_foreign
from zoo_core.registry import registry
from zoo_core.specs import DataSpec, Field

_NUMPY = (".npz", ".npy")
_HDF5 = (".h5", ".hdf5")
_PATHS = "A folder, an .npz or .h5 file or a run is named by its path alone."

_FLOOR_FROM = ("train", "test", "validation")
"""The floor comes from the first of these that is not among the images themselves."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Opened:
    """Images, and what is known of where they come from.

    Args:
        name: as people typed it, without `#SPLITS`.
        images: themselves.
        splits: which splits of a data set they are, joined by "+"; "all" where they are no data set.
        spec: of the data set; for other images much the same.
        content_hash: of the data set; of images that are no data set, in their order.
        others: real images of the same data set that are not among `images`, None where there are none.
        dataset: None where they are no data set.
        skipped: files that can't be read and were left out, each with the reason.
    """

    name: str
    images: Images
    splits: str
    spec: DataSpec
    content_hash: str
    others: Images | None = None
    dataset: Dataset | None = None
    skipped: tuple[tuple[str, str], ...] = ()

    @classmethod
    def generated(cls, name: str, images: Images, data: DataSpec) -> "Opened":
        """Images of a run.

        Args:
            data: what the run was trained on.
        """
        content_hash = ordered_hash(digest(image) for chunk in images.chunks() for image in chunk)
        return cls(name=name, images=images, splits="all", spec=data, content_hash=content_hash)


class SplitImages(Images):
    """Splits of a data set, one after the other; nothing is copied.

    Args:
        splits: of train, validation and test.
    """

    def __init__(self, dataset: Dataset, splits: Sequence[str]) -> None:
        self._parts = [dataset.images(split) for split in splits]
        self._ends = np.cumsum([len(part) for part in self._parts])
        self.name = f"{dataset.name}#{'+'.join(splits)}"
        self.shape, self.classes = dataset.spec.image_shape, dataset.classes
        labels = [labels for split in splits if (labels := dataset.labels(split)) is not None]
        self.labels = np.concatenate(labels) if labels else None

    @cached_property
    def content_hash(self) -> str:  # type: ignore[override]  # it may be assigned to, as in other images
        # Not the data set's, which does not depend on the order of the images; their features do.
        return ordered_hash(digest(image) for chunk in self.chunks() for image in chunk)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def pick(self, numbers: np.ndarray) -> np.ndarray:
        if len(numbers) and not 0 <= numbers.min() <= numbers.max() < len(self):
            raise IndexError(f"there are {len(self)} images, received numbers {numbers.min()} to {numbers.max()}")
        images = np.empty((len(numbers), *self.shape), np.uint8)
        for part, end in zip(self._parts, self._ends, strict=True):
            start = end - len(part)
            here = (start <= numbers) & (numbers < end)
            images[here] = part[numbers[here] - start]
        return images


def open_images(source: str, *, data_dir: Path | None = None, skip_bad: bool = False) -> Opened:
    """Open images by what people type, one rule for the judged ones and the reference:

    - A data set, `NAME`, `folder:PATH` or `h5:PATH`, each with an optional `@SIZE`, stands for its test split; for
      others where they are named, such as `mnist#train` or `cifar10@16#train+validation`.
    - A path stands for all images that are there: a folder (with those in it, and an optional `@SIZE`), an .npz or
      .npy file, or an HDF5 file, prepared or of such arrays. One that is called like a built-in data set is written
      `./mnist`.

    Args:
        data_dir: the folder with the built-in sets' `<name>.npz`; by default ZOO_DATA_DIR, or else a download.
        skip_bad: leave out files of a folder that can't be read.

    Raises:
        UsageError: for what is misspelt or not there, or is not images of one size.
        ZooError: for what is there but broken.
    """
    found = _path(source)
    if found is not None:
        return _open_path(source, *found, skip_bad)
    splits = parse_source(source).splits or ("test",)
    skipped: list[tuple[str, str]] = []
    dataset = load_dataset(without_splits(source), data_dir, skipped if skip_bad else None)
    return _open_splits(dataset, splits, skipped)


def relabel(images: Images, classes: Sequence[str]) -> Images:
    """The images, with labels in the order of `classes`; without labels, and with a warning, where they show other
    classes.

    Labels without names, such as those of an .npz, count as numbers of these classes.

    Raises:
        UsageError: for such numbers that are too large.
    """
    if images.labels is None:
        return images
    names = images.classes or tuple(classes)
    if images.labels.max() >= len(names):
        raise UsageError(
            f"'{images.name}' has labels up to {images.labels.max()}, and the reference has {len(classes)} classes.",
            f"Number them as the reference has them, from 0: {', '.join(classes[:10])}.",
        )
    relabelled = copy.copy(images)
    if set(names) <= set(classes):
        numbers = np.array([classes.index(name) for name in names], np.int32)
        relabelled.labels, relabelled.classes = numbers[images.labels], tuple(classes)
    else:
        warnings.warn(
            f"'{images.name}' shows other classes than the reference, such as '{min(set(names) - set(classes))}': its "
            "labels are not used.",
            stacklevel=2,
        )
        relabelled.labels, relabelled.classes = None, ()
    return relabelled


def number_classes(judged: Opened, reference: Opened) -> tuple[Opened, Opened]:
    """Both sides, with the numbers of their classes as names where both have labels and neither has names, as two .npz
    files: what compares class by class then can. Where one side has names they are left as they are."""
    one, other = judged.images, reference.images
    if one.labels is None or other.labels is None or one.classes or other.classes:
        return judged, reference
    found, labels = np.unique(np.concatenate([one.labels, other.labels]), return_inverse=True)
    of_one, of_other = np.split(labels.astype(np.int32), [len(one)])
    classes = tuple(map(str, found.tolist()))
    return _labelled(judged, of_one, classes), _labelled(reference, of_other, classes)


def same_channels(*images: Images) -> tuple[Images, ...]:
    """All of them in colour if any is; gray ones by repetition."""
    if all(one.shape[2] == images[0].shape[2] for one in images):
        return images
    return tuple(InColour(one) if one.shape[2] == 1 else one for one in images)


def _labelled(opened: Opened, labels: np.ndarray, classes: tuple[str, ...]) -> Opened:
    images = copy.copy(opened.images)
    images.labels, images.classes = labels, classes
    return replace(opened, images=images)


def _path(source: str) -> tuple[Path, tuple[int, int] | None] | None:
    """The path and the size (H, W) that a source stands for; None where it names a data set."""
    name = re.split("[@#~]", source)[0]
    if source.startswith(("folder:", "h5:")) or name in registry().datasets:
        return None
    if os.path.exists(source):
        return Path(source), None
    path, size = cut_size(source)
    if os.path.exists(path) and size is not None:
        return Path(path), size
    if os.sep in path or Path(path).suffix in _NUMPY + _HDF5:
        raise UsageError(f"There is no file or folder '{path}'.", "Check the path.")
    if not os.path.exists(name):
        try:
            registry().dataset(name, f"There are: {', '.join(registry().datasets)}.")
        except UnknownName as error:
            raise UnknownName(f"{error.message[:-1]}, and there is no such path.", f"{error.hint} {_PATHS}") from None
    return None


def _open_path(source: str, path: Path, size: tuple[int, int] | None, skip_bad: bool) -> Opened:
    kind = path.suffix.lower()
    if path.is_dir():
        folder = FolderImages(path, size, skip_bad=skip_bad, name=source)
        return _unsplit(folder, folder.skipped)
    if kind in _HDF5 and not is_foreign(path):
        dataset = read_h5(path, name=source)
        return _open_splits(dataset if size is None else resize_dataset(dataset, size), SPLITS)
    if kind in _NUMPY + _HDF5 and size is None:
        return _unsplit(open_npz(path) if kind in _NUMPY else open_hdf5(path))
    if kind in _NUMPY + _HDF5:
        raise UsageError(f"'{path}' can't be brought to another size, received '{source}'.", "Resize what it is of.")
    raise UsageError(
        f"'{path}' should be a folder of images, or end in {', '.join(_NUMPY + _HDF5)}.",
        "Several image files are named by the folder that they lie in.",
    )


def _open_splits(dataset: Dataset, splits: Sequence[str], skipped: Sequence[tuple[str, str]] = ()) -> Opened:
    other = next((split for split in _FLOOR_FROM if split not in splits), None)
    return Opened(
        name=dataset.name,
        images=SplitImages(dataset, splits),
        splits="+".join(splits),
        spec=dataset.spec,
        content_hash=dataset.spec.content_hash,
        others=None if other is None else SplitImages(dataset, [other]),
        dataset=dataset,
        skipped=tuple(skipped),
    )


def _unsplit(images: Images, skipped: tuple[tuple[str, str], ...] = ()) -> Opened:
    fields = {"images": Field(images.shape, "float32")}
    if images.labels is not None:
        fields["labels"] = Field((), "int32")
    content_hash = images.content_hash
    assert content_hash is not None  # files have one
    spec = DataSpec(
        name=images.name,
        fields=fields,
        classes=images.classes,
        splits={"all": len(images)},
        content_hash=content_hash,
    )
    return Opened(name=images.name, images=images, splits="all", spec=spec, content_hash=content_hash, skipped=skipped)
