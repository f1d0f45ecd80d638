"""Plugins as third parties install them: packages on the path with their metadata, good ones and broken ones."""

import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from zoo_core.errors import UsageError, ZooError
from zoo_core.registry import BrokenPluginWarning, Registry, registry

Describe = Callable[[str, str], Any]

HOOK = """
import zoo_core

@zoo_core.hookimpl
def zoo_models():
    """


def spec(name: str, api_version: int = 1) -> str:
    there = 'target="zoo_core:B", options="zoo_core:C"'
    fields = f'name="{name}", summary="", {there}, tasks={{"generate"}}, api_version={api_version}'
    return f"zoo_core.ModelSpec({fields})"


def feature_spec(name: str, api_version: int = 1) -> str:
    return f'zoo_core.FeatureSpec(name="{name}", summary="", target="zoo_core:b", api_version={api_version})'


def dataset_spec(name: str, fields: str = "") -> str:
    splits = '{"train": 2, "validation": 1, "test": 1}'
    return (
        f'zoo_core.DatasetSpec(name="{name}", summary="", target="zoo_core:b", shape=(8, 8, 1), classes=(), '
        f'origin="", splits={splits}{fields})'
    )


def metric_spec(name: str) -> str:
    return f'zoo_core.MetricSpec(name="{name}", summary="", target="zoo_core:b")'


def yields(*specs: str) -> str:
    """The text of a plugin whose hook yields these expressions."""
    return HOOK + "\n    ".join(f"yield {each}" for each in specs)


def yields_features(*specs: str) -> str:
    return yields(*specs).replace("zoo_models", "zoo_features")


def yields_datasets(*specs: str) -> str:
    return yields(*specs).replace("zoo_models", "zoo_datasets")


def yields_metrics(*specs: str) -> str:
    return yields(*specs).replace("zoo_models", "zoo_metrics")


OTHER = spec("abc").replace("zoo_core:B", "zoo_other.model:Model").replace("zoo_core:C", "zoo_other.options:Options")
"""The text of a spec whose name is another plugin's, `abc`."""

BROKEN = {
    "fails to import": ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
    "leaves the process": ("raise SystemExit('bye')", "SystemExit: bye"),
    "has a syntax error": ("def zoo_models(:", "SyntaxError: invalid syntax"),
    "fails in the hook": (HOOK + "raise RuntimeError('no\\nGPU')", "RuntimeError: no GPU"),
    "fails after a model": (yields(spec("bad"), "1 / 0"), "ZeroDivisionError: division by zero"),
    "misspells the hook": (yields(spec("bad")).replace("zoo_models", "zoo_model"), "unknown hook 'zoo_model'"),
    "has no hook": ("", "has no @zoo_core.hookimpl function zoo_models that yields a ModelSpec, nor zoo_features"),
    "forgets to yield": (HOOK + "pass", "that yields a ModelSpec, nor zoo_features that yields a FeatureSpec"),
    "returns garbage": (HOOK + "return 3", "TypeError: 'int' object is not iterable"),
    "yields garbage": (yields("{'name': 'bad'}"), "must yield ModelSpec records, received {'name': 'bad'}"),
    "has an invalid spec": (yields(spec("Bad Name")), "name must match [a-z][a-z0-9_-]*, received 'Bad Name'"),
    "is too new": (yields(spec("bad", 2)), "speaks plugin API 2, this zoo_core speaks 1; upgrade zoo-core"),
    "is too old": (yields(spec("bad", 0)), "speaks plugin API 0, this zoo_core speaks 1; upgrade zoo-bad"),
    "takes a name twice": (yields(spec("bad"), spec("bad")), "model 'bad' is there twice"),
    "yields the other record": (yields_features(spec("bad")), "zoo_features must yield FeatureSpec records, received"),
    "is called auto": (yields_features(feature_spec("auto")), "a feature network can't be called 'auto'"),
    "yields a data set of another record": (
        yields_datasets(metric_spec("bad")),
        "zoo_datasets must yield DatasetSpec records, received MetricSpec(",
    ),
    "has a data set without a split": (
        yields_datasets(dataset_spec("bad").replace('"test": 1', "")),
        "bad: splits must be train, validation and test, received {'train': 2, 'validation': 1}",
    ),
    "has a data set of four channels": (
        yields_datasets(dataset_spec("bad").replace("(8, 8, 1)", "(8, 8, 4)")),
        "bad: shape must be (H, W, C) with C 1 or 3, received (8, 8, 4)",
    ),
    "is fetched and can't say from where": (
        yields_datasets(dataset_spec("bad", ', download="by bad"')),
        "bad: download and at_hand go together",
    ),
    "has a metric called all": (yields_metrics(metric_spec("all")), "a metric can't be called 'all'"),
    "misspells a hook beside a good one": (
        yields_metrics(metric_spec("bad")) + yields_datasets(dataset_spec("bad")).replace("datasets", "dataset"),
        "unknown hook 'zoo_dataset'",
    ),
    "has features that are too new": (
        yields_features(feature_spec("bad", 2)),
        "feature network 'bad' speaks plugin API 2, this zoo_core speaks 1",
    ),
}


