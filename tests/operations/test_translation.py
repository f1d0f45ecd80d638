"""From files to files, whatever their size."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo_core
from zoo_core.operations.translation import plan, tilings


def write(path: Path, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    pixels = np.random.default_rng(seed).integers(0, 256, shape, "uint8")
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return pixels


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def doubled(image: np.ndarray) -> np.ndarray:
    return image.repeat(2, axis=0).repeat(2, axis=1)


def test_a_file_becomes_a_file_and_a_folder_a_folder(doubling_run: Path, tmp_path: Path):
    one = write(tmp_path / "in" / "one.png", (19, 30))
    other = write(tmp_path / "in" / "deep" / "other.bmp", (3, 4), seed=1)
    colour = write(tmp_path / "in" / "colour.png", (9, 9, 3), seed=2)
    told: list[tuple[str, int, int]] = []
    notes: list[str] = []
    made = zoo_core.enhance(
        doubling_run, tmp_path / "in", tmp_path / "out", progress=lambda *said: told.append(said), note=notes.append
    )
    assert sorted(path.relative_to(tmp_path / "out").as_posix() for path in made) == [
        "colour.png",
        "deep/other.png",
        "one.png",
    ]
    np.testing.assert_array_equal(read(tmp_path / "out" / "one.png"), doubled(one))
    np.testing.assert_array_equal(read(tmp_path / "out" / "deep" / "other.png"), doubled(other))
    gray = np.asarray(Image.fromarray(colour).convert("L"))  # the model was trained on gray images
    np.testing.assert_array_equal(read(tmp_path / "out" / "colour.png"), doubled(gray))
    assert notes == ["1 of 3 images lost their colours: the model takes gray ones."]
    what, done, of = told[-1]
    assert (what, done) == ("Tiles", of)
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)

    (file,) = zoo_core.translate(doubling_run, tmp_path / "in" / "one.png", tmp_path / "one.webp", note=notes.append)
    assert len(notes) == 1
    assert read(file).shape == (38, 60, 3)  # WebP has no gray


def test_what_can_not_be_read_is_told_before_anything_is_written(doubling_run: Path, tmp_path: Path):
    write(tmp_path / "in" / "a.png", (8, 8))
    (tmp_path / "in" / "b.png").write_bytes(b"no image")
    with pytest.raises(zoo_core.ZooError, match=r"1 of 2 images can't be read: '.*b\.png'"):
        zoo_core.enhance(doubling_run, tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_can_not_be_done_is_refused(tmp_path: Path):
    source, out = tmp_path / "in", tmp_path / "out"
    write(source / "a.png", (8, 8))
    file = source / "a.png"
    with pytest.raises(zoo_core.UsageError, match="There is no file or folder"):
        plan(tmp_path / "nothing", out)
    with pytest.raises(zoo_core.UsageError, match=r"is written as \.png or \.jpg or .*, received '.*out\.txt'"):
        plan(file, tmp_path / "out.txt")
    with pytest.raises(zoo_core.UsageError, match=r"go into a folder, received '.*out\.png'"):
        plan(source, tmp_path / "out.png")
    with pytest.raises(zoo_core.UsageError, match="already exists"):
        plan(file, file)
    with pytest.raises(zoo_core.UsageError, match="already exists"):
        plan(source, source)
    out.mkdir()
    with pytest.raises(zoo_core.UsageError, match="already exists"):
        plan(file, out)
    assert plan(source, out) == [(file, out / "a.png")]
    write(source / "a.bmp", (8, 8))
    with pytest.raises(zoo_core.UsageError, match=r"a\.bmp' and '.*a\.png' would both become '.*a\.png'"):
        plan(source, out)


def test_a_model_of_another_kind_says_what_would_do(doubling_run: Path, tmp_path: Path):
    sampler = zoo_core.Sampler.load(doubling_run)
    sampler.spec = dataclasses.replace(sampler.spec, tasks={"reconstruct", "generate"})
    write(tmp_path / "a.png", (8, 8))
    with pytest.raises(zoo_core.UsageError, match="'doubling' does not translate; its tasks: generate, reconstruct"):
        tilings(sampler, plan(tmp_path / "a.png", tmp_path / "b.png"))


def test_an_interrupted_folder_is_not_there(doubling_run: Path, tmp_path: Path):
    for name in ("a.png", "b.png"):
        write(tmp_path / "in" / name, (8, 8))
    before = sorted(tmp_path.rglob("*"))

    def interrupt(what: str, done: int, total: int) -> None:
        if done == total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        zoo_core.enhance(doubling_run, tmp_path / "in", tmp_path / "out", progress=interrupt)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "length", "message"),
    [
        ("out.webp", 8_200, "become 2x16400 pixels, and WEBP takes at most 16,383 a side. Write a .png"),
        ("out.JPG", 32_800, "become 2x65600 pixels, and JPEG takes at most 65,500 a side. Write a .png"),
        ("out.png", 50_001, "become 2x100002 pixels, 200,004 in all, and at most 200,000 can be read again. Cut it"),
    ],
)
def test_what_would_be_too_large_is_refused_before_the_first_tile(
    doubling_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, length: int, message: str
):
    write(tmp_path / "in.png", (1, length))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 200_000)
    told: list[int] = []
    with pytest.raises(zoo_core.UsageError, match=message):
        zoo_core.enhance(
            doubling_run, tmp_path / "in.png", tmp_path / name, progress=lambda what, done, of: told.append(done)
        )
    assert not told
