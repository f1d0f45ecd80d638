"""Noise between that of two images."""

import numpy as np
import pytest
from keras import ops

from zoo_core.training.backends import backend
from zoo_core.training.tools import BetweenTools, SamplingTools

COUNT, DRAWS = 4, 20_000


def tools(numbers: list[int]) -> SamplingTools:
    return SamplingTools(backend(), backend().key(np.int32(3)), np.array(numbers, "int32"))


def between(angle: float) -> BetweenTools:
    angles = np.full(COUNT, angle, "float32")
    return tools([0, 1, 2, 3]).towards(np.array([4, 5, 6, 7], "int32"), ops.convert_to_tensor(angles))


def drawn(some: SamplingTools | BetweenTools) -> np.ndarray:
    return ops.convert_to_numpy(some.normal((COUNT, DRAWS)))


def test_the_ends_are_the_noise_of_the_images() -> None:
    np.testing.assert_allclose(drawn(between(0.0)), drawn(tools([0, 1, 2, 3])), atol=1e-5)
    np.testing.assert_allclose(drawn(between(np.pi / 2)), drawn(tools([4, 5, 6, 7])), atol=1e-5)


@pytest.mark.parametrize("angle", [0.3, np.pi / 4, 1.2])
def test_all_between_is_normal_and_as_near_to_the_end_as_its_angle(angle: float) -> None:
    found, end = drawn(between(angle)), drawn(tools([0, 1, 2, 3]))
    assert found.mean() == pytest.approx(0, abs=0.02)
    assert found.std() == pytest.approx(1, abs=0.02)
    assert np.mean(found * end) == pytest.approx(np.cos(angle), abs=0.02)


def test_uniform_noise_stays_uniform() -> None:
    found = ops.convert_to_numpy(between(0.7).uniform((COUNT, DRAWS)))
    assert found.min() >= 0
    assert found.max() < 1
    counts, _ = np.histogram(found, bins=10, range=(0, 1))
    assert counts == pytest.approx(np.full(10, COUNT * DRAWS / 10), rel=0.05)
