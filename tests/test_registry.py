"""Plugins as third parties install them: packages on the path with their metadata, good ones and broken ones."""

import sys
from collections.abc import Callable

import pytest

from zoo_core.errors import UsageError, ZooError
from zoo_core.registry import BrokenPluginWarning, Registry, registry

HOOK = "import zoo_core\n\n@zoo_core.hookimpl\ndef zoo_models():\n    "
SPEC = 'zoo_core.ModelSpec(name="{name}", summary="", target="{target}", options="zoo_good.options:Options", tasks={{"generate"}}{more})'


def yields(name: str, target: str = "zoo_bad.model:Model", more: str = "") -> str:
    return f"{HOOK}yield {SPEC.format(name=name, target=target, more=more)}\n"


BROKEN = {
    "fails to import": ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
    "leaves the process": ("raise SystemExit('bye')", "SystemExit: bye"),
    "has a syntax error": ("def zoo_models(:", "SyntaxError: invalid syntax"),
    "fails in the hook": (f"{HOOK}raise RuntimeError('no\\nGPU')\n", "RuntimeError: no GPU"),
    "fails after a model": (f"{yields('bad')}    1 / 0\n", "ZeroDivisionError: division by zero"),
    "misspells the hook": (yields("bad").replace("zoo_models", "zoo_model"), "unknown hook 'zoo_model'"),
    "has no hook": ("", "has no @zoo_core.hookimpl function zoo_models"),
    "forgets to yield": (f"{HOOK}pass\n", "that yields a ModelSpec"),
    "returns garbage": (f"{HOOK}return 3\n", "TypeError: 'int' object is not iterable"),
    "yields garbage": (f"{HOOK}yield {{'name': 'bad'}}\n", "must yield ModelSpec records, received {'name': 'bad'}"),
    "has an invalid spec": (yields("Bad Name"), r"a model's name must match [a-z][a-z0-9_-]*, received 'Bad Name'"),
    "is too new": (
        yields("bad", more=", api_version=2"),
        "speaks plugin API 2, this zoo_core speaks 1; upgrade zoo-core",
    ),
    "is too old": (yields("bad", more=", api_version=0"), "plugin API 0, this zoo_core speaks 1; upgrade the plugin"),
    "takes a taken name": (yields("abc"), "model 'abc' is already taken by zoo-abc 1.0"),
    "takes a name twice": (
        f"{yields('bad')}    yield {SPEC.format(name='bad', target='a:B', more='')}\n",
        "is there twice",
    ),
}


@pytest.fixture
def make_broken(make_plugin: Callable[..., None]) -> Callable[[str], None]:
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


def test_a_broken_plugin_is_found_by_the_models_that_it_yielded(make_plugin: Callable[..., None]):
    make_plugin("bad", yields("other", more=", api_version=2"))
    with pytest.warns(BrokenPluginWarning):
        found = registry()
    with pytest.raises(ZooError, match="Model 'other' can't be used: its plugin zoo-bad 1.0 is broken"):
        found.model("other")


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


def test_what_a_plugin_prints_is_kept_out_of_the_data(
    make_plugin: Callable[..., None], capsys: pytest.CaptureFixture[str]
):
    make_plugin("good", f"print('hello')\n{yields('good')}    print('bye')\n")
    assert registry().model("good").spec.name == "good"
    assert capsys.readouterr() == ("", "hello\nbye\n")


def test_an_unreadable_distribution_does_not_stop_the_others(
    make_plugin: Callable[..., None], tmp_path_factory: pytest.TempPathFactory
):
    make_plugin("good")
    make_plugin("bare")
    (entry,) = (p for p in sys.path if p.endswith("site-packages") and "pytest" in p)
    open(f"{entry}/zoo_bare-1.0.dist-info/METADATA", "w").close()
    found = registry()
    assert {"good", "bare"} <= set(found.models)
    assert str(found.model("bare").plugin) == "unknown unknown"


def test_an_unknown_model_names_the_nearest_or_lists_them_all(make_plugin: Callable[..., None]):
    make_plugin("pixelcnn")
    with pytest.raises(UsageError, match=r"Unknown model 'pixelcn'. Did you mean 'pixelcnn'\?"):
        registry().model("pixelcn")
    with pytest.raises(UsageError, match=r"Unknown model 'xyz'. Known: .*pixelcnn"):
        registry().model("xyz")


def test_without_plugins_it_says_how_to_get_one():
    with pytest.raises(UsageError, match="Unknown model 'vae'. No model is installed; try: pip install zoo-"):
        Registry(entry_points=[]).model("vae")


def test_a_model_is_loaded_when_it_is_asked_for(make_plugin: Callable[..., None]):
    make_plugin("good", modules={"model": "class Model:\n    def sample(self): ..."})
    found = registry().model("good")
    assert "zoo_good.model" not in sys.modules
    model, options = found.load()
    assert (model.__module__, model.__name__) == ("zoo_good.model", "Model")
    assert options().loss == "hinge"


@pytest.mark.parametrize(
    ("modules", "told"),
    [
        ({}, "Model 'good' of zoo-good 1.0 can't be loaded: ModuleNotFoundError: No module named 'zoo_good.model'"),
        ({"model": ""}, "can't be loaded: AttributeError: module 'zoo_good.model' has no attribute 'Model'"),
        ({"model": "exit(3)"}, "can't be loaded: SystemExit: 3"),
        ({"model": "class Model: ..."}, r"declares the tasks \['generate'\] but has no \['sample'\]"),
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
    make_plugin: Callable[..., None], modules: dict[str, str], told: str
):
    make_plugin("good", modules=modules)
    make_plugin("other")
    found = registry()
    with pytest.raises(ZooError, match=told) as raised:
        found.model("good").load()
    assert raised.value.hint
    assert found.model("other").load_options()