@pytest.fixture
def describe() -> Describe:
    """What `run.json` says of the model of a run: its name and its package."""
    return lambda model, distribution: SimpleNamespace(model=model, distribution=distribution, version="1.0")


@pytest.fixture
def make_broken(make_plugin: Callable[..., Path]) -> Callable[[str], None]:
    """Three plugins, of which the second in the alphabet is broken."""

    def make(init: str) -> None:
        make_plugin("abc")
        make_plugin("bad", init, version="0.3")
        make_plugin("good")

    return make


@pytest.mark.parametrize(("init", "reason"), BROKEN.values(), ids=list(BROKEN))
def test_a_broken_plugin_is_told_in_one_line_and_the_others_work(
    make_broken: Callable[[str], None], init: str, reason: str
):
    make_broken(init)
    with pytest.warns(BrokenPluginWarning) as warned:
        found = registry()
    (warning,) = warned
    assert str(warning.message).startswith("plugin 'bad' (zoo-bad 0.3) is broken and left out: ")
    assert reason in str(warning.message)
    assert "\n" not in str(warning.message)
    assert {"abc", "good"} <= set(found.models)
    assert "bad" not in found.models
    assert found.model("good").load_options()().width == 64
    states = {plugin.name: (plugin.state, plugin.error) for plugin in found.plugins}
    assert states["abc"] == states["good"] == ("ok", None)
    assert states["bad"][0] == "broken"
    assert reason in states["bad"][1]

    with pytest.raises(ZooError) as raised:
        found.model("bad")
    assert raised.value.exit_code == 1
    assert raised.value.message.startswith("Model 'bad' can't be used: its plugin zoo-bad 0.3 is broken (")
    assert reason in raised.value.message
    assert "pip uninstall zoo-bad" in raised.value.hint
    assert "ZOO_DISABLED_PLUGINS=bad" in raised.value.hint


def test_a_broken_plugin_is_found_by_the_models_that_it_yielded(make_plugin: Callable[..., Path]):
    make_plugin("bad", yields(spec("other", api_version=2)))
    with pytest.warns(BrokenPluginWarning):
        found = registry()
    with pytest.raises(ZooError, match=r"Model 'other' can't be used: its plugin zoo-bad .* is broken"):
        found.model("other")


def test_a_plugin_may_bring_models_and_feature_networks(make_plugin: Callable[..., Path]):
    make_plugin("both", yields(spec("both")) + yields_features(feature_spec("both"), feature_spec("more")))
    found = registry()
    assert found.model("both").plugin is found.feature_network("both").plugin
    assert [spec.name for spec in found.feature_network("more").plugin.features] == ["both", "more"]


def test_a_plugin_may_bring_data_sets_and_metrics(make_plugin: Callable[..., Path]):
    make_plugin(
        "both", yields_datasets(dataset_spec("both"), dataset_spec("more")) + yields_metrics(metric_spec("both"))
    )
    found = registry()
    assert found.dataset("more").plugin is found.metric("both").plugin
    assert found.dataset("both").source == "zoo-both 1.0"
    assert found.dataset("digits").source is None
    assert list(found.datasets)[-2:] == ["both", "more"]


