"""zoo translate and zoo enhance, and what other commands make of such a model."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from PIL import Image

from zoo_core.data import load_dataset
from zoo_core.evaluation.psnr import psnr_of
from zoo_core.runs import RunFolder

Invoke = Callable[..., Result]


@pytest.mark.parametrize("command", ["translate", "enhance"])
def test_a_file_in_a_file_out(invoke: Invoke, doubling_run: Path, tmp_path: Path, command: str):
    Image.new("L", (10, 6), 77).save(tmp_path / "small.png")
    out = tmp_path / "large.png"
    result = invoke(command, str(doubling_run), str(tmp_path / "small.png"), str(out), "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == {"run": str(doubling_run), "images": 1, "seed": 0, "out": str(out)}
    with Image.open(out) as image:
        assert image.size == (20, 12)
    again = invoke(command, str(doubling_run), str(tmp_path / "small.png"), str(out))
    assert again.exit_code == 2
    assert "already exists" in again.stderr


def test_that_colours_are_lost_is_told(invoke: Invoke, doubling_run: Path, tmp_path: Path):
    Image.new("RGB", (10, 6), "red").save(tmp_path / "red.png")
    result = invoke("enhance", str(doubling_run), str(tmp_path / "red.png"), str(tmp_path / "large.png"), "--json")
    assert "1 of 1 images lost their colours" in result.stderr
    assert json.loads(result.stdout)["images"] == 1


def test_its_scores_are_of_pairs(invoke: Invoke, doubling_run: Path):
    result = invoke("evaluate", str(doubling_run), "--features", "pixels", "--json")
    assert result.exit_code == 0, result.stderr
    metrics = json.loads(result.stdout)["metrics"]
    data = load_dataset("digits@8~downscale2")
    inputs, targets = data.inputs("test"), data.images("test")
    assert inputs is not None
    outputs = inputs[:].repeat(2, axis=1).repeat(2, axis=2)
    assert metrics["psnr"]["value"] == pytest.approx(psnr_of(targets, outputs).mean())
    assert metrics["psnr"]["n_generated"] == metrics["fd_pixels"]["n_generated"] == len(targets)
    few = invoke("evaluate", str(doubling_run), "--metrics", "psnr", "--features", "pixels", "-n", "10", "--json")
    assert json.loads(few.stdout)["metrics"]["psnr"]["n_generated"] == 10


def test_without_inputs_it_can_not_be_scored(invoke: Invoke, doubling_run: Path):
    result = invoke("evaluate", str(doubling_run), "--against", "digits@8", "--features", "pixels")
    assert result.exit_code == 2
    assert "makes images from inputs, and 'digits@8' has none" in result.stderr
    assert "--against digits@8~downscale2" in result.stderr


def test_it_does_not_sample(invoke: Invoke, doubling_run: Path, tmp_path: Path):
    result = invoke("sample", str(doubling_run), "--out", str(tmp_path / "samples"))
    assert result.exit_code == 2
    assert "'doubling' does not generate; its tasks: translate." in result.stderr
    assert "zoo translate RUN IMAGES OUT" in result.stderr


def test_it_is_not_trained_without_inputs(invoke: Invoke, doubling: str, tmp_path: Path):
    result = invoke("train", doubling, "--data", "digits@8", "--out", str(tmp_path / "run"))
    assert result.exit_code == 2
    said = " ".join(result.stderr.split())
    assert "Model 'doubling' makes images from inputs, and 'digits@8' has none." in said
    for way in ("~downscale2", "~noise25", "~blur2", "~jpeg20", "~mask30", "zoo datasets prepare --inputs"):
        assert way in said
    assert not (tmp_path / "run").exists()


def test_its_sheet_shows_inputs_outputs_and_targets(doubling_run: Path):
    data = load_dataset("digits@8~downscale2")
    inputs, targets = data.inputs("test"), data.images("test")
    assert inputs is not None
    with Image.open(RunFolder(doubling_run).samples / "final.png") as image:
        sheet = np.asarray(image)
    assert sheet.shape == (8 * 10 + 2, 12 * 10 + 2)
    doubled = inputs[:1].repeat(2, axis=1).repeat(2, axis=2)[0, ..., 0]
    np.testing.assert_array_equal(sheet[2:10, 2:10], doubled)
    np.testing.assert_array_equal(sheet[2:10, 12:20], doubled)
    np.testing.assert_array_equal(sheet[2:10, 22:30], targets[0, ..., 0])


@pytest.mark.slow
def test_it_is_compared_by_its_pairs_and_not_scored_twice(invoke: Invoke, doubling: str, tmp_path: Path):
    arguments = ("compare", doubling, "--data", "digits@8~downscale2", "--seeds", "1", "--steps", "1")
    out = ("--out", str(tmp_path / "all"), "--features", "pixels", "--metrics", "psnr,fd")
    first = invoke(*arguments, *out)
    assert first.exit_code == 0, first.stderr
    results = list((tmp_path / "all").glob("cells/*/result.json"))
    written = [path.stat().st_mtime_ns for path in results]
    assert len(written) == 1
    again = invoke(*arguments, *out)
    assert again.exit_code == 0, again.stderr
    assert [path.stat().st_mtime_ns for path in results] == written


def test_the_best_checkpoint_is_chosen_by_held_out_pairs(invoke: Invoke, doubling: str, tmp_path: Path):
    out = tmp_path / "run"
    result = invoke(
        "train", doubling, "--data", "digits@8~downscale2", "--out", str(out), "--steps", "2", "-t", "select_every=1"
    )
    assert result.exit_code == 0, result.stderr
    assert any(name.startswith("select/") for line in RunFolder(out).metrics() for name in line)
