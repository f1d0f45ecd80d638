"""Checks of a metric: that a score says of the images what its record says, and nothing of chance."""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import get_args

import numpy as np

from zoo_core.evaluation.images import ArrayImages
from zoo_core.evaluation.metric import Evaluand, Likelihoods, Metric, Need, NotApplicable
from zoo_core.evaluation.metrics import check_keys
from zoo_core.evaluation.record import Score
from zoo_core.features import Pixels
from zoo_core.isolation import fresh_random_state
from zoo_core.registry import RegisteredTarget, registry
from zoo_core.specs import MetricSpec
from zoo_core.testing.checked import Checked, needs, shared
from zoo_core.testing.global_state import watched
from zoo_core.testing.metric_material import SHAPES, WORSE, evaluand, reordered, sample, without_labels
from zoo_core.testing.results import CheckFailed, CheckSkipped

ROUNDING = 1e-4
"""Of a score, relative to 1 or to its size."""

Scores = dict[str, Score]


class MetricSubject(Checked[RegisteredTarget[MetricSpec]]):
    """A metric, and what it gives for images as a good model would generate them.

    Args:
        name: as for `--metrics`.
    """

    def _find(self) -> RegisteredTarget[MetricSpec]:
        return registry().metric(self.name)

    @shared
    def metric(self) -> Metric:
        made = self.registered.load()()
        mend = "let the target name a class that derives from zoo_core.evaluation.metric.Metric"
        if not isinstance(made, Metric):
            raise CheckFailed("a zoo_core.evaluation.metric.Metric", f"{made!r}", mend)
        if getattr(made, "name", None) != self.name:
            seen = f"{getattr(made, 'name', None)!r}"
            raise CheckFailed(f"the name of the record, '{self.name}'", seen, "give both the same")
        if getattr(made, "needs", None) not in get_args(Need):
            seen = f"{getattr(made, 'needs', None)!r}"
            raise CheckFailed(f"`needs` to be one of {', '.join(get_args(Need))}", seen, "say what is measured")
        return made

    @shared
    def scores(self) -> Scores:
        return self.measure(evaluand())

    def measure(self, judged: Evaluand) -> Scores:
        """What the metric gives; that few images make a score uncertain, need not be said here."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self.metric(judged)


def it_opens_as_a_metric(subject: MetricSubject) -> None:
    """The target gives a `Metric` of the record's name, which says what it needs."""
    needs(subject.metric)


def scores_are_finite_and_named(subject: MetricSubject) -> None:
    """A dict of `Score`, in gray and in colour: finite, with a label; their keys begin with the metric's name, since a
    key means one thing."""
    for shape in SHAPES:
        found = subject.scores if shape == SHAPES[0] else subject.measure(evaluand(shape=shape))
        if not isinstance(found, dict) or not found or not all(isinstance(score, Score) for score in found.values()):
            raise CheckFailed("a dict of zoo_core.evaluation.record.Score", f"{found!r}", "see `Metric.__call__`")
        for key, score in found.items():
            if not math.isfinite(score.value) or not score.label:
                raise CheckFailed(
                    f"a finite score and a label for images {shape}",
                    f"'{key}' is {score.value}, called '{score.label}'",
                    "raise NotApplicable for what can't be measured, and name what is",
                )
    try:
        check_keys(subject.name, subject.scores)
    except ValueError as error:
        expected = f"scores called '{subject.name}', or that and more after '_'"
        raise CheckFailed(expected, str(error), "put the metric's name first") from error


def intervals_hold_their_scores(subject: MetricSubject) -> None:
    """Bounds go from low to high with the score between, say how they were found, and no error is negative."""
    for key, score in subject.scores.items():
        low, high = score.interval or (score.value, score.value)
        named = score.interval is None or bool(score.interval_method)
        if not (low <= score.value <= high and (score.standard_error or 0) >= 0 and named):
            raise CheckFailed(
                "an interval that holds the score, a standard error of 0 or more, and how both were found",
                f"'{key}' is {score.value:.4g} in {score.interval} by '{score.interval_method}', standard error "
                f"{score.standard_error}",
                "take them from zoo_core.evaluation.intervals",
            )


def needs_are_what_it_says(subject: MetricSubject) -> None:
    """What `needs` names is made for it, and nothing else: that has to be enough, and is not asked for in vain."""
    whole, need = evaluand(), subject.metric.needs
    nothing = replace(without_labels(whole), generated=None, real=None, training=None, pairs=None, likelihoods=None)
    enough, lacking = {
        "samples": (replace(without_labels(whole), pairs=None, likelihoods=None), replace(whole, generated=None)),
        "labels": (replace(whole, pairs=None, likelihoods=None), without_labels(whole)),
        "reconstructions": (replace(nothing, pairs=whole.pairs), replace(whole, pairs=None)),
        "likelihood": (replace(nothing, likelihoods=whole.likelihoods), replace(whole, likelihoods=None)),
    }[need]
    try:
        needs(subject.measure(enough))
    except Exception as error:
        seen = f"{type(error).__name__}: {error}"
        raise CheckFailed(f"a score from nothing but {need}", seen, "say in `needs` what else it takes") from error
    with _not_applicable(f"NotApplicable where there are no {need}"):
        needs(subject.measure(lacking))
        raise CheckFailed(f"NotApplicable where there are no {need}", "scores", "say in `needs` what it looks at")


