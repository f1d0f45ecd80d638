"""Known pixels stay exactly as they are; the others come from the model."""

import struct
import zlib
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
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


def test_a_model_that_paints_is_told_no_class(painter: Sampler):
    with pytest.raises(zoo_core.UsageError, match=r"'toy' completes images itself.*Leave --label out"):
        inpainting.complete(painter, np.zeros(SHAPE, "uint8"), np.zeros(SHAPE[:2], bool), label="3")


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


@pytest.mark.parametrize("drawn", range(3))
def test_known_pixels_stay_where_latents_are_looked_for(vae_run: Path, monkeypatch: pytest.MonkeyPatch, drawn: int):
    monkeypatch.setattr(inpainting, "Projector", partial(Projector, starts=1, steps=1))
    random = np.random.default_rng(drawn)
    image, unknown = random.integers(0, 256, (8, 8, 1), "uint8"), random.random((8, 8)) < 0.5
    made = zoo_core.inpaint(vae_run, image, unknown)
    assert made.way == "latents"
    np.testing.assert_array_equal(made.known, ~unknown)
    np.testing.assert_array_equal(made.image[made.known], image[made.known])
    unknown_blank = np.where(unknown[..., None], 0, image).astype("uint8")
    np.testing.assert_array_equal(zoo_core.inpaint(vae_run, unknown_blank, unknown).image, made.image)


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
        (np.zeros((8, 8, 1), "uint8"), {"mask": ONE, "box": (0, 0, 1, 1)}, r"received both\. Leave one out"),
        (np.zeros((8, 8)), {"mask": ONE}, r"an image, uint8 \(H, W, C\) .*, received float64 \(8, 8\)\. Bring floats"),
        (np.zeros((8, 8, 1)), {"mask": ONE}, r"received float64 \(8, 8, 1\)"),
        (np.zeros((8, 8, 4), "uint8"), {"mask": ONE}, r"with C 1 or 3, received uint8 \(8, 8, 4\)"),
        (np.zeros((8, 8, 1), "uint8"), {"mask": ONE[0]}, r"a mask, bool \(H, W\), received bool \(8,\)"),
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


def png_of_16_bits_in_colour() -> bytes:
    """8×8, black; Pillow writes none."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 0)
    rows = zlib.compress(bytes(8 * (1 + 8 * 6)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_a_file_whose_pixels_would_be_changed_is_refused(vae_run: Path, digit: np.ndarray, tmp_path: Path):
    gray, half = Image.fromarray(digit[..., 0]), Image.new("L", (8, 8), 128)
    see_through = gray.convert("RGBA")
    see_through.putalpha(half)
    images = {
        "deep.png": (Image.fromarray(digit[..., 0].astype("uint16") * 256 + 7), "16 bits"),
        "clear.png": (see_through, "transparent pixels"),
        "print.jpg": (gray.convert("CMYK"), "pixels of mode CMYK"),
    }
    for name, (image, _) in images.items():
        image.save(tmp_path / name)
    (tmp_path / "colours.png").write_bytes(png_of_16_bits_in_colour())
    lost = {name: what for name, (_, what) in images.items()} | {"colours.png": "16 bits"}
    for name, what in lost.items():
        with pytest.raises(zoo_core.UsageError, match=f"{name}' has {what}. Bring it to 8-bit gray or RGB first"):
            zoo_core.inpaint(vae_run, tmp_path / name, ONE)


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P"])
def test_an_opaque_file_of_8_bits_is_none_of_them(
    vae_run: Path, monkeypatch: pytest.MonkeyPatch, mode: str, tmp_path: Path
):
    monkeypatch.setattr(inpainting, "Projector", partial(Projector, starts=1, steps=1))
    levels = np.random.default_rng(0).integers(0, 256, (8, 8), "uint8")
    Image.fromarray(levels).convert(mode).save(tmp_path / "image.png")
    made = zoo_core.inpaint(vae_run, tmp_path / "image.png", ONE)
    np.testing.assert_array_equal(made.image[~ONE, 0], levels[~ONE])


def test_a_model_that_makes_no_images_of_latents_can_not(doubling_run: Path, digit: np.ndarray):
    with pytest.raises(zoo_core.UsageError, match="'doubling' does not generate; its tasks: translate"):
        zoo_core.inpaint(doubling_run, digit, ONE)


def test_an_unreadable_mask_is_told(vae_run: Path, digit: np.ndarray, tmp_path: Path):
    (tmp_path / "mask.png").write_bytes(b"no image")
    with pytest.raises(zoo_core.ZooError, match="1 of 1 images can't be read"):
        zoo_core.inpaint(vae_run, digit, tmp_path / "mask.png")
