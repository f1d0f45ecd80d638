import functools
from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import softmax

from zoo_core.data import SPLITS, Dataset, load_dataset
from zoo_core.data.hdf5 import ORIGINS, Prepared
from zoo_core.errors import UsageError
from zoo_core.features import Classifier
from zoo_core.labelling import pseudo_labels

Prepare = Callable[..., Prepared]
CLASSIFIER, FOLDER = ORIGINS.index("classifier"), ORIGINS.index("folder")


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset("digits")


def some(digits: Dataset, count: int = 60) -> dict[str, np.ndarray]:
    return {split: digits.images(split)[:count] for split in SPLITS}


@functools.cache
def classifier() -> Classifier:
    return Classifier.shipped("digits")


def probabilities(images: np.ndarray) -> np.ndarray:
    return softmax(classifier().logits(classifier().features(images)).astype(float), axis=1)


def test_what_the_classifier_is_sure_of_is_labelled_and_the_rest_is_left(prepare: Prepare, digits: Dataset):
    images = some(digits)
    images["test"] = np.random.default_rng(0).integers(0, 256, images["test"].shape, np.uint8)  # no digits at all
    labels = pseudo_labels(prepare(images), classifier(), 0.9)
    assert labels.classes == digits.classes
    counts = {"labelled": 0, "left": 0}
    for split in SPLITS:
        expected, columns = probabilities(images[split]), labels.columns[split]
        sure = expected.max(axis=1) >= 0.9
        assert np.array_equal(columns["labels"], np.where(sure, expected.argmax(axis=1), -1))
        assert np.array_equal(columns["label_origins"], np.where(sure, CLASSIFIER, 0))
        np.testing.assert_allclose(columns["label_confidences"], np.where(sure, expected.max(axis=1), 0), rtol=1e-6)
        counts["labelled"] += int(sure.sum())
        counts["left"] += int((~sure).sum())
    assert min(counts.values()) > 0
    assert labels.method == counts | {
        "method": "classifier",
        "classifier": "classifier:digits",
        "weights_sha256": classifier().weights_sha256,
        "threshold": 0.9,
        "kept": 0,
        "disagreed": 0,
    }
    assert np.mean(labels.columns["train"]["labels"] == digits.labels("train")[:60]) > 0.9


def test_labels_from_elsewhere_stay_where_the_classifier_knows_their_class(prepare: Prepare, digits: Dataset):
    images = some(digits)
    truth = {split: digits.labels(split)[:60] for split in SPLITS}
    classes = ("cat", *reversed(digits.classes))  # number 10 - d is the digit d, and 0 a class that is not among them
    given = {split: 10 - numbers for split, numbers in truth.items()}
    given["train"][:3] = 0, -1, 10 - (truth["train"][2] + 1) % 10  # a cat, none, and a wrong digit
    labels = pseudo_labels(prepare(images, classes, given, confidence=0.25), classifier(), 0.5)
    train = labels.columns["train"]
    wrong = truth["train"].copy()
    wrong[2] = (truth["train"][2] + 1) % 10
    assert np.array_equal(train["labels"], wrong)
    assert train["label_origins"].tolist() == [CLASSIFIER] * 2 + [FOLDER] * 58
    assert (train["label_confidences"][2:] == 0.25).all()
    assert (train["label_confidences"][:2] >= 0.5).all()
    sure = {split: probabilities(images[split]) for split in SPLITS}
    expected = wrong, truth["validation"], truth["test"]
    disagreed = sum(
        int(((found.max(axis=1) >= 0.5) & (found.argmax(axis=1) != numbers))[2 if split == "train" else 0 :].sum())
        for (split, found), numbers in zip(sure.items(), expected, strict=True)
    )
    assert disagreed >= 1
    assert {key: labels.method[key] for key in ("labelled", "kept", "disagreed")} == {
        "labelled": 2,
        "kept": 178,
        "disagreed": disagreed,
    }


def test_labels_that_a_classifier_gave_are_given_anew(prepare: Prepare, digits: Dataset):
    given = {split: np.full(60, 3) for split in SPLITS}
    labels = pseudo_labels(prepare(some(digits), digits.classes, given, origin="classifier"), classifier(), 0.5)
    assert labels.method["kept"] == 0
    assert len(np.unique(labels.columns["train"]["labels"])) == 10


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_a_threshold_is_a_probability(prepare: Prepare, digits: Dataset, threshold: float):
    with pytest.raises(UsageError, match="a probability from 0 to 1"):
        pseudo_labels(prepare(some(digits, 3)), classifier(), threshold)
