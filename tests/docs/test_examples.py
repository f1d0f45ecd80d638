"""The plugins that the README and docs/plugins.md show: installed as they are, trained, and put to their own tests."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import zoo_core
from zoo_core.cli.main import zoo
from zoo_core.data import load_dataset
from zoo_core.features import load_features

ZOO = [sys.executable, "-c", "from zoo_core.cli.main import run; run()"]


def test_a_model_in_20_lines(install: Callable[[str], Path]):
    lines = (install("zoo-gmmn") / "zoo_gmmn" / "model.py").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line.strip()]) <= 20


def test_the_file_of_the_tutorial_trains(tmp_path: Path):
    file = Path(__file__).parents[2] / "docs" / "examples" / "tutorial" / "mlp_gan.py"
    arguments = ["--data", "digits", "--steps", "2", "--out", str(tmp_path / "run")]
    done = CliRunner().invoke(zoo, ["train", str(file), *arguments])
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "run" / "samples" / "final.png").is_file()


def test_the_package_of_the_tutorial_trains_before_it_has_options(install: Callable[..., Path], tmp_path: Path):
    install("zoo-mlp-gan", {"__init__.py": "tutorial/entry.py", "model.py": "tutorial/mlp_gan.py"})
    zoo_core.train("mlp-gan", "digits", tmp_path / "run", training={"steps": 2})
    assert (tmp_path / "run" / "samples" / "final.png").is_file()


@pytest.mark.slow
def test_the_plugin_of_the_tutorial_trains(install: Callable[[str], Path], tmp_path: Path):
    install("zoo-mlp-gan")
    arguments = ["--data", "digits", "--steps", "2", "-o", "width=8", "--out", str(tmp_path / "run"), "--json"]
    done = subprocess.run([*ZOO, "train", "mlp-gan", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["step"] == 2
    assert (tmp_path / "run" / "samples" / "final.png").is_file()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("chosen", "passed"),
    [("not conformance", "2 passed"), ("", " passed")],
    ids=["own", "all"],
)
def test_the_plugin_of_the_tutorial_passes_its_own_tests(install: Callable[[str], Path], chosen: str, passed: str):
    tests = install("zoo-mlp-gan") / "tests"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, str(tests)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert passed in done.stdout


def test_the_feature_network_counts_intensities(install: Callable[[str], Path]):
    install("zoo-histogram")
    done = subprocess.run([*ZOO, "features", "list", "--json"], capture_output=True, text=True)
    assert "histogram" in [record["name"] for record in json.loads(done.stdout)]
    network = load_features("histogram", load_dataset("digits").spec)
    images = np.array([[0, 15], [16, 255]], np.uint8).reshape(1, 2, 2, 1)
    expected = np.zeros((1, 16))
    expected[0, [0, 1, 15]] = 0.5, 0.25, 0.25
    np.testing.assert_array_equal(network.features(images), expected)
    np.testing.assert_array_equal(network.features(images.repeat(3, axis=3)), expected.repeat(3, axis=1))
