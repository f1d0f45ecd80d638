import numpy as np

import zoo_core
from zoo_core.data import Split


def load(spec, data_dir):
    splits = {name: draw(seed, count) for seed, (name, count) in enumerate(spec.splits.items())}
    return zoo_core.Dataset(spec.name, splits, spec.classes)


def draw(seed, count):
    rng = np.random.default_rng(seed)  # one for each split, so that no image is in two of them
    labels = rng.integers(0, 2, count, dtype=np.int32)  # 0 is lying, 1 is standing
    x, y, long, short = rng.uniform([[6], [6], [4], [2]], [[10], [10], [6], [3]], (4, count))  # centre and half axes
    a, b = np.where(labels == 0, (long, short), (short, long))
    x, y, a, b = (each[:, None, None] for each in (x, y, a, b))  # (N, 1, 1)
    rows, columns = np.mgrid[:16, :16] + 0.5
    distance = np.hypot((columns - x) / a, (rows - y) / b) - 1  # (N, H, W), 0 on the edge
    images = 255 * np.clip(0.5 - distance * np.minimum(a, b), 0, 1)  # the edge is a pixel wide
    return Split(np.rint(images).astype(np.uint8)[..., None], labels)
