"""zoo plugins new: what it writes, and what it refuses. tests/templates installs and trains what it writes."""

import json
import tomllib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import Result

Invoke = Callable[..., Result]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_a_package_with_all_that_it_needs(invoke: Invoke, here: Path):
    result = invoke("plugins", "new", "my-model", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == {"name": "my-model", "kind": "gan", "folder": "zoo-my-model"}
    assert "pip install -e zoo-my-model\nThen: zoo train my-model --data digits" in result.stderr
    files = {str(path.relative_to("zoo-my-model")) for path in Path("zoo-my-model").rglob("*") if path.is_file()}
    assert files == {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        ".gitignore",
        ".github/workflows/ci.yml",
        "src/zoo_my_model/__init__.py",
        "src/zoo_my_model/options.py",
        "src/zoo_my_model/model.py",
        "tests/test_zoo_my_model.py",
    }
    assert [path.name for path in here.iterdir()] == ["zoo-my-model"]
    project = tomllib.loads(Path("zoo-my-model/pyproject.toml").read_text())["project"]
    assert project["name"] == "zoo-my-model"
    assert project["entry-points"] == {"zoo_core": {"my-model": "zoo_my_model"}}
    major, minor, _ = version("zoo-core").split(".")
    assert project["dependencies"] == [f"zoo-core>={major}.{minor},<{major}.{int(minor) + 1}"]


def test_its_workflow_installs_tests_and_checks(invoke: Invoke):
    assert invoke("plugins", "new", "my-model").exit_code == 0
    workflow = Path("zoo-my-model/.github/workflows/ci.yml").read_text()
    for step in ("pip install -e . pytest", "pytest", "zoo plugins check my-model"):
        assert f"- run: {step}\n" in workflow
    assert "python-version: ${{ matrix.python }}\n" in workflow


def test_the_folder_can_be_named_and_folders_above_it_are_made(invoke: Invoke):
    assert invoke("plugins", "new", "my-model", "--out", "src/mine").exit_code == 0
    assert Path("src/mine/pyproject.toml").is_file()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("My-Model", "lower-case letters and digits, with single dashes between, received 'My-Model'"),
        ("my_model", "received 'my_model'"),
        ("2d", "received '2d'"),
        ("my--model", "received 'my--model'"),
        ("../evil", "received '../evil'"),
        ("zoo-mine", "Leave 'zoo-' out: mine"),
        ("none", "'None' can't be the name of the model's class"),
        ("phase", "'Phase' can't be the name of the model's class"),
        ("core", "'core' can't be a model's name"),
        ("good", "'good' is taken by zoo-good 1.0"),
        ("other", "'other' is taken by zoo-good 1.0"),
        ("numpy-like", "'numpy-like' is taken: there is a Python package 'zoo_numpy_like'"),
    ],
)
def test_a_name_that_would_not_do_is_refused(
    invoke: Invoke, make_plugin: Callable[..., Path], here: Path, name: str, told: str
):
    spec = 'zoo_core.ModelSpec(name="other", summary="", target="zoo_core:B", options="zoo_core:C", tasks={"generate"})'
    site = make_plugin("good", f"import zoo_core\n\n@zoo_core.hookimpl\ndef zoo_models():\n    yield {spec}\n")
    (site / "zoo_numpy_like").mkdir()
    result = invoke("plugins", "new", name)
    assert result.exit_code == 2
    assert told in " ".join(result.stderr.split())
    assert list(here.iterdir()) == []


def test_the_class_can_be_named_as_the_paper_does(invoke: Invoke):
    assert invoke("plugins", "new", "realnvp", "--class-name", "RealNVP").exit_code == 0
    package = Path("zoo-realnvp/src/zoo_realnvp")
    assert "\nclass RealNVP(GenerativeModel):\n" in (package / "model.py").read_text()
    assert "\nclass RealNVPOptions(Options):\n" in (package / "options.py").read_text()
    assert 'target="zoo_realnvp.model:RealNVP"' in (package / "__init__.py").read_text()


@pytest.mark.parametrize("name", ["realNVP", "Real-NVP", "Real NVP", "X;import os", "2D", "True", "Options"])
def test_a_class_name_that_would_not_do_is_refused(invoke: Invoke, here: Path, name: str):
    result = invoke("plugins", "new", "realnvp", "--class-name", name)
    assert result.exit_code == 2
    assert f"'{name}'" in result.stderr
    assert list(here.iterdir()) == []


def test_its_licence_is_there(invoke: Invoke):
    assert invoke("plugins", "new", "my-model").exit_code == 0
    project = tomllib.loads(Path("zoo-my-model/pyproject.toml").read_text())["project"]
    assert (project["license"], project["license-files"]) == ("MIT", ["LICENSE"])
    text = Path("zoo-my-model/LICENSE").read_text()
    assert text.startswith("MIT License\n\nCopyright (c) 20")
    assert "the authors of zoo-my-model" in text


def test_nothing_is_overwritten(invoke: Invoke):
    Path("zoo-my-model").mkdir()
    Path("link").symlink_to("nowhere")
    for arguments in ((), ("--out", "link")):
        result = invoke("plugins", "new", "my-model", *arguments)
        assert result.exit_code == 2
        assert "already exists" in result.stderr
    assert list(Path("zoo-my-model").iterdir()) == []


def test_where_the_disk_is_full_nothing_is_left(invoke: Invoke, here: Path, monkeypatch: pytest.MonkeyPatch):
    write = Path.write_text

    def full(path: Path, *arguments: str, **settings: str) -> int:
        if path.name == "model.py":
            raise OSError(28, "No space left on device")
        return write(path, *arguments, **settings)

    monkeypatch.setattr(Path, "write_text", full)
    result = invoke("plugins", "new", "my-model")
    assert result.exit_code == 1
    assert "Can't write 'zoo-my-model': No space left on device." in result.stderr
    assert list(here.iterdir()) == []


def test_a_translation_is_to_be_trained_on_inputs(invoke: Invoke):
    result = invoke("plugins", "new", "my-model", "--kind", "translation")
    assert result.exit_code == 0, result.stderr
    assert "Then: zoo train my-model --data digits~noise25" in result.stderr
    assert "zoo train my-model --data digits~noise25 " in Path("zoo-my-model/README.md").read_text()
