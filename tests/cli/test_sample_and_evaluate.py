"""zoo sample and zoo evaluate, on one small run of each kind."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from PIL import Image

import zoo_core
from zoo_core import api
from zoo_core.runs import RunFolder

Invoke = Callable[..., Result]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("runs")
    small = {"width": 4, "latent": 4}
    training = {"steps": 4, "batch_size": 8}
    return {m: api.train(m, "digits", folder / m, options=small, training=training).path for m in ("cgan", "vae")}


def test_files_that_were_left_out_are_counted(invoke: Invoke, tmp_path: Path):
    for number in range(8):
        Image.fromarray(np.full((8, 8), number, np.uint8)).save(tmp_path / f"{number}.png")
    for bad, said in ((1, "1 image could not be read and was left out."), (2, "2 images could not be read and were")):
        (tmp_path / f"bad{bad}.png").write_bytes(b"")
        result = invoke("evaluate", str(tmp_path), "--against", "digits@8", "--metrics", "dc", "--skip-bad")
        assert result.exit_code == 0, result.stderr
        assert "skipped bad1.png: it is empty" in result.stderr
        assert said in result.stderr


def test_samples_as_files(invoke: Invoke, runs: dict[str, Path], tmp_path: Path):
    out = tmp_path / "samples"
    result = invoke("sample", str(runs["vae"]), "-n", "5", "--out", str(out), "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["images"] == 5
    names = sorted(path.name for path in out.iterdir())
    assert names == [f"{i:06d}.png" for i in range(5)]
    with Image.open(out / names[0]) as image:
        assert image.size == (16, 16)
        assert image.mode == "L"
    again = invoke("sample", str(runs["vae"]), "-n", "5", "--out", str(out))
    assert again.exit_code == 2
    assert "already exists" in again.stderr


def test_interrupted_it_leaves_no_images(invoke: Invoke, runs: dict[str, Path], tmp_path: Path, monkeypatch):
    def interrupted(path: Path, image: np.ndarray) -> None:
        if path.stem == "000003":
            raise KeyboardInterrupt
        path.touch()

    monkeypatch.setattr("zoo_core.operations.writing.write_png", interrupted)
    result = invoke("sample", str(runs["vae"]), "-n", "5", "--out", str(tmp_path / "samples"))
    assert result.exit_code == 130
    assert not list(tmp_path.iterdir())


def test_a_sheet_of_the_classes_that_are_asked_for(invoke: Invoke, runs: dict[str, Path], tmp_path: Path):
    out = tmp_path / "sheet.png"
    result = invoke("sample", str(runs["cgan"]), "-n", "4", "--grid", "--out", str(out), "--label", "7")
    assert result.exit_code == 0, result.stderr
    with Image.open(out) as image:
        assert image.size == (38, 38)


@pytest.mark.parametrize(("count", "labels", "size"), [("24", (), (38, 182)), ("4", ("7", "2"), (38, 38))])
def test_a_sheet_has_a_row_for_each_class(
    invoke: Invoke, runs: dict[str, Path], tmp_path: Path, count: str, labels: tuple[str, ...], size: tuple[int, int]
):
    named = [argument for label in labels for argument in ("--label", label)]
    out = tmp_path / "sheet.png"
    result = invoke("sample", str(runs["cgan"]), "-n", count, "--grid", "--out", str(out), *named, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["images"] == 2 * (len(labels) or 10)
    with Image.open(out) as image:
        assert image.size == size
        sheet = np.asarray(image)
    sampler = zoo_core.Sampler.load(runs["cgan"])
    second_row = sampler.generate(1, 0, np.array([2 if labels else 1], "int32"), first=2)[0, ..., 0]
    np.testing.assert_allclose(sheet[20:36, 2:18].astype(int), second_row.astype(int), atol=1)


def test_a_path_as_a_strip_and_as_an_animation(invoke: Invoke, runs: dict[str, Path], tmp_path: Path):
    for name, images in (("walk.png", 2 * 4), ("walk.gif", 2 * 3 + 1)):
        out = str(tmp_path / name)
        path = ("--interpolate", "spherical", "-n", "3", "--frames", "4")
        result = invoke("sample", str(runs["vae"]), *path, "--out", out, "--json")
        assert result.exit_code == 0, result.stderr
        assert json.loads(result.stdout)["images"] == images
    with Image.open(tmp_path / "walk.png") as strip:
        assert strip.size == (4 * 18 + 2, 2 * 18 + 2)
    with Image.open(tmp_path / "walk.gif") as animation:
        assert (animation.n_frames, animation.size) == (7, (16, 16))
    walk = ("--interpolate", "linear", "-n", "3", "--frames", "4", "--out", str(tmp_path / "classes.gif"), "--json")
    classes = invoke("sample", str(runs["cgan"]), *walk)
    assert json.loads(classes.stdout)["images"] == 2 * 4  # the second class begins with an image of its own


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--interpolate", "linear", "--out", "x.jpg"), "is written as .png or .gif, received 'x.jpg'"),
        (("--grid", "--out", "x.gif"), "is written as .png, received 'x.gif'"),
        (("--grid", "--out", "."), "'.' already exists"),
        (("--out", "sheet.PNG"), "For one sheet add --grid"),
        (("--frames", "3"), "Add: --interpolate spherical"),
        (("--interpolate", "linear", "--grid"), "two different sheets"),
        (("--interpolate", "linear", "-n", "1"), "At least 2 images"),
        (("--truncation", "-1"), "must be above 0, received -1"),
    ],
)
def test_samples_that_can_not_be_had(
    invoke: Invoke, runs: dict[str, Path], tmp_path: Path, monkeypatch, arguments: tuple[str, ...], message: str
):
    monkeypatch.chdir(tmp_path)
    result = invoke("sample", str(runs["vae"]), *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("model", "label", "message"),
    [("cgan", "ten", "Unknown class 'ten'"), ("vae", "7", "ignores labels")],
)
def test_labels_that_can_not_be_had(invoke: Invoke, runs: dict[str, Path], tmp_path: Path, model, label, message):
    result = invoke("sample", str(runs[model]), "--label", label, "--out", str(tmp_path / "x"))
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "x").exists()


def test_an_evaluation_says_n_and_the_floor_and_is_kept(invoke: Invoke, runs: dict[str, Path]):
    result = invoke("evaluate", str(runs["cgan"]), "--against", "digits", "--json")
    assert result.exit_code == 0, result.stderr
    record = json.loads(result.stdout)
    fd = record["metrics"]["fd_classifier"]
    assert fd["label"] == "FD (classifier)"
    assert fd["n_generated"] == fd["n_floor"] == 1294
    assert fd["n_reference"] == 359
    assert 0 < fd["floor"] < fd["value"]
    assert 0 <= record["metrics"]["class_accuracy_classifier"]["value"] <= 1
    assert "ssim" not in record["metrics"]
    assert json.loads(RunFolder(runs["cgan"]).result_file.read_text()) == record


def test_reconstructions_are_scored_on_held_out_images(invoke: Invoke, runs: dict[str, Path]):
    result = invoke("evaluate", str(runs["vae"]), "--metrics", "ssim,psnr", "--json")
    assert result.exit_code == 0, result.stderr
    metrics = json.loads(result.stdout)["metrics"]
    assert set(metrics) == {"ssim", "psnr"}
    assert metrics["ssim"]["n_reference"] == 359


def test_images_from_elsewhere(invoke: Invoke, runs: dict[str, Path], tmp_path: Path):
    folder = tmp_path / "images"
    assert invoke("sample", str(runs["vae"]), "-n", "80", "--out", str(folder)).exit_code == 0
    result = invoke("evaluate", str(folder), "--against", "digits", "--features", "classifier")
    assert result.exit_code == 0, result.stderr
    assert "FD (classifier)" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("RUN", "--metrics", "fdd"), "Unknown metric 'fdd'. Did you mean 'fd'?"),
        (("RUN", "--metrics", "ssim"), "SSIM needs reconstructions"),
        (("RUN", "--features", "inceptoin"), "Unknown feature network 'inceptoin'"),
        (("RUN", "--against", "digits@8"), "makes images of 16x16 pixels, those of 'digits@8' have 8x8"),
        (("RUN", "-n", "1"), "At least 2 images"),
        (("FOLDER", "--against", "digits", "-n", "9"), "Neither side is a run"),
        (("nowhere", "--against", "digits"), "Unknown data set 'nowhere'"),
        (("FOLDER",), "say what to compare it with"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_misuse(invoke: Invoke, runs: dict[str, Path], tmp_path: Path, arguments: tuple[str, ...], message: str):
    places = {"RUN": str(runs["cgan"]), "FOLDER": str(tmp_path)}
    result = invoke("evaluate", *(places.get(argument, argument) for argument in arguments))
    assert result.exit_code == 2, result.stderr
    assert message in " ".join(result.stderr.split())
