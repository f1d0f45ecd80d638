"""Images in arrays that lie in files as they are: workers map them."""

import bisect
import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, NamedTuple, final

import numpy as np

from zoo_core.data.array_file import Placed
from zoo_core.data.collecting.base import ImageSource, Item
from zoo_core.data.collecting.layout import harmless
from zoo_core.data.hdf5 import ORIGINS


class Part(NamedTuple):
    """Images of one split, or of none.

    Args:
        images: uint8 or uint16, (N, H, W) or (N, H, W, C).
        labels: integers (N,), negative for none.
        paths: texts of fixed length (N,).
        label_origins, label_confidences: (N,), as `zoo_core.data.hdf5` describes them.
    """

    split: str | None
    images: Placed
    labels: Placed | None = None
    paths: Placed | None = None
    label_origins: Placed | None = None
    label_confidences: Placed | None = None


@final
class Arrays(ImageSource):
    """An item's `place` is the number of the image, counted through all parts.

    Args:
        classes: the names of the labels; None where a label is called by its number.
        stamp: the fingerprint.
    """

    label_origin: ClassVar[str] = "array"

    def __init__(self, name: str, parts: Sequence[Part], classes: Sequence[str] | None, stamp: str) -> None:
        super().__init__(name, *(part.images.path for part in parts))
        self._parts, self._stamp = tuple(parts), stamp
        self._starts = [0, *itertools.accumulate(part.images.shape[0] for part in self._parts)]
        self._names = None if classes is None else tuple(classes)
        self.classes = _numbers(self._parts) if self._names is None else self._names

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_mapped"}

    def items(self) -> Iterator[Item]:
        for part, start in zip(self._parts, self._starts, strict=False):
            labels, paths, origins, confidences = (
                None if column is None else column.open()
                for column in (part.labels, part.paths, part.label_origins, part.label_confidences)
            )
            for number in range(part.images.shape[0]):
                path = (paths is not None and _decoded(paths[number])) or _numbered(part.split, number)
                label = None if labels is None else self._name_of(int(labels[number]))
                origin = None if origins is None else ORIGINS[origins[number]]
                confidence = 1 if confidences is None else float(confidences[number])
                yield Item(path, part.split, label, start + number, origin=origin, confidence=confidence)

    def read(self, item: Item) -> np.ndarray:
        part = bisect.bisect_right(self._starts, item.place) - 1
        return np.array(self._mapped[part][item.place - self._starts[part]])

    def fingerprint(self) -> str:
        return self._stamp

    @functools.cached_property
    def _mapped(self) -> list[np.memmap]:
        return [part.images.open() for part in self._parts]

    def _name_of(self, label: int) -> str | None:
        if label < 0:
            return None
        return str(label) if self._names is None else self._names[label]


def _numbers(parts: Sequence[Part]) -> tuple[str, ...]:
    """All labels that there are, in the order of their numbers."""
    found = [np.unique(part.labels.open()) for part in parts if part.labels is not None]
    return tuple(map(str, np.unique(np.concatenate(found)).tolist())) if found else ()


def _numbered(split: str | None, number: int) -> str:
    return f"{number:06d}" if split is None else f"{split}/{number:06d}"


def _decoded(path: bytes) -> str:
    return harmless(path.decode(errors="replace"))
