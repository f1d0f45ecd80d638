"""Images through an autoencoder: what is shown and measured."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo_core
from zoo_core.data import load_dataset
from zoo_core.evaluation.psnr import psnr_of
from zoo_core.evaluation.ssim import ssim_of
from zoo_core.operations.reconstruction import Reconstructions


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return load_dataset("digits@8").images("test")


def test_each_image_stands_beside_its_reconstruction(vae_run: Path, digits: np.ndarray, tmp_path: Path):
    made = zoo_core.reconstruct(vae_run, out=tmp_path / "sheet.png", count=7)
    np.testing.assert_array_equal(made.images, digits[:7])
    sampler = zoo_core.Sampler.load(vae_run)
    np.testing.assert_array_equal(made.reconstructions, sampler.reconstruct(digits[:7]))
    np.testing.assert_array_equal(made.reconstructions, sampler.decode(sampler.encode(digits[:7])))
    np.testing.assert_array_equal(made.psnr, psnr_of(digits[:7], made.reconstructions))
    np.testing.assert_array_equal(made.ssim, ssim_of(digits[:7], made.reconstructions))
    assert made.names[6] == "digits@8#test 6"
    with Image.open(tmp_path / "sheet.png") as file:
        sheet = np.asarray(file)
    assert sheet.shape == (2 * 10 + 2, 5 * 20 + 2)  # two rows of five pairs
    np.testing.assert_array_equal(sheet[12:20, 22:30], digits[6, ..., 0])
    np.testing.assert_array_equal(sheet[12:20, 32:40], made.reconstructions[6, ..., 0])


def test_files_arrays_and_splits(vae_run: Path, digits: np.ndarray, tmp_path: Path):
    Image.fromarray(digits[3, ..., 0]).save(tmp_path / "3.png")
    Image.fromarray(digits[3, ..., 0]).resize((16, 16)).save(tmp_path / "large.png")
    files = zoo_core.reconstruct(vae_run, [tmp_path / "3.png", tmp_path / "large.png"])
    array = zoo_core.reconstruct(vae_run, digits[3:4])
    np.testing.assert_array_equal(files.reconstructions[0], array.reconstructions[0])
    assert (files.resized, array.resized) == (1, 0)
    other = zoo_core.reconstruct(vae_run, data="digits@8#validation", count=2)
    np.testing.assert_array_equal(other.images, load_dataset("digits@8").images("validation")[:2])


def test_what_is_asked_wrong(vae_run: Path, doubling_run: Path, digits: np.ndarray, tmp_path: Path):
    with pytest.raises(zoo_core.UsageError, match="'doubling' does not reconstruct; its tasks: translate"):
        zoo_core.reconstruct(doubling_run)
    with pytest.raises(zoo_core.UsageError, match=r"trained on images of shape \(8, 8, 1\).*SET@8x8"):
        zoo_core.reconstruct(vae_run, data="digits@16")
    for beside in ({"data": "digits@8"}, {"count": 3}, {"data_dir": tmp_path}):
        with pytest.raises(zoo_core.UsageError, match=f"received images and {next(iter(beside))}"):
            zoo_core.reconstruct(vae_run, digits, **beside)
    with pytest.raises(zoo_core.UsageError, match=r"is written as \.png, received 'pairs\.jpg'"):
        zoo_core.reconstruct(vae_run, digits, out="pairs.jpg")
    (tmp_path / "sheet.png").touch()
    with pytest.raises(zoo_core.UsageError, match="already exists"):
        zoo_core.reconstruct(vae_run, out=tmp_path / "sheet.png")


def test_a_run_of_an_array_needs_images(vae_run: Path, digits: np.ndarray, tmp_path: Path):
    description = (vae_run / "run.json").read_text()
    shutil.copytree(vae_run, tmp_path / "run")
    (tmp_path / "run" / "run.json").write_text(description.replace('"digits@8"', '"array@8"'))
    with pytest.raises(zoo_core.UsageError, match=r"trained on 'array@8', which is no data set here.* Give images"):
        zoo_core.reconstruct(tmp_path / "run")
    assert len(zoo_core.reconstruct(tmp_path / "run", digits[:2]).images) == 2
    with pytest.raises(zoo_core.UsageError, match="Unknown data set 'digts'"):
        zoo_core.reconstruct(tmp_path / "run", data="digts")


def test_images_too_small_for_ssim_have_none():
    images = np.zeros((2, 4, 4, 1), "uint8")
    made = Reconstructions(("0", "1"), images, images + np.uint8(1))
    assert made.ssim is None
    assert made.psnr == pytest.approx([48.13] * 2, abs=0.01)
