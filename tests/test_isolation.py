"""What no plugin can do to the others: each way to be broken, as an installed package, seen through the commands."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from click.testing import CliRunner, Result

from zoo_core.cli.main import zoo
from zoo_core.evaluation.metrics import select
from zoo_core.registry import registry

ZOO = [sys.executable, "-c", "from zoo_core.cli.main import run; run()"]

HOOK = """
import zoo_core

@zoo_core.hookimpl
def zoo_models():
    yield zoo_core.ModelSpec(
        name="bad", summary="", target="zoo_bad.model:Model", options="zoo_bad.options:Options", tasks={"generate"}
    )
"""


class Bad(NamedTuple):
    """A plugin's text, what is told of it, and whether it is left out."""

    init: str
    told: str
    broken: bool = True


BAD = {
    "fails to import": Bad("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
    "fails in the hook": Bad(HOOK + "    raise RuntimeError('no GPU')", "RuntimeError: no GPU"),
    "misspells the hook": Bad(HOOK.replace("zoo_models", "zoo_model"), "unknown hook 'zoo_model'"),
    "speaks a newer API": Bad(HOOK.replace("tasks", "api_version=99, tasks"), "API 99, this zoo_core speaks 1"),
    "points nowhere": Bad(
        HOOK.replace("zoo_bad.model", "zoo_bad.gone"),
        "points to zoo_bad.gone in 'bad', and there is no such module",
        False,
    ),
    "has a taken name": Bad(HOOK.replace('"bad"', '"abc"'), "brings model 'abc', as zoo-abc 1.0 does", False),
    "prints": Bad("print('hello')" + HOOK, "prints while it is imported", False),
    "looks at stdout": Bad("import sys; assert not sys.stdout.closed; raise OSError(sys.stdout.encoding)", "OSError: "),
    "is slow": Bad("import time; time.sleep(0.2)" + HOOK, "s to import, at every start", False),
    "sets the backend": Bad(
        "import os; os.environ['KERAS_BACKEND'] = 'torch'" + HOOK, "sets KERAS_BACKEND to 'torch', which was un", False
    ),
    "drops the backend": Bad(
        "import os; del os.environ['KERAS_BACKEND']" + HOOK, "sets KERAS_BACKEND to None, which was undone", False
    ),
    "seeds Python": Bad("import random; random.seed(0)" + HOOK, "changes the random state of Python, which", False),
    "seeds NumPy": Bad("import numpy; numpy.random.seed(0)" + HOOK, "changes the random state of NumPy, which", False),
}

each = pytest.mark.parametrize("bad", BAD.values(), ids=list(BAD))

pytestmark = pytest.mark.filterwarnings("default::zoo_core.registry.BrokenPluginWarning")


def invoke(*arguments: str) -> Result:
    registry.cache_clear()
    for module in ("zoo_bad", "zoo_bad.model"):  # as in a new process
        sys.modules.pop(module, None)
    return CliRunner().invoke(zoo, arguments)


def numpy_state() -> bytes:
    return np.random.get_state()[1].tobytes()  # noqa: NPY002  # the global one is what is looked at


@pytest.fixture
def install(make_plugin: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Callable[[Bad], None]:
    """Three plugins, of which the second in the alphabet is bad."""
    monkeypatch.setattr("zoo_core.isolation.SLOW_SECONDS", 0.1)

    def install(bad: Bad) -> None:
        make_plugin("abc")
        make_plugin("bad", bad.init)
        make_plugin("good")

    return install


@each
def test_the_rest_works_one_line_tells_and_the_list_shows_the_reason(install: Callable[[Bad], None], bad: Bad):
    install(bad)
    backend, python, numpy = os.environ["KERAS_BACKEND"], random.getstate(), numpy_state()
    shown = invoke("models", "show", "good", "--json")
    assert shown.exit_code == 0
    assert json.loads(shown.stdout)["options"]["properties"]["width"]["default"] == 64
    (line,) = [line for line in shown.stderr.splitlines() if line != "hello"]
    assert line.startswith("zoo: plugin 'bad' (zoo-bad 1.0) ")
    assert bad.told in line
    assert ("is broken and left out" in line) == bad.broken

    plugins = json.loads(invoke("plugins", "list", "--json").stdout)
    (record,) = [plugin for plugin in plugins if plugin["name"] == "bad"]
    assert record["state"] == ("broken" if bad.broken else "ok")
    assert bad.told in record["reason"]

    assert os.environ["KERAS_BACKEND"] == backend
    assert random.getstate() == python
    assert numpy_state() == numpy


@pytest.mark.parametrize("name", ["seeds Python", "seeds NumPy"])
def test_who_seeds_as_the_process_was_seeded_is_told_too(install: Callable[[Bad], None], name: str):
    install(BAD[name])
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002
        assert BAD[name].told in invoke("models", "list").stderr
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


@each
def test_disabled_it_is_not_even_imported(install: Callable[[Bad], None], bad: Bad, monkeypatch: pytest.MonkeyPatch):
    install(bad)
    monkeypatch.setenv("ZOO_DISABLED_PLUGINS", "bad")
    listed = invoke("models", "list", "--json")
    assert {"abc", "good"} <= {model["name"] for model in json.loads(listed.stdout)}
    assert listed.stderr == ""
    assert "zoo_bad" not in sys.modules


@each
def test_strict_stops_at_it(install: Callable[[Bad], None], bad: Bad, monkeypatch: pytest.MonkeyPatch):
    install(bad)
    monkeypatch.setenv("ZOO_STRICT_PLUGINS", "1")
    result = invoke("models", "list")
    assert (result.exit_code, result.stdout) == (1, "")
    assert bad.told in result.stderr


def test_a_spec_that_points_nowhere_is_told_on_use_too(install: Callable[[Bad], None]):
    install(BAD["points nowhere"])
    result = invoke("train", "bad", "--data", "digits@8", "--dry-run")
    assert result.exit_code == 1
    assert "Model 'bad' of zoo-bad 1.0 can't be loaded: ModuleNotFoundError" in result.stderr
    assert "pip uninstall zoo-bad" in result.stderr
    assert invoke("models", "show", "good").exit_code == 0


OTHERS = """
import zoo_core

@zoo_core.hookimpl
def zoo_datasets():
    yield zoo_core.DatasetSpec(
        name="bad", summary="", target="zoo_bad.parts:load", shape=(8, 8, 1), classes=(), origin="", download="by hand",
        at_hand="zoo_bad.parts:at_hand", splits={"train": 2, "validation": 1, "test": 1},
    )

@zoo_core.hookimpl
def zoo_metrics():
    yield zoo_core.MetricSpec(name="bad", summary="", target="zoo_bad.parts:Metric")
"""

PARTS = """
import numpy as np
import zoo_core
from zoo_core.data import Split
from zoo_core.evaluation.metric import SampleMetric
from zoo_core.evaluation.intervals import Estimate, Rated

def load(spec, data_dir):
    print("hello")
    splits = {name: Split(np.zeros((n, 8, 8, 1), "uint8"), None) for name, n in spec.splits.items()}
    return zoo_core.Dataset(spec.name, splits)

def at_hand(spec, data_dir):
    return "here"

class Metric(SampleMetric):
    name = "bad"

    def measure(self, sample, evaluand):
        return {"bad": Rated(Estimate(1.0), "Bad", "lower", 0)}
"""

SHOW = ("datasets", "show", "bad", "--json")
SCORE = (
    "evaluate",
    "lfw_subset",
    "--against",
    "lfw_subset#train",
    "--features",
    "pixels",
    "--metrics",
    "bad",
    "--json",
)


def install_parts(make_plugin: Callable[..., Path], text: str = "", other: str = "") -> None:
    sys.modules.pop("zoo_bad.parts", None)
    assert text in PARTS
    make_plugin("bad", OTHERS, modules={"parts": PARTS.replace(text, other) if text else PARTS})


@pytest.mark.parametrize(
    ("command", "text", "other", "told"),
    [
        (SHOW, "def load", "def loud", "Data set 'bad' of zoo-bad 1.0 can't be loaded: AttributeError: module"),
        (SHOW, "import numpy as np", "import gone", "Data set 'bad' of zoo-bad 1.0 can't be loaded: ModuleNotFoundEr"),
        (
            SHOW,
            "return zoo_core.Dataset(spec.name, splits)",
            "return splits",
            "expected a zoo_core.Dataset, received {",
        ),
        (SHOW, "8, 8, 1), ", "9, 8, 1), ", "its record says (8, 8, 1), and its images are (9, 8, 1)"),
        (SHOW, ", None)", ", np.zeros(n, 'int32'))", "can't be loaded: ValueError: labels and class names go together"),
        (SHOW, 'print("hello")', "raise zoo_core.ZooError('Gone.', 'Call us.')", "Error: Gone.\nCall us."),
        (SCORE, "class Metric", "class Metrics", "Metric 'bad' of zoo-bad 1.0 can't be loaded: AttributeError: module"),
        (
            SCORE,
            "(SampleMetric)",
            "",
            "can't be loaded: TypeError: expected a zoo_core.evaluation.metric.Metric, recei",
        ),
        (SCORE, 'name = "bad"', 'name = "fd"', "its name must be 'bad', received 'fd'"),
        (SCORE, 'return {"bad"', '1 / 0\n        return {"bad"', "Metric 'bad' of zoo-bad 1.0 fails: ZeroDivisionErr"),
        (SCORE, '{"bad":', '{"fid":', "its scores must be called 'bad', or that and more after '_', received 'fid'"),
    ],
)
def test_a_data_set_and_a_metric_that_are_broken_are_told_on_use(
    make_plugin: Callable[..., Path], command: tuple[str, ...], text: str, other: str, told: str
):
    install_parts(make_plugin, text, other)
    result = invoke(*command)
    assert (result.exit_code, result.stdout) == (1, "")
    assert told in result.stderr
    assert invoke("datasets", "show", "lfw_subset").exit_code == 0


def test_a_data_set_and_a_metric_that_point_nowhere_are_shown_in_the_list(make_plugin: Callable[..., Path]):
    make_plugin("bad", OTHERS.replace("zoo_bad.parts:load", "zoo_bad.gone:load").replace("parts:Metric", "away:Metric"))
    (record,) = [plugin for plugin in json.loads(invoke("plugins", "list", "--json").stdout) if plugin["name"] == "bad"]
    assert "points to zoo_bad.gone in 'bad', and there is no such module" in record["reason"]
    assert "points to zoo_bad.away in 'bad', and there is no such module" in record["reason"]


def test_what_a_data_set_prints_is_no_data_and_a_metric_is_measured_where_it_is_named(make_plugin: Callable[..., Path]):
    install_parts(make_plugin)
    shown = invoke(*SHOW)
    assert json.loads(shown.stdout)["splits"] == {"train": 2, "validation": 1, "test": 1}
    assert "hello" in shown.stderr
    assert json.loads(invoke(*SCORE).stdout)["metrics"]["bad"]["plugin"] == "zoo-bad 1.0"
    assert "bad" not in [metric.name for metric in select(None)]
    assert "bad" in [metric.name for metric in select(["all"])]


def test_a_set_that_does_not_know_where_it_is_leaves_the_others_listed(make_plugin: Callable[..., Path]):
    install_parts(make_plugin, 'return "here"', "1 / 0")
    result = invoke("datasets", "list")
    assert result.exit_code == 0
    assert "Data set 'bad' of zoo-bad 1.0 can't be loaded: ZeroDivisionError" in result.stderr
    lines = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert lines["digits"].rstrip().endswith("scikit-learn")
    assert "no: by hand" in lines["bad"]


def test_nothing_waits_for_a_slow_plugin_that_needs_no_plugins(install: Callable[[Bad], None], tmp_path: Path):
    install(Bad(f"open({str(tmp_path / 'imported')!r}, 'w')\nimport time\ntime.sleep(60)", ""))
    for arguments in (["--help"], ["train", "--help"], ["protocols", "list"]):
        done = subprocess.run([*ZOO, *arguments], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
    assert not (tmp_path / "imported").exists()


def test_what_a_model_changes_when_it_is_imported_is_undone(make_plugin: Callable[..., Path]):
    changes = "import os, random\nrandom.seed(0)\nos.environ['KERAS_BACKEND'] = 'torch'\n"
    make_plugin("good", modules={"model": changes + "class Model:\n    def sample(self): ..."})
    backend, state = os.environ["KERAS_BACKEND"], random.getstate()
    registry().model("good").load()
    assert (os.environ["KERAS_BACKEND"], random.getstate()) == (backend, state)


def test_another_model_of_a_name_leaves_the_runs_of_the_first_alone(
    make_plugin: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    tiny = ("--data", "digits@8", "--steps", "1", "--batch-size", "2", "-o", "width=2", "-o", "latent=2")
    assert invoke("train", "vae", *tiny, "--out", "first").exit_code == 0
    spec = HOOK.replace('"bad"', '"vae"').replace("zoo_bad.model:Model", "zoo_vae.model:VAE")
    make_plugin("other", spec.replace("zoo_bad.options:Options", "zoo_vae.options:VAEOptions"))
    assert invoke("sample", "first", "-n", "1", "--out", "a").exit_code == 0
    refused = invoke("train", "vae", *tiny)
    assert refused.exit_code == 2
    assert "Say which: zoo-other:vae or zoo-vae:vae." in refused.stderr
    trained = invoke("train", "zoo-other:vae", *tiny, "--json")
    assert trained.exit_code == 0, trained.stderr
    run = json.loads(trained.stdout)["run"]
    assert run == str(Path("runs/zoo-other-vae-digits-8-s0"))
    assert json.loads(Path(run, "run.json").read_text())["distribution"] == "zoo-other"
    assert invoke("sample", run, "-n", "1", "--out", "b").exit_code == 0
