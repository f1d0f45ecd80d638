"""What `zoo plugins new` writes is what a good author would have written: it trains, and passes its own tests."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import zoo_core
from zoo_core.cli.scaffold import TASKS

TINY = {"steps": 2, "batch_size": 4}

each_kind = pytest.mark.parametrize("kind", TASKS)


def python(*arguments: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@each_kind
def test_it_trains_and_samples_as_it_is(new_plugin: Callable[[str], Path], tmp_path: Path, kind: str):
    new_plugin(kind)
    run = zoo_core.train("my-model", "digits@8", tmp_path / "run", options={"width": 2}, training=TINY)
    assert run.description().distribution == "zoo-my-model"
    sampler = zoo_core.Sampler.load(run.path)
    labels = np.array([3, 4]) if kind == "conditional" else None
    assert sampler.conditional == (kind == "conditional")
    assert sampler.generate(2, seed=1, labels=labels).shape == (2, 8, 8, 1)
    assert sampler.reconstructs == (kind == "vae")


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


@each_kind
def test_it_passes_its_own_tests(new_plugin: Callable[[str], Path], kind: str):
    folder = new_plugin(kind)
    assert " passed" in python("pytest", "-q", "-p", "no:cacheprovider", folder=folder)
