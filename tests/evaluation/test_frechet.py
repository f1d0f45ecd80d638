import numpy as np
import pytest

from zoo_core.evaluation.frechet import FrechetDistance
from zoo_core.evaluation.metric import Evaluand, NotApplicable
from zoo_core.features import Pixels


def test_the_distance_and_its_floor_are_those_of_the_pixels(images):
    evaluand = Evaluand(
        features=Pixels(),
        generated=images(400, 3, seed=1) // 2,
        reference=images(600, 3, seed=2),
        training=images(2000, 3, seed=3),
    )
    (key, score), *others = FrechetDistance()(evaluand).items()
    assert not others
    assert (key, score.label, score.better) == ("fd_pixels", "FD (pixels)", "lower")
    assert (score.n_generated, score.n_reference, score.n_floor) == (400, 600, 400)
    # Half as bright: the means differ by 1/4 and the deviations, 0.29, by half, in each of 9 dimensions.
    assert score.value == pytest.approx(9 * (0.25**2 + 0.145**2), rel=0.1)
    assert 0 < score.floor < score.value / 10


def test_images_are_at_no_distance_from_themselves(images):
    evaluand = Evaluand(features=Pixels(), generated=images(3000, 3), reference=images(3000, 3))
    assert FrechetDistance()(evaluand)["fd_pixels"].value == pytest.approx(0, abs=1e-6)


def test_the_floor_is_drawn_from_all_of_a_sorted_training_split(images):
    dark, bright = images(100, 2) // 4, 255 - images(100, 2) // 4
    reference = np.concatenate([dark, bright])
    evaluand = Evaluand(features=Pixels(), generated=reference[::2], reference=reference, training=reference)
    score = FrechetDistance()(evaluand)["fd_pixels"]
    assert score.n_floor == 100
    assert score.floor < 0.1


def test_a_small_training_split_gives_a_floor_of_fewer_images(images):
    evaluand = Evaluand(features=Pixels(), generated=images(50, 2), reference=images(50, 2), training=images(20, 2))
    assert FrechetDistance()(evaluand)["fd_pixels"].n_floor == 20


def test_without_training_images_there_is_no_floor(images):
    score = FrechetDistance()(Evaluand(features=Pixels(), generated=images(50, 2), reference=images(50, 2)))[
        "fd_pixels"
    ]
    assert score.floor is None
    assert score.n_floor is None


def test_too_few_images_for_the_dimension_are_warned_of(images):
    evaluand = Evaluand(features=Pixels(), generated=images(10, 4), reference=images(50, 4))
    with pytest.warns(UserWarning, match="10 generated .* 16 dimensions"):
        FrechetDistance()(evaluand)


def test_without_generated_images_it_does_not_apply(images):
    with pytest.raises(NotApplicable, match="generated"):
        FrechetDistance()(Evaluand(features=Pixels(), reference=images(50, 4)))
