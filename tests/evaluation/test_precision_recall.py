import numpy as np
import pytest

from zoo_core.evaluation.metric import NotApplicable
from zoo_core.evaluation.precision_recall import PrecisionRecall


def two_sets():
    """Generated and real features; the first 20 generated ones are copies."""
    random = np.random.default_rng(11)
    real = random.normal(size=(300, 16)).astype(np.float32)
    generated = (0.85 * random.normal(size=(250, 16)) + 0.25).astype(np.float32)
    generated[:20] = real[:20]
    return generated, real


def test_it_is_what_torch_fidelity_measures(compared):
    """torch-fidelity 0.4.0 on `two_sets()`: prc_features_to_metric(generated, real, prc_neighborhood=3)."""
    scores = PrecisionRecall()(compared(*two_sets()))
    assert scores["precision_vectors"].value == pytest.approx(0.872)
    assert scores["recall_vectors"].value == pytest.approx(184 / 300)
    for name, label in (("precision", "Precision (vectors)"), ("recall", "Recall (vectors)")):
        score = scores[f"{name}_vectors"]
        assert (score.label, score.better, score.n_generated, score.n_reference) == (label, "higher", 250, 300)


def test_the_intervals_are_wilsons_over_the_judged_side(compared):
    scores = PrecisionRecall()(compared(*two_sets()))
    assert scores["recall_vectors"].interval == pytest.approx((0.5571, 0.6667), abs=1e-4)
    assert "given the other set" in scores["recall_vectors"].interval_method


def test_dropping_half_of_the_data_costs_recall_and_noise_costs_precision(compared):
    random = np.random.default_rng(0)
    modes = np.repeat([[-20.0, 0], [20, 0]], 100, axis=0)
    real = modes + random.normal(size=(200, 2))
    one_mode = PrecisionRecall()(compared(modes[:100] + random.normal(size=(100, 2)), real))
    assert one_mode["precision_vectors"].value > 0.9
    assert one_mode["recall_vectors"].value <= 0.5
    noise = random.normal(size=(200, 2)) + np.array([0, 100])
    noisy = PrecisionRecall()(compared(np.concatenate([real, noise]), real))
    assert noisy["precision_vectors"].value == 0.5
    assert noisy["recall_vectors"].value == 1


def test_too_few_images_have_no_third_neighbour(compared):
    with pytest.raises(NotApplicable, match="at least 4 images on each side, received 3 generated and 10 real"):
        PrecisionRecall()(compared(np.eye(3), np.ones((10, 3))))
