"""Closed forms."""

import math

import numpy as np
import pytest

from zoo_core.models import losses


def test_a_discriminator_that_does_not_know_loses_two_log_two():
    logits = np.zeros((8, 1), "float32")
    assert float(losses.gan_discriminator_loss(logits, logits)) == pytest.approx(2 * math.log(2))
    assert float(losses.gan_generator_loss(logits)) == pytest.approx(math.log(2))


def test_losses_are_cross_entropies_of_the_probabilities():
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(2, 16, 1))
    d_real, d_fake = 1 / (1 + np.exp(-real)), 1 / (1 + np.exp(-fake))
    expected = -np.log(d_real).mean() - np.log(1 - d_fake).mean()
    assert float(losses.gan_discriminator_loss(real, fake)) == pytest.approx(expected, rel=1e-6)
    assert float(losses.gan_generator_loss(fake)) == pytest.approx(-np.log(d_fake).mean(), rel=1e-6)


def test_extreme_logits_stay_finite():
    logits = np.array([[1e4], [-1e4]], "float32")
    assert np.isfinite(float(losses.gan_discriminator_loss(logits, -logits)))


def test_accuracy_counts_both_sides():
    real, fake = np.array([[1.0], [-1.0]]), np.array([[-1.0], [-2.0]])
    assert float(losses.gan_accuracy(real, fake)) == pytest.approx(0.75)


def test_kl_of_the_prior_is_zero_and_of_a_shifted_gaussian_half_its_square():
    zeros = np.zeros((1, 4), "float32")
    assert float(losses.gaussian_kl(zeros, zeros)[0]) == 0
    assert float(losses.gaussian_kl(zeros + 2, zeros)[0]) == pytest.approx(4 * 0.5 * 2**2)


def test_kl_agrees_with_monte_carlo():
    rng = np.random.default_rng(0)
    mean, log_variance = np.array([[0.7]]), np.array([[-0.8]])
    z = mean + np.exp(0.5 * log_variance) * rng.normal(size=(200_000, 1))
    log_q = -0.5 * ((z - mean) ** 2 / np.exp(log_variance) + log_variance)
    estimate = (log_q + 0.5 * z**2).mean()
    assert float(losses.gaussian_kl(mean, log_variance)[0]) == pytest.approx(estimate, abs=0.01)
