import numpy as np
import pytest

from zoo_core.evaluation.extraction import FeatureStore
from zoo_core.evaluation.images import ArrayImages
from zoo_core.evaluation.metric import Evaluand
from zoo_core.evaluation.sample import Sample
from zoo_core.features import FeatureNetwork, Pixels


@pytest.fixture
def images():
    """`images(count, side, channels=1, seed=0)` are random uint8 images."""

    def make(count, side, channels=1, seed=0):
        return np.random.default_rng(seed).integers(0, 256, (count, side, side, channels), dtype=np.uint8)

    return make


class Vectors(FeatureNetwork):
    """Takes an image's bytes for its features, so that a test can choose them."""

    name, weights_sha256, runtime = "vectors", None, "numpy"

    def features(self, images):
        return images.reshape(len(images), -1).view("<f4")


@pytest.fixture
def vectors():
    """`vectors(features)` is a sample with these features (N, D), by a network of the name "vectors"."""

    def make(features, content_hash=None):
        rows = np.ascontiguousarray(features, "<f4")
        images = ArrayImages("vectors", rows.view(np.uint8).reshape(len(rows), 1, -1, 1), content_hash=content_hash)
        return Sample(images, Vectors(), FeatureStore(None))

    return make


@pytest.fixture
def compared(vectors):
    """`compared(generated, reference, training=None)` is an evaluand of features (N, D)."""

    def make(generated, reference, training=None):
        return Evaluand(
            network=Vectors(),
            reference=vectors(reference),
            generated=vectors(generated),
            training=None if training is None else vectors(training),
        )

    return make


@pytest.fixture
def paired():
    """`paired(originals, reconstructions)` is an evaluand with nothing else to measure; arrays (P, H, W, C)."""

    def make(originals, reconstructions):
        pairs = ArrayImages("originals", originals), ArrayImages("reconstructions", reconstructions)
        return Evaluand(network=Pixels(), reference=Sample(pairs[0], Pixels(), FeatureStore(None)), pairs=pairs)

    return make
