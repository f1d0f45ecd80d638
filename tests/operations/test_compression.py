"""Images to a file and back, and what that is compared with."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo_core
from zoo_core.data import load_dataset
from zoo_core.evaluation.psnr import psnr_of
from zoo_core.operations import codecs, compression
from zoo_core.operations.compression import identity


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return load_dataset("digits@8").images("test")[:40]


def read(path: Path) -> np.ndarray:
    with Image.open(path) as file:
        return np.asarray(file)


def test_what_comes_out_is_what_was_scored(vae_run: Path, digits: np.ndarray, tmp_path: Path):
    made = zoo_core.compress(vae_run, digits, tmp_path / "digits.zool")
    files = zoo_core.decompress(vae_run, tmp_path / "digits.zool", tmp_path / "back")
    assert [file.name for file in files] == [f"{number:06d}.png" for number in range(40)]
    np.testing.assert_array_equal(np.stack([read(file) for file in files]), made.decoded[..., 0])
    size = (tmp_path / "digits.zool").stat().st_size
    assert made.own.bytes == size
    assert made.own.ratio == pytest.approx(40 * 64 / size)
    assert made.own.bits_per_pixel == pytest.approx(8 * size / (40 * 64))
    assert made.own.psnr == pytest.approx(psnr_of(digits, made.decoded).mean())
    assert 0 < made.own.header_bytes < size
    assert sorted(path.name for path in tmp_path.iterdir()) == ["back", "digits.zool"]


def test_a_smaller_step_takes_more_bytes_and_comes_nearer(vae_run: Path, digits: np.ndarray, tmp_path: Path):
    sampler = zoo_core.Sampler.load(vae_run)
    aim = sampler.reconstruct(digits)
    fine, coarse = (zoo_core.compress(vae_run, digits, tmp_path / f"{step}", step=step) for step in (0.01, 1.0))
    assert fine.own.bytes > coarse.own.bytes
    assert np.abs(fine.decoded.astype(int) - aim).sum() < np.abs(coarse.decoded.astype(int) - aim).sum()


def test_files_are_brought_to_the_size_of_the_model(vae_run: Path, digits: np.ndarray, tmp_path: Path):
    Image.fromarray(digits[0, ..., 0]).save(tmp_path / "a.png")
    Image.new("RGB", (30, 20), "red").save(tmp_path / "b.png")
    made = zoo_core.compress(vae_run, [tmp_path / "a.png", tmp_path / "b.png"], tmp_path / "two.zool")
    assert made.resized == 1
    np.testing.assert_array_equal(made.images[0], digits[0])
    assert (made.images[1] == np.asarray(Image.new("RGB", (1, 1), "red").convert("L"))[0, 0]).all()


def test_a_folder_alone_needs_no_list(vae_run: Path, digits: np.ndarray, tmp_path: Path):
    (tmp_path / "in").mkdir()
    Image.fromarray(digits[0, ..., 0]).save(tmp_path / "in" / "a.png")
    made = zoo_core.compress(vae_run, str(tmp_path / "in"), tmp_path / "one.zool", compare=False)
    np.testing.assert_array_equal(made.images, digits[:1])
    again = zoo_core.reconstruct(vae_run, tmp_path / "in" / "a.png")
    np.testing.assert_array_equal(again.images, digits[:1])


def test_another_run_can_not_decompress_it(vae_run: Path, digits: np.ndarray, tmp_path: Path):
    zoo_core.compress(vae_run, digits, tmp_path / "digits.zool")
    options, training = {"width": 4, "latent": 4}, {"steps": 1, "batch_size": 2}
    other = zoo_core.train("vae", "digits@8", tmp_path / "run", options=options, training=training, seed=1).path
    with pytest.raises(zoo_core.UsageError, match=r"compressed by another run.*same --checkpoint"):
        zoo_core.decompress(other, tmp_path / "digits.zool", tmp_path / "back")
    assert not (tmp_path / "back").exists()
    one, two = (identity(zoo_core.Sampler.load(run)) for run in (vae_run, other))
    assert one != two


def test_what_goes_wrong_in_the_comparison_leaves_no_file(
    vae_run: Path, digits: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def interrupted(size: int, images: np.ndarray) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(compression, "others_at", interrupted)
    with pytest.raises(KeyboardInterrupt):
        zoo_core.compress(vae_run, digits, tmp_path / "digits.zool")
    assert not list(tmp_path.iterdir())


def test_too_many_images_are_refused_before_any_is_read(vae_run: Path, tmp_path: Path):
    file = tmp_path / "no image.png"
    file.touch()
    with pytest.raises(zoo_core.UsageError, match=r"at most 65,535 images, received 65,536.*into several files"):
        zoo_core.compress(vae_run, [file] * 65_536, tmp_path / "out")
    with pytest.raises(zoo_core.UsageError, match="at most 65,535 images, received 65,536"):
        zoo_core.compress(vae_run, np.empty((65_536, 8, 8, 1), "uint8"), tmp_path / "out")


def test_a_damaged_file_leaves_nothing_behind(vae_run: Path, digits: np.ndarray, tmp_path: Path):
    zoo_core.compress(vae_run, digits, tmp_path / "digits.zool")
    content = bytearray((tmp_path / "digits.zool").read_bytes())
    content[-10] ^= 1
    (tmp_path / "digits.zool").write_bytes(content)
    with pytest.raises(zoo_core.ZooError, match="can't be decompressed: its checksum"):
        zoo_core.decompress(vae_run, tmp_path / "digits.zool", tmp_path / "back")
    assert [path.name for path in tmp_path.iterdir()] == ["digits.zool"]


def test_a_file_too_large_is_not_even_read(vae_run: Path, tmp_path: Path):
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(2**33)  # a hole that takes no room
    with pytest.raises(zoo_core.ZooError, match="8,589,934,592 bytes, and a file of zoo compress at most"):
        zoo_core.decompress(vae_run, tmp_path / "huge", tmp_path / "back")


def test_what_is_asked_wrong(vae_run: Path, doubling_run: Path, digits: np.ndarray, tmp_path: Path):
    out = tmp_path / "digits.zool"
    with pytest.raises(zoo_core.UsageError, match="'doubling' does not reconstruct"):
        zoo_core.compress(doubling_run, digits, out)
    with pytest.raises(zoo_core.UsageError, match="above 0 and at most 100, received 0"):
        zoo_core.compress(vae_run, digits, out, step=0)
    with pytest.raises(zoo_core.UsageError, match="Take a larger --step"):
        zoo_core.compress(vae_run, digits, out, step=1e-9)
    with pytest.raises(zoo_core.UsageError, match="Expected images of shape"):
        zoo_core.compress(vae_run, np.zeros((1, 16, 16, 1), "uint8"), out)
    assert not out.exists()
    (tmp_path / "file").touch()
    with pytest.raises(zoo_core.UsageError, match="can't be written"):
        zoo_core.compress(vae_run, digits, tmp_path / "file" / "digits.zool")
    out.touch()
    with pytest.raises(zoo_core.UsageError, match="already exists"):
        zoo_core.compress(vae_run, digits, out)
    with pytest.raises(zoo_core.UsageError, match="already exists"):
        zoo_core.decompress(vae_run, out, tmp_path)
    with pytest.raises(zoo_core.UsageError, match="There is no file"):
        zoo_core.decompress(vae_run, tmp_path / "nothing", tmp_path / "back")


def test_without_the_coder_it_says_what_to_install(
    vae_run: Path, digits: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(__import__("sys").modules, "constriction", None)
    with pytest.raises(zoo_core.UsageError, match="pip install constriction"):
        zoo_core.compress(vae_run, digits, tmp_path / "digits.zool")


@pytest.fixture
def photographs() -> np.ndarray:
    """Smooth images in colour, uint8 (5, 24, 40, 3)."""
    small = np.random.default_rng(0).integers(0, 256, (5, 3, 5, 3), "uint8")
    return np.stack([np.asarray(Image.fromarray(one).resize((40, 24), Image.Resampling.BICUBIC)) for one in small])


@pytest.mark.parametrize("images", ["digits", "photographs"])
def test_jpeg_and_webp_at_the_nearest_size(images: str, request: pytest.FixtureRequest):
    pixels: np.ndarray = request.getfixturevalue(images)
    ways = codecs.others_at(3000, pixels)
    assert [way.coded_as for way in ways] == [
        "JPEG, a file each",
        "WebP, a file each",
        "JPEG, one sheet",
        "WebP, one sheet",
    ]
    assert [way.files for way in ways] == [len(pixels), len(pixels), 1, 1]
    for way in ways:
        format, files = way.coded_as.split(",")[0], codecs._sheet(pixels, 7)[None] if way.files == 1 else pixels
        if way.files > 1:
            sizes = {q: sum(len(codecs._save(one, format, q)) for one in files) for q in (1, 30, 60, 100)}
            assert abs(way.bytes - 3000) <= min(abs(size - 3000) for size in sizes.values())
        assert way.header_bytes < way.bytes
        assert way.psnr > 12


def test_a_sheet_is_cut_into_its_images_again(photographs: np.ndarray):
    sheet = codecs._sheet(photographs, 3)
    assert sheet.shape == (48, 120, 3)
    np.testing.assert_array_equal(codecs._cut(sheet, photographs), photographs)


def test_one_image_has_no_sheet(photographs: np.ndarray):
    assert [way.coded_as for way in codecs.others_at(500, photographs[:1])] == [
        "JPEG, a file each",
        "WebP, a file each",
    ]


def test_a_sheet_that_pillow_would_not_open_is_left_out(digits: np.ndarray, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 7 * 6 * 64)  # 40 images, 7 in a row
    assert [way.files for way in codecs.others_at(3000, digits)] == [40, 40, 1, 1]
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 7 * 6 * 64 - 1)
    assert [way.files for way in codecs.others_at(3000, digits)] == [40, 40]


Install = Callable[..., Path]

SPATIAL = """
import keras
from keras import ops
from zoo_core.models import GenerativeModel, Phase

