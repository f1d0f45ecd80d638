import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

from zoo_core.evaluation import ssim
from zoo_core.evaluation.metric import Evaluand, NotApplicable
from zoo_core.evaluation.ssim import SSIM, ssim_of
from zoo_core.features import Pixels


def noisy(images, level):
    noise = np.random.default_rng(9).integers(-level, level + 1, images.shape)
    return np.clip(images.astype(int) + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("shape", "channels"), [((16, 16), 3), ((11, 30), 1), ((45, 12), 3)])
def test_each_pair_has_the_value_of_the_reference_implementation(shape, channels, monkeypatch):
    originals = np.random.default_rng(0).integers(0, 256, (9, *shape, channels), dtype=np.uint8)
    others = noisy(originals, 60)
    expected = [
        structural_similarity(
            a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, channel_axis=-1
        )
        for a, b in zip(originals, others, strict=True)
    ]
    monkeypatch.setattr(ssim, "BLOCK", 4 * originals[0].size)
    np.testing.assert_allclose(ssim_of(originals, others), expected, atol=1e-12)


def test_small_pairs_have_the_value_of_the_reference_implementation_with_its_uniform_window(images):
    originals = images(5, 9, channels=3)
    others = noisy(originals, 60)
    expected = [
        structural_similarity(a, b, win_size=7, use_sample_covariance=False, data_range=255, channel_axis=-1)
        for a, b in zip(originals, others, strict=True)
    ]
    np.testing.assert_allclose(ssim_of(originals, others), expected, atol=1e-12)


def test_the_score_is_the_mean_over_pairs_and_its_interval_theirs(images, paired):
    originals = images(1100, 11)  # more than are read at a time
    others = noisy(originals, 60)
    values = ssim_of(originals, others)
    score = SSIM()(paired(originals, others))["ssim"]
    assert score.value == pytest.approx(np.mean(values), abs=1e-12)
    assert score.interval[0] < score.value < score.interval[1]
    assert score.standard_error == pytest.approx(np.std(values, ddof=1) / np.sqrt(1100))
    assert (score.label, score.better, score.n_generated, score.n_reference) == ("SSIM", "higher", 1100, 1100)


def test_it_is_the_formula_of_wang_et_al(images, paired):
    """Eq. 13 written out for the one pixel whose 11×11 window lies within an 11×11 image."""
    x, y = (images(1, 11, seed=seed)[0, ..., 0].astype(np.float64) for seed in (1, 2))
    impulse = np.zeros((11, 11))
    impulse[5, 5] = 1
    window = gaussian_filter(impulse, 1.5, truncate=3.5)
    mean_x, mean_y = (window * x).sum(), (window * y).sum()
    var_x, var_y = (window * (x - mean_x) ** 2).sum(), (window * (y - mean_y) ** 2).sum()
    cov = (window * (x - mean_x) * (y - mean_y)).sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    expected = (2 * mean_x * mean_y + c1) * (2 * cov + c2) / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
    found = SSIM()(paired(images(1, 11, seed=1), images(1, 11, seed=2)))["ssim"].value
    assert found == pytest.approx(expected, abs=1e-9)


def test_identical_images_score_1_and_noise_lowers_it(images, paired):
    originals = images(3, 12)
    values = [SSIM()(paired(originals, noisy(originals, level)))["ssim"].value for level in (0, 20, 200)]
    assert values[0] == pytest.approx(1)
    assert 1 > values[1] > values[2] > -1


@pytest.mark.parametrize("side", [7, 8, 10])
def test_small_images_have_a_key_of_their_own(images, paired, side):
    scores = SSIM()(paired(images(2, side), images(2, side)))
    assert list(scores) == ["ssim_uniform7"]
    assert scores["ssim_uniform7"].value == pytest.approx(1)


def test_below_seven_pixels_it_does_not_apply(images, paired):
    with pytest.raises(NotApplicable, match="at least 7x7 pixels, received a side of 6"):
        SSIM()(paired(images(2, 6), images(2, 6)))


def test_without_reconstructions_it_does_not_apply(vectors):
    with pytest.raises(NotApplicable, match="SSIM needs reconstructions of known originals"):
        ssim.over_pairs("SSIM", Evaluand(network=Pixels(), reference=vectors(np.eye(2))), ssim_of)