def test_names_that_are_near_are_told_for_every_kind():
    with pytest.raises(UsageError, match=r"Unknown data set 'digit'\. Did you mean 'digits'\?"):
        registry().dataset("digit", "Or a path.")
    with pytest.raises(UsageError, match=r"Unknown data set 'zzz'\. Or a path\."):
        registry().dataset("zzz", "Or a path.")
    with pytest.raises(UsageError, match=r"Unknown metric 'pnsr'\. Did you mean 'psnr'\?"):
        registry().metric("pnsr")


def test_what_a_broken_plugin_would_have_brought_shows_its_error(make_plugin: Callable[..., Path]):
    make_plugin("bad", yields_metrics(metric_spec("bad"), "1 / 0"))
    with pytest.warns(BrokenPluginWarning):
        found = registry()
    with pytest.raises(ZooError, match=r"Metric 'bad' can't be used: its plugin zoo-bad 1.0 is broken \(ZeroDiv"):
        found.metric("bad")
    with pytest.raises(ZooError, match="Data set 'bad' can't be used"):
        found.dataset("bad")


def test_the_core_is_a_plugin_that_comes_first(make_plugin: Callable[..., Path]):
    make_plugin("abc", yields(spec("abc")) + yields_features(feature_spec("pixels")))
    with pytest.warns(BrokenPluginWarning, match=r"network 'pixels', left out: 'core' \(zoo-core .*\) has the name"):
        found = registry()
    assert [plugin.name for plugin in found.plugins][:2] == ["core", "abc"]
    assert str(found.feature_network("pixels").plugin).startswith("zoo-core ")
    assert set(found.features) == {"inception", "classifier", "pixels"}


@pytest.mark.parametrize(
    ("ask", "kind", "init"),
    [
        (Registry.dataset, "data set", yields_datasets(dataset_spec("same"))),
        (Registry.feature_network, "feature network", yields_features(feature_spec("same"))),
        (Registry.metric, "metric", yields_metrics(metric_spec("same"))),
    ],
)
def test_a_name_that_another_package_took_first_costs_a_package_no_more_than_that(
    make_plugin: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, ask: Callable, kind: str, init: str
):
    make_plugin("aaa", init)
    make_plugin("same", init + yields(spec("mine")))
    told = rf"plugin 'same' \(zoo-same 1.0\) brings {kind} 'same', left out: 'aaa' \(zoo-aaa 1.0\) has the name"
    with pytest.warns(BrokenPluginWarning, match=told) as warned:
        found = registry()
    assert len(warned) == 1
    assert ask(found, "same").plugin.name == "aaa"
    assert found.model("mine").plugin.name == "same"
    (plugin,) = [plugin for plugin in found.plugins if plugin.name == "same"]
    assert (plugin.state, len(plugin.notes)) == ("ok", 1)
    assert "same" not in {spec.name for spec in plugin.specs}

    monkeypatch.setenv("ZOO_DISABLED_PLUGINS", "aaa")
    registry.cache_clear()
    assert ask(registry(), "same").plugin.name == "same"


