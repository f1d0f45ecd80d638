"""Every check of metrics has one, broken on purpose, that fails it and no other. Mended, it is the good one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from zoo_core.testing import check_metric
from zoo_core.testing.kit import METRIC_CHECKS, perform
from zoo_core.testing.metrics import MetricSubject
from zoo_core.testing.results import CheckFailed

INIT = """
import zoo_core

@zoo_core.hookimpl
def zoo_metrics():
    yield zoo_core.MetricSpec(name="toy", summary="A metric for tests", target="zoo_toy.metric:Toy")
"""

METRIC = """
import numpy as np

from zoo_core.evaluation.intervals import Estimate, Rated, normal
from zoo_core.evaluation.metric import NotApplicable, SampleMetric


class Toy(SampleMetric):
    name = "toy"
    ideal = 0.0

    def measure(self, sample, evaluand):
        one, other = (levels(each.images) for each in (sample, evaluand.reference))
        error = one.std(ddof=1) / len(one) ** 0.5
        estimate = normal(abs(one.mean() - other.mean()), error, "by the standard deviation")
        return {"toy": Rated(estimate, "Brightness", "lower", len(other))}


def levels(images):
    return images.read(0, len(images)).mean(axis=(1, 2, 3))
"""

ESTIMATE = 'estimate = normal(abs(one.mean() - other.mean()), error, "by the standard deviation")'
RETURN = 'return {"toy": Rated(estimate'

Replacement = tuple[str, str, str]

BROKEN: dict[str, tuple[str, str, tuple[Replacement, ...]]] = {
    "is no metric": (
        "it_opens_as_a_metric",
        "Expected a zoo_core.evaluation.metric.Metric. Seen: <zoo_toy.metric.Toy object",
        (("metric", "class Toy(SampleMetric):", "class Toy:"),),
    ),
    "has another name than its record": (
        "it_opens_as_a_metric",
        "Expected the name of the record, 'toy'. Seen: 'toys'.",
        (("metric", 'name = "toy"', 'name = "toys"'),),
    ),
    "needs what there is not": (
        "it_opens_as_a_metric",
        "Expected `needs` to be one of samples, labels, reconstructions, likelihood. Seen: 'images'.",
        (("metric", 'name = "toy"', 'name = "toy"\n    needs = "images"'),),
    ),
    "is infinite in colour": (
        "scores_are_finite_and_named",
        "Seen: 'toy' is inf, called 'Brightness'.",
        (("metric", ESTIMATE, f"{ESTIMATE}\n        if sample.images.shape[2] == 3: estimate = Estimate(np.inf)"),),
    ),
    "calls its score as another does": (
        "scores_are_finite_and_named",
        "its scores must be called 'toy', or that and more after '_', received 'fid'",
        (("metric", RETURN, 'return {"fid": Rated(estimate'),),
    ),
    "has an interval beside the score": (
        "intervals_hold_their_scores",
        "take them from zoo_core.evaluation.intervals",
        (("metric", ESTIMATE, f"{ESTIMATE}\n        estimate = estimate._replace(interval=(-2.0, -1.0))"),),
    ),
    "looks at what it did not ask for": (
        "needs_are_what_it_says",
        "Expected a score from nothing but samples. Seen: TypeError: 'NoneType' object is not subscriptable.",
        (("metric", ESTIMATE, f"{ESTIMATE}\n        evaluand.pairs[0]"),),
    ),
    "asks for what it does not look at": (
        "needs_are_what_it_says",
        "Expected NotApplicable where there are no labels. Seen: scores.",
        (("metric", 'name = "toy"', 'name = "toy"\n    needs = "labels"'),),
    ),
    "needs a network of its own kind": (
        "what_can_not_be_measured_is_refused",
        "Seen: AttributeError: 'Pixels' object has no attribute 'classes'. To mend it: raise NotApplicable(reason).",
        (("metric", ESTIMATE, f"{ESTIMATE}\n        evaluand.network.classes"),),
    ),
    "rolls dice": (
        "measuring_again_gives_the_same",
        "draw from np.random.default_rng(SEED)",
        (("metric", "abs(one.mean()", "np.random.default_rng().uniform(0, 1e-6) + abs(one.mean()"),),
    ),
    "looks at the first images": (
        "the_order_of_images_does_not_matter",
        "look at all images, or draw some of them at random",
        (("metric", "read(0, len(images))", "read(0, len(images) // 2)"), ("metric", "    ideal = 0.0\n", "")),
    ),
    "promises another ideal": (
        "the_reference_itself_scores_the_ideal",
        "Expected 'toy' of the reference itself to be 1.0. Seen: 0.",
        (("metric", "ideal = 0.0", "ideal = 1.0"),),
    ),
    "calls worse better": (
        "worse_images_score_worse",
        "Expected a score 'toy' on the other side of 'higher is better' for images that are worse.",
        (("metric", '"lower"', '"higher"'),),
    ),
    "seeds NumPy for all": (
        "measuring_leaves_the_process_as_it_was",
        "the random state of NumPy changed",
        (("metric", ESTIMATE, f"{ESTIMATE}\n        np.random.seed(0)"),),
    ),
}


@pytest.fixture
def install(make_plugin: Callable[..., Path]) -> Callable[..., MetricSubject]:
    """`install((file, text, other), …)`: the plugin `toy`, in its files texts replaced by others."""

    def install(*replacements: Replacement) -> MetricSubject:
        files = {"init": INIT, "metric": METRIC}
        for file, text, other in replacements:
            assert text in files[file]
            files[file] = files[file].replace(text, other)
        make_plugin("toy", files["init"], modules={"metric": files["metric"]})
        return MetricSubject("toy")

    return install


@pytest.mark.parametrize(("named", "told", "replacements"), BROKEN.values(), ids=list(BROKEN))
def test_what_is_broken_fails_by_name(
    install: Callable[..., MetricSubject], named: str, told: str, replacements: tuple[Replacement, ...]
):
    subject = install(*replacements)
    failed = {}
    for check in METRIC_CHECKS[1:]:  # the first one's toy is among the models
        try:
            perform(check, subject)
        except CheckFailed as failure:
            failed[check.__name__] = str(failure)
        except Exception:  # skipped
            assert named in failed or check.__name__ == "the_reference_itself_scores_the_ideal"
    assert list(failed) == [named]
    assert told in failed[named]


def test_mended_it_passes(install: Callable[..., MetricSubject]):
    install()
    assert {result.check: result.outcome for result in check_metric("toy")} == {
        check.__name__: "passed" for check in METRIC_CHECKS
    }
