import json

import numpy as np
import pytest

from zoo_core.evaluation.metric import Evaluand, NotApplicable
from zoo_core.evaluation.psnr import PSNR
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


def test_without_reconstructions_it_does_not_apply(images):
    with pytest.raises(NotApplicable, match="reconstructions"):
        PSNR()(Evaluand(features=Pixels(), reference=images(2, 12)))
