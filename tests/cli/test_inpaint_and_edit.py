"""zoo inpaint and zoo edit."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from PIL import Image

from zoo_core.data import load_dataset

Invoke = Callable[..., Result]


@pytest.fixture
def digit(tmp_path: Path) -> str:
    path = tmp_path / "digit.png"
    Image.fromarray(load_dataset("digits@8").images("test")[0, ..., 0]).save(path)
    return str(path)


def pixels(path: str | Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_a_box_is_filled(invoke: Invoke, vae_run: str, digit: str, tmp_path: Path):
    out = str(tmp_path / "whole.png")
    result = invoke("inpaint", vae_run, digit, out, "--box", "1,2,3,4", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == {"run": vae_run, "filled": 12, "by": "latents", "seed": 0, "out": out}
    known = np.ones((8, 8), bool)
    known[2:6, 1:4] = False
    np.testing.assert_array_equal(pixels(out)[known], pixels(digit)[known])
    again = invoke("inpaint", vae_run, digit, out, "--box", "1,2,3,4")
    assert again.exit_code == 2
    assert "already exists" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Add: --mask FILE"),
        (("--box", "1,2,3"), "expected four whole numbers such as 8,8,16,16, received '1,2,3'"),
        (("--box", "²,1,1,1"), "expected four whole numbers such as 8,8,16,16, received '²,1,1,1'"),
        (("--mask", "nowhere.png"), "There is no file 'nowhere.png'"),
    ],
)
def test_what_is_to_be_filled_must_be_said(
    invoke: Invoke, vae_run: str, digit: str, tmp_path: Path, arguments: tuple[str, ...], message: str
):
    result = invoke("inpaint", vae_run, digit, str(tmp_path / "whole.png"), *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert not (tmp_path / "whole.png").exists()


def test_an_image_is_edited_by_another(invoke: Invoke, vae_run: str, digit: str, tmp_path: Path):
    out = str(tmp_path / "strip.png")
    result = invoke("edit", vae_run, digit, out, "--add", digit, "--strength", "-1", "--frames", "3", "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert (told["frames"], told["out"]) == (3, out)
    strip = pixels(out)
    assert strip.shape == (12, 4 * 10 + 2)
    np.testing.assert_array_equal(strip[2:10, 2:10], pixels(digit))


def test_a_table_rounds_what_json_does_not(invoke: Invoke, vae_run: str, digit: str, tmp_path: Path):
    out = str(tmp_path / "near.png")
    table = invoke("edit", vae_run, digit, out)
    assert re.search(r"^psnr +\d+\.\d\d *$", table.stdout, re.MULTILINE), table.stdout + table.stderr
    refused = invoke("edit", vae_run, digit, str(tmp_path / "other.png"), "--strength", "1")
    assert refused.exit_code == 2
    assert "nothing is added or removed" in refused.stderr


def test_the_class_must_be_one(invoke: Invoke, vae_run: str, digit: str, tmp_path: Path):
    result = invoke("edit", vae_run, digit, str(tmp_path / "strip.png"), "--add", "ten")
    assert result.exit_code == 2
    assert "Unknown class or path 'ten'" in result.stderr
