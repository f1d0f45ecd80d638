from types import SimpleNamespace

import numpy as np
import pytest

from zoo_core.data import Dataset, Split
from zoo_core.errors import UsageError
from zoo_core.evaluation.generation import generate, log_likelihoods, reconstruct
from zoo_core.evaluation.images import CHUNK, ArrayImages
from zoo_core.models.tasks import Likelihood
from zoo_core.specs import DataSpec, Field


class FakeSampler:
    """Image number n of seed s is all n + s; a reconstruction is the negative."""

    data = DataSpec(
        name="set",
        fields={"images": Field((2, 3, 1), "float32"), "labels": Field((), "int32")},
        classes=("a", "b"),
        splits={"train": 9, "validation": 1, "test": 1},
        content_hash="00",
    )

    def __init__(self, conditional=True):
        self.spec = SimpleNamespace(name="fake", conditional=conditional)

    def generate(self, count, seed, labels, first=0):
        self.asked = labels
        numbers = (np.arange(first, first + count) + seed).astype(np.uint8)
        return np.broadcast_to(numbers[:, None, None, None], (count, 2, 3, 1))

    def reconstruct(self, images):
        return 255 - images

    def log_likelihood(self, images, seed, first=0):
        return -(np.arange(first, first + len(images)) + float(seed))


@pytest.fixture
def data():
    """Training images of class a, a and b."""
    split = Split(np.zeros((3, 2, 3, 1), np.uint8), np.array([0, 0, 1], np.int32))
    return Dataset("set", dict.fromkeys(("train", "validation", "test"), split), ("a", "b"))


def test_images_are_numbered_from_0_and_asked_for_in_the_proportions_of_the_classes(data):
    generated = generate(FakeSampler(), data, 9, seed=5)
    assert (len(generated), generated.shape, generated.name) == (9, (2, 3, 1), "fake, seed 5")
    assert generated.read(0, 9)[:, 0, 0, 0].tolist() == list(range(5, 14))
    assert np.bincount(generated.labels).tolist() == [6, 3]
    assert (generated.classes, generated.content_hash) == (("a", "b"), None)


def test_numbers_go_on_from_chunk_to_chunk(data):
    images = generate(FakeSampler(), data, CHUNK + 2, seed=0).read(CHUNK - 1, CHUNK + 2)
    assert images[:, 0, 0, 0].tolist() == [(CHUNK - 1) % 256, CHUNK % 256, (CHUNK + 1) % 256]


def test_a_model_that_ignores_labels_is_not_asked_for_any(data):
    sampler = FakeSampler(conditional=False)
    generated = generate(sampler, data, 4, seed=0)
    assert sampler.asked is None
    assert (generated.labels, generated.classes) == (None, ())


def test_one_image_is_too_few(data):
    with pytest.raises(UsageError, match="At least 2 images must be generated, received 1"):
        generate(FakeSampler(), data, 1, seed=0)


def test_reconstructions_belong_to_their_originals(images):
    originals = ArrayImages("ten", images(10, 4))
    through = reconstruct(FakeSampler(), originals)
    assert (len(through), through.shape, through.name) == (10, (4, 4, 1), "ten through fake")
    assert np.array_equal(through.read(4, 8), 255 - originals.read(4, 8))


def test_each_image_has_noise_of_its_own_for_its_likelihood(images):
    found = log_likelihoods(
        FakeSampler(), Likelihood("exact", "discrete"), ArrayImages("many", images(CHUNK + 5, 2)), 3
    )
    assert (-found.nats).tolist() == [number + 3.0 for number in range(CHUNK + 5)]
    assert (found.kind, found.pixels) == ("exact", "discrete")
