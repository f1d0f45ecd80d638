"""The noise of a model as vectors: what is drawn is what images are made of, wherever it is led."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from keras import ops
from scipy import stats
from toys import ToyModel, toy_sampler

from zoo_core.errors import UsageError
from zoo_core.models.pixels import to_uint8
from zoo_core.runs import RunFolder
from zoo_core.sampling.latents import WAYS, LatentSpace, NoLatents, Way, between, truncated
from zoo_core.sampling.sampler import Sampler

SHAPE = (2, 3, 1)


class Noise(ToyModel):
    """Images are six numbers of noise, the first two of which are drawn after the others."""

    def sample(self, nets, count, labels, tools):
        last, first = tools.normal((count, 2, 2)), tools.normal((count, 2))
        pixels = ops.concatenate([first, ops.reshape(last, (count, 4))], axis=1)
        return nets["identity"](ops.reshape(pixels, (count, *SHAPE)), training=False)


class Looping(Noise):
    def sample(self, nets, count, labels, tools):
        def turn(i, x):
            return x + tools.normal((count, *SHAPE), index=i)

        return ops.fori_loop(0, 2, turn, ops.zeros((count, *SHAPE)))


class Uniform(Noise):
    def sample(self, nets, count, labels, tools):
        return tools.uniform((count, *SHAPE))


class Constant(Noise):
    def sample(self, nets, count, labels, tools):
        return ops.zeros((count, *SHAPE))


def space(model: type[Noise]) -> LatentSpace:
    return LatentSpace(toy_sampler(model, SHAPE, {"generate"}))


@pytest.fixture(scope="module")
def vae(runs: dict[str, RunFolder]) -> LatentSpace:
    return LatentSpace(Sampler.load(runs["vae"].path))


@pytest.fixture(scope="module")
def cgan(runs: dict[str, RunFolder]) -> LatentSpace:
    return LatentSpace(Sampler.load(runs["cgan"].path))


def test_latents_are_all_noise_in_the_order_in_which_it_is_drawn():
    noise = space(Noise)
    assert noise.dimensions == 6
    latents = np.linspace(-0.9, 0.9, 6, dtype="float32")[None]
    expected = latents[0, [4, 5, 0, 1, 2, 3]].reshape(SHAPE)
    np.testing.assert_allclose(noise.images(latents)[0] / 127.5 - 1, expected, atol=1 / 255)


def test_latents_of_images_make_these_images(vae: LatentSpace, cgan: LatentSpace):
    assert (vae.dimensions, cgan.dimensions) == (4, 8)
    made = vae.images(vae.draw(3, seed=5, first=2))
    np.testing.assert_allclose(made.astype(int), vae.sampler.generate(3, 5, first=2), atol=1)
    labels = np.array([4, 0, 9], "int32")
    made = cgan.images(cgan.draw(3, seed=5), labels)
    np.testing.assert_allclose(made.astype(int), cgan.sampler.generate(3, 5, labels), atol=1)


def test_images_become_levels_batch_by_batch(cgan: LatentSpace, monkeypatch: pytest.MonkeyPatch):
    labels = np.arange(10, dtype="int32")
    drawn = cgan.draw(10, seed=5)
    whole = cgan.images(drawn, labels)
    held: list[int] = []
    monkeypatch.setattr("zoo_core.sampling.sampler.BATCH", 4)
    monkeypatch.setattr(
        "zoo_core.sampling.latents.to_uint8", lambda images: held.append(len(images)) or to_uint8(images)
    )
    np.testing.assert_allclose(cgan.images(drawn, labels).astype(int), whole.astype(int), atol=1)
    assert held == [4, 4, 4]  # the last one of a size that is compiled already


def test_no_latents_are_not_drawn(vae: LatentSpace):
    for count in (0, -3):
        with pytest.raises(UsageError, match=f"At least 1 image must be asked for, received {count}"):
            vae.draw(count, seed=0)


def test_labels_are_asked_for_as_everywhere(vae: LatentSpace, cgan: LatentSpace):
    with pytest.raises(UsageError, match="is conditional: say which labels"):
        cgan.images(cgan.draw(1, seed=0))
    with pytest.raises(UsageError, match="ignores labels"):
        vae.images(vae.draw(1, seed=0), np.zeros(1, "int32"))


@pytest.mark.parametrize(
    ("model", "message"),
    [(Looping, "draws noise inside of a loop"), (Uniform, "noise that is not normal"), (Constant, "draws no noise")],
)
def test_a_model_whose_noise_is_no_vector_is_refused(model: type[Noise], message: str):
    with pytest.raises(NoLatents, match=message):
        space(model)


def test_a_model_that_does_not_generate_is_refused(doubling_run: Path):
    with pytest.raises(UsageError, match="'doubling' does not generate"):
        LatentSpace(Sampler.load(doubling_run))


vectors = arrays.arrays(np.float32, 5, elements=st.floats(-4, 4, width=32))


@given(vectors, vectors, st.sampled_from(WAYS))
def test_both_ends_are_exact(one: np.ndarray, other: np.ndarray, way: Way):
    led = between(one, other, 7, way)
    assert led.shape == (7, 5)
    assert np.isfinite(led).all()
    np.testing.assert_array_equal(led[[0, -1]], [one, other])


@given(arrays.arrays(np.float64, (2, 5), elements=st.floats(0.1, 4)))
def test_on_the_sphere_the_norm_and_the_angle_of_a_step_stay(pair: np.ndarray):
    pair = 3 * pair / np.linalg.norm(pair, axis=1, keepdims=True)
    led = between(*pair.astype("float32"), 9).astype(np.float64)
    np.testing.assert_allclose(np.linalg.norm(led, axis=1), 3, rtol=1e-5)
    cosines = np.clip(np.sum(led[1:] * led[:-1], axis=1) / 9, -1, 1)
    whole = np.arccos(np.clip(np.sum(pair[0] * pair[1]) / 9, -1, 1))
    np.testing.assert_allclose(np.arccos(cosines), whole / 8, atol=2e-3)


def test_a_straight_line_has_equal_steps():
    led = between(np.zeros((3, 2), "float32"), np.full((3, 2), 4, "float32"), 5, "linear")
    np.testing.assert_array_equal(led[1], np.repeat(np.arange(5)[:, None], 2, axis=1))


@settings(max_examples=50)
@given(arrays.arrays(np.float32, 20, elements=st.floats(-12, 12, width=32)), st.floats(0.01, 8))
def test_truncated_numbers_are_within_the_threshold_and_keep_their_order(numbers: np.ndarray, threshold: float):
    made = truncated(numbers, threshold)
    assert (np.abs(made) <= np.float32(threshold)).all()
    assert (np.diff(made[np.argsort(numbers)]) >= 0).all()


@pytest.mark.parametrize("threshold", [0.3, 1.0, 2.0])
def test_they_are_distributed_as_if_drawn_again_until_they_fit(threshold: float):
    drawn = np.random.default_rng(0).standard_normal(20_000).astype("float32")
    rejected = stats.truncnorm(-threshold, threshold)
    assert stats.kstest(truncated(drawn, threshold), rejected.cdf).pvalue > 0.01
    np.testing.assert_allclose(truncated(drawn, 40.0), drawn, atol=1e-4)
