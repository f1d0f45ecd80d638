"""What models are checked on: tiny data sets of a few shapes, and the smallest options."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from zoo_core.data import Dataset, Split
from zoo_core.errors import UsageError
from zoo_core.options import Options, resolve

Shape = tuple[int, int, int]

SHAPES: tuple[Shape, ...] = ((8, 8, 1), (28, 28, 1), (32, 32, 3), (64, 64, 3))


class Sizes(NamedTuple):
    """The shape of tiny images, and that of their inputs where there are any."""

    images: Shape
    inputs: Shape | None = None

    def __str__(self) -> str:
        return " from ".join("x".join(map(str, shape)) for shape in self if shape)


def sizes(inputs: bool) -> tuple[Sizes, ...]:
    """What models are tried on, the smallest first; inputs are as large as the images, or half of it."""
    if not inputs:
        return tuple(Sizes(shape) for shape in SHAPES)
    return tuple(Sizes((h, w, c), (h // by, w // by, c)) for by in (1, 2) for h, w, c in SHAPES)


CLASSES = ("a", "b", "c")
SPLITS = {"train": 12, "validation": 2, "test": 4}


def noise_images(of: Sizes, labelled: bool = True) -> Dataset:
    """Random pixels, and others as inputs."""
    rng = np.random.default_rng(0)

    def pixels(count: int, shape: Shape) -> np.ndarray:
        return rng.integers(0, 256, (count, *shape), "uint8")

    splits = {name: Split(pixels(count, of.images), _labels(count, labelled)) for name, count in SPLITS.items()}
    inputs = {name: pixels(count, of.inputs) for name, count in SPLITS.items() if of.inputs}
    return Dataset("noise", splits, CLASSES if labelled else (), inputs=inputs)


def striped_images(of: Sizes) -> Dataset:
    """Something to learn: bright stripes on dark ground, with some noise, the same for every class; inputs have none of
    the noise, and light and dark exchanged."""
    rng = np.random.default_rng(0)
    pattern = np.where(np.arange(of.images[0]) % 4 < 2, 220, 30)[:, None, None]

    def split(count: int) -> Split:
        return Split((pattern + rng.integers(-25, 26, (count, *of.images))).astype("uint8"), _labels(count, True))

    counts = {name: 16 * count for name, count in SPLITS.items()}
    inputs = {}
    if of.inputs:
        rows = (255 - pattern[:: of.images[0] // of.inputs[0]]).astype("uint8")
        inputs = {name: np.broadcast_to(rows, (count, *of.inputs)) for name, count in counts.items()}
    return Dataset("stripes", {name: split(count) for name, count in counts.items()}, CLASSES, inputs=inputs)


def smallest_options(options: type[Options], given: Mapping[str, Any], owner: str) -> Options:
    """The options that are given, and beside them the smallest `width` from 2 on, where there is such an integer."""
    field = options.model_json_schema().get("properties", {}).get("width", {})
    least = field.get("minimum", field.get("exclusiveMinimum", 1) + 1)
    small = {"width": max(2, least)} if field.get("type") == "integer" else {}
    try:
        return resolve(options, small | dict(given), owner)
    except UsageError:
        return resolve(options, given, owner)


def every_class(count: int) -> np.ndarray:
    """Of every class in turn, int32 (count,)."""
    return np.arange(count, dtype="int32") % len(CLASSES)


def inputs_of(data: Dataset, count: int) -> np.ndarray:
    """The first training inputs, uint8 (count, H', W', C')."""
    inputs = data.inputs("train")
    assert inputs is not None
    return inputs[:count]


def _labels(count: int, labelled: bool) -> np.ndarray | None:
    return every_class(count) if labelled else None
