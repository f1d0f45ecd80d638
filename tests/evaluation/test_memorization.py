import numpy as np
import pytest
from scipy.stats import mannwhitneyu, permutation_test

from zoo_core.evaluation.memorization import Memorization, nearer
from zoo_core.evaluation.metric import Evaluand, NotApplicable


@pytest.fixture
def sets():
    """Training and reference features of one distribution, (200, 8) and (100, 8)."""
    random = np.random.default_rng(0)
    return random.normal(size=(200, 8)), random.normal(size=(100, 8)), random


def measured(evaluand):
    return Memorization()(evaluand)["memorization_vectors"]


def test_a_generator_that_is_the_distribution_is_at_chance(compared, sets):
    training, reference, random = sets
    score = measured(compared(random.normal(size=(150, 8)), reference, training))
    assert score.interval[0] < 0.5 < score.interval[1]
    assert (score.floor, score.n_floor, score.n_generated, score.n_reference) == (0.5, 100, 150, 100)
    assert (score.label, score.better) == ("Memorization (vectors)", "lower")


def test_copies_score_1_and_near_copies_above_chance(compared, sets):
    training, reference, random = sets
    copies = measured(compared(training[:50], reference, training))
    assert copies.value == 1
    assert 0.9 < copies.interval[0] < copies.interval[1] == 1
    near = measured(compared(training + 0.3 * random.normal(size=training.shape), reference, training))
    assert 0.5 < near.interval[0] < near.value < 1


def test_noise_far_from_all_data_scores_0(compared, sets):
    training, reference, random = sets
    assert measured(compared(random.normal(size=(50, 8)) + 100, reference, training)).value == 0


def test_it_is_the_probability_over_all_pairs_ties_counting_half():
    random = np.random.default_rng(3)
    ones, others = random.integers(0, 6, 30), random.integers(1, 8, 20)
    pairs = ones[:, None] - others[None]
    assert nearer(ones, others).value == pytest.approx(np.mean(pairs < 0) + np.mean(pairs == 0) / 2)


@pytest.mark.parametrize("shift", [-0.6, -0.5, -0.4, -0.3, 0.0, 0.3, 0.4, 0.5, 0.6])
def test_the_interval_leaves_chance_out_where_the_permutation_test_rejects_it(shift):
    random = np.random.default_rng(5)
    ones, others = random.normal(size=40) + shift, random.normal(size=30)
    low, high = nearer(ones, others).interval
    test = mannwhitneyu(ones, others, method="asymptotic", use_continuity=False)
    assert (test.pvalue < 0.05) == (not low <= 0.5 <= high)


def test_the_permutation_test_itself_agrees():
    random = np.random.default_rng(6)
    ones, others = random.normal(size=40) - 0.55, random.normal(size=30)

    def statistic(x, y):
        return nearer(x, y).value

    found = permutation_test((ones, others), statistic, n_resamples=2000, rng=np.random.default_rng(0))
    asymptotic = mannwhitneyu(ones, others, method="asymptotic", use_continuity=False).pvalue
    assert found.pvalue == pytest.approx(asymptotic, abs=0.01)


def test_the_interval_covers_the_true_probability():
    """Of N(0, 1) below N(1, 1): Φ(1/√2) = 0.7602."""
    random = np.random.default_rng(7)
    estimates = [nearer(random.normal(size=60), random.normal(size=80) + 1) for _ in range(400)]
    covered = np.mean([low < 0.7602 < high for low, high in (estimate.interval for estimate in estimates)])
    assert 0.92 < covered < 0.98
    spread = np.std([estimate.value for estimate in estimates])
    assert np.mean([estimate.standard_error for estimate in estimates]) == pytest.approx(spread, rel=0.15)


def test_without_training_images_it_does_not_apply(compared, sets):
    training, reference, _ = sets
    with pytest.raises(NotApplicable, match="trained on, and they are not known"):
        measured(compared(training, reference))


def test_against_training_images_it_does_not_apply(compared, vectors, sets):
    training, _, random = sets
    with pytest.raises(NotApplicable, match="real images that training has not seen"):
        measured(compared(random.normal(size=(50, 8)), training[:80], training))
    mixed = np.concatenate([training[:20], random.normal(size=(180, 8))])
    with pytest.raises(NotApplicable, match="10% of those of 'vectors' are training images"):
        measured(compared(random.normal(size=(50, 8)), mixed, training))
    same = vectors(training, content_hash="5f")
    with pytest.raises(NotApplicable, match="Compare with a held-out split"):
        measured(Evaluand(network=vectors, reference=same, generated=same, training=vectors(training, "5f")))


def test_without_generated_images_it_does_not_apply(vectors, sets):
    with pytest.raises(NotApplicable, match="generated images"):
        measured(Evaluand(network=vectors, reference=vectors(sets[1]), training=vectors(sets[0])))
