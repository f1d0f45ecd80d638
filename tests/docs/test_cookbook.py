"""The recipes of docs/cookbook.md: each is on the page, trains as it stands, and keeps the contract."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from zoo_core.cli.main import zoo
from zoo_core.data import load_dataset
from zoo_core.options import resolve
from zoo_core.registry import registry
from zoo_core.testing import check_model
from zoo_core.training.build import build

COOKBOOK = Path(__file__).parents[2] / "docs" / "examples" / "cookbook"
RECIPES = sorted(COOKBOOK.glob("*.py"))

TINY = {
    "autoencoder": ["--data", "digits@8", "-o", "width=2"],
    "ddpm": ["--data", "digits@8", "-o", "width=8", "-o", "diffusion_steps=2"],
    "lsgan": ["--data", "digits@8", "-o", "hidden=[4]", "-o", "real=1", "-o", "fake=-1", "-o", "aim=0"],
    "projection_gan": ["--data", "digits@8"],
    "wgan_gp": ["--data", "digits@8", "-o", "width=2"],
    "wrapped_vae": ["--data", "digits@28"],
}

QUICK = ("autoencoder", "lsgan")
"""To compile a step of the others takes more than a few seconds."""

each_recipe = pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
each_recipe_that_trains = pytest.mark.parametrize(
    "recipe",
    [pytest.param(path, id=path.stem, marks=() if path.stem in QUICK else pytest.mark.slow) for path in RECIPES],
)


@pytest.fixture(autouse=True)
def _files_are_forgotten() -> Iterator[None]:
    registry.cache_clear()
    yield
    registry.cache_clear()


def test_every_recipe_is_on_the_page():
    page = (COOKBOOK.parents[1] / "cookbook.md").read_text(encoding="utf-8")
    shown = re.findall(r"<!-- begin: file docs/examples/cookbook/(\w+)\.py -->", page)
    assert sorted(shown) == [path.stem for path in RECIPES] == sorted(TINY)


@each_recipe
def test_a_recipe_has_networks_for_its_data(recipe: Path):
    model = registry().model(registry().add_file(recipe))
    data = load_dataset("digits@28" if recipe.stem == "wrapped_vae" else "digits@8").spec
    built = build(model, resolve(model.load_options(), {}, recipe.stem), data, seed=0)
    assert set(built.model.inference) <= built.networks.keys()


@each_recipe_that_trains
def test_a_recipe_trains(recipe: Path, tmp_path: Path):
    arguments = [*TINY[recipe.stem], "--steps", "2", "--batch-size", "4", "--out", str(tmp_path / "run"), "--json"]
    done = CliRunner().invoke(zoo, ["train", str(recipe), *arguments])
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["step"] == 2
    assert list((tmp_path / "run" / "samples").iterdir())


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("hidden=[4, 0]", "greater than or equal to 1"),
        ("activation=gelu", "'relu', 'leaky_relu' or 'silu'"),
        ("real=-1", "real and aim must be above fake, received -1.0, None and 0.0"),
    ],
)
def test_options_of_a_recipe_are_refused(option: str, message: str, tmp_path: Path):
    out = tmp_path / "run"
    done = CliRunner().invoke(zoo, ["train", str(COOKBOOK / "lsgan.py"), "-o", option, "--out", str(out)])
    assert done.exit_code == 2
    assert message in done.stderr
    assert not out.exists()


@pytest.mark.slow
@each_recipe
def test_a_recipe_keeps_the_contract(recipe: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ZOO_MODEL_FILES", str(recipe))
    options = {"diffusion_steps": 4} if recipe.stem == "ddpm" else None
    failed = [result for result in check_model(recipe.stem, options=options) if result.outcome == "failed"]
    assert not failed
