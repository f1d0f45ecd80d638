import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Invoke = Callable[..., Result]


@pytest.fixture(autouse=True)
def good(make_plugin: Callable[..., Path]) -> None:
    make_plugin("good", version="1.2")


def test_list_as_a_table_has_a_line_for_each_model(invoke: Invoke):
    result = invoke("models", "list")
    heading, *lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert heading.split() == ["name", "tasks", "labels", "summary", "distribution", "version"]
    (line,) = (line for line in lines if line.startswith("good "))
    assert line.split() == ["good", "generate", "ignored", "A", "model", "for", "tests", "zoo-good", "1.2"]


def test_list_as_json(invoke: Invoke):
    result = invoke("models", "list", "--json")
    (model,) = (model for model in json.loads(result.stdout) if model["name"] == "good")
    assert model == {
        "name": "good",
        "tasks": ["generate"],
        "labels": "ignored",
        "backends": ["jax", "tensorflow", "torch"],
        "summary": "A model for tests",
        "distribution": "zoo-good",
        "version": "1.2",
    }


def test_the_backends_of_a_model_are_told(invoke: Invoke, torch_only: str):
    assert json.loads(invoke("models", "show", torch_only, "--json").stdout)["backends"] == ["torch"]
    listed = {model["name"]: model["backends"] for model in json.loads(invoke("models", "list", "--json").stdout)}
    assert (listed[torch_only], listed["good"]) == (["torch"], ["jax", "tensorflow", "torch"])
    shown = [line.split() for line in invoke("models", "show", torch_only).stdout.splitlines()]
    assert ["backends", "torch"] in shown


def test_list_without_models_says_so_and_stays_json(invoke: Invoke, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [])
    result = invoke("models", "list", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, [])
    assert "No model is installed" in result.stderr


def test_show_tells_type_default_bounds_and_description_of_every_option(invoke: Invoke):
    result = invoke("models", "show", "good")
    assert result.exit_code == 0
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in result.stdout.splitlines() if line}
    assert lines["summary"] == "A model for tests"
    assert lines["width"] == "integer 64 at least 8, at most 512 channels, in [8, 512]"
    assert lines["rate"] == "number 0.001 above 0 of Adam, above 0"
    assert lines["loss"] == "hinge | logistic hinge of the discriminator"
    assert lines["depth"].startswith("integer | null at least 1 blocks, at least 1;")


def test_show_as_json_has_the_options_as_json_schema(invoke: Invoke):
    model = json.loads(invoke("models", "show", "good", "--json").stdout)
    width = model["options"]["properties"]["width"]
    assert model["name"] == "good"
    assert (width["type"], width["default"], width["minimum"], width["maximum"]) == ("integer", 64, 8, 512)
    assert width["description"] == "channels, in [8, 512]"


def test_show_names_the_nearest_model(invoke: Invoke):
    result = invoke("models", "show", "goood")
    assert result.exit_code == 2
    assert result.stderr == "Error: Unknown model 'goood'.\nDid you mean 'good'?\n"


def test_show_of_a_model_without_its_options_tells_what_to_do(invoke: Invoke, make_plugin: Callable[..., Path]):
    make_plugin("torn", modules={"options": "import gone"})
    result = invoke("models", "show", "torn")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Model 'torn' of zoo-torn 1.0 can't be loaded: ModuleNotFoundError: No module named 'gone'" in result.stderr
    assert "pip uninstall zoo-torn" in result.stderr
