"""What models are checked on: tiny data sets of a few shapes, and the smallest options."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo_core.data import Dataset, Split
from zoo_core.errors import UsageError
from zoo_core.options import Options, resolve

Shape = tuple[int, int, int]

SHAPES: tuple[Shape, ...] = ((8, 8, 1), (28, 28, 1), (32, 32, 3), (64, 64, 3))
CLASSES = ("a", "b", "c")
SPLITS = {"train": 12, "validation": 2, "test": 4}


def noise_images(shape: Shape, labelled: bool = True) -> Dataset:
    """Random pixels."""
    rng = np.random.default_rng(0)

    def split(count: int) -> Split:
        return Split(rng.integers(0, 256, (count, *shape), "uint8"), _labels(count, labelled))

    splits = {name: split(count) for name, count in SPLITS.items()}
    return Dataset("noise", splits, CLASSES if labelled else ())


def striped_images(shape: Shape) -> Dataset:
    """Something to learn: bright stripes on dark ground, with some noise, the same for every class."""
    rng = np.random.default_rng(0)
    pattern = np.where(np.arange(shape[0]) % 4 < 2, 220, 30)[:, None, None]

    def split(count: int) -> Split:
        return Split((pattern + rng.integers(-25, 26, (count, *shape))).astype("uint8"), _labels(count, True))

    return Dataset("stripes", {name: split(16 * count) for name, count in SPLITS.items()}, CLASSES)


def smallest_options(options: type[Options], given: Mapping[str, Any], owner: str) -> Options:
    """The options that are given, and beside them the smallest `width` from 2 on, where there is such an integer."""
    field = options.model_json_schema().get("properties", {}).get("width", {})
    least = field.get("minimum", field.get("exclusiveMinimum", 1) + 1)
    small = {"width": max(2, least)} if field.get("type") == "integer" else {}
    try:
        return resolve(options, small | dict(given), owner)
    except UsageError:
        return resolve(options, given, owner)


def _labels(count: int, labelled: bool) -> np.ndarray | None:
    return np.arange(count, dtype="int32") % len(CLASSES) if labelled else None
