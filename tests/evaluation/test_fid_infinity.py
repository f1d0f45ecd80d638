from dataclasses import replace

import numpy as np
import pytest

from zoo_core.evaluation.fid_infinity import FIDInfinity
from zoo_core.evaluation.frechet import FrechetDistance
from zoo_core.evaluation.metric import NotApplicable
from zoo_core.features import Pixels

DIMENSION = 10
REFERENCE = np.random.default_rng(99).normal(size=(20_000, DIMENSION))


def drawn(seed, count=200):
    return np.random.default_rng(seed).normal(size=(count, DIMENSION)) * 1.2


def test_it_undoes_the_excess_of_a_small_sample(compared):
    evaluands = [compared(drawn(seed), REFERENCE) for seed in range(30)]
    found = [FIDInfinity()(evaluand)["fd_infinity_vectors"] for evaluand in evaluands]
    plain = [FrechetDistance()(evaluand)["fd_vectors"].value for evaluand in evaluands]
    truth = DIMENSION * 0.2**2
    excess = np.mean(plain) - truth
    values = np.array([score.value for score in found])
    assert excess > 0.1
    assert abs(values.mean() - truth) < excess / 5
    # The spread of 30 draws is itself known to 13 % only
    error = np.sqrt(np.mean([score.standard_error**2 for score in found]))
    assert error == pytest.approx(values.std(ddof=1), rel=0.5)


def test_seeded_and_named_after_its_features(compared):
    evaluand = compared(drawn(0), REFERENCE[:500])
    (key, score), *others = FIDInfinity()(evaluand).items()
    assert not others
    assert (key, score.label, score.better) == ("fd_infinity_vectors", "FD∞ (vectors)", "lower")
    assert (score.n_generated, score.n_reference) == (200, 500)
    assert FIDInfinity()(evaluand)[key] == score
    inception = Pixels()
    inception.name = "inception"
    genuine = FIDInfinity()(replace(evaluand, network=inception))
    assert genuine["fid_infinity"].label == "FID∞"
    assert genuine["fid_infinity"].value == score.value


def test_too_few_images_for_a_line_are_refused(compared):
    with pytest.raises(NotApplicable, match=r"at least 40 images.*received 39"):
        FIDInfinity()(compared(drawn(0, 39), REFERENCE[:500]))
    assert FIDInfinity()(compared(drawn(0, 40), REFERENCE[:500]))