@pytest.mark.parametrize("name", ["core", "zoo-core"])
def test_the_core_can_not_be_disabled(monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.setenv("ZOO_DISABLED_PLUGINS", name)
    with pytest.raises(UsageError, match=r"zoo-core's own plugin can't be disabled.*ZOO_DISABLED_PLUGINS"):
        registry()


def test_without_the_cores_entry_point_it_says_what_to_install():
    with pytest.raises(UsageError, match=r"Unknown feature network 'pixels'\. zoo-core's own entry point is not"):
        Registry(entry_points=[]).feature_network("pixels")


def test_a_feature_network_of_a_broken_plugin_shows_its_error(make_plugin: Callable[..., Path]):
    make_plugin("bad", yields_features(feature_spec("other", api_version=2)))
    with pytest.warns(BrokenPluginWarning):
        found = registry()
    with pytest.raises(ZooError, match=r"Feature network 'other' can't be used: its plugin zoo-bad .* is broken"):
        found.feature_network("other")


def test_strict_raises_at_the_first_broken_plugin(make_broken: Callable[[str], None], monkeypatch: pytest.MonkeyPatch):
    make_broken("import no_such_package")
    monkeypatch.setenv("ZOO_STRICT_PLUGINS", "1")
    with pytest.raises(ZooError, match=r"plugin 'bad' \(zoo-bad 0.3\) is broken: .*no_such_package") as raised:
        registry()
    assert isinstance(raised.value.__cause__, ModuleNotFoundError)


@pytest.mark.parametrize("names", ["bad", "zoo-bad", " other, bad ,"])
def test_a_disabled_plugin_is_not_even_imported(
    make_broken: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, names: str
):
    make_broken("import no_such_package")
    monkeypatch.setenv("ZOO_DISABLED_PLUGINS", names)
    found = registry()
    assert "zoo_bad" not in sys.modules
    assert {plugin.name: plugin.state for plugin in found.plugins}["bad"] == "disabled"
    assert {"abc", "good"} <= set(found.models)
    with pytest.raises(UsageError, match=r"Model 'bad' of zoo-bad 0.3 is disabled.*ZOO_DISABLED_PLUGINS"):
        found.model("bad")


def test_a_distribution_without_metadata_does_not_stop_the_others(make_plugin: Callable[..., Path]):
    make_plugin("good")
    site = make_plugin("bare")
    (site / "zoo_bare-1.0.dist-info" / "METADATA").write_text("")
    found = registry()
    assert {"good", "bare"} <= set(found.models)
    assert str(found.model("bare").plugin) == "unknown unknown"


def test_an_unknown_model_names_the_nearest_or_lists_them_all(make_plugin: Callable[..., Path]):
    make_plugin("pixelcnn")
    with pytest.raises(UsageError, match=r"Unknown model 'pixelcn'. Did you mean 'pixelcnn'\?"):
        registry().model("pixelcn")
    with pytest.raises(UsageError, match=r"Unknown model 'xyz'. Known: .*pixelcnn"):
        registry().model("xyz")


def test_without_plugins_it_says_how_to_get_one():
    with pytest.raises(UsageError, match=r"Unknown model 'vae'\. No model is installed"):
        Registry(entry_points=[]).model("vae")


def test_a_model_is_asked_for_by_its_plain_name_where_that_is_its_own(
    make_plugin: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    make_plugin("good")
    assert registry().name_of(registry().model("zoo-good:good")) == "good"
    base = "from zoo_core.models import GenerativeModel\n"
    (tmp_path / "good.py").write_text(base + "class A(GenerativeModel): inference = phases = networks = sample = print")
    monkeypatch.setenv("ZOO_MODEL_FILES", str(tmp_path / "good.py"))
    registry.cache_clear()
    assert registry().name_of(registry().model("good")) == "good"
    assert registry().name_of(registry().model("zoo-good:good")) == "zoo-good:good"


def test_two_models_of_one_name_are_told_apart_by_their_packages(make_plugin: Callable[..., Path]):
    make_plugin("abc")
    make_plugin("other", yields(OTHER))
    told = r"plugin 'other' \(zoo-other 1.0\) brings model 'abc', as zoo-abc 1.0 does; ask for zoo-other:abc"
    with pytest.warns(BrokenPluginWarning, match=told):
        found = registry()
    assert {"zoo-abc:abc", "zoo-other:abc"} <= set(found.models)
    assert {plugin.name: plugin.state for plugin in found.plugins}["other"] == "ok"
    for package in ("abc", "other"):
        assert found.model(f"zoo-{package}:abc").load()[0].__module__ == f"zoo_{package}.model"
    with pytest.raises(
        UsageError, match=r"'abc' is brought by zoo-abc 1.0 and by zoo-other 1.0\. Say which: zoo-abc:abc"
    ):
        found.model("abc")
    with pytest.raises(UsageError, match=r"Unknown model 'zoo-third:abc'. Did you mean 'zoo-other:abc'\?"):
        found.model("zoo-third:abc")


def test_a_model_of_the_core_keeps_its_plain_name(make_plugin: Callable[..., Path]):
    site = make_plugin("abc")
    metadata = site / "zoo_abc-1.0.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("zoo-abc", "zoo-core"))
    make_plugin("other", yields(OTHER))
    with pytest.warns(BrokenPluginWarning, match="ask for zoo-other:abc"):
        found = registry()
    assert found.model("abc").plugin.distribution == "zoo-core"
    assert found.model("zoo-other:abc").plugin.distribution == "zoo-other"


def test_a_model_alone_has_a_full_name_too(make_plugin: Callable[..., Path]):
    make_plugin("good")
    assert registry().model("zoo-good:good") is registry().model("good")


def test_one_package_can_not_bring_a_name_twice(make_plugin: Callable[..., Path]):
    site = make_plugin("good")
    (site / "zoo_good-1.0.dist-info" / "entry_points.txt").write_text("[zoo_core]\na = zoo_good\nb = zoo_good\n")
    with pytest.warns(BrokenPluginWarning, match=r"plugin 'b' .* 'good', left out: 'a' \(zoo-good 1.0\) has the name"):
        found = registry()
    assert found.model("good").plugin.name == "a"


def test_the_model_of_a_run_is_that_of_its_package(make_plugin: Callable[..., Path], describe: Describe):
    make_plugin("abc")
    make_plugin("other", yields(OTHER))
    with pytest.warns(BrokenPluginWarning):
        found = registry()
    assert found.model_of(describe("abc", "zoo-abc")).plugin.name == "abc"
    assert found.model_of(describe("abc", "zoo-other")).plugin.name == "other"
    assert found.model_of(describe("zoo-other:abc", "zoo-other")).plugin.name == "other"


def test_the_model_of_a_run_may_have_moved_to_another_package(make_plugin: Callable[..., Path], describe: Describe):
    make_plugin("good")
    assert registry().model_of(describe("good", "zoo-former")).plugin.name == "good"
    with pytest.raises(UsageError, match="Unknown model 'gone'"):
        registry().model_of(describe("gone", "zoo-former"))


@pytest.mark.parametrize("stated", [", api_version=1", ""], ids=["stated", "by default"])
def test_an_older_version_of_the_contract_works_and_is_told_with_the_package_to_upgrade(
    make_plugin: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, stated: str
):
    make_plugin("good", yields(spec("good").replace(", api_version=1", stated)))
    monkeypatch.setattr("zoo_core.discovery.API_VERSION", 2)
    told = "speaks plugin API 1 in 'good', which a later zoo-core will not understand; upgrade zoo-good"
    with pytest.warns(BrokenPluginWarning, match=told):
        found = Registry(entry_points(group="zoo_core", name="good"))
    assert found.model("good").spec.api_version == 1


def test_a_model_is_loaded_when_it_is_asked_for(make_plugin: Callable[..., Path]):
    make_plugin("good")
    found = registry().model("good")
    assert "zoo_good.model" not in sys.modules
    model, options = found.load()
    assert (model.__module__, model.__name__) == ("zoo_good.model", "Model")
    assert options().loss == "hinge"


def test_a_likelihood_has_to_be_declared(make_plugin: Callable[..., Path]):
    init = yields(spec("good").replace('"zoo_core:B"', '"zoo_good.model:Model"').replace('"generate"', '"likelihood"'))
    make_plugin("good", init, modules={"model": "class Model:\n    def log_likelihood(self): ..."})
    with pytest.raises(ZooError, match=r"for the tasks \['likelihood'\] zoo_good.model:Model lacks \['likelihood'\]"):
        registry().model("good").load()


@pytest.mark.parametrize(
    ("modules", "told"),
    [
        ({"model": "import gone"}, "Model 'good' of zoo-good 1.0 can't be loaded: ModuleNotFoundError: .* 'gone'"),
        ({"model": ""}, "can't be loaded: AttributeError: module 'zoo_good.model' has no attribute 'Model'"),
        ({"model": "exit(3)"}, "can't be loaded: SystemExit: 3"),
        (
            {"model": "class Model: ..."},
            r"TypeError: for the tasks \['generate'\] zoo_good.model:Model lacks \['sample'\]",
        ),
        (
            {"model": "class Model: sample = print", "options": "Options = dict"},
            "must be a subclass of zoo_core.Options",
        ),
        (
            {"model": "class Model: sample = print", "options": "import gone"},
            "can't be loaded: .*No module named 'gone'",
        ),
    ],
)
def test_a_spec_that_promises_too_much_is_told_on_use(
    make_plugin: Callable[..., Path], modules: dict[str, str], told: str
):
    make_plugin("good", modules=modules)
    make_plugin("other")
    found = registry()
    with pytest.raises(ZooError, match=told) as raised:
        found.model("good").load()
    assert raised.value.hint
    assert found.model("other").load_options()