class Model(GenerativeModel):
    inference = ("encoder", "decoder")

    def networks(self, data):
        images, latents = keras.Input(data.image_shape), keras.Input((2, 2, 3))
        encoder = keras.layers.Conv2D(3, 4, strides=4)(images)
        decoder = keras.layers.Conv2DTranspose(data.image_shape[2], 4, strides=4, activation="tanh")(latents)
        return {"encoder": keras.Model(images, encoder), "decoder": keras.Model(latents, decoder)}

    def phases(self):
        return (Phase("error", self.loss, ("encoder", "decoder"), keras.optimizers.Adam(0.01)),)

    def loss(self, nets, batch, tools):
        made = nets["decoder"](nets["encoder"](batch["images"], training=True), training=True)
        return ops.mean(ops.square(made - batch["images"])), {}

    def encode(self, nets, images):
        return nets["encoder"](images, training=False)

    def decode(self, nets, latents):
        return nets["decoder"](latents, training=False)
"""


def test_latents_with_places_have_a_gaussian_for_each_channel(
    make_plugin: Install, digits: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    init = """
import zoo_core

@zoo_core.hookimpl
def zoo_models():
    yield zoo_core.ModelSpec(
        name="spatial", summary="", target="zoo_spatial.model:Model", options="zoo_core:Options", tasks={"reconstruct"}
    )
"""
    make_plugin("spatial", init, modules={"model": SPATIAL})
    run = zoo_core.train("spatial", "digits@8", tmp_path / "run", training={"steps": 3, "batch_size": 4}).path
    made = zoo_core.compress(run, digits, tmp_path / "digits.zool", step=0.1)
    assert made.own.header_bytes in (32 + 6 + 3, 32 + 6 + 9)
    files = zoo_core.decompress(run, tmp_path / "digits.zool", tmp_path / "back")
    np.testing.assert_array_equal(np.stack([read(file) for file in files]), made.decoded[..., 0])
