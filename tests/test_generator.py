"""A model as one object."""

import doctest
import gc
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo_core
from zoo_core import ImageGenerator, generator
from zoo_core.data import load_dataset
from zoo_core.runs import RunFolder

TINY = {"width": 2}


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return load_dataset("digits@8").images("train")[:60]


@pytest.fixture(scope="module")
def fitted(digits: np.ndarray) -> ImageGenerator:
    return ImageGenerator(8, 8, noise_dim=3, model="vae", options=TINY).fit(digits, steps=2, batch_size=4)


def test_the_example_of_its_docstring():
    assert doctest.testmod(generator).failed == 0


def test_its_defaults():
    made = ImageGenerator()
    assert (made.width, made.height, made.noise_dim, made.model) == (32, 32, 100, "dcgan")
    assert made.options["latent"] == 100


def test_what_is_saved_makes_the_same_images(fitted: ImageGenerator, digits: np.ndarray, tmp_path: Path):
    images = fitted.generate(4, seed=3)
    assert (images.shape, images.dtype) == ((4, 8, 8, 1), np.uint8)
    np.testing.assert_array_equal(fitted.generate(2, seed=3), images[:2])
    path = fitted.save(tmp_path / "runs" / "mine")
    loaded = ImageGenerator.load(path)
    np.testing.assert_array_equal(loaded.generate(4, seed=3), images)
    assert (loaded.width, loaded.height, loaded.noise_dim, loaded.options) == (8, 8, 3, fitted.options)
    assert repr(loaded) == repr(fitted)  # of the same name of the model, too
    assert loaded.run == path
    with pytest.raises(zoo_core.UsageError, match=r"already exists\. Name another folder\.$"):
        fitted.save(path)
    np.testing.assert_array_equal(fitted.generate(4, seed=3), images)  # where it was it still is


def test_the_operations(fitted: ImageGenerator, digits: np.ndarray, tmp_path: Path):
    made = fitted.reconstruct(digits[:5])
    np.testing.assert_array_equal(made.reconstructions, zoo_core.reconstruct(fitted.run, digits[:5]).reconstructions)
    fitted.compress(digits[:5], tmp_path / "five.zool")
    assert len(fitted.decompress(tmp_path / "five.zool", tmp_path / "back")) == 5
    assert fitted.interpolate(3, 4).shape == (2, 4, 8, 8, 1)
    with pytest.raises(zoo_core.UsageError, match="does not translate"):
        fitted.translate(tmp_path / "back", tmp_path / "out")
    with pytest.raises(zoo_core.UsageError, match="does not translate"):
        fitted.enhance(tmp_path / "back", tmp_path / "out")


@pytest.mark.slow
def test_the_operations_that_look_for_latents(fitted: ImageGenerator, digits: np.ndarray, tmp_path: Path):
    mask = np.zeros((8, 8), bool)
    mask[2:4] = True
    completed = fitted.inpaint(digits[0], mask)
    np.testing.assert_array_equal(completed.image[~mask], digits[0][~mask])
    Image.fromarray(digits[0, ..., 0]).save(tmp_path / "0.png")
    assert fitted.edit(tmp_path / "0.png", out=tmp_path / "edited.png").frames.shape[1:] == (8, 8, 1)


def test_labels_of_any_kind(digits: np.ndarray):
    labels = np.array(["cat", "dog", "owl"])[np.arange(60) % 3]
    made = ImageGenerator(8, 8, 3, model="cgan", options=TINY).fit(digits[..., 0], labels, steps=2, batch_size=4)
    described = RunFolder.open(made.run).description().data
    assert described.classes == ("cat", "dog", "owl")
    assert described.splits == {"train": 43, "validation": 5, "test": 12}
    alike = made.generate(2, labels=["owl", "owl"])
    assert made.generate(6).shape == (6, 8, 8, 1)
    np.testing.assert_array_equal(alike[0], made.generate(1, labels=["owl"])[0])
    with pytest.raises(zoo_core.UsageError, match="Unknown class 'cow'"):
        made.generate(1, labels=["cow"])


def test_what_is_asked_wrong(digits: np.ndarray, tmp_path: Path):
    with pytest.raises(zoo_core.UsageError, match=r"Unknown model 'dcgna'\. Did you mean 'dcgan'"):
        ImageGenerator(model="dcgna")
    with pytest.raises(zoo_core.UsageError, match=r"'pix2pix' has no option 'latent'.*noise_dim=None"):
        ImageGenerator(model="pix2pix")
    with pytest.raises(zoo_core.UsageError, match="latent"):
        ImageGenerator(noise_dim=0)
    assert zoo_core.ImageGenerator(np.int64(16), 8).width == 16
    for width in (0, -8, 8.5):
        with pytest.raises(zoo_core.UsageError, match=f"at least 1 pixel, whole numbers, received {width} and 8"):
            ImageGenerator(width, 8)
    made = ImageGenerator(8, 8, 3, model="vae", options=TINY)
    for use in (made.generate, lambda: made.save(tmp_path / "out"), lambda: made.reconstruct(digits)):
        with pytest.raises(zoo_core.UsageError, match=r"learnt nothing yet.*generator\.fit\(images\)"):
            use()
    with pytest.raises(zoo_core.UsageError, match="a data set has its own"):
        made.fit("digits", [1, 2])
    assert not (tmp_path / "out").exists()


def test_a_fit_that_fails_leaves_what_was_there(digits: np.ndarray):
    made = ImageGenerator(8, 8, 3, model="vae", options=TINY).fit(digits, steps=1, batch_size=2)
    before = made.generate(2)
    with pytest.raises(zoo_core.UsageError):
        made.fit(digits, steps=-1)
    np.testing.assert_array_equal(made.generate(2), before)


def test_a_fit_that_fails_before_its_first_checkpoint_leaves_what_was_there(digits: np.ndarray):
    class Fails:
        every = 1

        def __call__(self, step: int, sampler: zoo_core.Sampler, last: bool) -> None:
            raise RuntimeError("out of memory")

    made = ImageGenerator(8, 8, 3, model="vae", options=TINY).fit(digits, steps=1, batch_size=2)
    before, run = made.generate(2), made.run
    with pytest.raises(RuntimeError, match="out of memory"):
        made.fit(digits, steps=3, batch_size=2, callbacks=[Fails()])
    assert made.run == run
    np.testing.assert_array_equal(made.generate(2), before)


def test_an_interrupted_fit_says_how_to_keep_what_it_learnt(digits: np.ndarray):
    class Interrupts:
        every = 2

        def __call__(self, step: int, sampler: zoo_core.Sampler, last: bool) -> None:
            signal.raise_signal(signal.SIGINT)

    made = ImageGenerator(8, 8, 3, model="vae", options=TINY)
    with pytest.raises(
        zoo_core.Interrupted, match=r"Stopped after step \d+ of 9; .* generator\.save\(FOLDER\)"
    ) as raised:
        made.fit(digits, steps=9, batch_size=2, callbacks=[Interrupts()])
    assert "resume" not in str(raised.value)
    assert made.generate(1).shape == (1, 8, 8, 1)


def test_its_temporary_folder_goes_with_it(digits: np.ndarray):
    made = ImageGenerator(8, 8, 3, model="vae", options=TINY).fit(digits, steps=1, batch_size=2)
    first = made.run
    made.fit(digits, steps=1, batch_size=2)
    second = made.run
    assert (first.exists(), second.exists()) == (False, True)
    del made
    gc.collect()
    assert not second.parent.exists()
