import numpy as np
import pytest

from zoo_core.evaluation.metric import Evaluand
from zoo_core.features import Pixels


@pytest.fixture
def images():
    """`images(count, side, channels=1, seed=0)` are random uint8 images."""

    def make(count, side, channels=1, seed=0):
        return np.random.default_rng(seed).integers(0, 256, (count, side, side, channels), dtype=np.uint8)

    return make


@pytest.fixture
def paired():
    """`paired(originals, reconstructions)` is an evaluand with nothing else to measure."""

    def make(originals, reconstructions):
        return Evaluand(features=Pixels(), reference=originals, pairs=(originals, reconstructions))

    return make
