import pytest

from zoo_core.data import load_dataset
from zoo_core.evaluation.class_accuracy import ClassAccuracy
from zoo_core.evaluation.metric import Evaluand, NotApplicable
from zoo_core.features import Pixels, load_features


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


def evaluand(digits, **changes):
    """The real images of the test split as if a model had made them for their labels."""
    images = digits.images("test")
    fields = {"features": load_features("auto", digits.spec), "classes": digits.spec.classes, "reference": images}
    return Evaluand(**(fields | {"generated": images, "labels": digits.labels("test")} | changes))


def test_real_images_score_by_their_labels(digits):
    score = ClassAccuracy()(evaluand(digits))["class_accuracy"]
    assert score.value > 0.98
    assert (score.label, score.better, score.n_generated, score.n_reference) == ("Class accuracy", "higher", 359, 0)


def test_half_of_the_labels_wrong_is_half_of_the_score(digits):
    labels = digits.labels("test").copy()
    labels[::2] = (labels[::2] + 1) % 10
    assert ClassAccuracy()(evaluand(digits, labels=labels))["class_accuracy"].value == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"labels": None}, "labels"),
        ({"generated": None, "labels": None}, "labels"),
        ({"features": Pixels()}, "needs a classifier, received the features 'pixels'"),
        ({"classes": tuple("abcdefghij")}, "own classes"),
    ],
)
def test_where_it_does_not_apply_it_says_why(digits, changes, reason):
    with pytest.raises(NotApplicable, match=reason):
        ClassAccuracy()(evaluand(digits, **changes))
