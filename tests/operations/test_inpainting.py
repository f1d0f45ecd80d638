"""Known pixels stay exactly as they are; the others come from the model."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from keras import ops
from PIL import Image
from toys import ToyModel, toy_sampler

import zoo_core
from zoo_core.data import load_dataset
from zoo_core.operations import inpainting
from zoo_core.sampling.projection import Projector
from zoo_core.sampling.sampler import Sampler

SHAPE = (6, 5, 3)


class Painter(ToyModel):
    """Paints unknown pixels at random, and known ones black, which it should not."""

    def inpaint(self, nets, images, mask, tools):
        noise = ops.tanh(tools.normal(images.shape)) + ops.sum(images * (1 - mask))
        return nets["identity"](ops.where(mask > 0, -1.0, noise), training=False)


@pytest.fixture(scope="module")
def painter() -> Sampler:
    return toy_sampler(Painter, SHAPE, {"inpaint"})


@pytest.fixture(scope="module")
def digit() -> np.ndarray:
    return load_dataset("digits@8").images("test")[0]


@given(arrays.arrays(np.uint8, SHAPE), arrays.arrays(bool, SHAPE[:2]), st.integers(0, 9))
def test_known_pixels_stay_where_the_model_paints(painter: Sampler, image: np.ndarray, known: np.ndarray, seed: int):
    made = inpainting.complete(painter, image, known, seed)
    assert made.way == "model"
    np.testing.assert_array_equal(made.image[known], image[known])
    unknown_blank = np.where(known[..., None], image, 0).astype("uint8")
    np.testing.assert_array_equal(inpainting.complete(painter, unknown_blank, known, seed).image, made.image)


def test_another_seed_paints_otherwise(painter: Sampler):
    image, known = np.zeros(SHAPE, "uint8"), np.zeros(SHAPE[:2], bool)
    one, again, other = (inpainting.complete(painter, image, known, seed).image for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_several_are_painted_each_by_its_number(painter: Sampler):
    images, known = np.zeros((5, *SHAPE), "uint8"), np.zeros((5, *SHAPE[:2]), bool)
    whole = painter.inpaint(images, known, seed=1)
    np.testing.assert_array_equal(painter.inpaint(images, known, seed=1, batch=2), whole)
    np.testing.assert_array_equal(painter.inpaint(images[3:], known[3:], seed=1, first=3), whole[3:])
    assert not np.array_equal(whole[0], whole[1])


def test_only_a_model_with_the_task_paints(vae_run: Path, digit: np.ndarray):
    with pytest.raises(zoo_core.UsageError, match="'vae' does not inpaint; its tasks: generate"):
        Sampler.load(vae_run).inpaint(digit[None], ONE[None], seed=0)


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrays.arrays(np.uint8, (8, 8, 1)), st.integers(1, 2**64 - 2))
def test_known_pixels_stay_where_latents_are_looked_for(
    vae_run: Path, monkeypatch: pytest.MonkeyPatch, image: np.ndarray, bits: int
):
    monkeypatch.setattr(inpainting, "Projector", partial(Projector, starts=1, steps=1))
    unknown = np.array([bits >> place & 1 for place in range(64)], bool).reshape(8, 8)
    made = zoo_core.inpaint(vae_run, image, unknown)
    assert made.way == "latents"
    np.testing.assert_array_equal(made.known, ~unknown)
    np.testing.assert_array_equal(made.image[made.known], image[made.known])


def test_a_hole_is_filled_with_what_fits_around_it(vae_run: Path, digit: np.ndarray, tmp_path: Path):
    """An image of the model, a part of it hidden, is found again."""
    whole = zoo_core.sample(vae_run, 3, seed=8)[2]
    told: list[int] = []
    made = zoo_core.inpaint(
        vae_run, whole, box=(2, 3, 3, 4), out=tmp_path / "o.png", progress=lambda what, done, of: told.append(done)
    )
    assert (~made.known).sum() == 12
    assert not made.known[3:7, 2:5].any()
    assert np.abs(made.image.astype(int) - whole).max() <= 12
    with Image.open(tmp_path / "o.png") as written:
        np.testing.assert_array_equal(np.asarray(written)[..., None], made.image)
    assert told == list(range(1, 301))


def test_a_mask_is_white_where_to_fill(cgan_run: Path, digit: np.ndarray, tmp_path: Path):
    mask = np.zeros((8, 8), "uint8")
    mask[2:4] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    Image.fromarray(digit[..., 0]).convert("RGB").save(tmp_path / "digit.png")  # gray all the same
    made = zoo_core.inpaint(cgan_run, tmp_path / "digit.png", tmp_path / "mask.png", label="3")
    np.testing.assert_array_equal(made.known, mask == 0)
    np.testing.assert_array_equal(made.image[made.known], digit[made.known])
    with pytest.raises(zoo_core.UsageError, match="'cgan' is conditional: say of which class the image is"):
        zoo_core.inpaint(cgan_run, digit, mask > 0)
    with pytest.raises(zoo_core.UsageError, match="Unknown class 'three'"):
        zoo_core.inpaint(cgan_run, digit, mask > 0, label="three")


NOTHING, ONE = np.zeros((8, 8), bool), np.eye(8, dtype=bool)
COLOURED = np.stack([np.zeros((8, 8)), np.eye(8), np.ones((8, 8))], axis=2).astype("uint8")


@pytest.mark.parametrize(
    ("image", "said", "message"),
    [
        (np.zeros((9, 8, 1), "uint8"), {"mask": ONE}, "completes images of 8x8 pixels, received 8x9"),
        (COLOURED, {"mask": ONE}, "images are gray, and this one has colours"),
        (np.zeros((8, 8, 1), "uint8"), {}, "by either a mask or a box"),
        (np.zeros((8, 8, 1), "uint8"), {"mask": ONE, "box": (0, 0, 1, 1)}, "by either a mask or a box"),
        (np.zeros((8, 8, 1), "uint8"), {"mask": NOTHING}, "but all are known"),
        (np.zeros((8, 8, 1), "uint8"), {"box": (0, 0, 8, 8)}, "but none are known"),
        (np.zeros((8, 8, 1), "uint8"), {"box": (4, 0, 5, 8)}, "should lie in the image of 8x8"),
        (np.zeros((8, 8, 1), "uint8"), {"mask": ONE[1:]}, "as large as the image, 8x8 pixels, received 8x7"),
        (np.zeros((8, 8, 1), "uint8"), {"mask": ONE, "label": "3"}, "'vae' ignores labels"),
        (np.zeros((8, 8, 1), "uint8"), {"mask": ONE, "out": "x.jpg"}, "written as .png, received 'x.jpg'"),
        ("nowhere.png", {"mask": ONE}, "no file 'nowhere.png'"),
    ],
)
def test_what_does_not_fit_is_told(vae_run: Path, image: np.ndarray | str, said: dict, message: str):
    with pytest.raises(zoo_core.UsageError, match=message):
        zoo_core.inpaint(vae_run, image, **said)


def test_a_model_that_makes_no_images_of_latents_can_not(doubling_run: Path, digit: np.ndarray):
    with pytest.raises(zoo_core.UsageError, match="'doubling' does not generate; its tasks: translate"):
        zoo_core.inpaint(doubling_run, digit, ONE)


def test_an_unreadable_mask_is_told(vae_run: Path, digit: np.ndarray, tmp_path: Path):
    (tmp_path / "mask.png").write_bytes(b"no image")
    with pytest.raises(zoo_core.ZooError, match="1 of 1 images can't be read"):
        zoo_core.inpaint(vae_run, digit, tmp_path / "mask.png")
