"""A data set: three splits of images and labels, how splits are carved, and the hash of what is in them."""

import copy
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from zoo_core.data.degradation import Degradation, DegradedImages
from zoo_core.data.statistics import Statistics
from zoo_core.errors import UsageError, unknown
from zoo_core.specs import DataSpec, Field

SPLITS = ("train", "validation", "test")

_CHUNK = 2**24  # bytes of images, about, that are hashed at once

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
        statistics: of the train images; likewise.
        verify: compares what the file holds, and its order, with what it says, and raises ZooError.
        inputs: where images are to be made from others, these: uint8 (N, H', W', C') for each split.
        degradation: makes the inputs from the images instead; see `degraded`.
        plugin: the package and version that brought it; None where none but zoo-core did.

    Attributes:
        degradation: None where there is none.

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
        statistics: Statistics | None = None,
        verify: Callable[[], None] | None = None,
        inputs: Mapping[str, np.ndarray] | None = None,
        degradation: Degradation | None = None,
        plugin: str | None = None,
    ) -> None:
        _check(splits, classes)
        _check_inputs(splits, inputs or {})
        self.name = name
        self.classes = tuple(classes)
        self.provenance = dict(provenance or {})
        self.degradation = degradation
        self.plugin = plugin
        self._splits = {split: _read_only_split(splits[split]) for split in SPLITS}
        self._inputs = {split: _read_only(array) for split, array in (inputs or {}).items()}
        self._stated_hash = content_hash
        self._stated_statistics = statistics
        self._verify = verify

    @cached_property
    def spec(self) -> DataSpec:
        """What a model and a result record need to know of this data set."""
        fields = {"images": Field(self._splits["train"].images.shape[1:], "float32")}
        inputs = self.inputs("train")
        if inputs is not None:
            fields["inputs"] = Field(inputs.shape[1:], "float32")
        if self.classes:
            fields["labels"] = Field((), "int32")
        return DataSpec(
            name=self.name,
            fields=fields,
            classes=self.classes,
            splits={split: len(content.images) for split, content in self._splits.items()},
            content_hash=self._content_hash(),
            means=tuple(mean / 127.5 - 1 for mean in self.statistics.means()),
            deviations=tuple(deviation / 127.5 for deviation in self.statistics.deviations()),
            plugin=self.plugin,
        )

    @cached_property
    def statistics(self) -> Statistics:
        """Of the train images."""
        return self._stated_statistics or Statistics.of(self._splits["train"].images)

    def images(self, split: str) -> np.ndarray:
        """uint8 (N, H, W, C), read-only; an `np.memmap` where the set lies in an HDF5 file.

        Raises:
            UsageError: for a split other than train, validation and test.
        """
        return self._split(split).images

    def labels(self, split: str) -> np.ndarray | None:
        """int32 (N,), or None where the set has no labels. Raises as `images` does."""
        return self._split(split).labels

    def inputs(self, split: str) -> np.ndarray | DegradedImages | None:
        """What the images are to be made from, uint8 (N, H', W', C'), or None where the set has no such pairs.

        A degradation makes them when they are asked for, by a slice or by integers (n,). Raises as `images` does.
        """
        images = self.images(split)
        return self._inputs.get(split) if self.degradation is None else DegradedImages(images, self.degradation)

    def degraded(self, degradation: Degradation) -> "Dataset":
        """The same images, to be restored from what a degradation makes of them.

        Raises:
            UsageError: where the set has inputs already, or the degradation can't be done to images of this size.
        """
        if self._inputs:
            raise UsageError(
                f"'{self.name}' has inputs of its own for each image, and can't be degraded.",
                "Leave the degradation out: it is what follows the ~.",
            )
        degradation.shape(self._splits["train"].images.shape[1:])
        return Dataset(
            self.name,
            self._splits,
            self.classes,
            self.provenance,
            content_hash=self._stated_hash,
            statistics=self._stated_statistics,
            verify=self._verify,
            degradation=degradation,
            plugin=self.plugin,
        )

    def named(self, name: str, plugin: str | None) -> "Dataset":
        """The same data set under another name, and as what this plugin brought."""
        renamed = copy.copy(self)
        renamed.name, renamed.plugin = name, plugin
        renamed.__dict__.pop("spec", None)  # it says both
        return renamed

    def verify(self) -> None:
        """Read all of a prepared file and compare it with what it says of itself; other sets have nothing to compare.

        Raises:
            ZooError: if they differ.
        """
        if self._verify is not None:
            self._verify()

    def order(self) -> str | None:
        """SHA-256, as hex, of the train images in their order, which the content hash leaves out; None for a prepared
        file, whose content hash has it."""
        if self._verify is not None:
            return None
        images, total = self._splits["train"].images, hashlib.sha256()
        step = max(1, _CHUNK // images[0].nbytes)
        for start in range(0, len(images), step):
            total.update(np.ascontiguousarray(images[start : start + step]).data)
        return total.hexdigest()

    def _content_hash(self) -> str:
        clean = self._stated_hash or content_hash(self._splits, self.classes, self._inputs)
        if self.degradation is None:
            return clean
        return hashlib.sha256(json.dumps([clean, *astuple(self.degradation)]).encode()).hexdigest()

    def _split(self, split: str) -> Split:
        if split not in self._splits:
            raise unknown("split", split, SPLITS)
        return self._splits[split]


def content_hash(splits: Mapping[str, Split], classes: Sequence[str], inputs: Mapping[str, np.ndarray]) -> str:
    """SHA-256, as hex, over the shapes, the class names, and each split's images with their labels and inputs.

    An image enters by the SHA-256 of its pixels, row by row, its label (int32, little-endian) and the pixels of its
    input; those of a split are sorted, so that the order of the images does not matter.
    """
    shapes = [array.shape[1:] for array in (splits["train"].images, *([inputs["train"]] if inputs else []))]
    total = hashlib.sha256(json.dumps([shapes[0], list(classes), *shapes[1:]]).encode())
    for name in SPLITS:
        images, labels = splits[name]
        rows = [np.asarray(images), *([] if labels is None else [labels.astype("<i4")])]
        rows += [np.asarray(inputs[name])] if inputs else []
        digests = sorted(
            hashlib.sha256(b"".join(one.tobytes() for one in row)).digest() for row in zip(*rows, strict=True)
        )
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
    train, validation = carve(count, min(5000, max(1, round(count / 10))), labels)
    return {"train": train, "validation": validation}


def carve_all(count: int, labels: np.ndarray | None) -> dict[str, np.ndarray]:
    """Divide `count` images, at least 3: a fifth for test, and the rest as `carve_validation` does."""
    rest, test = carve(count, max(1, round(count / 5)), labels)
    inner = carve_validation(len(rest), None if labels is None else labels[rest])
    return {split: rest[indices] for split, indices in inner.items()} | {"test": test}


def carve(count: int, wanted: int, labels: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
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


def _check_inputs(splits: Mapping[str, Split], inputs: Mapping[str, np.ndarray]) -> None:
    if set(inputs) not in (set(), set(SPLITS)):
        raise ValueError(f"all splits have inputs, or none has, received those of {sorted(inputs)}")
    for name, array in inputs.items():
        received = f"received {array.dtype} {array.shape}"
        if array.dtype != np.uint8 or array.ndim != 4 or array.shape[-1] not in (1, 3) or array.size == 0:
            raise ValueError(f"{name} inputs must be uint8 (N, H, W, C) with C 1 or 3, {received}")
        if len(array) != len(splits[name].images) or array.shape[1:] != inputs["train"].shape[1:]:
            raise ValueError(f"{name} inputs must be one for each image, all of one shape, {received}")


def _read_only_split(split: Split) -> Split:
    return Split(_read_only(split.images), None if split.labels is None else _read_only(split.labels))


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view
