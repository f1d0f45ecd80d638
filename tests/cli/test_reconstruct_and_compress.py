"""zoo reconstruct, zoo compress and zoo decompress"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from PIL import Image

from zoo_core.data import load_dataset

Invoke = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three images, one of them larger than the model's."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number, image in enumerate(load_dataset("digits@8").images("test")[:3, ..., 0]):
        size = (20, 16) if number == 2 else (8, 8)
        Image.fromarray(image).resize(size).save(folder / f"{number}.png")
    return folder


def test_reconstructions_are_shown_and_measured(invoke: Invoke, vae_run: str, folder: Path, tmp_path: Path):
    out = tmp_path / "sheet.png"
    result = invoke("reconstruct", vae_run, str(folder / "1.png"), str(folder / "2.png"), "--out", str(out), "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert (told["run"], told["out"]) == (vae_run, str(out))
    assert [Path(row["image"]).name for row in told["images"]] == ["1.png", "2.png"]
    for measure in ("ssim", "psnr"):
        assert told["mean"][measure] == pytest.approx(np.mean([row[measure] for row in told["images"]]))
    assert "1 of 2 images were cropped and resized to 8x8." in result.stderr
    with Image.open(out) as sheet:
        assert sheet.size == (2 * 20 + 2, 12)


def test_options_of_a_data_set_do_not_go_with_images(invoke: Invoke, vae_run: str, folder: Path, tmp_path: Path):
    for option, value in (("-n", "3"), ("--data", "digits@8"), ("--data-dir", str(tmp_path))):
        result = invoke("reconstruct", vae_run, str(folder), option, value)
        assert result.exit_code == 2
        assert "received images and" in result.stderr
    assert invoke("reconstruct", vae_run, str(folder), ZOO_DATA_DIR=str(tmp_path)).exit_code == 0


def test_without_images_those_of_the_data_set(invoke: Invoke, vae_run: str):
    result = invoke("reconstruct", vae_run, "-n", "3")
    assert result.exit_code == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == ["image", "SSIM", "PSNR", "(dB)"]
    assert [line[0] for line in lines[1:]] == ["digits@8#test"] * 3 + ["mean"]


def test_there_and_back(invoke: Invoke, vae_run: str, folder: Path, tmp_path: Path):
    file, back = str(tmp_path / "three.zool"), tmp_path / "back"
    result = invoke("compress", vae_run, str(folder), file, "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert (told["images"], told["step"], told["out"]) == (3, 0.5, file)
    own, *others = told["codings"]
    assert own["coded_as"] == "vae, one file"
    assert own["bytes"] == Path(file).stat().st_size
    assert own["ratio"] == pytest.approx(3 * 64 / own["bytes"])
    assert {way["coded_as"].split(",")[0] for way in others} == {"JPEG", "WebP"}
    assert "1 of 3 images were cropped and resized to 8x8." in result.stderr
    again = invoke("decompress", vae_run, file, str(back), "--json")
    assert again.exit_code == 0, again.stderr
    assert json.loads(again.stdout) == {"run": vae_run, "images": 3, "out": str(back)}
    assert sorted(path.name for path in back.iterdir()) == ["000000.png", "000001.png", "000002.png"]


def test_the_ways_stand_below_each_other(invoke: Invoke, vae_run: str, folder: Path, tmp_path: Path):
    result = invoke("compress", vae_run, str(folder / "0.png"), str(folder / "1.png"), str(tmp_path / "two.zool"))
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    first, *rows = result.stdout.splitlines()
    assert first.split()[-6:] == ["headers", "ratio", "bits/pixel", "SSIM", "PSNR", "(dB)"]
    assert [row.split(",")[0] for row in rows] == ["vae", "JPEG", "WebP", "JPEG", "WebP"]


def test_without_comparison_there_is_one_way(invoke: Invoke, vae_run: str, folder: Path, tmp_path: Path):
    result = invoke("compress", vae_run, str(folder), str(tmp_path / "three.zool"), "--no-compare", "--json")
    (own,) = json.loads(result.stdout)["codings"]
    assert own["bytes"] == (tmp_path / "three.zool").stat().st_size


def test_what_can_not_be_done_is_refused(
    invoke: Invoke, vae_run: str, doubling_run: Path, folder: Path, tmp_path: Path
):
    for command in (("reconstruct",), ("compress", str(folder), str(tmp_path / "out"))):
        result = invoke(command[0], str(doubling_run), *command[1:])
        assert result.exit_code == 2
        assert "'doubling' does not reconstruct; its tasks: translate." in result.stderr
    (tmp_path / "damaged").write_bytes(b"no such file")
    result = invoke("decompress", vae_run, str(tmp_path / "damaged"), str(tmp_path / "back"))
    assert result.exit_code == 1
    assert "The file can't be decompressed" in result.stderr
    assert invoke("compress", vae_run, str(folder), str(tmp_path / "out"), "--step", "0").exit_code == 2
    assert invoke("compress", vae_run, str(folder)).exit_code == 2
    assert not (tmp_path / "out").exists()
