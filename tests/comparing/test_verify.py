"""What may be published: the project's own results may, and nothing that was changed in any place that counts."""

import json
from pathlib import Path
from typing import Any

import pytest

from zoo_core.comparing.results import Comparison
from zoo_core.comparing.verify import problems

DIGITS = Path(__file__).parents[2] / "benchmarks" / "results" / "digits.json"


@pytest.fixture
def content() -> dict[str, Any]:
    return json.loads(DIGITS.read_text(encoding="utf-8"))


def found(content: dict[str, Any]) -> list[str]:
    return problems(Comparison.model_validate(content))


def test_what_the_project_publishes_may_be_published(content: dict[str, Any]) -> None:
    assert found(content) == []


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("protocol", None, "was not scored by a protocol"),
        ("protocol.name", "mine", "none of the project's"),
        ("protocol.training.steps", 9000, "not the project's 'digits' (protocol.training.steps: 2000, 9000)"),
        ("source.training.steps", 4000, "steps should be 2000, received 4000"),
        ("source.training.batch_size", 8, "batch_size should be 64, received 8"),
        ("source.seed", 7, "seed should be one of 0, 1, 2, received 7"),
        ("source.checkpoint", 500, "checkpoint should be 2000, received 500"),
        ("source.checkpoint_rule", "best", "it scores the best checkpoint, not the final one"),
        ("source.trained_on.content_hash", "00" * 32, "demands the data set 'digits' with the content hash"),
        ("data.content_hash", "00" * 32, "reference images should have the hash"),
        ("data.reference", "train", "reference should be test, received train"),
        ("features.weights_sha256", "00" * 32, "features' weights should be"),
        ("features.name", "pixels", "features should be classifier:digits, received pixels"),
        ("sampling_seed", 1, "sampling seed should be 0, received 1"),
        ("requested", ["fd"], "metrics should be"),
        ("metrics.fd_classifier.n_generated", 5000, "expected 1,294 generated images, received 5,000"),
        ("metrics.fd_classifier.n_reference", 50, "expected 359 reference images, received 50"),
        ("metrics", {}, "it has no scores"),
    ],
)
def test_what_was_changed_is_refused_with_the_reason(
    content: dict[str, Any], path: str, value: object, problem: str
) -> None:
    *parents, last = path.split(".")
    record = content["records"][0]
    place = record
    for parent in parents:
        place = place[parent]
    place[last] = value
    reasons = found(content)
    assert any(problem in reason for reason in reasons), reasons
    assert all(reason.startswith(content["records"][0]["source"]["run"]) for reason in reasons)


def test_a_missing_seed_is_refused_unless_it_failed(content: dict[str, Any]) -> None:
    gone = content["records"].pop()["source"]
    assert found(content) == [f"{gone['model']}: digits v1 needs seed 2 too"]
    content["failures"] = [{"model": gone["model"], "data": "digits", "seed": 2, "error": "NaN", "run": gone["run"]}]
    assert found(content) == []


def test_a_seed_that_counts_twice_is_refused(content: dict[str, Any]) -> None:
    content["records"].append(content["records"][-1])
    assert "a seed counts twice" in found(content)[0]


def test_nothing_is_no_result(content: dict[str, Any]) -> None:
    assert found(content | {"records": []}) == ["it has no records"]
