"""Perceptual hashes are ImageHash's, and what they make a duplicate of what."""

import io
from collections.abc import Sequence
from pathlib import Path

import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from zoo_core.builtin.datasets import DATASETS
from zoo_core.data.builtin import load_builtin
from zoo_core.data.preparing.duplicates import BITS, find_duplicates, perceptual_hash

BUILTIN = {spec.name: spec for spec in DATASETS}

NEAR = 20


def photo(seed: int, height: int, width: int, channels: int = 3) -> np.ndarray:
    """Detail at every scale, falling off as it does in photographs. uint8 (H, W, C)."""
    random = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width))[..., None] + 1 / max(height, width)
    noise = np.fft.fft2(random.normal(size=(height, width, channels)), axes=(0, 1)) / frequency
    image = np.fft.ifft2(noise, axes=(0, 1)).real
    return np.clip(128 + 50 * image / image.std(), 0, 255).astype(np.uint8)


def perceptual_hashes(images: Sequence[np.ndarray]) -> np.ndarray:
    """uint8 (N, 32)."""
    return np.array([np.frombuffer(perceptual_hash(image), np.uint8) for image in images])


def distance(first: np.ndarray, second: np.ndarray) -> int:
    one, other = perceptual_hashes([first, second])
    return int(np.bitwise_count(one ^ other).sum())


def as_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def numbered(numbers: list[int], width: int = 32) -> np.ndarray:
    """Each number as that many set bits. uint8 (N, width)."""
    return np.packbits([[bit < number for bit in range(8 * width)] for number in numbers], axis=1)


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (32, 32, 3), (63, 40, 3), (17, 60, 3)])
def test_the_hash_is_that_of_imagehash_bit_for_bit(shape: tuple[int, int, int]):
    images = [photo(seed, *shape) for seed in range(20)]
    pictures = [Image.fromarray(image[..., 0] if shape[2] == 1 else image) for image in images]
    expected = [imagehash.phash(picture, hash_size=16, highfreq_factor=2).hash.ravel() for picture in pictures]
    hashes = perceptual_hashes(images)
    assert hashes.shape == (20, BITS // 8)
    np.testing.assert_array_equal(np.unpackbits(hashes, axis=1), expected)


def test_a_large_image_has_the_hash_that_imagehash_gives_its_blocks():
    image = photo(0, 256, 512)
    reduced = Image.fromarray(image).convert("L").reduce((16, 8))
    expected = imagehash.phash(reduced, hash_size=16, highfreq_factor=2).hash.ravel()
    np.testing.assert_array_equal(np.unpackbits(perceptual_hashes([image])[0]), expected)


@given(arrays(np.uint8, st.tuples(st.integers(1, 70), st.integers(1, 70), st.sampled_from([1, 3]))))
def test_any_image_has_a_hash(image: np.ndarray):
    assert perceptual_hash(image) == perceptual_hash(image.copy())
    assert len(perceptual_hash(image)) == BITS // 8


def test_copies_are_near_and_others_are_not():
    image = photo(0, 256, 256)
    brighter = np.clip(image * 1.1, 0, 255).astype(np.uint8)
    larger = np.asarray(Image.fromarray(image).resize((200, 200), Image.Resampling.BICUBIC))
    for copy in (as_jpeg(image, 50), brighter, larger, image[1:-1, 1:-1]):
        assert 0 <= distance(image, copy) <= NEAR
    assert distance(image, photo(1, 256, 256)) > 4 * NEAR


def test_stripes_and_ramps_are_not_all_alike():
    rows = np.random.default_rng(0).integers(0, 2, (20, 1, 32, 1), np.uint8) * 255
    ramps = [np.add.outer(np.arange(32) * a, np.arange(32) * b)[..., None] for a in (1, 2, 3) for b in (1, 2, 3)]
    images = [*np.repeat(rows, 32, axis=1), *np.array(ramps, np.uint8)]
    hashes = perceptual_hashes(images)
    assert (find_duplicates(hashes, hashes, NEAR).of == -1).all()


def test_no_handwritten_digit_is_taken_for_another():
    splits = load_builtin(BUILTIN["digits"], None).values()
    images = [image for split in splits for image in split.images]
    hashes = perceptual_hashes(images)
    assert (find_duplicates(np.empty((len(images), 32), np.uint8), hashes, NEAR).of == -1).all()


@pytest.mark.shared_data
def test_next_to_no_mnist_digit_is_taken_for_another(shared_data: Path):
    splits = load_builtin(BUILTIN["mnist"], shared_data)
    hashes = perceptual_hashes([*splits["test"].images])
    assert np.count_nonzero(find_duplicates(hashes, hashes, NEAR).of >= 0) < 10  # of 10,000


def test_the_nearest_kept_image_counts_and_a_duplicate_leads_nowhere():
    hashes = numbered([0, 40, 15, 25, 30, 0, 20])
    digests = numbered([0, 1, 2, 3, 4, 0, 5])
    found = find_duplicates(digests, hashes, 20)
    #                    0 and 40 are kept; 20 lies as far from both: the first counts
    assert found.of.tolist() == [-1, -1, 0, 1, 1, 0, 0]
    assert found.distance.tolist() == [-1, -1, 15, 15, 10, 0, 20]
    assert (found.of.dtype, found.distance.dtype) == (np.int64, np.int32)


def test_without_a_threshold_only_the_same_pixels_count():
    digests = numbered([7, 8, 7, 9, 8, 7])
    found = find_duplicates(digests, np.zeros((6, 32), np.uint8), None)
    assert found.of.tolist() == [-1, -1, 0, -1, 1, 0]
    assert found.distance.tolist() == [-1, -1, 0, -1, 0, 0]


def test_of_no_images_none_is_a_duplicate():
    nothing = np.empty((0, 32), np.uint8)
    for threshold in (None, 0, 20):
        assert find_duplicates(nothing, nothing, threshold).of.shape == (0,)
