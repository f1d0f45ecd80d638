import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from zoo_core.testing import kit

Invoke = Callable[..., Result]


@pytest.fixture(autouse=True)
def three_plugins(make_plugin: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    make_plugin("good")
    make_plugin("bad", "import no_such_package", version="0.3")
    make_plugin("off", "import no_such_package")
    monkeypatch.setenv("ZOO_DISABLED_PLUGINS", "off")


@pytest.mark.filterwarnings("default::zoo_core.registry.BrokenPluginWarning")
def test_list_shows_what_is_wrong_and_that_is_no_failure(invoke: Invoke):
    result = invoke("plugins", "list")
    assert result.exit_code == 0
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in result.stdout.splitlines()}
    assert lines["good"] == "zoo-good 1.0 good ok"
    assert lines["bad"] == "zoo-bad 0.3 broken ModuleNotFoundError: No module named 'no_such_package'"
    assert lines["off"] == "zoo-off 1.0 disabled"
    assert lines["core"].endswith("inception, classifier, pixels ok")
    assert result.stderr == (
        "zoo: plugin 'bad' (zoo-bad 0.3) is broken and left out: "
        "ModuleNotFoundError: No module named 'no_such_package'\n"
    )


@pytest.mark.filterwarnings("default::zoo_core.registry.BrokenPluginWarning")
def test_list_as_json(invoke: Invoke):
    plugins = {plugin.pop("name"): plugin for plugin in json.loads(invoke("plugins", "list", "--json").stdout)}
    assert plugins["good"] == {
        "distribution": "zoo-good",
        "version": "1.0",
        "models": ["good"],
        "features": [],
        "state": "ok",
        "reason": None,
    }
    assert (plugins["bad"]["state"], plugins["bad"]["models"]) == ("broken", [])
    assert "no_such_package" in plugins["bad"]["reason"]
    assert plugins["off"]["state"] == "disabled"
    assert plugins["core"]["features"] == ["inception", "classifier", "pixels"]


@pytest.mark.filterwarnings("default::zoo_core.registry.BrokenPluginWarning")
def test_asking_for_the_model_of_a_broken_plugin_shows_the_error_and_what_to_do(invoke: Invoke):
    result = invoke("models", "show", "bad")
    assert result.exit_code == 1
    assert "Model 'bad' can't be used: its plugin zoo-bad 0.3 is broken (ModuleNotFoundError" in result.stderr
    assert "pip uninstall zoo-bad" in result.stderr


def test_strict_makes_a_broken_plugin_an_error(invoke: Invoke, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ZOO_STRICT_PLUGINS", "1")
    result = invoke("models", "list")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "plugin 'bad' (zoo-bad 0.3) is broken" in result.stderr


def test_the_cores_own_plugin_can_not_be_disabled(invoke: Invoke, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ZOO_DISABLED_PLUGINS", "core")
    result = invoke("plugins", "list")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "zoo-core's own plugin can't be disabled" in result.stderr


@pytest.fixture
def only_option_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The conformance kit with two quick checks alone."""
    monkeypatch.setattr(kit, "CHECKS", kit.CHECKS[1:3])


@pytest.mark.usefixtures("only_option_checks")
@pytest.mark.filterwarnings("default::zoo_core.registry.BrokenPluginWarning")
def test_check_lists_every_check(invoke: Invoke):
    result = invoke("plugins", "check", "good", "-o", "width=16")
    assert result.exit_code == 0, result.stderr
    assert [line.split()[:2] for line in result.stdout.splitlines()] == [
        ["check", "outcome"],
        ["options_survive_toml", "passed"],
        ["unknown_options_are_refused", "passed"],
    ]


@pytest.mark.usefixtures("only_option_checks")
@pytest.mark.filterwarnings("default::zoo_core.registry.BrokenPluginWarning")
def test_check_tells_what_fails_and_how_to_mend_it(invoke: Invoke, make_plugin: Callable[..., Path]):
    options = "import zoo_core\n\nclass Options(zoo_core.Options):\n    model_config = {'extra': 'allow'}\n"
    make_plugin("lax", modules={"options": f"print('hello')\n{options}"})
    result = invoke("plugins", "check", "lax", "--json")
    assert result.exit_code == 1
    records = {record.pop("check"): record for record in json.loads(result.stdout)}
    assert records["options_survive_toml"]["outcome"] == "passed"
    assert records["unknown_options_are_refused"]["outcome"] == "failed"
    assert "derive it from zoo_core.Options" in records["unknown_options_are_refused"]["message"]
    assert "'lax' fails 1 of 2 checks: unknown_options_are_refused." in result.stderr


@pytest.mark.filterwarnings("default::zoo_core.registry.BrokenPluginWarning")
def test_a_model_that_can_not_be_checked(invoke: Invoke):
    assert invoke("plugins", "check", "bad").exit_code == 1
    assert invoke("plugins", "check", "no-such").exit_code == 2
