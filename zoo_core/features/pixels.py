"""Pixels as features: no network at all, and so for every data set, but blind to what an image shows."""

import numpy as np

from zoo_core.data import resize
from zoo_core.features.base import FeatureNetwork


class Pixels(FeatureNetwork):
    """The pixels of an image divided by 255, one after the other, D = H·W·C.

    Images of more than 32 pixels on a side are first brought, by antialiased Lanczos and keeping their aspect, to 32
    on the longer side: a distance needs the D×D covariance, and its cost grows as D³.
    """

    name = "pixels"
    weights_sha256 = None
    runtime = f"numpy {np.__version__}"
    longest = 32

    def features(self, images: np.ndarray) -> np.ndarray:
        height, width = images.shape[1:3]
        scale = self.longest / max(height, width)
        if scale < 1:
            images = resize(images, (max(1, round(height * scale)), max(1, round(width * scale))))
        return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)  # (N, H*W*C)
