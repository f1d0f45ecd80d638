import numpy as np
import pytest

from zoo_core.evaluation.diversity import Diversity
from zoo_core.evaluation.extraction import FeatureStore
from zoo_core.evaluation.images import ArrayImages
from zoo_core.evaluation.metric import Evaluand, NotApplicable
from zoo_core.evaluation.sample import Sample
from zoo_core.features import Pixels

CLASSES = ("dark", "light")


def sample(images, labels=None):
    labels = None if labels is None else np.asarray(labels, np.int32)
    named = ArrayImages("images", images, labels, () if labels is None else CLASSES)
    return Sample(named, Pixels(), FeatureStore(None))


def measured(generated, real=None):
    return Diversity()(Evaluand(network=Pixels(), reference=generated, generated=generated, real=real))


@pytest.fixture
def two_looks(images):
    """Two random images, 30 times each in turn, and their labels."""
    return np.tile(images(2, 16), (30, 1, 1, 1)), np.tile([0, 1], 30)


def test_one_image_over_and_over_scores_1_and_random_ones_little(images):
    same = measured(sample(np.repeat(images(1, 16), 10, axis=0)))["ms_ssim_diversity_1"]
    assert same.value == pytest.approx(1)
    assert (same.label, same.better) == ("MS-SSIM of pairs (1 scale)", "lower")
    assert (same.n_generated, same.n_reference) == (10, 0)
    assert measured(sample(images(40, 32)))["ms_ssim_diversity_2"].value < 0.2


def test_with_classes_only_images_of_one_class_are_compared(two_looks):
    looks, labels = two_looks
    assert measured(sample(looks, labels))["ms_ssim_diversity_by_class_1"].value == pytest.approx(1)
    assert measured(sample(looks))["ms_ssim_diversity_1"].value < 0.9


def test_the_floor_is_of_real_images_paired_in_the_same_way(two_looks, images):
    looks, labels = two_looks
    by_class = measured(sample(looks, labels), sample(looks, labels))["ms_ssim_diversity_by_class_1"]
    assert by_class.floor == pytest.approx(1)
    over_all = measured(sample(looks), sample(looks, labels))["ms_ssim_diversity_1"]
    assert over_all.floor == over_all.value
    assert measured(sample(looks, labels), sample(looks))["ms_ssim_diversity_by_class_1"].floor is None


def test_of_many_images_some_from_everywhere_are_compared(images):
    """The first 2,000 are one image over and over, the others all differ."""
    many = np.concatenate([np.repeat(images(1, 11), 2000, axis=0), images(2000, 11, seed=1)])
    score = measured(sample(many))["ms_ssim_diversity_1"]
    assert 0.2 < score.value < 0.4  # both of a pair are that image in a quarter of the pairs
    assert score.standard_error < 0.02


def test_pairs_need_two_of_a_class(images):
    with pytest.raises(NotApplicable, match="pairs of images of one class"):
        measured(sample(images(2, 16), [0, 1]))


def test_small_images_do_not_have_it(images):
    with pytest.raises(NotApplicable, match="Diversity needs images of at least 11x11 pixels"):
        measured(sample(images(4, 8)))
