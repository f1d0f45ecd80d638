from dataclasses import replace

import numpy as np
import pytest

from zoo_core.evaluation import kid
from zoo_core.evaluation.extraction import FeatureArray
from zoo_core.evaluation.kid import KID, kernel_distance
from zoo_core.evaluation.metric import NotApplicable
from zoo_core.features import Pixels


def drawn(seed, count, shift=0.0):
    return (np.random.default_rng(seed).normal(size=(count, 16)) + shift).astype(np.float32)


def test_all_images_in_each_subset_give_the_unbiased_estimate_written_out():
    one, other = drawn(0, 5, 0.5), drawn(1, 5)

    def kernel(a, b):
        return (float(np.dot(a.astype(float), b.astype(float))) / 16 + 1) ** 3

    pairs = [(i, j) for i in range(5) for j in range(5)]
    expected = (
        sum(kernel(one[i], one[j]) + kernel(other[i], other[j]) for i, j in pairs if i != j) / 20
        - 2 * sum(kernel(one[i], other[j]) for i, j in pairs) / 25
    )
    assert kernel_distance(FeatureArray(one), FeatureArray(other)).value == pytest.approx(expected, rel=1e-12)


def test_it_is_the_squared_distance_between_mean_embeddings():
    # Of points that are all alike: k(x, x) + k(y, y) − 2 k(x, y)
    one, other = np.ones((10, 2), np.float32), np.zeros((10, 2), np.float32)
    assert kernel_distance(FeatureArray(one), FeatureArray(other)).value == pytest.approx(8 + 1 - 2)


def test_it_is_unbiased_where_there_is_no_distance(monkeypatch):
    monkeypatch.setattr(kid, "SUBSETS", 10)
    values = [
        kernel_distance(FeatureArray(drawn([0, i], 40)), FeatureArray(drawn([1, i], 60))).value for i in range(60)
    ]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(60)
    assert min(values) < 0


def test_subsets_are_those_of_torch_fidelity(monkeypatch):
    # RandomState(2020): for each subset, first of the generated images, then of the real ones, without replacement
    monkeypatch.setattr(kid, "SUBSET_SIZE", 20)
    monkeypatch.setattr(kid, "SUBSETS", 2)
    one, other = drawn(0, 50, 0.5), drawn(1, 30)
    random = np.random.RandomState(2020)
    values = []
    for _ in range(2):
        x, y = one[random.choice(50, 20, replace=False)], other[random.choice(30, 20, replace=False)]
        values.append(kernel_distance(FeatureArray(x), FeatureArray(y)).value)
    found = kernel_distance(FeatureArray(one), FeatureArray(other))
    assert found.value == pytest.approx(np.mean(values), rel=1e-9)


@pytest.mark.parametrize(("count", "size"), [(100, 50), (50, 50), (1000, 50)])
def test_the_standard_error_is_the_spread_between_draws(monkeypatch, count, size):
    monkeypatch.setattr(kid, "SUBSET_SIZE", size)
    monkeypatch.setattr(kid, "SUBSETS", 25)
    real = FeatureArray(drawn(99, 2000))
    found = [kernel_distance(FeatureArray(drawn([count, i], count, 0.5)), real) for i in range(80)]
    error = np.sqrt(np.mean([one.standard_error**2 for one in found]))
    assert error == pytest.approx(np.std([one.value for one in found], ddof=1), rel=0.25)


def test_the_standard_error_errs_to_the_large_side_where_there_is_no_distance(monkeypatch):
    monkeypatch.setattr(kid, "SUBSET_SIZE", 50)
    monkeypatch.setattr(kid, "SUBSETS", 25)
    real = FeatureArray(drawn(99, 2000))
    found = [kernel_distance(FeatureArray(drawn([7, i], 200)), real) for i in range(60)]
    error = np.sqrt(np.mean([one.standard_error**2 for one in found]))
    assert 0.9 < error / np.std([one.value for one in found], ddof=1) < 3.5


def test_the_score_tells_its_features(compared):
    evaluand = compared(drawn(0, 40, 1.0), drawn(1, 60))
    (key, score), *others = KID()(evaluand).items()
    assert not others
    assert (key, score.label, score.better) == ("kid_vectors", "KID (vectors)", "lower")
    assert (score.n_generated, score.n_reference) == (40, 60)
    assert score.interval[0] < score.value < score.interval[1]
    inception = Pixels()
    inception.name = "inception"
    assert KID()(replace(evaluand, network=inception))["kid"].label == "KID"


def test_a_single_image_has_no_distance(compared):
    with pytest.raises(NotApplicable, match="received 1 and 60"):
        KID()(compared(drawn(0, 1), drawn(1, 60)))
