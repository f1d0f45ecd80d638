"""What may be published: the project's own results may, and nothing that was changed in any place that counts."""

import json
from pathlib import Path
from typing import Any

import pytest

from zoo_core.comparing.results import Comparison
from zoo_core.comparing.verify import problems
from zoo_core.evaluation.protocol import load_protocol

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
        ("metrics.fd_classifier.n_generated", 359, "expected 1,294 generated images, received 359"),
        ("metrics.fd_classifier.n_reference", 50, "expected 359 reference images, received 50"),
        ("metrics.fd_classifier.n_reference", 0, "expected 359 reference images, received 0"),
        ("metrics", {}, "it has no score of fd"),
        ("source.training.ema", 0.9, "ema should be 0.999, received 0.9"),
        ("source.training.precision", "bfloat16", "precision should be float32, received bfloat16"),
        ("source.training.augment", ["color"], "augment should be [], received ['color']"),
        ("source.environment", {}, "source.environment.packages: field required"),
        ("source.environment.backend", "torch", "source.environment: value error, packages lack torch"),
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


def test_scores_are_those_of_the_protocol_s_metrics_and_pairs_as_many_as_originals(content: dict[str, Any]) -> None:
    metrics = next(r["metrics"] for r in content["records"] if r["source"]["model"] == "vae")
    metrics["ssim"] |= {"n_generated": 1294, "n_reference": 1294}
    metrics["kid_classifier"] = metrics.pop("memorization_classifier")
    assert [reason.partition(": ")[2] for reason in found(content)] == [
        "it has no score of memorization",
        "ssim: expected 359 reference images, received 1,294",
        "ssim: expected 359 generated images, received 1,294",
        "kid_classifier: it is of none of the protocol's metrics",
    ]


@pytest.fixture
def restored(content: dict[str, Any]) -> dict[str, Any]:
    """The records of one model, as if it had made its images from inputs."""
    protocol = load_protocol("digits-noise25")
    content["records"] = content["records"][:1]
    (record,) = content["records"]
    record["protocol"] = protocol.model_dump(mode="json")
    record["requested"] = list(protocol.scoring.metrics)
    record["data"]["content_hash"] = protocol.data.content_hash
    record["source"] |= {"model": "pix2pix", "distribution": "zoo-pix2pix"}
    record["source"]["trained_on"] = {"name": protocol.data.source, "content_hash": protocol.data.content_hash}
    record["sampling"]["variety"] = None
    score = record["metrics"]["fd_classifier"] | {"n_generated": protocol.scoring.generated}
    record["metrics"] = {"psnr": score, "ssim": score, "fd_classifier": score}
    return content


def test_models_are_compared_with_those_of_their_kind(restored: dict[str, Any]) -> None:
    (record,) = restored["records"]
    assert found(restored) == ["pix2pix: digits-noise25 v1 needs seed 1, 2 too"]
    record["source"] |= {"model": "dcgan", "distribution": "zoo-dcgan"}
    assert "'dcgan' makes images from nothing, and digits-noise25 v1 is for" in found(restored)[0]
    record["source"]["distribution"] = "zoo-of-somebody"  # not installed: then the record tells
    assert found(restored) == ["dcgan: digits-noise25 v1 needs seed 1, 2 too"]
    record["sampling"]["variety"] = 0.9
    assert "'dcgan' makes images from nothing" in found(restored)[0]


def test_a_model_that_needs_inputs_is_refused_where_there_are_none(content: dict[str, Any]) -> None:
    content["records"][0]["source"] |= {"model": "pix2pix", "distribution": "zoo-pix2pix"}
    assert "'pix2pix' makes images from inputs, and the data of digits v1 have none" in found(content)[0]


def test_a_missing_seed_is_refused_unless_it_failed(content: dict[str, Any]) -> None:
    gone = content["records"].pop()["source"]
    assert found(content) == [f"{gone['model']}: digits v1 needs seed 2 too"]
    content["failures"] = [{"model": gone["model"], "data": "digits", "seed": 2, "error": "NaN", "run": gone["run"]}]
    assert found(content) == []
    content["failures"][0]["protocol"] = "digits v1"
    assert found(content) == []
    content["failures"][0]["protocol"] = "digits-noise25 v1"
    assert found(content) == [f"{gone['model']}: digits v1 needs seed 2 too"]


def test_a_seed_that_counts_twice_is_refused(content: dict[str, Any]) -> None:
    content["records"].append(content["records"][-1])
    assert "a seed counts twice" in found(content)[0]


def test_nothing_is_no_result(content: dict[str, Any]) -> None:
    assert found(content | {"records": []}) == ["it has no records"]
