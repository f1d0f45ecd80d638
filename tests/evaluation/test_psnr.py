import json

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from zoo_core.evaluation.metric import Evaluand, NotApplicable
from zoo_core.evaluation.psnr import PSNR, psnr_of
from zoo_core.features import Pixels


def test_a_constant_error_gives_its_decibels(paired):
    originals = np.full((3, 4, 4, 1), 100, np.uint8)
    score = PSNR()(paired(originals, originals + np.uint8(5)))["psnr"]
    assert score.value == pytest.approx(20 * np.log10(255 / 5))
    assert (score.better, score.n_generated, score.n_reference) == ("higher", 3, 3)


def test_it_is_the_mean_of_each_pairs_own(paired):
    originals = np.full((2, 4, 4, 1), 100, np.uint8)
    others = originals + np.uint8([1, 10]).reshape(2, 1, 1, 1)
    expected = (20 * np.log10(255) + 20 * np.log10(25.5)) / 2
    assert PSNR()(paired(originals, others))["psnr"].value == pytest.approx(expected)


def test_identical_pairs_count_100_decibels(images, paired):
    originals = images(2, 4)
    score = PSNR()(paired(originals, originals))["psnr"]
    assert score.value == 100
    assert json.loads(score.model_dump_json())["value"] == 100


def test_each_pair_has_the_value_of_the_reference_implementation(images):
    originals, others = images(6, 9, channels=3, seed=1), images(6, 9, channels=3, seed=2)
    expected = [peak_signal_noise_ratio(*pair, data_range=255) for pair in zip(originals, others, strict=True)]
    np.testing.assert_allclose(psnr_of(originals, others), expected, rtol=1e-12)


def test_without_reconstructions_it_does_not_apply(vectors):
    with pytest.raises(NotApplicable, match="PSNR needs reconstructions"):
        PSNR()(Evaluand(network=Pixels(), reference=vectors(np.eye(2))))
