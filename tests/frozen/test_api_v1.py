"""The promise to the plugins of others: what was written for version 1 of the plugin API works for good."""

import dataclasses
import hashlib
import importlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pluggy
import pytest

import zoo_core
from zoo_core import hookspecs
from zoo_core.data import load_dataset
from zoo_core.discovery import RECORDS, Spec
from zoo_core.features import load_features

FROZEN = {
    "zoo_api_v1": "f94dde6ae46cc8b9caf7286226b5a837c6bf3af3d10c96451d82002610a45660",
    "zoo_api_v1_more": "873d50616884ce4393e45c41c27c1baeab21a048235cb89baf98658afab9702d",
}
"""The packages beside this file, and the SHA-256 over their files. NEVER CHANGE ONE: see their `__init__.py`."""

REQUIRED = {
    zoo_core.ModelSpec: {"name", "summary", "target", "options", "tasks"},
    zoo_core.FeatureSpec: {"name", "summary", "target"},
    zoo_core.DatasetSpec: {"name", "summary", "target", "shape", "classes", "splits", "origin"},
    zoo_core.MetricSpec: {"name", "summary", "target"},
}
"""The fields that each record of version 1 has to be given."""

TINY = {"steps": 1, "batch_size": 4}


@pytest.fixture(autouse=True)
def frozen_plugins(make_plugin: Callable[..., Path]) -> None:
    """Installed as they stand, files and all."""
    for package in FROZEN:
        site = make_plugin(package.removeprefix("zoo_"))
        shutil.rmtree(site / package)
        shutil.copytree(Path(__file__).parent / package, site / package, ignore=shutil.ignore_patterns("__pycache__"))


@pytest.mark.parametrize("package", FROZEN)
def test_nobody_has_edited_it(package: str):
    folder, digest = Path(__file__).parent / package, hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    assert digest.hexdigest() == FROZEN[package], f"{package} is frozen: take back what was changed, and mend the core"


def test_a_conditional_gan_trains_and_samples(tmp_path: Path):
    training = TINY | {"augment": ["translation"]}
    run = zoo_core.train("v1-gan", "digits@8", tmp_path / "run", options={"width": 2}, training=training)
    (line,) = run.metrics()
    assert np.isfinite([line["critic/penalty"], line["regularization/loss"], line["generator/loss"]]).all()
    sampler = zoo_core.Sampler.load(run.path)
    assert sampler.generate(3, seed=1, labels=np.array([0, 1, 2])).shape == (3, 8, 8, 1)


def test_an_autoencoder_trains_samples_reconstructs_and_has_a_likelihood(tmp_path: Path):
    data = load_dataset("digits@8")
    run = zoo_core.train("v1-vae", data, tmp_path / "run", options={"sigma": 0.5}, training=TINY)
    sampler, images = zoo_core.Sampler.load(run.path), data.images("test")[:4]
    assert sampler.generate(3, seed=1).shape == (3, 8, 8, 1)
    assert sampler.reconstruct(images).shape == images.shape
    assert sampler.log_likelihood(images, seed=1).shape == (4,)
    zoo_core.resume(run.path, steps=2)
    assert run.metrics()[-1]["step"] == 2


def test_what_it_refuses_is_told_in_its_own_words(tmp_path: Path):
    with pytest.raises(zoo_core.UnsupportedShape, match="at most 64 pixels, received 80"):
        zoo_core.train("v1-gan", "digits@80", tmp_path / "run")
    with pytest.raises(zoo_core.UsageError, match="penalty=-1"):
        zoo_core.train("v1-gan", "digits@8", tmp_path / "run", options={"penalty": -1})


def test_a_feature_network_sees_images():
    network = load_features("v1-means", load_dataset("digits@8").spec)
    np.testing.assert_array_equal(network.features(np.full((2, 3, 3, 1), 7, np.uint8)), [[7], [7]])


def test_data_sets_load_and_are_trained_on(tmp_path: Path):
    data = load_dataset("v1-ramps")
    assert (data.spec.image_shape, data.classes, data.plugin) == ((8, 8, 1), ("right", "down"), "zoo-api_v1_more 1.0")
    run = zoo_core.train("v1-gan", "v1-ramps@16", tmp_path / "run", options={"width": 2}, training=TINY)
    assert zoo_core.Sampler.load(run.path).generate(1, seed=1, labels=np.array([1])).shape == (1, 16, 16, 1)


def test_a_data_set_that_is_not_at_hand_says_what_to_do_and_one_that_is_has_pairs(tmp_path: Path):
    with pytest.raises(zoo_core.ZooError, match=r"Put pairs\.npz into the folder"):
        load_dataset("v1-pairs")
    names, counts = ("images", "inputs", "test_images", "test_inputs"), (10, 10, 5, 5)
    shapes = [(count, *((4, 4) if "inputs" in name else (8, 8)), 3) for name, count in zip(names, counts, strict=True)]
    rng = np.random.default_rng(0)
    arrays = {name: rng.integers(0, 256, shape, np.uint8) for name, shape in zip(names, shapes, strict=True)}
    np.savez(tmp_path / "pairs.npz", **arrays)
    data = load_dataset("v1-pairs", tmp_path)
    assert data.spec.splits == {"train": 9, "validation": 1, "test": 5}
    assert data.spec.fields["inputs"].shape == (4, 4, 3)


def test_metrics_score_a_run(tmp_path: Path):
    run = zoo_core.train("v1-vae", "v1-ramps", tmp_path / "run", training=TINY)
    names = ["v1-contrast", "v1-bright", "v1-error"]
    scores = zoo_core.evaluate(run.path, metrics=names, features="v1-means", count=6).metrics
    assert set(scores) == {"v1-contrast", "v1-bright_v1-means", "v1-error"}
    assert {score.plugin for score in scores.values()} == {"zoo-api_v1_more 1.0"}
    assert all(np.isfinite(score.value) and score.interval for score in scores.values())


@pytest.mark.parametrize("kind", RECORDS)
def test_a_hook_that_gets_an_argument_calls_plugins_that_do_not_name_it(kind: str, monkeypatch: pytest.MonkeyPatch):
    def later(anything: str) -> None:
        """The hook as a later zoo-core might have it."""

    hook = f"zoo_{kind}"
    monkeypatch.setattr(hookspecs, hook, hookspecs.hookspec(later))
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    for package in FROZEN:
        manager.register(importlib.import_module(package))
    manager.check_pending()
    (found,) = getattr(manager.hook, hook)(anything="new")
    specs = list(found)
    assert specs
    assert all(isinstance(spec, RECORDS[kind]) for spec in specs)


@pytest.mark.parametrize("record", REQUIRED, ids=lambda record: record.__name__)
def test_a_field_that_a_record_gets_has_a_default(record: type[Spec]):
    def given(field: dataclasses.Field[Any]) -> bool:
        return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING

    assert {field.name for field in dataclasses.fields(record) if given(field)} == REQUIRED[record]
