from dataclasses import replace

import numpy as np
import pytest

from zoo_core.evaluation.frechet import FrechetDistance
from zoo_core.evaluation.intra_fid import IntraFrechetDistance
from zoo_core.evaluation.metric import NotApplicable
from zoo_core.features import Pixels

CLASSES = ("cat", "dog")


@pytest.fixture
def labelled(vectors):
    """`labelled(rows, labels, classes)` is a sample of such images."""

    def make(rows, labels, classes=CLASSES):
        sample = vectors(rows)
        sample.images.labels, sample.images.classes = np.asarray(labels, np.int32), classes
        return sample

    return make


def drawn(seed, labels, offsets):
    """Images whose class shows in their mean."""
    return np.random.default_rng(seed).normal(size=(len(labels), 2)) + np.asarray(offsets)[labels]


@pytest.fixture
def swapped(compared, labelled):
    """Cats that look like dogs and dogs that look like cats: as a whole, the images are right."""
    labels = np.arange(600) % 2
    real = labelled(drawn(0, labels, [[0, 0], [3, 0]]), labels)
    generated = labelled(drawn(1, labels, [[3, 0], [0, 0]]), labels)
    return replace(compared([[0, 0]], [[0, 0]]), generated=generated, reference=real)


def test_it_sees_swapped_classes_that_the_distance_as_a_whole_does_not(swapped):
    (key, score), *others = IntraFrechetDistance()(swapped).items()
    assert not others
    assert (key, score.label, score.better) == ("intra_fd_vectors", "Intra FD (vectors)", "lower")
    assert (score.n_generated, score.n_reference) == (600, 600)
    assert score.value == pytest.approx(9, rel=0.1)
    assert FrechetDistance()(swapped)["fd_vectors"].value < 0.1


def test_it_is_the_mean_over_classes_whatever_their_sizes(swapped, vectors):
    score = IntraFrechetDistance()(swapped)["intra_fd_vectors"]
    generated, real = swapped.generated.features.load(), swapped.reference.features.load()
    alone = [
        FrechetDistance()(replace(swapped, generated=vectors(generated[i::2]), reference=vectors(real[i::2])))
        for i in range(2)
    ]
    scores = [one["fd_vectors"] for one in alone]
    assert score.value == pytest.approx(np.mean([one.value for one in scores]))
    assert score.standard_error == pytest.approx(np.hypot(*(one.standard_error for one in scores)) / 2)


def test_inception_features_alone_give_intra_fid(swapped):
    inception = Pixels()
    inception.name = "inception"
    assert IntraFrechetDistance()(replace(swapped, network=inception))["intra_fid"].label == "Intra FID"


def test_the_floor_is_that_of_labelled_real_images(swapped, labelled, vectors):
    labels = np.arange(400) % 2
    rows = drawn(2, labels, [[0, 0], [3, 0]])
    score = IntraFrechetDistance()(replace(swapped, real=labelled(rows, labels)))["intra_fd_vectors"]
    assert score.n_floor == 400
    assert 0 < score.floor < 0.2
    assert IntraFrechetDistance()(replace(swapped, real=vectors(rows)))["intra_fd_vectors"].floor is None


def test_small_classes_are_warned_of(swapped, labelled):
    labels = np.array([0] * 50 + [1] * 2)
    few = labelled(drawn(3, labels, [[0, 0], [3, 0]]), labels)
    with pytest.warns(UserWarning, match="1 of 2 classes with fewer than 3 .* 2 dimensions"):
        IntraFrechetDistance()(replace(swapped, generated=few))


def test_what_has_no_classes_or_others_is_refused(swapped, labelled, vectors):
    rows, labels = drawn(3, np.arange(50) % 2, [[0, 0], [3, 0]]), np.arange(50) % 2
    for wrong, message in [
        (vectors(rows), "no labels"),
        (labelled(rows, labels, ("cat", "cow")), "same classes"),
        (labelled(rows, np.zeros(50)), "0 of 'dog'"),
    ]:
        with pytest.raises(NotApplicable, match=message):
            IntraFrechetDistance()(replace(swapped, generated=wrong))
        with pytest.raises(NotApplicable, match=message):
            IntraFrechetDistance()(replace(swapped, reference=wrong))
