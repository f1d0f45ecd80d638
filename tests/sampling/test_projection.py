"""From images back to latents."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from keras import ops
from toys import ToyModel, toy_sampler

from zoo_core.errors import UsageError
from zoo_core.models.pixels import to_uint8
from zoo_core.sampling import sampler
from zoo_core.sampling.latents import LatentSpace
from zoo_core.sampling.projection import Projector, contextual_weights

SHAPE = (4, 5, 1)
MATRIX = np.random.default_rng(0).normal(0, 0.15, (3, 20)).astype("float32")


class Linear(ToyModel):
    """Twenty pixels of three numbers; of label 1 the image is the negative."""

    def sample(self, nets, count, labels, tools):
        images = self.decode(nets, tools.normal((count, 3)))
        return images if labels is None else images * (1 - 2 * ops.cast(labels, "float32")[:, None, None, None])

    def encode(self, nets, images):
        return ops.matmul(ops.reshape(images, (-1, 20)), np.linalg.pinv(MATRIX).astype("float32"))

    def decode(self, nets, latents):
        return nets["identity"](ops.reshape(ops.matmul(latents, MATRIX), (-1, *SHAPE)), training=False)


def linear(tasks: tuple[str, ...] = ("generate",), classes: tuple[str, ...] = ()) -> LatentSpace:
    return LatentSpace(toy_sampler(Linear, SHAPE, tasks, classes))


LATENTS = np.array([[0.9, -1.2, 0.4], [0.0, 0.7, -1.6]], "float32")
IMAGES = to_uint8((LATENTS @ MATRIX).reshape(-1, *SHAPE))


def test_of_a_linear_generator_the_latents_are_found_again():
    found = Projector(linear(), starts=2)(IMAGES, seed=3)
    np.testing.assert_allclose(found, LATENTS, atol=0.02)
    again = Projector(linear(), starts=2)(IMAGES, seed=3)
    np.testing.assert_array_equal(found, again)


def test_and_from_a_few_of_its_pixels():
    known = np.zeros((2, 4, 5), "float32")
    known[:, 1] = 1
    hidden = np.where(known[..., None] > 0, IMAGES, 0).astype("uint8")
    np.testing.assert_allclose(Projector(linear(), starts=2)(hidden, known), LATENTS, atol=0.05)


def test_the_greater_the_prior_the_shorter_the_latents():
    lengths = [np.linalg.norm(Projector(linear(), prior, starts=1, steps=200)(IMAGES)) for prior in (0, 0.3, 30)]
    assert lengths[0] > lengths[1] > lengths[2]
    assert lengths[2] < 0.1


def test_the_label_belongs_to_the_image():
    found = Projector(linear(classes=("positive", "negative")), starts=1)(IMAGES, labels=np.array([0, 1], "int32"))
    np.testing.assert_allclose(found, LATENTS * [[1], [-1]], atol=0.05)
    with pytest.raises(UsageError, match="is conditional"):
        Projector(linear(classes=("positive", "negative")))(IMAGES)


def test_what_the_encoder_finds_is_a_start_where_all_is_known():
    project = Projector(linear(("generate", "reconstruct")), starts=1, steps=0)
    np.testing.assert_allclose(project(IMAGES), LATENTS, atol=0.02)
    known = np.zeros((2, 4, 5), "float32")
    known[:, 1:3] = 1
    hidden = np.where(known[..., None] > 0, IMAGES, 0).astype("uint8")
    np.testing.assert_array_equal(project(IMAGES, known), project(hidden, known))


@pytest.mark.parametrize("classes", [(), ("positive", "negative")])
def test_what_is_found_of_an_image_does_not_depend_on_the_others(
    monkeypatch: pytest.MonkeyPatch, classes: tuple[str, ...]
):
    images, labels = np.concatenate([IMAGES, IMAGES[::-1]]), np.arange(4, dtype="int32") % 2 if classes else None
    weights = np.random.default_rng(0).random((4, 4, 5)).astype("float32")
    told: list[tuple[int, int]] = []

    def found(count: int) -> np.ndarray:
        project = Projector(linear(classes=classes), starts=2, steps=3)
        return project(
            images[:count],
            weights[:count],
            None if labels is None else labels[:count],
            progress=lambda what, done, total: told.append((done, total)),
        )

    whole = found(4)
    np.testing.assert_allclose(found(2), whole[:2], atol=1e-4)
    monkeypatch.setattr(sampler, "BATCH", 6)  # the descents of three images
    told.clear()
    np.testing.assert_allclose(found(4), whole, atol=1e-4)
    assert told == [(step, 6) for step in range(1, 7)]


def test_images_are_uint8_and_of_the_model_s_shape():
    with pytest.raises(UsageError, match="Expected images in uint8, received float32"):
        Projector(linear())(IMAGES.astype("float32"))
    with pytest.raises(UsageError, match=r"Expected images of shape \(4, 5, 1\), received 2 of \(5, 1\)"):
        Projector(linear())(IMAGES[:, 0])


@settings(max_examples=25)
@given(arrays.arrays(bool, (1, 9, 8), elements=st.booleans()))
def test_weights_are_the_shares_of_unknown_neighbours(known: np.ndarray):
    weights = contextual_weights(known)
    for row, column in np.ndindex(9, 8):
        window = known[0, max(0, row - 3) : row + 4, max(0, column - 3) : column + 4]
        expected = (~window).mean() if known[0, row, column] else 0
        assert weights[0, row, column] == pytest.approx(expected, abs=1e-6)
