import json

import pytest

from zoo_core.features import Classifier, classifier


def test_train_writes_a_file_that_show_and_scores_can_use(invoke, tmp_path):
    path = tmp_path / "new" / "tiny.h5"
    trained = invoke("classifier", "train", "--data", "digits@8", "--out", str(path), "--steps", "2", "--json")
    assert trained.exit_code == 0, trained.stderr
    description = json.loads(trained.stdout)
    assert description["weights_sha256"] == Classifier.open(path).weights_sha256
    assert description["name"] == f"classifier@{description['weights_sha256'][:8]}"
    assert (description["data"], description["shape"], description["recipe"]["steps"]) == ("digits@8", [8, 8, 1], 2)
    assert 0 <= description["test_accuracy"] <= 1
    assert json.loads(invoke("classifier", "show", str(path), "--json").stdout) == description


def test_train_keeps_what_is_there(invoke, tmp_path):
    path = tmp_path / "precious.h5"
    path.write_text("precious")
    result = invoke("classifier", "train", "--data", "digits", "--out", str(path))
    assert result.exit_code == 2
    assert "already exists" in result.stderr
    assert path.read_text() == "precious"


def test_train_needs_labels(invoke, tmp_path):
    from PIL import Image

    for number in range(5):
        Image.new("L", (8, 8), number).save(tmp_path / f"{number}.png")
    result = invoke("classifier", "train", "--data", f"folder:{tmp_path}", "--out", str(tmp_path / "out.h5"))
    assert result.exit_code == 2
    assert "2 to 1,000 classes" in result.stderr
    assert "one folder for each class" in result.stderr


def test_show_lists_what_comes_with_the_package(invoke):
    result = invoke("classifier", "show")
    heading, *lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert heading.split() == ["name", "data", "shape", "validation_accuracy", "test_accuracy"]
    assert [line.split()[0] for line in lines] == [f"classifier:{data}" for data in classifier.SHIPPED]
    described = json.loads(invoke("classifier", "show", "--json").stdout)
    assert {line["data"] for line in described} == {"digits", "fashion_mnist", "mnist"}


@pytest.mark.parametrize(("data", "least"), [("digits", 0.99), ("fashion_mnist", 0.91), ("mnist", 0.99)])
def test_show_tells_about_a_shipped_one(invoke, data, least):
    description = json.loads(invoke("classifier", "show", data, "--json").stdout)
    assert description["name"] == f"classifier:{data}"
    assert description["test_accuracy"] > least
    assert description["weights_sha256"] == classifier.SHIPPED[data]


def test_show_says_where_there_is_nothing(invoke, tmp_path):
    result = invoke("classifier", "show", str(tmp_path / "missing.h5"))
    assert result.exit_code == 2
    assert "There is no weights file" in result.stderr
    assert result.stdout == ""
