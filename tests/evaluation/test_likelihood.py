import numpy as np
import pytest

from zoo_core.errors import ZooError
from zoo_core.evaluation.likelihood import LikelihoodMetric
from zoo_core.evaluation.metric import Evaluand, Likelihoods, NotApplicable
from zoo_core.features import Pixels

DIMENSIONS = 3 * 4  # bytes of the features of an image


@pytest.fixture
def measured(vectors):
    def measure(nats, kind, pixels):
        likelihoods = Likelihoods(np.asarray(nats, np.float64), kind, pixels)
        reference = vectors(np.zeros((4, 3)))
        return LikelihoodMetric()(Evaluand(network=Pixels(), reference=reference, likelihoods=likelihoods))

    return measure


def test_a_uniform_distribution_needs_8_bits(measured):
    score = measured([-DIMENSIONS * np.log(256)] * 4, "exact", "discrete")["bits_per_dim"]
    assert score.value == pytest.approx(8)
    assert (score.label, score.better, score.n_generated, score.n_reference) == ("Bits/dim", "lower", 0, 4)


def test_it_is_the_mean_over_images_with_its_interval(measured):
    nats = -DIMENSIONS * np.log(2) * np.array([1, 2, 3, 6])
    score = measured(nats, "exact", "discrete")["bits_per_dim"]
    assert score.value == pytest.approx(3)
    assert score.standard_error == pytest.approx(np.std([1, 2, 3, 6], ddof=1) / 2)
    assert score.interval[0] < 3 < score.interval[1]


def test_a_bound_of_the_likelihood_bounds_the_bits_from_above(measured):
    scores = measured([-1, -2, -3, -4], "lower bound", "discrete")
    assert [(key, score.label) for key, score in scores.items()] == [("bits_per_dim_bound", "Bits/dim (upper bound)")]


@pytest.mark.parametrize(
    ("kind", "key", "label"),
    [
        ("lower bound", "elbo_binarized", "ELBO (binarized), nats"),
        ("exact", "nats_binarized", "Log-likelihood (binarized), nats"),
    ],
)
def test_other_distributions_of_pixels_are_named_and_in_nats(measured, kind, key, label):
    scores = measured([-100, -80, -90, -90], kind, "binarized")
    assert list(scores) == [key]
    assert (scores[key].value, scores[key].label, scores[key].better) == (-90, label, "higher")


def test_likelihoods_that_are_not_finite_are_an_error(measured):
    with pytest.raises(ZooError, match="finite log-likelihoods, received 2 of 4 that are not"):
        measured([-1, np.nan, -np.inf, -1], "exact", "discrete")


def test_without_a_likelihood_it_does_not_apply(vectors):
    with pytest.raises(NotApplicable, match="needs a model that gives one"):
        LikelihoodMetric()(Evaluand(network=Pixels(), reference=vectors(np.eye(3))))
