from dataclasses import replace

import numpy as np
import pytest

from zoo_core.evaluation.inception_score import InceptionScore, inception_scores
from zoo_core.evaluation.metric import NotApplicable
from zoo_core.features import ClassifyingNetwork


class Telling(ClassifyingNetwork):
    """Takes the features for logits."""

    weights_sha256, runtime, classes = None, "numpy", ()

    def __init__(self, name):
        self.name = name

    def features(self, images):
        return images.reshape(len(images), -1).view("<f4")

    def logits(self, features):
        return features


def certain(count, classes):
    """Logits of images whose class is beyond doubt, all classes alike."""
    return 200 * np.identity(classes, np.float32)[np.arange(count) % classes]


def test_certain_and_varied_images_score_nearly_the_number_of_classes():
    assert inception_scores([certain(10_000, 4)], 10_000) == pytest.approx(4, rel=0.01)


def test_images_of_one_class_score_1():
    assert inception_scores([certain(100, 4)[::4].repeat(4, axis=0)], 100) == pytest.approx(1)


def test_undecided_images_score_1():
    assert inception_scores([np.zeros((50, 7), np.float32)], 50) == pytest.approx(1)


def test_each_split_is_the_formula_written_out():
    logits = np.random.default_rng(0).normal(0, 3, (57, 5)).astype(np.float32)
    # torch-fidelity's order: a permutation by RandomState(2020), cut at i · 57 // 10
    shuffled = logits[np.random.RandomState(2020).permutation(57)].astype(np.float64)
    expected = []
    for i in range(10):
        split = np.exp(shuffled[i * 57 // 10 : (i + 1) * 57 // 10])
        conditional = split / split.sum(axis=1, keepdims=True)
        divergences = np.sum(conditional * np.log(conditional / conditional.mean(axis=0)), axis=1)
        expected.append(np.exp(divergences.mean()))
    np.testing.assert_allclose(inception_scores([logits], 57), expected, rtol=1e-10)
    np.testing.assert_allclose(inception_scores(np.split(logits, [1, 20, 20]), 57), expected, rtol=1e-10)


def test_the_score_is_the_mean_of_the_splits(compared):
    logits = np.random.default_rng(0).normal(0, 3, (500, 5)).astype(np.float32)
    evaluand = replace(compared(logits, logits[:5]), network=Telling("classifier:digits"))
    (key, score), *others = InceptionScore()(evaluand).items()
    scores = inception_scores([logits], 500)
    assert not others
    assert (key, score.label, score.better) == ("isc_classifier", "IS (classifier)", "higher")
    assert (score.n_generated, score.n_reference) == (500, 0)
    assert score.value == pytest.approx(scores.mean())
    assert score.standard_error == pytest.approx(scores.std(ddof=1) / np.sqrt(10))
    genuine = InceptionScore()(replace(evaluand, network=Telling("inception")))
    assert genuine["isc"].label == "Inception Score"


def test_it_needs_classes_and_an_image_for_each_split(compared):
    with pytest.raises(NotApplicable, match="classifies, received the features 'vectors'"):
        InceptionScore()(compared(np.zeros((50, 3)), np.zeros((5, 3))))
    few = replace(compared(np.zeros((9, 3)), np.zeros((5, 3))), network=Telling("inception"))
    with pytest.raises(NotApplicable, match="at least 10 images, received 9"):
        InceptionScore()(few)
