"""A data set: three splits of images and labels, how splits are carved, and the hash of what is in them."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from zoo_core.errors import ZooError, unknown
from zoo_core.specs import DataSpec, Field

SPLITS = ("train", "validation", "test")

_SEED = 0
"""Of the carving. A data set's splits never change from run to run, whatever the seed of the training."""


class Split(NamedTuple):
    """`images` uint8 (N, H, W, C) with C 1 or 3, and `labels` int32 (N,), or None where the set has none."""

    images: np.ndarray
    labels: np.ndarray | None

    def take(self, indices: np.ndarray) -> "Split":
        """These images and their labels, copied."""
        return Split(self.images[indices], None if self.labels is None else self.labels[indices])


class Dataset:
    """Images in memory or mapped from a file, never changed: the arrays are read-only.

    Args:
        name: the source as it is typed on the command line.
        splits: one `Split` for each of `SPLITS`, images of one shape, at least one in each.
        classes: the class names in the order of the labels; empty for a set without labels.
        provenance: what a prepared file says of where its images came from, JSON values.
        content_hash: what a prepared file says of it; otherwise it is computed when `spec` is first asked for.

    Raises:
        ValueError: for arrays that break one of these rules.
    """

    def __init__(
        self,
        name: str,
        splits: Mapping[str, Split],
        classes: Sequence[str] = (),
        provenance: Mapping[str, Any] | None = None,
        content_hash: str | None = None,
    ) -> None:
        _check(splits, classes)
        self.name = name
        self.classes = tuple(classes)
        self.provenance = dict(provenance or {})
        self._splits = {split: _read_only(splits[split]) for split in SPLITS}
        self._stated_hash = content_hash

    @cached_property
    def spec(self) -> DataSpec:
        """What a model and a result record need to know of this data set."""
        fields = {"images": Field(self._splits["train"].images.shape[1:], "float32")}
        if self.classes:
            fields["labels"] = Field((), "int32")
        return DataSpec(
            name=self.name,
            fields=fields,
            classes=self.classes,
            splits={split: len(content.images) for split, content in self._splits.items()},
            content_hash=self._stated_hash or content_hash(self._splits, self.classes),
        )

    def images(self, split: str) -> np.ndarray:
        """uint8 (N, H, W, C), read-only; an `np.memmap` where the set lies in an HDF5 file.

        Raises:
            UsageError: for a split other than train, validation and test.
        """
        return self._split(split).images

    def labels(self, split: str) -> np.ndarray | None:
        """int32 (N,), or None where the set has no labels. Raises as `images` does."""
        return self._split(split).labels

    def verify(self) -> None:
        """Read every image and compare with the content hash that the file states, where there is one.

        Raises:
            ZooError: if they differ.
        """
        if self._stated_hash is None:
            return
        found = content_hash(self._splits, self.classes)
        if found != self.spec.content_hash:
            raise ZooError(
                f"The content of '{self.name}' should have the hash {self.spec.content_hash}, but it has {found}: "
                "images, labels or class names were changed after the file was written.",
                "Make the file again: zoo datasets prepare SOURCE OUT.h5",
            )

    def _split(self, split: str) -> Split:
        if split not in self._splits:
            raise unknown("split", split, SPLITS)
        return self._splits[split]


def content_hash(splits: Mapping[str, Split], classes: Sequence[str]) -> str:
    """SHA-256, as hex, over the image shape, the class names, and each split's images with their labels.

    An image enters by the SHA-256 of its pixels, row by row, and its label (int32, little-endian); those of a split
    are sorted, so that the order of the images does not matter.
    """
    total = hashlib.sha256(json.dumps([splits["train"].images.shape[1:], list(classes)]).encode())
    for name in SPLITS:
        images, labels = splits[name]
        ends = [b""] * len(images) if labels is None else [label.tobytes() for label in labels.astype("<i4")]
        pixels = (image.tobytes() for image in np.asarray(images))
        digests = sorted(hashlib.sha256(image + end).digest() for image, end in zip(pixels, ends, strict=True))
        total.update(f"{name} {len(digests)}".encode())
        total.update(b"".join(digests))
    return total.hexdigest()


def digest(image: np.ndarray) -> bytes:
    """SHA-256 of one image: of its shape (H, W, C) and its uint8 pixels, row by row."""
    return hashlib.sha256(str(image.shape).encode() + image.tobytes()).digest()


def ordered_hash(digests: Iterable[bytes]) -> str:
    """SHA-256, as hex, of images in their order, from the `digest` of each."""
    total = hashlib.sha256()
    for one in digests:
        total.update(one)
    return total.hexdigest()


def carve_validation(count: int, labels: np.ndarray | None) -> dict[str, np.ndarray]:
    """Divide `count` training images, at least 2, between train and validation: a tenth, but at most 5,000.

    Args:
        labels: integers (count,), or None. Each class gives its share, rounded up or down.

    Returns:
        Ascending indices for "train" and "validation", the same on every call, none of them in both.
    """
    train, validation = _carve(count, min(5000, max(1, round(count / 10))), labels)
    return {"train": train, "validation": validation}


def carve_all(count: int, labels: np.ndarray | None) -> dict[str, np.ndarray]:
    """Divide `count` images, at least 3: a fifth for test, and the rest as `carve_validation` does."""
    rest, test = _carve(count, max(1, round(count / 5)), labels)
    inner = carve_validation(len(rest), None if labels is None else labels[rest])
    return {split: rest[indices] for split, indices in inner.items()} | {"test": test}


def _carve(count: int, wanted: int, labels: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Ascending indices of the images that stay and of the `wanted` ones that go.

    Systematic sampling: shuffle, line up by class, cut the line into `wanted` equal stretches and take the middle of
    each. That many are taken exactly, and no class needs a minimum of members.
    """
    order = np.random.Generator(np.random.PCG64(_SEED)).permutation(count)
    if labels is not None:
        order = order[np.argsort(labels[order], kind="stable")]
    carved = np.sort(order[(2 * np.arange(wanted) + 1) * count // (2 * wanted)])
    return np.setdiff1d(np.arange(count), carved), carved


def _check(splits: Mapping[str, Split], classes: Sequence[str]) -> None:
    if set(splits) != set(SPLITS):
        raise ValueError(f"a data set has the splits {SPLITS}, received {sorted(splits)}")
    shape = splits["train"].images.shape[1:]
    for name, (images, labels) in splits.items():
        received = f"received {images.dtype} {images.shape}"
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3) or images.size == 0:
            raise ValueError(f"{name} images must be uint8 (N, H, W, C) with C 1 or 3, {received}")
        if images.shape[1:] != shape:
            raise ValueError(f"{name} images must have the shape of the train images, {shape}, {received}")
        if (labels is None) != (not classes):
            received = "no labels" if labels is None else "labels"
            raise ValueError(f"labels and class names go together, received {name} {received}, classes {classes}")
        if labels is None:
            continue
        if labels.dtype != np.int32 or labels.shape != images.shape[:1]:
            raise ValueError(f"{name} labels must be int32 {images.shape[:1]}, received {labels.dtype} {labels.shape}")
        if labels.min() < 0 or labels.max() >= len(classes):
            raise ValueError(
                f"{name} labels must lie in [0, {len(classes) - 1}], received [{labels.min()}, {labels.max()}]"
            )


def _read_only(split: Split) -> Split:
    images, labels = split.images.view(), None if split.labels is None else split.labels.view()
    for array in (images, labels):
        if array is not None:
            array.flags.writeable = False
    return Split(images, labels)
