"""The built-in sets that come with scikit-learn and scikit-image."""

from collections.abc import Callable, Mapping

import numpy as np

from zoo_core.data.dataset import Split


def digits() -> Split:
    """scikit-learn's `load_digits`: (1797, 8, 8, 1), 17 levels of gray brought to 256."""
    from sklearn.datasets import load_digits

    source = load_digits()
    images = np.rint(source.images * 255 / 16).astype(np.uint8)[..., None]
    return Split(images, source.target.astype(np.int32))


def lfw_subset() -> Split:
    """scikit-image's `lfw_subset`: (200, 25, 25, 1), values in [0, 1] brought to 256 levels; the faces come first."""
    from skimage.data import lfw_subset as load

    images = np.floor(load() * 255 + 0.5).astype(np.uint8)[..., None]
    return Split(images, np.repeat(np.array([0, 1], np.int32), len(images) // 2))


def sample_images() -> Split:
    """scikit-learn's `load_sample_images`: (520, 32, 32, 3), each photograph cut into 13 by 20 patches; what is left
    at its lower and right edge is dropped."""
    from sklearn.datasets import load_sample_images

    patches = [_patches(photograph, 32) for photograph in load_sample_images().images]  # sorted by name: china, flower
    labels = np.repeat(np.arange(len(patches), dtype=np.int32), [len(cut) for cut in patches])
    return Split(np.concatenate(patches), labels)


def _patches(photograph: np.ndarray, side: int) -> np.ndarray:
    """(H, W, C) -> (N, side, side, C), row by row."""
    rows, columns, channels = photograph.shape[0] // side, photograph.shape[1] // side, photograph.shape[2]
    whole = photograph[: rows * side, : columns * side].reshape(rows, side, columns, side, channels)
    return whole.swapaxes(1, 2).reshape(-1, side, side, channels)


SHIPPED: Mapping[str, Callable[[], Split]] = {
    "digits": digits,
    "lfw_subset": lfw_subset,
    "sample_images": sample_images,
}
"""All images of a set in one pile, to be divided."""
