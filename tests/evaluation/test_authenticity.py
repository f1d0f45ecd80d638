import numpy as np
import pytest

from zoo_core.evaluation.authenticity import Authenticity
from zoo_core.evaluation.metric import NotApplicable


def measured(evaluand):
    return Authenticity()(evaluand)["authenticity_vectors"]


def test_it_counts_images_farther_away_than_training_images_are_from_each_other(compared):
    training = [[0], [1], [10], [13]]  # 1 from the nearest other one, 1, 3, 3
    generated = [[-0.5], [-1], [-1.5], [2.5], [8], [17]]  # 0.5, 1, 1.5 and 1.5 from the nearest, 2 and 4
    score = measured(compared(generated, [[6], [10.5]], training))
    assert score.value == pytest.approx(3 / 6)
    assert score.floor == pytest.approx(1 / 2)
    assert (score.n_generated, score.n_reference, score.n_floor) == (6, 4, 2)
    assert (score.label, score.better) == ("Authenticity (vectors)", "higher")


def test_copies_are_not_authentic_and_unseen_images_are_as_often_as_the_floor_says(compared):
    random = np.random.default_rng(0)
    training, reference, fresh = random.normal(size=(3, 300, 4))
    assert measured(compared(training[:50], reference, training)).value == 0
    score = measured(compared(fresh, reference, training))
    assert score.interval[0] < score.floor < score.interval[1]


def test_a_single_training_image_has_no_other(compared):
    with pytest.raises(NotApplicable, match="at least 2 training images"):
        measured(compared(np.ones((5, 2)), np.ones((5, 2)), np.zeros((1, 2))))
