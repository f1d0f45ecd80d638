import dataclasses
from typing import Any

import pytest

from zoo_core.specs import API_VERSION, DataSpec, FeatureSpec, Field, ModelSpec


def model(**changes: Any) -> ModelSpec:
    fields = {"name": "vae", "summary": "A model", "target": "a.b:C", "options": "a:D", "tasks": {"generate"}}
    return ModelSpec(**(fields | changes))


def data(**fields: Field) -> DataSpec:
    return DataSpec(name="digits", fields=fields, classes=(), splits={"train": 1}, content_hash="0")


def test_a_model_spec_is_for_this_api_unconditional_and_frozen():
    spec = model(tasks=["generate", "likelihood"])
    assert (spec.api_version, spec.labels, spec.tasks) == (API_VERSION, "ignored", {"generate", "likelihood"})
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.name = "other"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "My Model"}, r"\[a-z\].*'My Model'"),
        ({"name": ""}, "''"),
        ({"target": "package.module"}, "vae: target.*'module:Class'.*'package.module'"),
        ({"options": "a:b:c"}, "vae: options.*'a:b:c'"),
        ({"tasks": {"generate", "juggle"}}, "vae: tasks.*'reconstruct'.*'juggle'"),
        ({"tasks": set()}, r"vae: tasks.*received \[\]"),
        ({"labels": "maybe"}, "vae: labels.*'maybe'"),
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
    assert FeatureSpec(**fields).api_version == API_VERSION
    with pytest.raises(ValueError, match=told):
        FeatureSpec(**(fields | changes))


def test_a_data_spec_knows_its_shape_and_whether_it_has_labels():
    images = Field((28, 20, 1), "float32")
    assert data(images=images).image_shape == (28, 20, 1)
    assert not data(images=images).labelled
    assert data(images=images, labels=Field((), "int32")).labelled
