import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from zoo_core.data.degradation import KINDS, MID_GRAY, Degradation, DegradedImages
from zoo_core.errors import UsageError

EACH = [f"{name}{kind.example:g}" for name, kind in KINDS.items()]


def images(count: int = 3, height: int = 16, width: int = 24, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, height, width, channels), np.uint8)


def seeds(count: int) -> list[tuple[int, ...]]:
    return [(number,) for number in range(count)]


def degrade(text: str, pixels: np.ndarray) -> np.ndarray:
    return Degradation.parse(text)(pixels, seeds(len(pixels)))


@pytest.mark.parametrize(
    ("text", "kind", "amount"),
    [("downscale2", "downscale", 2), ("noise0.5", "noise", 0.5), ("blur2", "blur", 2), ("mask25.0", "mask", 25)],
)
def test_a_kind_and_its_amount(text, kind, amount):
    assert Degradation.parse(text) == Degradation(kind, amount)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nois25", "Unknown degradation 'nois'.*Did you mean 'noise'"),
        ("old", "Unknown degradation 'old'.*needs a / after it"),
        ("noise", "standard deviation in levels, from 0.1 to 255; received none.*mnist~noise25"),
        ("noise.", "received none"),
        ("noise2.5.5", "received none"),
        ("noise256", "received 256"),
        ("noise" + "9" * 5000, "received inf"),
        ("blur0", "in pixels, from 0.1 to 32; received 0"),
        ("jpeg100", "a whole quality, from 1 to 95; received 100"),
        ("jpeg20.5", "received 20.5"),
        ("downscale1", "a whole factor, from 2 to 8; received 1"),
        ("downscale2.5", "received 2.5"),
        ("mask100", "from 1 to 99; received 100"),
    ],
)
def test_refused(text, message):
    with pytest.raises(UsageError, match=message):
        Degradation.parse(text)


@given(st.text() | st.from_regex(r"(noise|jpeg|mask)[0-9.]*", fullmatch=True))
def test_any_text_parses_or_is_refused(text):
    try:
        found = Degradation.parse(text)
    except UsageError:
        return
    assert KINDS[found.kind].lowest <= found.amount <= KINDS[found.kind].highest


def test_a_factor_must_divide_both_sides():
    assert Degradation.parse("downscale4").shape((16, 24, 3)) == (4, 6, 3)
    with pytest.raises(UsageError, match=r"16x24 can't be downscaled by 5.*mnist@40~downscale5"):
        Degradation.parse("downscale5")(images(), seeds(3))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("text", EACH)
def test_each_image_is_degraded_on_its_own_and_always_alike(text, channels):
    pixels, degradation = images(channels=channels), Degradation.parse(text)
    found = degradation(pixels, seeds(3))
    assert found.dtype == np.uint8
    assert found.shape == (3, *degradation.shape((16, 24, channels)))
    assert found.shape != pixels.shape or (found != pixels).any()
    for number in range(3):
        assert np.array_equal(degradation(pixels[number : number + 1], [(number,)])[0], found[number])


@pytest.mark.parametrize("text", EACH)
def test_only_noise_and_the_place_of_a_mask_are_random(text):
    pixels = np.broadcast_to(images(1), (8, 16, 24, 3))
    different = len(np.unique(degrade(text, pixels), axis=0))
    assert different > 4 if text.startswith(("noise", "mask")) else different == 1


def test_downscaling_is_pillow_s_bicubic():
    pixels = images()
    expected = Image.fromarray(pixels[1]).resize((12, 8), Image.Resampling.BICUBIC)
    assert np.array_equal(degrade("downscale2", pixels)[1], np.asarray(expected))


def test_noise_has_the_stated_deviation():
    gray = np.full((4, 64, 64, 3), 128, np.uint8)
    noise = degrade("noise20", gray).astype(float) - gray
    assert abs(noise.mean()) < 0.5
    assert noise.std() == pytest.approx(20, rel=0.02)
    assert degrade("noise200", gray).max() == 255


def test_a_blurred_point_is_a_gaussian_with_the_edge_repeated():
    point = np.zeros((1, 31, 31, 1), np.uint8)
    point[0, 15, 15] = 255
    y, x = np.mgrid[-15:16, -15:16]
    expected = 255 * np.exp(-(x**2 + y**2) / 8) / (8 * np.pi)
    assert np.abs(degrade("blur2", point)[0, ..., 0] - expected).max() < 0.6
    flat = np.full((1, 9, 9, 3), 77, np.uint8)
    assert np.array_equal(degrade("blur3", flat), flat)


def test_jpeg_is_what_pillow_makes_of_it():
    pixels = images()
    file = io.BytesIO()
    Image.fromarray(pixels[0]).save(file, "JPEG", quality=30)
    assert np.array_equal(degrade("jpeg30", pixels)[0], np.asarray(Image.open(file)))


@given(height=st.integers(1, 40), width=st.integers(1, 40), percent=st.integers(1, 99), seed=st.integers(0, 2**40))
def test_a_mask_is_one_gray_rectangle_of_the_stated_share(height, width, percent, seed):
    black = np.zeros((1, height, width, 1), np.uint8)
    masked = Degradation("mask", percent)(black, [(seed,)])[0, ..., 0]
    rows, columns = np.flatnonzero(masked.any(axis=1)), np.flatnonzero(masked.any(axis=0))
    assert (masked[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] == MID_GRAY).all()
    covered = np.count_nonzero(masked)
    assert covered == len(rows) * len(columns) >= 1
    assert abs(covered - height * width * percent / 100) <= max(height, width)


def test_masks_reach_all_sides():
    masked = degrade("mask25", np.zeros((200, 8, 8, 1), np.uint8)).any(axis=(0, 3))
    assert masked.all()


@pytest.mark.parametrize("text", EACH)
def test_images_that_are_degraded_when_asked_for_are_indexed_as_an_array(text):
    pixels = images(7)
    made = DegradedImages(pixels, Degradation.parse(text))
    whole = degrade(text, pixels)
    assert (len(made), made.shape) == (7, whole.shape)
    assert np.array_equal(made[:], whole)
    assert np.array_equal(made[2:5], whole[2:5])
    assert np.array_equal(made[np.array([6, 0, 6])], whole[[6, 0, 6]])
    assert made[3:3].shape == (0, *whole.shape[1:])
