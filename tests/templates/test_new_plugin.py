"""What `zoo plugins new` writes is what a good author would have written: it trains, and passes its own tests."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from zoo_core.cli.scaffold import TASKS
from zoo_core.registry import registry
from zoo_core.testing import check_model

each_kind = pytest.mark.parametrize("kind", TASKS)


def python(*arguments: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@each_kind
def test_it_is_what_was_asked_for(new_plugin: Callable[[str], Path], kind: str):
    new_plugin(kind)
    model = registry().model("my-model")
    assert model.plugin.distribution == "zoo-my-model"
    assert (model.spec.labels == "required") == (kind == "conditional")
    assert ("reconstruct" in model.spec.tasks) == (kind == "vae")
    assert ("translate" in model.spec.tasks) == (kind == "translation")
    assert ("latent" in model.load_options().model_fields) == (kind != "translation")


@each_kind
def test_it_is_well_formed(new_plugin: Callable[[str], Path], kind: str):
    folder = new_plugin(kind)
    ruff = ("--isolated", "--line-length", "120", ".")
    python(
        "ruff",
        "check",
        "--select",
        "E,F,W,I,UP,B,C4,SIM,PT,RET,PIE,RUF",
        "--ignore",
        "RUF001,RUF002",
        *ruff,
        folder=folder,
    )
    python("ruff", "format", "--check", *ruff, folder=folder)


@pytest.mark.slow
@each_kind
def test_it_trains_and_passes_its_own_tests_as_it_is(new_plugin: Callable[[str], Path], kind: str):
    folder = new_plugin(kind)
    assert " passed" in python("pytest", "-q", "-p", "no:cacheprovider", folder=folder)


@pytest.mark.slow
@each_kind
def test_it_learns(new_plugin: Callable[[str], Path], kind: str):
    new_plugin(kind)
    assert [result for result in check_model("my-model", slow=True) if result.wrong] == []
