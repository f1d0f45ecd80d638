import json

import numpy as np
import pytest
from PIL import Image

from zoo_core.builtin.datasets import DATASETS
from zoo_core.data import load_dataset, write_h5

BUILTIN = {spec.name: spec for spec in DATASETS}


@pytest.fixture
def folder(tmp_path):
    for label, count in (("cat", 6), ("dog", 4)):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (5, 4), (number, 0, 0)).save(tmp_path / "photos" / label / f"{number}.png")
    return tmp_path / "photos"


def test_list_names_each_built_in_set(invoke):
    result = invoke("datasets", "list")
    assert result.exit_code == 0
    for name, record in BUILTIN.items():
        line = next(line for line in result.stdout.splitlines() if line.split()[0] == name)
        assert record.summary in line
        assert "x".join(map(str, record.shape)) in line
    records = json.loads(invoke("datasets", "list", "--json").stdout)
    assert [record["name"] for record in records] == list(BUILTIN)
    assert records[0]["splits"] == {"train": 1294, "validation": 144, "test": 359}


def test_show_counts_every_class(invoke, folder):
    result = invoke("datasets", "show", f"folder:{folder}")
    assert result.exit_code == 0
    assert "4x5x3" in result.stdout
    assert ["cat", "4", "1", "1"] in [line.split() for line in result.stdout.splitlines()]
    shown = json.loads(invoke("datasets", "show", f"folder:{folder}", "--json").stdout)
    assert shown["shape"] == [4, 5, 3]
    assert shown["classes"] == ["cat", "dog"]
    assert shown["counts"] == {
        "cat": {"train": 4, "validation": 1, "test": 1},
        "dog": {"train": 3, "validation": 0, "test": 1},
    }
    assert shown["content_hash"] == load_dataset(f"folder:{folder}").spec.content_hash


def test_show_an_unlabelled_set(invoke, folder):
    result = invoke("datasets", "show", f"folder:{folder}/cat", "--json")
    assert json.loads(result.stdout)["counts"] == {}
    assert "class " not in invoke("datasets", "show", f"folder:{folder}/cat").stdout


def test_show_draws_a_contact_sheet(invoke, folder, tmp_path):
    sheet = tmp_path / "sheet.png"
    result = invoke("datasets", "show", f"folder:{folder}@8", "--sheet", str(sheet))
    assert result.exit_code == 0
    assert str(sheet) in result.stdout
    with Image.open(sheet) as image:
        assert image.size == (10 * (8 + 2) + 2, 2 * (8 + 2) + 2)  # a row for each class


def test_verify_finds_a_changed_pixel(invoke, folder, tmp_path):
    out = tmp_path / "photos.h5"
    write_h5(load_dataset(f"folder:{folder}"), out, {})
    assert invoke("datasets", "verify", f"h5:{out}").exit_code == 0
    assert invoke("datasets", "verify", "h5:~/photos.h5", HOME=str(tmp_path)).exit_code == 0
    pixels = np.array(load_dataset(f"h5:{out}").images("train"))
    out.write_bytes(out.read_bytes().replace(pixels.tobytes(), (pixels ^ 1).tobytes()))
    result = invoke("datasets", "verify", str(out))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "was changed after it was written: the pixels of 'train/0' are not what its hash says" in result.stderr


def test_the_data_folder_is_an_option(invoke, tmp_path):
    result = invoke("datasets", "show", "mnist", "--data-dir", str(tmp_path))
    assert result.exit_code == 2
    assert str(tmp_path) in result.stderr
    assert "mnist.npz" in result.stderr


def test_a_misspelt_name_is_corrected(invoke):
    result = invoke("datasets", "show", "mnits")
    assert result.exit_code == 2
    assert "Did you mean 'mnist'?" in result.stderr


@pytest.mark.parametrize("command", ["list", "show", "prepare", "verify"])
def test_every_command_helps_with_an_example(invoke, command):
    result = invoke("datasets", command, "-h")
    assert result.exit_code == 0
    assert f"zoo datasets {command}" in result.stdout
