import json

import numpy as np
import pytest
from PIL import Image

from zoo_core.data import load_dataset


@pytest.fixture
def folder(tmp_path):
    """20 cats and 10 dogs of two sizes, and a broken file."""
    rng = np.random.default_rng(0)
    for number in range(30):
        path = tmp_path / "photos" / ("dog" if number % 3 == 2 else "cat") / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        rough = Image.fromarray(rng.integers(0, 256, (4, 4, 3), "uint8"))
        rough.resize((20 + number % 2, 16), Image.Resampling.BICUBIC).save(path)
    (tmp_path / "photos" / "cat" / "broken.png").write_bytes(b"\x89PNG")
    return tmp_path / "photos"


def prepare(invoke, *arguments):
    return invoke("datasets", "prepare", *map(str, arguments), "--workers", "1")


def test_prepare_then_train_on_it_and_verify(invoke, folder, tmp_path):
    out = tmp_path / "new" / "photos.h5"
    result = prepare(invoke, folder, out, "--size", "8")
    assert result.exit_code == 0, result.stderr
    shown = dict(line.strip().split(maxsplit=1) for line in result.stdout.splitlines() if len(line.split()) == 2)
    assert shown["shape"] == "8x8x3"
    assert "set aside: " in result.stdout
    assert f"h5:{out}" in result.stderr
    assert str(out.with_suffix(".report.json")) in result.stderr
    trained = invoke(
        "train", "vae", "--data", f"h5:{out}", "--out", str(tmp_path / "run"),
        "--steps", "2", "--batch-size", "4", "-o", "width=2",
    )  # fmt: skip
    assert trained.exit_code == 0, trained.stderr
    verified = invoke("datasets", "verify", str(out), "--json")
    assert json.loads(verified.stdout)["content_hash"] == load_dataset(f"h5:{out}").spec.content_hash


def test_json_is_the_report(invoke, folder, tmp_path):
    out = tmp_path / "photos.h5"
    result = prepare(invoke, f"folder:{folder}@8x12", out, "--json", "--near", "off", "--colour", "gray")
    assert result.exit_code == 0, result.stderr
    printed, written = json.loads(result.stdout), json.loads(out.with_suffix(".report.json").read_text())
    assert {key: written[key] for key in printed} == printed
    assert printed["shape"] == [8, 12, 1]
    assert printed["rules"]["near"] is None
    assert sum(printed["kept"].values()) == 30
    provenance = json.loads(invoke("datasets", "show", f"h5:{out}", "--json").stdout)["provenance"]
    assert provenance["options"] == printed["rules"]
    assert {"zoo-core", "pillow"} <= set(provenance["versions"])


def test_a_built_in_set_stays_as_it_is_but_is_told_of_its_duplicates(invoke, tmp_path):
    result = prepare(invoke, "digits", tmp_path / "digits.h5", "--json")
    assert result.exit_code == 0, result.stderr
    report, digits = json.loads(result.stdout), load_dataset("digits")
    assert report["rules"]["duplicates"] == "report"
    assert report["kept"] == dict(digits.spec.splits)
    prepared = load_dataset(f"h5:{tmp_path / 'digits.h5'}")
    assert prepared.classes == digits.classes
    for split in digits.spec.splits:
        assert np.array_equal(prepared.images(split), digits.images(split))
        assert np.array_equal(prepared.labels(split), digits.labels(split))


def test_a_classifier_labels_images(invoke, tmp_path):
    trained = ["--labels", "from-classifier", "digits", "--confidence", "0.5"]
    np.save(tmp_path / "digits.npy", load_dataset("digits").images("test"))
    result = prepare(invoke, tmp_path / "digits.npy", tmp_path / "digits.h5", *trained, "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["labelling"]["classifier"] == "classifier:digits"
    assert list(report["classes"]) == list("0123456789")
    shown = invoke("datasets", "show", f"h5:{tmp_path / 'digits.h5'}", "--json")
    assert json.loads(shown.stdout)["counts"] == report["classes"]


def test_an_overlap_of_train_and_test_is_told_loudly(invoke, folder, tmp_path):
    for split, numbers in {"train": range(20), "test": range(19, 30)}.items():
        for path in (path for path in folder.glob("*/[0-9]*.png") if int(path.stem) in numbers):
            target = tmp_path / "split" / split / path.parent.name / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    result = prepare(invoke, tmp_path / "split", tmp_path / "set.h5", "--size", "8")
    assert result.exit_code == 0, result.stderr
    assert "Warning: images in two splits of the source, such as train and test: 1." in result.stderr


@pytest.mark.parametrize(("arguments", "expected"), [
    (["--near", "few"], "--near should be a number of bits or off, received 'few'"),
    (["--split", "80/20"], "three shares above 0, received '80/20'"),
    (["--split", "80/20/0"], "three shares above 0, received '80/20/0'"),
    (["--pattern", "["], "--pattern is no regular expression"),
    (["--pattern", "cat"], "--pattern should have a group"),
    (["--size", "big"], "A size should be a number of pixels, or HxW, received 'big'"),
    (["--labels", "guess"], "guess"),
    (["--features", "pixels"], "'features' is for labels of 'auto', but they are to be 'source'"),
    (["--weights", "net.h5", "--labels", "none"], "'weights' is for labels of 'auto'"),
    (["--confidence", "0.5", "--labels", "auto"], "Leave --confidence out, or add --labels from-classifier"),
    (["--engine", "ray"], "Leave --workers out"),
    ([], "All images should have one size"),
])  # fmt: skip
def test_what_is_asked_wrongly_is_refused_and_nothing_is_written(invoke, folder, tmp_path, arguments, expected):
    result = prepare(invoke, folder, tmp_path / "set.h5", *arguments)
    assert result.exit_code == 2
    assert expected in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_prepare_overwrites_nothing(invoke, folder, tmp_path):
    out = tmp_path / "photos.h5"
    out.write_text("precious")
    result = prepare(invoke, folder, out, "--size", "8")
    assert result.exit_code == 2
    assert "already exists" in result.stderr
    assert out.read_text() == "precious"
