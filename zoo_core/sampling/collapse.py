"""Signs of a collapse while a model trains. They are told, once each, and stop nothing."""

from collections.abc import Callable

import numpy as np

from zoo_core.data import Dataset

Warn = Callable[[str], None]

STEPS = 500
"""Before so many a model may not have begun to learn, and nothing is a sign."""

SHARE = 0.25
"""Of the training images' spread: below it generated images hardly differ. Models that learn soon have more than half
of it: on digits, after 500 steps, DCGAN 0.91, conditional GAN 0.61, VAE 0.72."""

LOOKED_AT = 1000
"""Training images, at most, that their spread is found from."""

ACCURACY = 0.99
"""A discriminator that is right so often, for `STEPS` in a row, has won. That of a DCGAN that learns digits well is
right as often at times, but lapses within 200 steps."""


class VarietyWatch:
    """Warns where generated images are much more alike than training images are.

    Args:
        warn: is told.
    """

    def __init__(self, data: Dataset, warn: Warn) -> None:
        self._data = data
        self._warn = warn
        self._told = False

    def look(self, step: int, images: np.ndarray, labels: np.ndarray | None) -> None:
        """Look at generated images, uint8 (N, H, W, C), and the labels int32 (N,) that they were asked for, if any."""
        if step < STEPS or self._told:
            return
        found, usual = spread(images, labels), self._spread_of_data(labels)
        if found < SHARE * usual:
            self._told = True
            self._warn(
                f"at step {step:,} generated images hardly differ from each other: by {found:.1f} grey levels, "
                f"training images by {usual:.1f}. If that stays so, the model has collapsed: try a lower learning "
                "rate, another seed or, for an adversarial model, --augment color,translation,cutout."
            )

    def _spread_of_data(self, labels: np.ndarray | None) -> float:
        images, own = self._data.images("train"), self._data.labels("train")
        if labels is None or own is None:
            return spread(images[_some(np.arange(len(images)))], None)
        chosen = _some(np.flatnonzero(np.isin(own, labels)))
        return spread(images[chosen], own[chosen])


def spread(images: np.ndarray, labels: np.ndarray | None) -> float:
    """The standard deviation across images (N, H, W, C), a mean over pixels; with labels (N,) it is that within each
    class, a mean over classes, since an image for each class is no variety."""
    groups = [images] if labels is None else [images[labels == label] for label in np.unique(labels)]
    found = [group.std(axis=0, ddof=1).mean() for group in groups if len(group) > 1]
    return float(np.mean(found)) if found else 0.0


def _some(numbers: np.ndarray) -> np.ndarray:
    return np.sort(np.random.default_rng(0).permutation(numbers)[:LOOKED_AT])


class AccuracyWatch:
    """A `Sink` that warns where a discriminator has told real images from generated ones for long, almost without
    fail: then its gradient teaches the generator little. A phase logs this as `accuracy`.

    Args:
        warn: is told.
    """

    def __init__(self, warn: Warn) -> None:
        self._warn = warn
        self._step = 0
        self._since: dict[str, int] = {}  # the step after which it was never less accurate
        self._told: set[str] = set()

    def begin(self, label: str, step: int, steps: int, seconds: float = 0.0) -> None:
        self._step = step

    def log(self, line: dict[str, float]) -> None:
        step = int(line["step"])
        for key in [key for key in line if key.endswith("/accuracy")]:
            if line[key] < ACCURACY:
                self._since[key] = step
            elif step - self._since.setdefault(key, self._step) >= STEPS and key not in self._told:
                self._told.add(key)
                self._warn(
                    f"{key} has been {ACCURACY} or more for {step - self._since[key]:,} steps: the discriminator has "
                    "won, and the generator learns little from it. Try --augment color,translation,cutout, or a lower "
                    "learning rate of the discriminator."
                )
