"""To be installed is to be tested: every model of every plugin passes the conformance kit, and so does what the core
brings."""

from collections.abc import Callable
from pathlib import Path

import pytest

import zoo_core
from zoo_core.evaluation.classification_accuracy_score import ClassificationAccuracyScore
from zoo_core.features.storage import Recipe
from zoo_core.testing import check_dataset, check_features, parametrize_with_checks
from zoo_core.testing.kit import METRIC_CHECKS, SLOW_CHECKS, perform
from zoo_core.testing.metrics import MetricSubject
from zoo_core.testing.results import CheckSkipped
from zoo_core.testing.subject import Subject

MODELS = sorted(zoo_core.registry().models)
FOUNDING = ["cgan", "dcgan", "vae"]
COMING_WITH_PACKAGES = [name for name, found in zoo_core.registry().datasets.items() if not found.spec.download]
METRICS = [name for name in zoo_core.registry().metrics if name != "cas"]  # which trains a classifier each time


@parametrize_with_checks(FOUNDING)
def test_conformance(check: Callable[[], None]):
    check()


@pytest.mark.slow
@parametrize_with_checks([model for model in MODELS if model not in FOUNDING])
def test_conformance_of_the_others(check: Callable[[], None]):
    check()


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("check", SLOW_CHECKS, ids=lambda check: check.__name__)
def test_slow_conformance(model: str, check: Callable[[Subject], None]):
    perform(check, Subject(model))


@parametrize_with_checks(["digits", "pixels"])
def test_a_data_set_and_a_feature_network(check: Callable[[], None]):
    check()


@pytest.mark.slow
@pytest.mark.parametrize("name", COMING_WITH_PACKAGES)
def test_every_data_set_that_comes_with_a_package(name: str):
    assert [result for result in check_dataset(name) if result.outcome != "passed"] == []


@pytest.mark.slow
@pytest.mark.shared_data
def test_mnist(shared_data: Path):
    assert [result for result in check_dataset("mnist", data_dir=shared_data) if result.outcome != "passed"] == []


@pytest.mark.slow
def test_the_classifier():
    assert [result for result in check_features("classifier") if result.outcome != "passed"] == []


def pass_checks(subject: MetricSubject) -> None:
    for check in METRIC_CHECKS[1:]:  # what the first one looks at is the same for all that the core brings
        try:
            perform(check, subject)
        except CheckSkipped:
            assert check.__name__ == "the_reference_itself_scores_the_ideal"


@pytest.mark.parametrize("name", METRICS)
def test_metrics(name: str):
    pass_checks(MetricSubject(name))


@pytest.mark.slow
def test_the_metric_that_trains():
    subject = MetricSubject("cas")
    subject.made["metric"] = ClassificationAccuracyScore(Recipe(steps=20, batch_size=32)), None
    pass_checks(subject)
