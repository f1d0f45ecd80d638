from dataclasses import replace

import numpy as np
import pytest

from zoo_core.evaluation.frechet import FID, FrechetDistance, frechet_estimate
from zoo_core.evaluation.metric import Evaluand, NotApplicable
from zoo_core.evaluation.statistics import frechet_distance, gaussian_statistics
from zoo_core.features import Pixels


def named(evaluand, name):
    network = Pixels()
    network.name = name
    return replace(evaluand, network=network)


@pytest.fixture
def apart(compared):
    """400 against 600 images in 3 dimensions, 2 apart in the first; half as wide in the second."""
    random = np.random.default_rng(0)
    return compared(random.normal(size=(400, 3)) * [1, 0.5, 1] + [2, 0, 0], random.normal(size=(600, 3)))


def test_the_distance_is_that_of_the_gaussians(apart):
    (key, score), *others = FrechetDistance()(apart).items()
    assert not others
    assert (key, score.label, score.better) == ("fd_vectors", "FD (vectors)", "lower")
    assert (score.n_generated, score.n_reference, score.floor) == (400, 600, None)
    assert score.value == pytest.approx(2**2 + 0.5**2, rel=0.1)
    assert score.interval[0] < 4.25 < score.interval[1]
    assert "reference fixed" in score.interval_method


def test_the_floor_is_that_of_other_real_images(apart, vectors):
    real = vectors(np.random.default_rng(1).normal(size=(500, 3)))
    score = FrechetDistance()(replace(apart, real=real))["fd_vectors"]
    assert score.n_floor == 500
    assert 0 < score.floor < 0.05


def test_images_are_at_no_distance_from_themselves(compared):
    rows = np.random.default_rng(0).normal(size=(3000, 9))
    score = FrechetDistance()(compared(rows, rows))["fd_vectors"]
    assert score.value == pytest.approx(0, abs=1e-6)
    assert score.standard_error == pytest.approx(0, abs=1e-6)


def test_only_inception_features_give_fid(apart):
    genuine = FrechetDistance()(named(apart, "inception"))
    assert list(genuine) == ["fid"]
    assert genuine["fid"].label == "FID"
    assert list(FrechetDistance()(named(apart, "inception@1a2b3c4d"))) == ["fd_inception@1a2b3c4d"]
    assert list(FrechetDistance()(named(apart, "classifier:digits"))) == ["fd_classifier"]


def test_fid_by_name_is_the_same_score_and_refuses_other_features(apart):
    inception = named(apart, "inception")
    assert FID()(inception) == FrechetDistance()(inception)
    assert list(FID()(named(apart, "inception@1a2b3c4d"))) == ["fd_inception@1a2b3c4d"]
    with pytest.raises(NotApplicable, match="'vectors'") as caught:
        FID()(apart)
    assert "--features inception" in caught.value.hint


def test_too_few_images_for_the_dimension_are_warned_of(compared):
    random = np.random.default_rng(0)
    with pytest.warns(UserWarning, match="10 generated .* 16 dimensions"):
        score = FrechetDistance()(compared(random.normal(size=(10, 16)), random.normal(size=(50, 16))))["fd_vectors"]
    assert np.isfinite([score.value, score.standard_error]).all()


def test_without_generated_images_it_does_not_apply(vectors):
    evaluand = Evaluand(network=Pixels(), reference=vectors(np.zeros((5, 2))))
    with pytest.raises(NotApplicable, match="generated"):
        FrechetDistance()(evaluand)


def features(random, count, scale=1.0, shift=0.0):
    """Non-negative, skewed and correlated, as features after a ReLU are; the last of 8 is constant."""
    mixing = np.random.default_rng(99).normal(size=(7, 7)) / np.arange(1, 8)
    rows = np.maximum(scale * random.normal(size=(count, 7)) @ mixing.T + 0.3 + shift, 0)
    return np.hstack([rows, np.full((count, 1), 0.7)])


@pytest.mark.parametrize(("count", "scale", "shift"), [(1000, 1.2, 0.0), (100, 1.0, 0.3), (16, 1.3, 0.1)])
def test_the_standard_error_is_the_spread_between_draws(count, scale, shift):
    reference = gaussian_statistics([features(np.random.default_rng(0), 20_000)])
    estimates = []
    for seed in range(400):
        rows = features(np.random.default_rng([count, seed]), count, scale, shift)
        estimates.append(frechet_estimate(rows.__getitem__, gaussian_statistics([rows]), reference))
    values = np.array([one.value for one in estimates])
    found = np.sqrt(np.mean([one.standard_error**2 for one in estimates]))
    # The spread of 400 draws is itself known to about 4 %
    assert found == pytest.approx(values.std(ddof=1), rel=0.1 if count >= 100 else 0.4)
    covered = np.mean([one.interval[0] < values.mean() < one.interval[1] for one in estimates])
    assert covered > (0.91 if count >= 100 else 0.85)


def test_a_sample_of_the_influences_gives_the_same_standard_error(monkeypatch):
    random = np.random.default_rng(0)
    rows, reference = features(random, 6000, 1.2), gaussian_statistics([features(random, 5000)])
    one = gaussian_statistics([rows])
    of_all = frechet_estimate(rows.__getitem__, one, reference)
    monkeypatch.setattr("zoo_core.evaluation.frechet.JUDGES", 3000)
    of_some = frechet_estimate(rows.__getitem__, one, reference)
    assert of_some.value == of_all.value
    assert of_some.value == frechet_distance(one.mean, one.covariance, reference.mean, reference.covariance)
    assert of_some.standard_error == pytest.approx(of_all.standard_error, rel=0.05)
