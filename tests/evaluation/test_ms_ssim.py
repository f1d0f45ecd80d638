import numpy as np
import pytest

from zoo_core.evaluation.metric import NotApplicable
from zoo_core.evaluation.ms_ssim import MSSSIM, WEIGHTS, ms_ssim_of, scales_of
from zoo_core.evaluation.ssim import GAUSSIAN, similarities, ssim_of


def pair(height, width, channels, noise):
    """An image of 8x8 tiles and a noisy one, (1, H, W, C) uint8 each."""
    random = np.random.default_rng(7)
    tiles = random.integers(0, 256, (height // 8 + 1, width // 8 + 1, channels))
    image = np.kron(tiles, np.ones((8, 8, 1)))[:height, :width]
    noisy = np.clip(image + random.normal(0, noise, image.shape), 0, 255)
    return image.astype(np.uint8)[None], noisy.astype(np.uint8)[None]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((176, 176, 3, 40), 0.9490498809700262),
        ((161, 203, 1, 25), 0.9708483849656739),  # odd sides at every scale
        ((256, 192, 3, 90), 0.8362047867140916),
    ],
)
def test_it_is_what_pytorch_msssim_measures(arguments, expected):
    """pytorch-msssim 1.0.0 on `pair(...)` as float64: ms_ssim(x, y, data_range=255, size_average=False)."""
    assert ms_ssim_of(*pair(*arguments))[0] == pytest.approx(expected, abs=1e-6)


def test_a_single_scale_is_ssim(images):
    originals, others = images(4, 20, seed=1), np.flip(images(4, 20, seed=1) // 2, axis=1)
    np.testing.assert_allclose(ms_ssim_of(originals, others), ssim_of(originals, others).clip(min=0))


def test_two_scales_are_eq_7_written_out():
    originals, others = pair(32, 24, 1, 30)
    x, y = (np.moveaxis(images, 3, 1).astype(np.float64) for images in (originals, others))
    fine = similarities(x, y, GAUSSIAN)[1]
    x, y = (images.reshape(1, 1, 16, 2, 12, 2).mean(axis=(3, 5)) for images in (x, y))
    coarse = similarities(x, y, GAUSSIAN)[0]
    share = WEIGHTS[0] / (WEIGHTS[0] + WEIGHTS[1])
    np.testing.assert_allclose(ms_ssim_of(originals, others), (fine**share * coarse ** (1 - share))[:, 0])


@pytest.mark.parametrize(
    ("side", "scales"), [(10, 0), (11, 1), (20, 1), (21, 2), (28, 2), (32, 2), (64, 3), (160, 4), (161, 5), (999, 5)]
)
def test_as_many_scales_as_fit(side, scales):
    assert scales_of((side, side + 100, 3)) == scales


def test_the_key_says_how_many_scales_there_are_unless_five(images, paired):
    few = MSSSIM()(paired(images(2, 32), images(2, 32)))
    assert few["ms_ssim_2"].value == pytest.approx(1)
    assert few["ms_ssim_2"].label == "MS-SSIM (2 scales)"
    all_five = MSSSIM()(paired(*pair(161, 161, 1, 10)))
    assert all_five["ms_ssim"].label == "MS-SSIM"
    assert all_five["ms_ssim"].interval is None  # of a single pair


def test_below_eleven_pixels_it_does_not_apply(images, paired):
    with pytest.raises(NotApplicable, match="at least 11x11 pixels, received a side of 10"):
        MSSSIM()(paired(images(2, 10), images(2, 10)))