def what_can_not_be_measured_is_refused(subject: MetricSubject) -> None:
    """Two images of 4x4 pixels and features without classes come from the command line, too."""
    images = [np.random.default_rng(seed).integers(0, 256, (2, 4, 4, 1), "uint8") for seed in range(4)]
    sides = [sample(ArrayImages(f"small {number}", array), Pixels()) for number, array in enumerate(images)]
    small = Evaluand(
        network=Pixels(),
        reference=sides[0],
        generated=sides[1],
        real=sides[2],
        training=sides[3],
        pairs=(sides[0].images, sides[1].images),
        likelihoods=Likelihoods(np.array([-9.0, -8.0]), "exact", "discrete"),
    )
    with _not_applicable("a score of 2 images of 4x4 pixels, or NotApplicable with the reason"):
        needs(subject.measure(small))


def measuring_again_gives_the_same(subject: MetricSubject) -> None:
    """Whatever the random state: a record must repeat."""
    with fresh_random_state():
        again = subject.measure(evaluand())
    if again != subject.scores:
        seen = ", ".join(f"'{key}' {subject.scores[key].value:.6g}, then {again[key].value:.6g}" for key in again)
        raise CheckFailed("the same scores of the same images", seen, "draw from np.random.default_rng(SEED)")


def the_order_of_images_does_not_matter(subject: MetricSubject) -> None:
    """Sorted by brightness they score the same; where pairs or parts are drawn, or a network is trained, to within four
    standard errors or the width of the 95 % interval."""
    for key, score in subject.measure(reordered(evaluand())).items():
        before = subject.scores[key]
        low, high = before.interval or (0, 0)  # an accuracy of 1 has a standard error of 0
        allowed = max(4 * (before.standard_error or 0), high - low, ROUNDING * max(1, abs(before.value)))
        if abs(score.value - before.value) > allowed:
            raise CheckFailed(
                f"'{key}' to be {before.value:.4g} in every order, to {allowed:.2g}",
                f"{score.value:.4g} where images are sorted by brightness",
                "look at all images, or draw some of them at random",
            )


def the_reference_itself_scores_the_ideal(subject: MetricSubject) -> None:
    """What `ideal` promises of images that are the reference, or are perfectly reconstructed."""
    ideal = subject.metric.ideal
    if ideal is None:
        raise CheckSkipped("the metric declares no ideal")
    for key, score in subject.measure(evaluand("same")).items():
        if abs(score.value - ideal) > ROUNDING * max(1, abs(ideal)):
            raise CheckFailed(f"'{key}' of the reference itself to be {ideal}", f"{score.value:.6g}", "correct `ideal`")


def worse_images_score_worse(subject: MetricSubject) -> None:
    """Of nearly black images, of one image again and again, and of copies of the training images, at least one is
    clearly worse than new real images are, in the direction that `better` says."""
    found = [subject.measure(evaluand(kind)) for kind in WORSE]
    for key, score in subject.scores.items():
        sign = 1 if score.better == "lower" else -1
        clear = max(3 * (score.standard_error or 0), 0.05 * abs(score.value))
        seen = [scores[key].value for scores in found if key in scores]
        if not any(sign * (value - score.value) > clear for value in seen):
            described = ", ".join(f"{value:.4g} of {kind} images" for kind, value in zip(WORSE, seen, strict=False))
            raise CheckFailed(
                f"a score '{key}' on the other side of '{score.better} is better' for images that are worse",
                f"{score.value:.4g} of real images, {described}",
                "correct `better`",
            )


def measuring_leaves_the_process_as_it_was(subject: MetricSubject) -> None:
    """The models in the same process rely on its random states and its environment."""
    needs(subject.scores)  # what is imported the first time, and by whom, is another matter
    judged, changed = evaluand(), set[str]()
    with watched(changed):
        needs(subject.measure(judged))
    if changed:
        raise CheckFailed(
            "measuring to leave the process as it was",
            f"{' and '.join(sorted(changed))} changed",
            "draw from np.random.default_rng(SEED), which is nobody else's",
        )


@contextmanager
def _not_applicable(expected: str) -> Iterator[None]:
    """A scope that may end in NotApplicable, and in no other exception of the metric."""
    try:
        yield
    except NotApplicable:
        pass
    except CheckFailed:
        raise
    except Exception as error:
        raise CheckFailed(expected, f"{type(error).__name__}: {error}", "raise NotApplicable(reason)") from error


CHECKS = (
    it_opens_as_a_metric,
    scores_are_finite_and_named,
    intervals_hold_their_scores,
    needs_are_what_it_says,
    what_can_not_be_measured_is_refused,
    measuring_again_gives_the_same,
    the_order_of_images_does_not_matter,
    the_reference_itself_scores_the_ideal,
    worse_images_score_worse,
    measuring_leaves_the_process_as_it_was,
)
