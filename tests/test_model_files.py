"""A model in a file that the user names: trained, taken up again, and never run where it was not named."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import zoo_core
from zoo_core.cli.main import zoo
from zoo_core.registry import registry

MODEL = '''
import math
from pathlib import Path

import keras
from keras import layers, ops
from pydantic import Field

from zoo_core import Options
from zoo_core.models import GenerativeModel, Phase

Path(__file__).with_suffix(".ran").touch()


class Width(Options):
    width: int = Field(4, ge=1, description="units, at least 1")


class Base(GenerativeModel):
    inference = ("generator",)


class Mean(Base):
    """Draws what is near the mean image (Nobody 2026).

    And more.
    """

    def networks(self, data):
        hidden = layers.Dense(self.options.width)
        image = [layers.Dense(math.prod(data.image_shape), "tanh"), layers.Reshape(data.image_shape)]
        return {"generator": keras.Sequential([layers.Input((2,)), hidden, *image])}

    def phases(self):
        return (Phase("generator", self.loss, ("generator",), keras.optimizers.Adam()),)

    def loss(self, nets, batch, tools):
        fakes = nets["generator"](tools.normal((batch["images"].shape[0], 2)), training=True)
        return ops.mean(ops.square(batch["images"] - fakes)), {}

    def sample(self, nets, count, labels, tools):
        return nets["generator"](tools.normal((count, 2)), training=False)
'''

TINY = ("--data", "digits@8", "--steps", "2", "--batch-size", "4")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path("my-model.py")
    path.write_text(MODEL)
    return path


def invoke(*arguments: str | Path, **env: str) -> Result:
    registry.cache_clear()  # as in a new process
    return CliRunner().invoke(zoo, list(map(str, arguments)), env=env)


@pytest.fixture
def run(file: Path) -> Path:
    result = invoke("train", f"./{file}", *TINY, "-o", "width=3", "--out", "run", "--json")
    assert result.exit_code == 0, result.stderr
    file.with_suffix(".ran").unlink()
    return Path("run")


def test_a_run_says_which_file_it_is_of(run: Path):
    description = json.loads((run / "run.json").read_text())
    assert (description["model"], description["distribution"]) == ("my-model", "my-model.py")
    assert description["version"].startswith("sha256:")
    assert "width = 3" in (run / "options.toml").read_text()


def test_a_run_never_runs_a_file_that_was_not_named(run: Path, file: Path):
    description = json.loads((run / "run.json").read_text())
    for model in ("my-model", "./my-model.py", str(file.resolve())):
        (run / "run.json").write_text(json.dumps(description | {"model": model}))
        for arguments in (("sample", run), ("train", "--resume", run, "--steps", "3")):
            result = invoke(*arguments)
            assert result.exit_code == 2
            assert "is in the file 'my-model.py', and a file is only run where you name it" in result.stderr
            assert "ZOO_MODEL_FILES=path/to/my-model.py" in result.stderr
    assert not file.with_suffix(".ran").exists()


def test_with_its_file_a_run_is_sampled_from_and_gone_on_with(run: Path, file: Path):
    assert invoke("sample", run, "-n", "3", ZOO_MODEL_FILES=str(file)).exit_code == 0
    assert len(list(Path("samples").iterdir())) == 3
    resumed = invoke("train", "--resume", run, "--steps", "3", ZOO_MODEL_FILES=str(file))
    assert resumed.exit_code == 0, resumed.stderr
    assert zoo_core.RunFolder(run).metrics()[-1]["step"] == 3


@pytest.mark.filterwarnings("default::UserWarning")
def test_a_file_that_has_changed_is_told(run: Path, file: Path):
    file.write_text(MODEL + "\n")
    result = invoke("sample", run, "-n", "1", ZOO_MODEL_FILES=str(file))
    assert result.exit_code == 0
    assert result.stderr.startswith("zoo: 'my-model.py' is not what it was when the run was started: sha256:")
    resumed = invoke("train", "--resume", run, "--steps", "3", ZOO_MODEL_FILES=str(file))
    assert resumed.exit_code == 0
    assert resumed.stderr.count("is not what it was when the run was started") == 1
    assert resumed.stderr.count(f"zoo: '{run}' was started with my-model.py sha256:") == 1


def test_named_files_are_models_beside_the_installed_ones(file: Path):
    shown = invoke("models", "show", "my-model", "--json", ZOO_MODEL_FILES=os.pathsep.join(["other.py", str(file)]))
    assert shown.exit_code == 0, shown.stderr
    model = json.loads(shown.stdout)
    assert model["summary"] == "Draws what is near the mean image (Nobody 2026)."
    assert (model["tasks"], model["labels"]) == (["generate"], "ignored")
    assert list(model["options"]["properties"]) == ["width"]


def test_an_alias_of_the_model_is_no_second_one(file: Path):
    file.write_text(MODEL + "\nModel, Settings = Mean, Width\n")
    assert registry().model(registry().add_file(file)).spec.target.endswith(":Mean")


def test_a_file_is_shown_by_its_path(file: Path):
    shown = invoke("models", "show", f"./{file}", "--json")
    assert shown.exit_code == 0, shown.stderr
    assert list(json.loads(shown.stdout)["options"]["properties"]) == ["width"]


@pytest.mark.filterwarnings("default:Can't read:zoo_core.registry.BrokenPluginWarning")
def test_named_files_are_listed_and_one_that_can_not_be_run_is_told(file: Path):
    listed = invoke("models", "list", "--json", ZOO_MODEL_FILES=os.pathsep.join(["gone.py", str(file)]))
    assert listed.exit_code == 0, listed.stderr
    models = {model["name"]: model for model in json.loads(listed.stdout)}
    assert models["my-model"]["distribution"] == "my-model.py"
    assert {"gone", "vae"} & set(models) == {"vae"}
    assert listed.stderr == "zoo: Can't read 'gone.py': No such file or directory.\n"


@pytest.mark.parametrize("other", ["copy/my-model.py", "my_model.py"])
def test_two_files_that_would_be_called_alike_are_refused(file: Path, other: str):
    Path("copy").mkdir()
    Path(other).write_text(MODEL)
    listed = invoke("models", "list", ZOO_MODEL_FILES=os.pathsep.join([str(file), other]))
    assert (listed.exit_code, listed.stdout) == (2, "")
    assert f"'my-model.py' and '{other}' can't be told apart" in listed.stderr
    refused = invoke("train", f"./{other}", *TINY, ZOO_MODEL_FILES=str(file))
    assert refused.exit_code == 2
    assert f"'my-model.py' and '{other}' can't be told apart" in refused.stderr
    assert invoke("models", "show", f"./{file}", ZOO_MODEL_FILES=str(file.resolve())).exit_code == 0


def test_from_python_a_file_is_added_and_may_be_conditional(file: Path):
    file.write_text(MODEL.replace("class Width(Options)", "class Width") + "\nLABELS = 'required'\n")
    name = registry().add_file(file)
    found = registry().model(name)
    assert found.spec.labels == "required"
    assert found.load()[1] is zoo_core.Options


def test_a_file_comes_before_an_installed_model_of_its_name_and_can_not_be_mixed_up_with_it(file: Path):
    installed = registry().model("vae")
    registry().add_file(file.rename("vae.py"))
    assert registry().model("vae").plugin.distribution == "vae.py"
    assert registry().model("zoo-vae:vae") is installed


PHASES = MODEL[MODEL.index("    def phases") : MODEL.index("    def loss")]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("./gone.py", None, "Can't read 'gone.py': No such file"),
        ("./model.txt", MODEL, "must end in .py, received 'model.txt'"),
        ("./Model.py", MODEL, "'Model.py' can't be a model: a model's name must match"),
        ("model.py", "", "'model.py' defines no model: expected one subclass of zoo_core.models.GenerativeModel"),
        ("model.py", "import gone", "'model.py' can't be run: ModuleNotFoundError: No module named 'gone'"),
        ("model.py", "def f(:", "'model.py' can't be run: SyntaxError: invalid syntax (model.py, line 1)"),
        ("model.py", "raise SystemExit('bye')", "'model.py' can't be run: SystemExit: bye"),
        ("model.py", MODEL + "class B(Base): ...", "must define one GenerativeModel, received Mean, B"),
        ("model.py", MODEL + "class More(Options): ...", "must define one Options, received Width, More"),
        ("model.py", MODEL.replace(PHASES, ""), "Mean in 'model.py' lacks phases"),
        ("model.py", MODEL.replace("def sample", "def draw"), "Mean in 'model.py' lacks sample"),
        ("model.py", MODEL + "LABELS = 'maybe'", "labels must be 'ignored' or 'required', received 'maybe'"),
    ],
)
def test_what_is_not_one_model_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str | None, told: str
):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path(name).write_text(content)
    result = invoke("train", name, *TINY)
    assert result.exit_code == 2
    assert told in " ".join(result.stderr.split())
    assert not Path("runs").exists()


def test_the_model_of_an_example_is_such_a_file_too(tmp_path: Path):
    example = Path(__file__).parents[1] / "docs" / "examples" / "zoo-gmmn" / "zoo_gmmn" / "model.py"
    result = invoke("train", example, *TINY, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.stderr
