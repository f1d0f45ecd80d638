import numpy as np
import pytest

from zoo_core.data import load_dataset
from zoo_core.evaluation.class_accuracy import ClassAccuracy
from zoo_core.evaluation.extraction import FeatureStore
from zoo_core.evaluation.images import ArrayImages
from zoo_core.evaluation.metric import Evaluand, NotApplicable
from zoo_core.evaluation.sample import Sample
from zoo_core.features import Pixels
from zoo_core.features.classifier import Classifier


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


@pytest.fixture(scope="module")
def network():
    return Classifier.shipped("digits")


@pytest.fixture
def measured(digits, network):
    """The score of the real images of the test split, as if a model had made them for these labels."""

    right = digits.labels("test")

    def measure(labels=right, classes=digits.classes, features=network, real=None):
        images = ArrayImages("generated", digits.images("test"), labels, classes)
        generated = Sample(images, features, FeatureStore(None))
        return ClassAccuracy()(Evaluand(network=features, reference=generated, generated=generated, real=real))

    return measure


def test_real_images_score_by_their_labels(measured):
    score = measured()["class_accuracy_classifier"]
    assert score.value > 0.98
    assert score.interval[0] < score.value < score.interval[1] <= 1
    assert (score.label, score.better) == ("Class accuracy (classifier)", "higher")
    assert (score.n_generated, score.n_reference) == (359, 0)


def test_half_of_the_labels_wrong_is_half_of_the_score_and_the_floor_has_them_right(measured, digits, network):
    labels = digits.labels("test").copy()
    labels[::2] = (labels[::2] + 1) % 10
    images = ArrayImages("real", digits.images("validation"), digits.labels("validation"), digits.classes)
    score = measured(labels, real=Sample(images, network, FeatureStore(None)))["class_accuracy_classifier"]
    assert score.value == pytest.approx(0.5, abs=0.02)
    assert score.floor > 0.98
    assert score.n_floor == len(images)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"labels": None, "classes": ()}, "labels"),
        ({"features": Pixels()}, "needs a classifier, received the features 'pixels'"),
        ({"classes": tuple("abcdefghij")}, "own classes"),
    ],
)
def test_where_it_does_not_apply_it_says_why(measured, changes, reason):
    with pytest.raises(NotApplicable, match=reason):
        measured(**changes)


def test_without_generated_images_it_does_not_apply(vectors):
    with pytest.raises(NotApplicable, match="generated images"):
        ClassAccuracy()(Evaluand(network=Pixels(), reference=vectors(np.eye(2))))
