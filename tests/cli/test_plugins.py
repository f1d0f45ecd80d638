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
    assert "inception, classifier, pixels digits, mnist" in lines["core"]
    assert lines["core"].endswith("likelihood ok")
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
        "datasets": [],
        "metrics": [],
        "state": "ok",
        "reason": None,
    }
    assert (plugins["bad"]["state"], plugins["bad"]["models"]) == ("broken", [])
    assert "no_such_package" in plugins["bad"]["reason"]
    assert plugins["off"]["state"] == "disabled"
    assert plugins["core"]["features"] == ["inception", "classifier", "pixels"]
    assert plugins["core"]["datasets"][0] == "digits"
    assert plugins["core"]["metrics"][0] == "fd"


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


@pytest.mark.usefixtures("only_option_checks")
@pytest.mark.filterwarnings("default::zoo_core.registry.BrokenPluginWarning")
def test_a_check_may_be_expected_to_fail_and_is_told_when_it_passes_after_all(
    invoke: Invoke, make_plugin: Callable[..., Path]
):
    options = "import zoo_core\n\nclass Options(zoo_core.Options):\n    model_config = {'extra': 'allow'}\n"
    make_plugin("lax", modules={"options": options})
    expect = ("--expect", "unknown_options_are_refused=they come from a=b files", "--json")
    expected = invoke("plugins", "check", "lax", *expect)
    assert expected.exit_code == 0, expected.stderr
    record = json.loads(expected.stdout)[1]
    assert record["outcome"] == "expected failure"
    assert record["message"].startswith("they come from a=b files: Expected options that refuse")
    passing = invoke("plugins", "check", "good", *expect)
    assert passing.exit_code == 1
    assert json.loads(passing.stdout)[1]["outcome"] == "unexpectedly passed"
    assert "'good' fails 1 of 2 checks: unknown_options_are_refused." in passing.stderr


@pytest.mark.filterwarnings("default::zoo_core.registry.BrokenPluginWarning")
@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ("unknown_option_is_refused=old", "Did you mean 'unknown_options_are_refused'?"),
        ("unknown_options_are_refused", "--expect takes a check and why it fails, received 'unknown_options_are_ref"),
        ("unknown_options_are_refused= ", "--expect takes a check and why it fails"),
    ],
)
def test_an_expectation_that_is_none_is_misuse(invoke: Invoke, expected: str, told: str):
    result = invoke("plugins", "check", "good", "--expect", expected)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr


@pytest.mark.filterwarnings("default::zoo_core.registry.BrokenPluginWarning")
def test_a_model_that_can_not_be_checked(invoke: Invoke):
    assert invoke("plugins", "check", "bad").exit_code == 1
    assert invoke("plugins", "check", "no-such").exit_code == 2


@pytest.mark.filterwarnings("default::zoo_core.registry.BrokenPluginWarning")
@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("mnits", "Did you mean the data set 'mnist'"),
        ("goood", "Did you mean the model 'good'?"),
        ("pixel", "the feature network 'pixels'"),
        ("psrn", "the metric 'psnr'"),
        ("xxxxxxxx", "See: zoo models list, zoo datasets list, zoo features list, zoo metrics list."),
    ],
)
def test_a_misspelt_name_is_looked_for_among_all_kinds(invoke: Invoke, name: str, hint: str):
    result = invoke("plugins", "check", name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"There is no model, data set, feature network or metric called '{name}'." in result.stderr
    assert hint in result.stderr


@pytest.mark.filterwarnings("default::zoo_core.registry.BrokenPluginWarning")
@pytest.mark.parametrize(
    ("name", "checks"),
    [("lfw_subset", kit.DATASET_CHECKS), ("pixels", kit.FEATURE_CHECKS), ("psnr", kit.METRIC_CHECKS)],
)
def test_check_finds_out_what_a_name_stands_for(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, name: str, checks: tuple[kit.Check, ...]
):
    for each in ("DATASET_CHECKS", "FEATURE_CHECKS", "METRIC_CHECKS"):
        monkeypatch.setattr(kit, each, getattr(kit, each)[1:3])  # without what takes a process
    result = invoke("plugins", "check", name, "--json")
    assert result.exit_code == 0, result.stderr
    assert [record["check"] for record in json.loads(result.stdout)] == [check.__name__ for check in checks[1:3]]


@pytest.mark.usefixtures("only_option_checks")
@pytest.mark.filterwarnings("default::zoo_core.registry.BrokenPluginWarning")
def test_what_is_a_data_set_and_a_model_is_checked_as_both(
    invoke: Invoke, make_plugin: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
):
    make_plugin("pixels")
    monkeypatch.setattr(kit, "FEATURE_CHECKS", kit.FEATURE_CHECKS[1:3])
    result = invoke("plugins", "check", "pixels", "--json")
    assert [record["check"] for record in json.loads(result.stdout)] == [
        "options_survive_toml",
        "unknown_options_are_refused",
        "it_opens_as_a_feature_network",
        "features_are_rows_of_float32",
    ]


@pytest.mark.usefixtures("only_option_checks")
@pytest.mark.filterwarnings("default::zoo_core.registry.BrokenPluginWarning")
def test_the_model_in_a_file_is_checked(invoke: Invoke):
    file = Path(__file__).parents[2] / "docs" / "examples" / "zoo-gmmn" / "zoo_gmmn" / "model.py"
    result = invoke("plugins", "check", str(file), "--json")
    assert result.exit_code == 0, result.stderr
    assert [record["outcome"] for record in json.loads(result.stdout)] == ["passed", "passed"]
    assert invoke("plugins", "check", "./no_such.py").exit_code == 2


@pytest.mark.filterwarnings("default::zoo_core.registry.BrokenPluginWarning")
def test_a_model_of_another_backend_is_refused_before_its_checks(invoke: Invoke, torch_only: str):
    result = invoke("plugins", "check", torch_only)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Model 'bound' runs on torch alone, and Keras runs on jax. Add --backend" in " ".join(result.stderr.split())
