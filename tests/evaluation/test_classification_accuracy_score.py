import numpy as np
import pytest

from zoo_core.data import load_dataset
from zoo_core.evaluation.classification_accuracy_score import ClassificationAccuracyScore
from zoo_core.evaluation.extraction import FeatureStore
from zoo_core.evaluation.images import ArrayImages
from zoo_core.evaluation.metric import Evaluand, NotApplicable
from zoo_core.evaluation.sample import Sample
from zoo_core.features import Pixels
from zoo_core.features.storage import Recipe


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits@8")


def sample(digits, split, labels):
    classes = () if labels is None else digits.classes
    return Sample(ArrayImages(split, digits.images(split), labels, classes), Pixels(), FeatureStore(None))


def measured(digits, labels, reference_labels):
    reference, generated = sample(digits, "test", reference_labels), sample(digits, "train", labels)
    evaluand = Evaluand(network=Pixels(), reference=reference, generated=generated)
    return ClassificationAccuracyScore(Recipe(steps=200, batch_size=32))(evaluand)["cas"]


def test_what_takes_minutes_is_told(digits):
    told = []

    class Told:
        def begin(self, label, step, steps, seconds=0.0):
            told.append((label, step, steps))

        def log(self, line):
            told.append(line["step"])

    generated = sample(digits, "train", digits.labels("train"))
    reference = sample(digits, "test", digits.labels("test"))
    evaluand = Evaluand(network=Pixels(), reference=reference, generated=generated, report=Told())
    ClassificationAccuracyScore(Recipe(steps=2, batch_size=8))(evaluand)
    assert told == [("classifier of train", 0, 2), 1, 2]


@pytest.mark.slow
def test_it_is_the_accuracy_on_real_images_of_what_generated_ones_teach(digits):
    """Images whose labels are one too high teach to say one too much."""
    score = measured(digits, (digits.labels("train") + 1) % 10, (digits.labels("test") + 1) % 10)
    assert 0.6 < score.interval[0] < score.value < score.interval[1] < 1
    assert (score.label, score.better, score.n_generated, score.n_reference) == ("CAS", "higher", 1294, 359)


def test_both_sides_need_labels(digits):
    with pytest.raises(NotApplicable, match="generated for given labels"):
        measured(digits, None, digits.labels("test"))
    with pytest.raises(NotApplicable, match="labelled real images, and 'test' has no labels"):
        measured(digits, digits.labels("train"), None)


def test_images_that_the_classifier_can_not_take_do_not_have_it():
    images = ArrayImages("tiny", np.zeros((4, 4, 4, 1), np.uint8), np.int32([0, 1, 0, 1]), ("a", "b"))
    tiny = Sample(images, Pixels(), FeatureStore(None))
    with pytest.raises(NotApplicable, match=r"can't train its classifier.* takes sides of 8"):
        ClassificationAccuracyScore()(Evaluand(network=Pixels(), reference=tiny, generated=tiny))
