import json

import numpy as np
import pytest
from PIL import Image

from zoo_core.data import BUILTIN, load_dataset


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
    assert {label: sum(shown["counts"][split][label] for split in shown["splits"]) for label in shown["classes"]} == {
        "cat": 6,
        "dog": 4,
    }
    assert shown["content_hash"] == load_dataset(f"folder:{folder}").spec.content_hash


def test_show_an_unlabelled_set(invoke, folder):
    result = invoke("datasets", "show", f"folder:{folder}/cat", "--json")
    assert json.loads(result.stdout)["counts"] == {}
    assert "class " not in invoke("datasets", "show", f"folder:{folder}/cat").stdout


def test_prepare_then_use_and_verify(invoke, folder, tmp_path):
    out = tmp_path / "new" / "photos.h5"
    result = invoke("datasets", "prepare", f"folder:{folder}@8", str(out), "--json")
    assert result.exit_code == 0
    assert f"h5:{out}" in result.stderr
    written = json.loads(result.stdout)
    assert written["bytes"] == out.stat().st_size
    shown = json.loads(invoke("datasets", "show", f"h5:{out}", "--json").stdout)
    assert shown["content_hash"] == written["content_hash"]
    assert shown["provenance"]["source"] == f"folder:{folder}@8"
    assert {"prepared", "zoo-core"} <= set(shown["provenance"])
    for file in (str(out), f"h5:{out}"):
        verified = invoke("datasets", "verify", file, "--json")
        assert verified.exit_code == 0
        assert json.loads(verified.stdout)["verified"] is True


def test_provenance_is_handed_on(invoke, folder, tmp_path):
    first, second = tmp_path / "first.h5", tmp_path / "second.h5"
    invoke("datasets", "prepare", f"folder:{folder}", str(first))
    invoke("datasets", "prepare", f"h5:{first}@2", str(second))
    shown = json.loads(invoke("datasets", "show", f"h5:{second}", "--json").stdout)
    assert shown["provenance"]["of"]["source"] == f"folder:{folder}"


def test_prepare_overwrites_nothing(invoke, folder, tmp_path):
    out = tmp_path / "photos.h5"
    out.write_text("precious")
    result = invoke("datasets", "prepare", f"folder:{folder}", str(out))
    assert result.exit_code == 2
    assert "already exists" in result.stderr
    assert out.read_text() == "precious"


def test_verify_finds_a_changed_pixel(invoke, folder, tmp_path):
    out = tmp_path / "photos.h5"
    invoke("datasets", "prepare", f"folder:{folder}", str(out))
    pixels = np.array(load_dataset(f"h5:{out}").images("train"))
    out.write_bytes(out.read_bytes().replace(pixels.tobytes(), (pixels ^ 1).tobytes()))
    result = invoke("datasets", "verify", str(out))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "changed after the file was written" in result.stderr


def test_the_data_folder_is_an_option(invoke, tmp_path):
    result = invoke("datasets", "show", "mnist", "--data-dir", str(tmp_path))
    assert result.exit_code == 2
    assert str(tmp_path / "mnist.npz") in result.stderr


def test_a_misspelt_name_is_corrected(invoke):
    result = invoke("datasets", "show", "mnits")
    assert result.exit_code == 2
    assert "Did you mean 'mnist'?" in result.stderr


@pytest.mark.parametrize("command", ["list", "show", "prepare", "verify"])
def test_every_command_helps_with_an_example(invoke, command):
    result = invoke("datasets", command, "-h")
    assert result.exit_code == 0
    assert f"zoo datasets {command}" in result.stdout
