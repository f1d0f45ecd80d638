import dataclasses
import inspect
import types
from typing import Any

import pytest

from zoo_core import specs
from zoo_core.specs import DataSpec, FeatureSpec, Field, ModelSpec


def model(**changes: Any) -> ModelSpec:
    fields = {"name": "vae", "summary": "A model", "target": "a.b:C", "options": "a:D", "tasks": {"generate"}}
    return ModelSpec(**(fields | changes))


def data(**fields: Field) -> DataSpec:
    return DataSpec(name="digits", fields=fields, classes=(), splits={"train": 1}, content_hash="0")


def test_a_model_spec_is_unconditional_for_every_backend_and_frozen():
    spec = model(tasks=["generate", "likelihood"])
    assert (spec.labels, spec.tasks) == ("ignored", {"generate", "likelihood"})
    assert spec.runs_on == {"jax", "torch", "tensorflow"}
    assert model(backends=["jax", "torch"]).runs_on == {"jax", "torch"}
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.name = "other"


def test_a_record_that_names_no_version_is_of_the_first_one_whatever_the_newest_is():
    later = types.ModuleType("later")
    exec(inspect.getsource(specs).replace("\nAPI_VERSION = 1\n", "\nAPI_VERSION = 2\n"), vars(later))
    assert later.API_VERSION == 2
    for record in (later.ModelSpec, later.FeatureSpec, later.DatasetSpec, later.MetricSpec):
        assert {field.name: field.default for field in dataclasses.fields(record)}["api_version"] == 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "My Model"}, r"\[a-z\].*'My Model'"),
        ({"name": ""}, "''"),
        ({"target": "package.module"}, "vae: target.*'module:Class'.*'package.module'"),
        ({"target": ".module:C"}, "vae: target.*'module:Class'.*'.module:C'"),
        ({"options": "a:b:c"}, "vae: options.*'a:b:c'"),
        ({"tasks": {"generate", "juggle"}}, "vae: tasks.*'reconstruct'.*'juggle'"),
        ({"tasks": set()}, r"vae: tasks.*received \[\]"),
        ({"labels": "maybe"}, "vae: labels.*'maybe'"),
        ({"backends": {"numpy"}}, "vae: backends must be some of .*'jax', .* received {'numpy'}"),
        ({"backends": "jax"}, "vae: backends must be some of .* received 'jax'"),
        ({"backends": ()}, r"vae: backends must be some of .* received \(\)"),
    ],
)
def test_a_wrong_model_spec_says_what_was_expected_and_received(changes: dict[str, Any], told: str):
    with pytest.raises(ValueError, match=told):
        model(**changes)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "My Features"}, r"a feature network's name must match \[a-z\].*'My Features'"),
        ({"name": "auto"}, "can't be called 'auto'"),
        ({"target": "package.module"}, "vgg: target must read 'module:function', received 'package.module'"),
    ],
)
def test_a_wrong_feature_spec_says_what_was_expected_and_received(changes: dict[str, str], told: str):
    fields = {"name": "vgg", "summary": "Features", "target": "a.b:c"}
    with pytest.raises(ValueError, match=told):
        FeatureSpec(**(fields | changes))


def test_a_data_spec_knows_its_shape_and_whether_it_has_labels():
    images = Field((28, 20, 1), "float32")
    assert data(images=images).image_shape == (28, 20, 1)
    assert not data(images=images).labelled
    assert data(images=images, labels=Field((), "int32")).labelled
